"""Histories of metrics: whole, page by page, and of many runs at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, repeat
from typing import TYPE_CHECKING, TypeVar, overload

from gittrack.core.frozen import complete
from gittrack.core.model import Metric
from gittrack.core.names import check_run_id
from gittrack.core.series import Series
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gittrack.core.packed import History
    from gittrack.tracking.client import Client

T = TypeVar("T")

MAX_BULK_RUNS = 100
"""Runs whose histories may be asked for at once, as in MLflow."""
MAX_BULK_RESULTS = 25_000


class _Draft:
    """A point on its way to be a `Metric`: setting what is frozen takes three times as long."""

    __slots__ = Metric.__slots__

    def __init__(self, key: str, value: float, timestamp: int, step: int) -> None:
        self.key = key
        self.value = value
        self.timestamp = timestamp
        self.step = step
        self.__class__ = Metric  # type: ignore[assignment]  # of the same slots


class MetricHistory(Sequence[Metric]):
    """The points of a metric in the order of time, step and value; each is made when it is looked at.

    A million points as columns take a tenth of what they take as a list of points. ``list(history)`` is that
    list; `values`, `steps` and `timestamps` are the columns.
    """

    def __init__(self, key: str, history: History, token: str | None = None) -> None:
        """Show ``history`` as the points of ``key``; ``token`` gets the next page."""
        self.key = key
        self.token = token
        self._steps: Sequence[int] = history.steps
        self._times: Sequence[int] = history.times
        self._values: Sequence[float] = history.values

    @property
    def values(self) -> list[float]:
        """The values."""
        self._values = _to_list(self._values)
        return self._values

    @property
    def steps(self) -> list[int]:
        """The steps."""
        self._steps = _to_list(self._steps)
        return self._steps

    @property
    def timestamps(self) -> list[int]:
        """The times, in milliseconds since the epoch."""
        self._times = _to_list(self._times)
        return self._times

    def to_list(self) -> list[Metric]:
        """Return a plain list."""
        return list(self)

    def __len__(self) -> int:
        """Return the number of points."""
        return len(self._values)

    def __iter__(self) -> Iterator[Metric]:
        """Yield the points."""
        complete(Metric)
        return map(_Draft, repeat(self.key), self._values, self._times, self._steps)  # type: ignore[arg-type]

    @overload
    def __getitem__(self, index: int) -> Metric: ...
    @overload
    def __getitem__(self, index: slice) -> MetricHistory: ...
    def __getitem__(self, index: int | slice) -> Metric | MetricHistory:
        """Return a point, or some of them."""
        if isinstance(index, slice):
            steps, times = _to_list(self._steps[index]), _to_list(self._times[index])
            return MetricHistory(self.key, Series(steps, times, _to_list(self._values[index])))
        return Metric(self.key, self._values[index], self._times[index], self._steps[index])

    def __eq__(self, other: object) -> bool:
        """Whether another history or list has the same points."""
        if not isinstance(other, (MetricHistory, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # like a list

    def __repr__(self) -> str:
        """Return what it is a history of."""
        return f"<{len(self)} points of {self.key!r}>"


@dataclass(frozen=True, slots=True)
class MetricWithRunId:
    """A point of a metric, with whose it is; MLflow's shape."""

    metric: Metric
    run_id: str

    @property
    def key(self) -> str:
        """The metric's name."""
        return self.metric.key

    @property
    def value(self) -> float:
        """Its value."""
        return self.metric.value

    @property
    def timestamp(self) -> int:
        """Milliseconds since the epoch."""
        return self.metric.timestamp

    @property
    def step(self) -> int:
        """The step."""
        return self.metric.step


def get_metric_history(
    client: Client, run_id: str, key: str, max_results: int | None = None, page_token: str | None = None
) -> MetricHistory:
    """Return every point of a metric in the order of time, step and value; none if it was never logged.

    Args:
        client: Where to look.
        run_id: The run.
        key: The metric.
        max_results: Points of a page; all if None.
        page_token: ``token`` of the page before. A page begins behind the last point of that one, so points
            that are logged meanwhile come later, and once.

    Raises:
        RunNotFoundError: There is no run with this id.
        InvalidValueError: ``max_results`` or the token is none.
    """
    if max_results is not None and (type(max_results) is not int or max_results < 1):
        message = f"max_results must be a positive number, not {max_results!r}"
        raise InvalidValueError(message, hint="leave it out for all points")
    series = _read(client, run_id, key)
    begin = 0 if page_token is None else _begin_after(series, page_token, f"{run_id} {key}")
    end = len(series) if max_results is None else min(begin + max_results, len(series))
    if (begin, end) == (0, len(series)):
        return MetricHistory(key, series)
    token = _encode_token(series, end, f"{run_id} {key}") if end < len(series) else None
    page = MetricHistory(key, series)[begin:end]
    page.token = token
    return page


def get_metric_history_bulk(
    client: Client, run_ids: Iterable[str], key: str, max_results: int = MAX_BULK_RESULTS
) -> list[MetricWithRunId]:
    """Return the points of a metric of many runs, by run id, then in the order of time, step and value.

    Args:
        client: Where to look.
        run_ids: Those that are not here have no points.
        key: The metric.
        max_results: At most so many points in all.

    Raises:
        InvalidValueError: There are more than 100 runs, or ``max_results`` is none.
    """
    wanted = sorted(set(run_ids))
    if len(wanted) > MAX_BULK_RUNS:
        message = f"the histories of {len(wanted)} runs are asked for, more than {MAX_BULK_RUNS}"
        raise InvalidValueError(message, hint="ask for fewer at a time")
    if type(max_results) is not int or max_results < 0:
        message = f"max_results must be a number, not {max_results!r}"
        raise InvalidValueError(message, hint=f"leave it out for {MAX_BULK_RESULTS:,}")
    found: list[MetricWithRunId] = []
    for run_id in wanted:
        if len(found) >= max_results:
            break
        stored = MetricHistory(key, client.store.read_history(check_run_id(run_id), key))
        points = islice(stored, max_results - len(found))
        found += [MetricWithRunId(point, run_id) for point in points]
    return found


def _read(client: Client, run_id: str, key: str) -> History:
    stored = client.store.read_history(check_run_id(run_id), key)
    if not len(stored):
        client.get_run(run_id)
    return stored


def _to_list(column: Sequence[T]) -> list[T]:
    return column if isinstance(column, list) else list(column)


def _encode_token(series: History, end: int, what: str) -> str:
    from gittrack.tracking.paging import encode_token

    # How many of its equals by time and step came before, should the values not have an order.
    last = end - 1
    return encode_token([series.times[last], series.steps[last], repr(series.values[last])], what)


def _begin_after(series: History, token: str, what: str) -> int:
    from bisect import bisect_right

    from gittrack.tracking.paging import decode_token, foreign_token

    place = decode_token(token, what)
    if not (isinstance(place, list) and [type(one) for one in place] == [int, int, str]):
        raise foreign_token()
    time, step, value = place
    begin = bisect_right(list(zip(series.times, series.steps, strict=True)), (time, step))
    # Of the points at this time and step, those behind the value.
    first = begin
    while first and (series.times[first - 1], series.steps[first - 1]) == (time, step):
        first -= 1
        if repr(series.values[first]) == value:
            return first + 1
    return begin
