"""What differs between runs: metrics and which is better, params, tags, packages, datasets, artifacts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.columns import is_system_tag, rank_metrics
from gittrack.core.direction import is_lower_better
from gittrack.core.fields import flatten_params, metric_value
from gittrack.core.model import TAG_NOTE, Code
from gittrack.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from gittrack.core.model import ParamValue, Run


class Absent(Enum):
    """What a run does not have; None is the value of a param."""

    ABSENT = "absent"


ABSENT = Absent.ABSENT
Cell: TypeAlias = "ParamValue | Absent"


class Verdict(Enum):
    """How the value of a metric compares with that of the first run."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same"


@dataclass(frozen=True, slots=True)
class Row:
    """One fact of every compared run."""

    key: str
    cells: tuple[Cell, ...]
    """One a run, in the order of the runs."""

    @property
    def differs(self) -> bool:
        """Whether the runs do not all have the same; ``1``, ``1.0`` and ``True`` are not the same."""
        return any(not _is_same(cell, self.cells[0]) for cell in self.cells[1:])


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric of every compared run."""

    key: str
    values: tuple[float | None, ...]
    """One a run, None where it has no such metric."""
    is_lower_better: bool

    @property
    def differs(self) -> bool:
        """Whether the runs do not all have the same value."""
        return not all(_is_equal(value, self.values[0]) for value in self.values[1:])

    def delta(self, position: int) -> float | None:
        """Return by how much a run is above the first one, None if one of them has no number."""
        first, value = self.values[0], self.values[position]
        if first is None or value is None or not (math.isfinite(first) and math.isfinite(value)):
            return None
        return value - first

    def relative(self, position: int) -> float | None:
        """Return the delta as a part of the first run's value, None where that is 0 or there is no delta."""
        delta, first = self.delta(position), self.values[0]
        return delta / abs(first) if delta is not None and first else None

    def verdict(self, position: int) -> Verdict | None:
        """Return how a run did against the first one, None if one of them lacks the metric.

        A number is better than NaN: a run that diverged achieved nothing.
        """
        first, value = self.values[0], self.values[position]
        if first is None or value is None:
            return None
        if _is_equal(value, first):
            return Verdict.SAME
        return Verdict.BETTER if self._is_better(value, first) else Verdict.WORSE

    @property
    def best(self) -> int | None:
        """Position of the run with the best value, None if there is nothing to choose from."""
        known = [(position, value) for position, value in enumerate(self.values) if value is not None]
        numbers = [(position, value) for position, value in known if not math.isnan(value)]
        if len(self.values) < 2 or not numbers or not self.differs:  # noqa: PLR2004  (a choice of two)
            return None
        choose = min if self.is_lower_better else max
        best = choose(value for _, value in numbers)
        first, *others = [position for position, value in numbers if value == best]
        return None if others and len(others) + 1 == len(known) else first

    def _is_better(self, value: float, other: float) -> bool:
        if math.isnan(value) or math.isnan(other):
            return math.isnan(other)
        return value < other if self.is_lower_better else value > other


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file of the code that is not the same in two runs."""

    path: str
    added: int | None
    """Lines; None for what is no text."""
    removed: int | None


@dataclass(frozen=True, slots=True)
class RunDiff:
    """Two or more runs side by side; the first is what the others are compared with."""

    runs: tuple[Run, ...]
    metrics: tuple[MetricRow, ...]
    """Those that say most first."""
    params: tuple[Row, ...]
    """Nested ones under dotted keys."""
    tags: tuple[Row, ...]
    """Those that people set."""
    packages: tuple[Row, ...]
    """Package → version, of the runs whose environment is known."""
    datasets: tuple[Row, ...]
    """Dataset → digest."""
    artifacts: tuple[Row, ...]
    """Path → digest."""
    attributes: tuple[Row, ...]
    """Status, user, and what is known of the code."""
    code: tuple[ChangedFile, ...] | None = None
    """Files of the code that differ between two runs; None if that is not known."""

    def _repr_html_(self) -> str:
        """Return the comparison for notebooks."""
        from gittrack.core.notebook import show_diff

        return show_diff(self)

    @property
    def sections(self) -> dict[str, tuple[Row, ...]]:
        """Everything but the metrics, by name."""
        return {
            "params": self.params,
            "tags": self.tags,
            "datasets": self.datasets,
            "artifacts": self.artifacts,
            "packages": self.packages,
            "attributes": self.attributes,
        }

    @property
    def differs(self) -> bool:
        """Whether anything is not the same in all of them."""
        rows = (row for section in self.sections.values() for row in section)
        is_other = any(row.differs for row in self.metrics) or any(row.differs for row in rows)
        return is_other or bool(self.code)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What `diff_runs` compares of a run besides the run itself."""

    packages: Mapping[str, str] | None = None
    """Package → version, None if the environment is not known."""


