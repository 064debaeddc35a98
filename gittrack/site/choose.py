"""A source of which the site shows a part: the runs that fit, without what is redacted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.errors import ArtifactNotFoundError
from gittrack.site.previews import is_text
from gittrack.site.redact import CODE, ENV, redact_run, redact_text
from gittrack.site.run_code import CODE_FILE, LAUNCH_FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from gittrack.core.model import Experiment, Run
    from gittrack.core.registry import ModelVersion, RegisteredModel
    from gittrack.core.series import Series
    from gittrack.site.source import PastRuns, Source
    from gittrack.tracking.verify import Verification


@dataclass(frozen=True, slots=True)
class ChosenPast:
    """Runs of the past, without what shall not be shown."""

    past: PastRuns
    keeps: Callable[[Run], bool]
    redacted: AbstractSet[str]

    def list_experiments(self) -> list[Experiment]:
        """Return the experiments that were active."""
        return self.past.list_experiments()

    def list_runs(self) -> list[Run]:
        """Return the runs that fit, redacted."""
        return [redact_run(run, self.redacted) for run in self.past.list_runs() if self.keeps(run)]

    def get_series(self, run_id: str) -> dict[str, Series]:
        """Return a run's histories."""
        return self.past.get_series(run_id)


@dataclass
class ChosenSource:
    """A `Source` that leaves out what shall not be shown."""

    source: Source
    keeps: Callable[[Run], bool]
    """Whether a run, as it is, is part of the site."""
    redacted: AbstractSet[str] = frozenset()
    """Kinds of `gittrack.site.redact`."""
    _users: dict[str, str] = field(default_factory=dict)

    def head(self) -> str | None:
        """Return the commit that is read."""
        return self.source.head()

    def repository_name(self) -> str:
        """Return the name to show for the repository."""
        return self.source.repository_name()

    def list_experiments(self) -> list[Experiment]:
        """Return all active experiments."""
        return self.source.list_experiments()

    def list_runs(self) -> list[Run]:
        """Return the runs that fit, redacted."""
        return self._choose(self.source.list_runs())

    def list_late_runs(self) -> list[Run]:
        """Return the same; see `Source`."""
        return self._choose(self.source.list_late_runs())

    def _choose(self, found: list[Run]) -> list[Run]:
        runs = [run for run in found if self.keeps(run)]
        self._users = {run.run_id: run.user for run in runs}
        return [redact_run(run, self.redacted) for run in runs]

    def get_series(self, run_id: str) -> dict[str, Series]:
        """Return a run's histories."""
        return self.source.get_series(run_id)

    def open_past(self, commit: str) -> ChosenPast:
        """Return what fits of the runs as they were at a commit of the hidden branch."""
        return ChosenPast(self.source.open_past(commit), self.keeps, self.redacted)

    def list_committed(self, folder: str) -> list[str]:
        """Return the paths of the files right in a folder of the commit that is checked out."""
        return self.source.list_committed(folder)

    def read_committed(self, path: str) -> bytes | None:
        """Return the content of a committed file; texts are redacted as the runs are."""
        content = self.source.read_committed(path)
        return self._redact(content, "") if content is not None and is_text(path) else content

    def read_artifact(self, run_id: str, path: str, *, fetch: bool = True) -> bytes:
        """Return an artifact's content; texts are redacted as the runs are.

        Raises:
            ArtifactNotFoundError: It is not here, or is a text that cannot be redacted.
        """
        content = self.source.read_artifact(run_id, path, fetch=fetch)
        if not self.redacted or not is_text(path):
            return content
        try:
            text = content.decode()
        except UnicodeDecodeError:
            message = f"{path!r} is no text that could be redacted"
            raise ArtifactNotFoundError(message) from None
        return redact_text(text, self._users.get(run_id, ""), self.redacted).encode()

    def find_side_file(self, run_id: str, name: str) -> bytes | None:
        """Return a small file that lies beside a run, redacted as the runs are."""
        content = self.source.find_side_file(run_id, name)
        hidden = {CODE_FILE: CODE, LAUNCH_FILE: ENV}.get(name)
        if content is None or hidden in self.redacted:
            return None
        return self._redact(content, self._users.get(run_id, ""))

    def find_environment(self, digest: str) -> str | None:
        """Return the packages of an environment as a lock."""
        return None if ENV in self.redacted else self.source.find_environment(digest)

    def find_code_tree(self, commit: str) -> str | None:
        """Return the tree of a commit."""
        return None if CODE in self.redacted else self.source.find_code_tree(commit)

    def find_code_folder(self, tree: str) -> dict[str, tuple[int, str]] | None:
        """Return what is in a folder of code."""
        return None if CODE in self.redacted else self.source.find_code_folder(tree)

    def find_code_file(self, blob: str) -> bytes | None:
        """Return the content of a file of code, redacted as the runs are."""
        content = None if CODE in self.redacted else self.source.find_code_file(blob)
        return None if content is None else self._redact(content, "")

    def _redact(self, content: bytes, user: str) -> bytes:
        if not self.redacted:
            return content
        return redact_text(content.decode("utf-8", "replace"), user, self.redacted).encode()

    def list_side_files(self, run_id: str) -> list[str]:
        """Return the names of the small files that lie beside a run."""
        return self.source.list_side_files(run_id)

    def verify_run(self, run_id: str) -> Verification:
        """Return what a run's signatures say of it."""
        return self.source.verify_run(run_id)

    def list_registered_models(self) -> list[RegisteredModel]:
        """Return the registered models."""
        return self.source.list_registered_models()

    def list_model_versions(self) -> list[ModelVersion]:
        """Return the versions whose runs are shown, or that have none."""
        versions = self.source.list_model_versions()
        return [one for one in versions if not one.run_id or one.run_id in self._users]
