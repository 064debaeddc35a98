"""Content of runs at remotes: sent with a push, brought when somebody reads it."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.errors import ArtifactNotFoundError, CorruptDataError, NotFoundError, RemoteError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from gittrack.core.model import Artifact, Run
    from gittrack.errors import GittrackError
    from gittrack.store.contents import Contents
    from gittrack.store.git_store import GitStore
    from gittrack.tracking.client import Client


@dataclass(frozen=True, slots=True)
class Transfer:
    """What was sent or fetched."""

    files: int = 0
    content_bytes: int = 0
    """What the files hold."""
    sent_bytes: int = 0
    """What of that had to travel: shared chunks are sent once."""


NOTHING = Transfer()


def open_contents(client: Client, git_remote: str | None = None, *, may_prompt: bool = False) -> Contents:
    """Return the content of a client's repository.

    Args:
        client: Of a Git repository.
        git_remote: The Git remote to send to.
        may_prompt: Whether git may ask for a password.

    Raises:
        UserError: The client tracks elsewhere, or the settings make no sense.
    """
    from gittrack.store.contents import Contents
    from gittrack.tracking.open import read_content_settings
    from gittrack.tracking.sync import choose_remote, git_store

    store = git_store(client)
    remotes = list(store.remotes())
    try:
        first = choose_remote(client, git_remote)
    except (NotFoundError, UserError):
        first = None
    if first is not None:
        remotes = [first, *(name for name in remotes if name != first)]
    return Contents(store, read_content_settings(store), remotes, may_prompt)


def find_unsent(
    client: Client, contents: Contents | None = None, *, without: Container[str] = ()
) -> dict[str, int]:
    """Return digest and size of content that runs refer to, is here, and is at no remote yet.

    Args:
        client: Of a Git repository.
        contents: Its content, if that is open.
        without: Ids of runs that do not count.

    Raises:
        StoreError: Something cannot be read.
    """
    from gittrack.store import blobs

    contents = contents or open_contents(client)
    here = set(blobs.list_blobs(contents.store.layout))
    if not here:
        return {}
    recipes = contents.list_recipes().values()
    unsent = here - {one.digest for one in recipes if contents.settings.choose(one.size) in one.where}
    if not unsent:
        return {}
    # Runs are many: they are only looked at if there is something that one of them may refer to.
    return contents.find_unsent(
        artifact
        for run in client.list_runs(view_type=3)
        if run.run_id not in without
        for artifact in run.artifacts.values()
        if artifact.digest in unsent
    )


def send_contents(
    client: Client, git_remote: str | None = None, *, progress: Callable[[int, int], None] | None = None
) -> Transfer:
    """Send all content that runs refer to and that is not where the settings want it.

    What others have sent has to be known before, so that it is not sent again: fetch and merge first. That a
    remote still has what it should is asked for the runs that are about to be pushed.

    Raises:
        NotFoundError: There is no such remote.
        RemoteError: A remote failed; the next call goes on where this one stopped.
        StoreError: Something cannot be read or written.
    """
    contents = open_contents(client, git_remote, may_prompt=True)
    held = _list_held(contents)
    unsent = find_unsent(client, contents, without=held)
    wanted = {**_find_doubtful(contents, held), **unsent}
    if not wanted:
        return Transfer()
    sent = contents.send(wanted, count_up(progress, sum(wanted.values())))
    return Transfer(len(unsent), sum(unsent.values()), sent)


def fetch_contents(
    client: Client,
    artifacts: Iterable[Artifact],
    git_remote: str | None = None,
    *,
    may_prompt: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Transfer:
    """Bring content that is not here; what is here, inline or only referred to is left alone.

    Raises:
        ArtifactNotFoundError: No remote has it.
        CorruptDataError: What a remote has is damaged.
        RemoteError: No remote that has it can be reached.
        StoreError: The disk is full, or failed.
    """
    store = client.store
    missing = {one.digest: one for one in artifacts if one.uri is None and not store.has_content(one)}
    if not missing:
        return Transfer()
    total = sum(one.size for one in missing.values())
    contents = open_contents(client, git_remote, may_prompt=may_prompt)
    contents.fetch(missing.values(), count_up(progress, total))
    return Transfer(len(missing), total)


def fetch_all(
    client: Client, git_remote: str | None = None, *, progress: Callable[[int, int], None] | None = None
) -> tuple[Transfer, list[GittrackError]]:
    """Bring the content of all runs; return what came, and why what did not come is not here.

    Raises:
        StoreError: The disk is full, or failed.
    """
    artifacts = [one for run in client.list_runs() for one in run.artifacts.values()]
    try:
        return fetch_contents(client, artifacts, git_remote, may_prompt=True, progress=progress), []
    except (ArtifactNotFoundError, CorruptDataError, RemoteError):
        pass  # one by one, so that one that is lost keeps no other from coming
    failures: list[GittrackError] = []
    files = size = 0
    for artifact in {one.digest: one for one in artifacts}.values():
        try:
            came = fetch_contents(client, [artifact], git_remote, may_prompt=True)
        except (ArtifactNotFoundError, CorruptDataError, RemoteError) as error:
            failures.append(error)
        else:
            files, size = files + came.files, size + came.content_bytes
    return Transfer(files, size), failures


def bring(client: Client, run: Run, path: str = "") -> None:
    """See to it that a file or folder of a run is here, as far as some remote has it.

    Raises:
        ArtifactNotFoundError: No remote has it.
        CorruptDataError: What a remote has is damaged.
        RemoteError: No remote that has it can be reached.
    """
    from gittrack.tracking.downloads import select_artifacts

    fetch_contents(client, select_artifacts(run, path))


def mender(client: Client, run: Run) -> Callable[[Artifact], None]:
    """Return what replaces damaged content of a run by what a remote has.

    It raises:
        CorruptDataError: No remote has it, or none that can be reached.
        StoreError: The disk is full, or failed.
    """
    from gittrack.store.git_store import GitStore
    from gittrack.tracking.downloads import damaged

    def mend(artifact: Artifact) -> None:
        if not isinstance(client.store, GitStore) or artifact.inline or artifact.uri is not None:
            raise damaged(artifact)
        with client.store.exclusive("mend"):
            _mend(client, client.store, run, artifact)

    return mend


def _mend(client: Client, store: GitStore, run: Run, artifact: Artifact) -> None:
    from gittrack.store import blobs

    try:
        blobs.verify_blob(store.layout, artifact.digest)
    except CorruptDataError:
        blobs.put_aside(store.layout, artifact.digest)
    else:
        return  # somebody else mended it meanwhile
    try:
        fetch_contents(client, [artifact])
    except (NotFoundError, CorruptDataError, RemoteError, UserError) as error:
        remains = blobs.find_remains(store.layout, artifact.digest)
        message = f"the content of {artifact.path!r} is damaged, and no remote gives it: {error.message}"
        raise CorruptDataError(
            message,
            hint=f"log it again, or run `gittrack push` in another clone that has it, first where {run.user} "
            f"made the run; what is left of it is {str(remains)!r}",
        ) from error
    warnings.warn(f"the content of {artifact.path!r} was damaged here, and was fetched again", stacklevel=5)


def _list_held(contents: Contents) -> set[str]:
    """Return ids of runs that a push keeps here, for what may be a secret in them: their content too."""
    if not contents.git_remotes:
        return set()
    return {one.run_id for one in contents.store.held(contents.git_remotes[0]) if one.run_id is not None}


def _find_doubtful(contents: Contents, held: Container[str]) -> dict[str, int]:
    """Return content of runs that the Git remote does not know yet: what a recipe names may be gone."""
    from gittrack.store import blobs

    if not contents.git_remotes:
        return {}
    store = contents.store
    known = store.compare(contents.git_remotes[0])
    ahead = (store.find_run(run_id) for run_id in known.ahead if run_id not in held)
    named = {
        one.digest: one.size
        for run in ahead
        for one in (run.artifacts.values() if run is not None else ())
        if not one.inline and one.uri is None
    }
    missing = set(blobs.find_missing(store.layout, named))
    return {digest: size for digest, size in named.items() if digest not in missing}


def count_up(progress: Callable[[int, int], None] | None, total: int) -> Callable[[int], None]:
    """Return what any thread may call with more bytes, so that ``progress`` hears of all so far."""
    done, alone = 0, threading.Lock()

    def more(size: int) -> None:
        nonlocal done
        with alone:
            done += size
            if progress is not None:
                progress(done, total)

    return more