def diff_runs(
    runs: Sequence[Run],
    surroundings: Sequence[Surroundings] = (),
    *,
    value: str = "last",
    code: Sequence[ChangedFile] | None = None,
    directions: Mapping[str, bool] | None = None,
) -> RunDiff:
    """Return what two or more runs have, side by side.

    Args:
        runs: The first is the base.
        surroundings: One a run, if known.
        value: Which value stands for a metric: ``last``, ``best``, ``min`` or ``max``.
        code: Files that differ between two runs, if known.
        directions: Metric → whether less is better, where that is declared; else its name tells.

    Raises:
        UserError: There are fewer than two runs.
    """
    if len(runs) < 2:  # noqa: PLR2004  (two sides)
        raise UserError("there is only one run to compare", hint="name two or more, e.g. @{-1} @")
    around = surroundings or [Surroundings()] * len(runs)
    knows_packages = all(one.packages is not None for one in around)
    return RunDiff(
        runs=tuple(runs),
        metrics=tuple(_metric_rows(runs, value, directions or {})),
        params=_rows([flatten_params(run.params) for run in runs]),
        tags=_rows([_own_tags(run) for run in runs]),
        packages=_rows([one.packages or {} for one in around]) if knows_packages else (),
        datasets=_rows([_datasets(run) for run in runs]),
        artifacts=_rows([{path: one.digest for path, one in run.artifacts.items()} for run in runs]),
        attributes=tuple(
            Row(name, tuple(map(read, runs)))
            for name, read in _ATTRIBUTES.items()
            if any(read(run) is not ABSENT for run in runs)
        ),
        code=None if code is None else tuple(code),
    )


def count_changes(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many facts the last run has that the first has not, the reverse, and with another value."""
    counts = {"changed": 0, "added": 0, "removed": 0}
    for row in rows:
        if row.differs:
            first, last = row.cells[0], row.cells[-1]
            kind = "added" if first is ABSENT else "removed" if last is ABSENT else "changed"
            counts[kind] += 1
    return {kind: count for kind, count in counts.items() if count}


def find_previous(run: Run, runs: Iterable[Run]) -> Run | None:
    """Return the run before ``run`` in its experiment, among those with the same parent.

    Args:
        run: Some run.
        runs: Runs, newest first, as far back as need be.
    """
    own = run.start_time, run.run_id
    for other in runs:
        is_sibling = other.experiment_id == run.experiment_id and other.parent == run.parent
        if is_sibling and (other.start_time, other.run_id) < own:
            return other
    return None


def compare_metric(key: str, runs: Sequence[Run], value: str, directions: Mapping[str, bool]) -> MetricRow:
    """Return one metric of runs; see `diff_runs`."""
    lower = directions.get(key, is_lower_better(key))
    cells = (
        metric_value(key, run.metrics[key], value, lower=lower) if key in run.metrics else None
        for run in runs
    )
    return MetricRow(key, tuple(cells), lower)


def _metric_rows(runs: Sequence[Run], value: str, directions: Mapping[str, bool]) -> Iterable[MetricRow]:
    for key in rank_metrics(key for run in runs for key in run.metrics):
        yield compare_metric(key, runs, value, directions)


def _rows(sides: Sequence[Mapping[str, ParamValue]]) -> tuple[Row, ...]:
    keys = sorted({key for side in sides for key in side})
    return tuple(Row(key, tuple(side.get(key, ABSENT) for side in sides)) for key in keys)


def _own_tags(run: Run) -> dict[str, str]:
    return {key: text for key, text in run.tags.items() if key == TAG_NOTE or not is_system_tag(key)}


def _datasets(run: Run) -> dict[str, str]:
    return {
        f"{one.dataset.name} ({one.context})" if one.context else one.dataset.name: one.dataset.digest
        for one in run.datasets.values()
    }


def _is_same(one: Cell, other: Cell) -> bool:
    return type(one) is type(other) and repr(one) == repr(other)


def _is_equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return one == other or (math.isnan(one) and math.isnan(other))


def _of_code(name: str) -> Callable[[Run], Cell]:
    def read(run: Run) -> Cell:
        found: str | bool | None = getattr(run.code or Code(), name)
        return ABSENT if found is None else found

    return read


_ATTRIBUTES: dict[str, Callable[[Run], Cell]] = {
    "status": lambda run: run.status.value,
    "user": lambda run: run.user,
    "source": lambda run: run.source or ABSENT,
    **{name: _of_code(name) for name in ("commit", "branch", "dirty", "tree", "entry")},
}
