"""What the site needs to know, as one narrow interface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gittrack.core.model import Experiment, Run
    from gittrack.core.registry import ModelVersion, RegisteredModel
    from gittrack.core.series import Series
    from gittrack.tracking.verify import Verification


class PastRuns(Protocol):
    """Runs as they were at some commit of the hidden branch."""

    def list_experiments(self) -> list[Experiment]:
        """Return all active experiments."""

    def list_runs(self) -> list[Run]:
        """Return all active runs, newest first."""

    def get_series(self, run_id: str) -> dict[str, Series]:
        """Return the whole history of every metric of a run."""


class Source(PastRuns, Protocol):
    """A store as the site reads it; `gittrack.tracking.client.Client` is one."""

    def list_late_runs(self) -> list[Run]:
        """Return all active runs, newest first; their params and tags may be mappings that are no dicts."""

    def head(self) -> str | None:
        """Return the commit of the hidden branch that is read, None when there is none yet."""

    def repository_name(self) -> str:
        """Return the name to show for the repository, e.g. ``vision/cifar``."""

    def open_past(self, commit: str) -> PastRuns:
        """Return the runs as they were at a commit of the hidden branch.

        Raises:
            NotFoundError: It is not here.
        """

    def list_committed(self, folder: str) -> list[str]:
        """Return the paths of the files right in a folder of the commit that is checked out, sorted."""

    def read_committed(self, path: str) -> bytes | None:
        """Return the content of a file of the commit that is checked out, None if there is none."""

    def list_registered_models(self) -> list[RegisteredModel]:
        """Return all registered models."""

    def list_model_versions(self) -> list[ModelVersion]:
        """Return all versions of all registered models."""

    def read_artifact(self, run_id: str, path: str, *, fetch: bool = True) -> bytes:
        """Return the content of one artifact; ``fetch`` says whether to ask a remote for it.

        Raises:
            ArtifactNotFoundError: The content is not here.
        """

    def find_side_file(self, run_id: str, name: str) -> bytes | None:
        """Return a small file that lies beside a run, None if it has no such file."""

    def list_side_files(self, run_id: str) -> list[str]:
        """Return the names of the small files that lie beside a run."""

    def find_environment(self, digest: str) -> str | None:
        """Return the packages of an environment as a lock, None if it is not known."""

    def find_code_tree(self, commit: str) -> str | None:
        """Return the tree of a commit, None if it is not here."""

    def find_code_folder(self, tree: str) -> dict[str, tuple[int, str]] | None:
        """Return what is in a folder of code: name → mode and id; None if it is not here."""

    def find_code_file(self, blob: str) -> bytes | None:
        """Return the content of a file of code, None if it is not here."""

    def verify_run(self, run_id: str) -> Verification:
        """Return what a run's signatures and a look at all it holds say of it."""
