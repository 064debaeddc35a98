"""A reader for the trackers that know runs and nothing else: what is found in files, run by run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.names import derive_experiment_id
from gittrack.errors import CorruptDataError
from gittrack.importers.records import FoundExperiment, UnreadableRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gittrack.importers.records import FoundLoggedModel, FoundRegisteredModel, FoundRun


@dataclass(frozen=True, slots=True)
class PendingRun:
    """A run that is known to be there."""

    name: str
    """What to call it should it be unreadable."""
    read: Callable[[], FoundRun]
    """Reads what is said of the run.

    Raises:
        CorruptDataError: It is damaged.
    """


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that become one experiment."""

    name: str
    creation_time: int
    """Milliseconds since the epoch."""
    runs: Sequence[PendingRun]


class RunsReader:
    """Reads groups of runs; one that is damaged does not keep the others back."""

    def __init__(self, groups: Sequence[Group]) -> None:
        """Read ``groups``, whose names differ."""
        self._groups = {derive_experiment_id(group.name): group for group in groups}

    def experiments(self) -> Iterator[FoundExperiment]:
        """Yield one experiment a group."""
        for experiment_id, group in self._groups.items():
            yield FoundExperiment(experiment_id, group.name, group.creation_time)

    def runs(self, experiment: FoundExperiment) -> Iterator[FoundRun | UnreadableRun]:
        """Yield the runs of a group."""
        for pending in self._groups[experiment.experiment_id].runs:
            try:
                yield pending.read()
            except CorruptDataError as error:
                yield UnreadableRun(pending.name, error)

    def logged_models(self, _experiment: FoundExperiment) -> tuple[FoundLoggedModel, ...]:
        """Return none."""
        return ()

    def registered_models(self) -> tuple[FoundRegisteredModel, ...]:
        """Return none."""
        return ()
