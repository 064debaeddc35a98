"""Content of one repository here and at its remotes: what is where, and how it gets there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.core.content_settings import GIT
from gittrack.errors import ArtifactNotFoundError, CorruptDataError, GittrackError, NotFoundError, RemoteError
from gittrack.store import blobs
from gittrack.store.receiving import receive
from gittrack.store.recipes import find_recipe, list_recipes, write_recipes
from gittrack.store.remotes.choose import open_remote
from gittrack.store.sending import Sender, send

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gittrack.core.content import Recipe
    from gittrack.core.content_settings import ContentSettings
    from gittrack.core.model import Artifact
    from gittrack.store.git_store import GitStore
    from gittrack.store.remotes.interface import Remote


@dataclass(slots=True)
class Contents:
    """The content of one repository, and the remotes it may be at."""

    store: GitStore
    settings: ContentSettings
    git_remotes: Sequence[str]
    """Git remotes that content may be at, the one to push to first."""
    may_prompt: bool = False
    """Whether git may ask for a password."""
    _open: dict[tuple[str, str | None], Remote] = field(default_factory=dict)

    def find_recipe(self, digest: str) -> Recipe | None:
        """Return how a content is put together from what a remote holds, None if none holds it.

        Raises:
            CorruptDataError: What is stored of it is damaged.
        """
        return find_recipe(self.store.objects, self.store.root(), digest)

    def list_recipes(self) -> dict[str, Recipe]:
        """Return all recipes by the digest of their content.

        Raises:
            CorruptDataError: One is damaged.
        """
        return {recipe.digest: recipe for recipe in list_recipes(self.store.objects, self.store.root())}

    def find_unsent(self, artifacts: Iterable[Artifact]) -> dict[str, int]:
        """Return digest and size of content that is here, and not yet where the settings want it.

        Raises:
            CorruptDataError: A recipe is damaged.
        """
        root, found = self.store.root(), {}
        sizes = {one.digest: one.size for one in artifacts if not one.inline and one.uri is None}
        missing = set(blobs.find_missing(self.store.layout, sizes))
        for digest, size in sizes.items():
            if digest not in missing:
                recipe = find_recipe(self.store.objects, root, digest)
                if recipe is None or self.settings.choose(size) not in recipe.where:
                    found[digest] = size
        return found

    def send(self, wanted: Mapping[str, int], progress: Callable[[int], None]) -> int:
        """Put content where the settings want it, say so on the hidden branch; return the bytes sent.

        Args:
            wanted: Digest → size of content that is here.
            progress: Called with bytes of content as they are dealt with.

        Raises:
            RemoteError: A remote failed; what was completed before is done.
            StoreError: Local content cannot be read, or the hidden branch not be written.
        """
        targets: dict[str, list[str]] = {}
        # Largest first, then by digest: what was interrupted is packed the same way again.
        for digest in sorted(wanted, key=lambda one: (-wanted[one], one)):
            targets.setdefault(self.settings.choose(wanted[digest]), []).append(digest)
        sent = 0
        for name, digests in targets.items():
            sender = Sender(self.store.layout, self.remote(name), self.list_recipes(), progress)
            send(sender, digests, self._keep)
            sent += sender.sent_bytes
        return sent

    def fetch(self, artifacts: Iterable[Artifact], progress: Callable[[int], None]) -> int:
        """Bring content that is not here, verified, from any remote that has it; return how many came.

        Raises:
            ArtifactNotFoundError: No remote has some of it.
            CorruptDataError: What a remote has is damaged, and no other has it.
            RemoteError: A remote cannot be reached, and no other has it.
            StoreError: The disk is full, or failed.
        """
        wanted = {one.digest: one for one in artifacts if not one.inline and one.uri is None}
        root = self.store.root()
        recipes: dict[str, Recipe] = {}
        for digest in blobs.find_missing(self.store.layout, wanted):
            recipe = find_recipe(self.store.objects, root, digest)
            if recipe is None:
                raise self._never_sent(wanted[digest])
            recipes[digest] = recipe
        groups: dict[tuple[str, ...], list[Recipe]] = {}
        for recipe in recipes.values():
            groups.setdefault(recipe.where, []).append(recipe)
        for where, group in groups.items():
            self._fetch_from(where, group, progress)
        return len(recipes)

    def remote(self, name: str, git_remote: str | None = None) -> Remote:
        """Return the remote called ``name``; of Git remotes, the first one unless another is given.

        Raises:
            NotFoundError: There is no such remote.
            UserError: A package that it needs is missing, or its URL makes no sense.
        """
        if name == GIT and git_remote is None:
            if not self.git_remotes:
                message = "content goes to the Git remote, and this repository has none"
                raise ArtifactNotFoundError(message, hint="add one: git remote add origin URL")
            git_remote = self.git_remotes[0]
        key = (name, git_remote)
        if key not in self._open:
            self._open[key] = open_remote(
                self.store, self.settings, name, git_remote, may_prompt=self.may_prompt
            )
        return self._open[key]

    def _never_sent(self, artifact: Artifact) -> ArtifactNotFoundError:
        message = f"the content of {artifact.path!r} ({artifact.digest[:12]}) was never sent to a remote"
        hint = "run `gittrack push` where the run was made"
        if remains := blobs.find_remains(self.store.layout, artifact.digest):
            message += ", and is damaged here"
            hint += f", or log it again; what is left of it is {str(remains)!r}"
        return ArtifactNotFoundError(message, hint=hint)

    def _fetch_from(
        self, where: Sequence[str], recipes: Sequence[Recipe], progress: Callable[[int], None]
    ) -> None:
        places = [
            (name, git_remote)
            for name in where
            for git_remote in (self.git_remotes if name == GIT else (None,))
        ]
        failure: GittrackError | None = None
        for name, git_remote in places:
            try:
                receive(self.store.layout, self.remote(name, git_remote), recipes, progress)
            except (NotFoundError, CorruptDataError, RemoteError) as error:
                failure = failure or error  # another place may have it
                lacking = set(blobs.find_missing(self.store.layout, [one.digest for one in recipes]))
                recipes = [one for one in recipes if one.digest in lacking]
            else:
                return
        if failure is None:
            message = f"no remote is known that has the content {recipes[0].digest[:12]}"
            failure = ArtifactNotFoundError(message, hint="run `gittrack push` where the run was made")
        raise failure

    def _keep(self, recipes: Sequence[Recipe]) -> None:
        count = len(recipes)
        subject = f"content of {count} files is at {recipes[0].where[0]}" if count else ""
        write_recipes(self.store.committer, recipes, subject)
