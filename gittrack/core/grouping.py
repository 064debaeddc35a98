"""Groups of runs that share values, each metric as mean and standard deviation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gittrack.core.fields import NULL, Field, read_field
from gittrack.core.frozen import dataclass
from gittrack.core.model import format_param

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.core.model import ParamValue, Run


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over the runs of a group."""

    mean: float
    std: float | None
    """Of the sample (n - 1 in the denominator); None for a single run."""
    count: int
    """Runs that have the metric."""


@dataclass(frozen=True, slots=True)
class Group:
    """Runs that share the values of some fields."""

    values: tuple[ParamValue, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class FactTable:
    """What grouping needs of runs, as columns."""

    run_ids: Sequence[str]
    by: Sequence[Sequence[ParamValue]]
    """What to group by: a column for each fact, values as `gittrack.core.fields.read_param` returns them."""
    metrics: Mapping[str, Sequence[float | None]]
    """Only those that some run has."""

    def plain(self, column: int) -> list[ParamValue]:
        """Return a column of ``by`` as it is grouped: a param that is None is as good as none."""
        return [
            None if cell is NULL or (cell and isinstance(cell, dict)) else cell for cell in self.by[column]
        ]


def group_runs(runs: Sequence[Run], fields: Sequence[Field]) -> list[Group]:
    """Return groups in the order of their first run; a missing value is a value of its own."""
    groups = group_rows([[read_field(run, field) for run in runs] for field in fields], len(runs))
    return [Group(values, tuple(runs[row] for row in rows)) for values, rows in groups]


def group_rows(
    columns: Sequence[Sequence[ParamValue]], count: int
) -> list[tuple[tuple[ParamValue, ...], list[int]]]:
    """Return the values that rows share, each with the places of those rows; see `group_runs`."""
    groups: dict[tuple[object, ...], tuple[tuple[ParamValue, ...], list[int]]] = {}
    for row, values in enumerate(zip(*columns, strict=True) if columns else [()] * count):
        # 1 and 1.0 are one group, 1 and "1" are two.
        key = tuple(
            (True, value)
            if isinstance(value, (int, float)) and not isinstance(value, bool)
            else (value is None, type(value).__name__, format_param(value))
            for value in values
        )
        groups.setdefault(key, (values, []))[1].append(row)
    return list(groups.values())


def spread_of(
    runs: Sequence[Run],
    key: str,
    value: str = "last",
    directions: Mapping[str, Mapping[str, bool]] | None = None,
) -> Spread | None:
    """Return mean and deviation of a metric over runs, None if no run has it; a NaN makes both NaN.

    See `read_field` for ``value`` and ``directions``.
    """
    return spread_of_cells(read_field(run, Field("metrics", key), value, directions) for run in runs)


def spread_of_cells(cells: Iterable[ParamValue]) -> Spread | None:
    """Return mean and deviation of the numbers among cells, None if there is none."""
    values = [cell for cell in cells if isinstance(cell, float)]
    return measure(values) if values else None


def measure(values: Sequence[float]) -> Spread:
    """Return mean and sample standard deviation of at least one number."""
    count = len(values)
    if count == 1:
        return Spread(values[0], None, count)
    if not all(map(math.isfinite, values)):
        return Spread(sum(values) / count, math.nan, count)
    if min(values) == max(values):
        return Spread(values[0], 0.0, count)
    try:
        mean = math.fsum(values) / count
    except OverflowError:
        mean = math.fsum(value / count for value in values)
    largest = max(abs(value - mean) for value in values)
    if largest == 0 or not math.isfinite(largest):
        return Spread(mean, largest, count)
    squares = math.fsum(((value - mean) / largest) ** 2 for value in values)
    return Spread(mean, largest * math.sqrt(squares / (count - 1)), count)
