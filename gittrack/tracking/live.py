"""A run that is being written by this process: the hot path of logging."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gittrack.core.event_lines import encode_event
from gittrack.core.events import ParamsLogged, TagDeleted, TagsSet
from gittrack.core.fold import latest_edit
from gittrack.core.journal import encode_metrics, metric_line_start
from gittrack.core.model import TAG_RUN_NAME, Metric, format_param
from gittrack.core.names import check_key, check_name, shorten
from gittrack.core.values import (
    MAX_STEP,
    MIN_STEP,
    coerce_metric,
    coerce_param,
    coerce_step,
    coerce_tag,
    coerce_timestamp,
)
from gittrack.errors import InvalidValueError, ParamOverwriteError, RunStateError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gittrack.core.events import Event
    from gittrack.core.model import ParamValue, Run
    from gittrack.store.interface import EventSink

SERIES_LINES = 2000
"""Points in one write."""
SPECIAL = {"nan": '"NaN"', "inf": '"Infinity"', "-inf": '"-Infinity"'}
FLOAT_TYPES = frozenset({float})


class RunOperations:
    """What asynchronous logging returns in MLflow; here everything is written before the call returns."""

    def wait(self) -> None:
        """Return at once."""


def now_ms() -> int:
    """Return the present time in milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


class LiveRun:
    """Writes the events of one run; every call is on disk, as far as a kill goes, when it returns."""

    def __init__(self, run: Run, sink: EventSink, *, clock_ms: Callable[[], int] = now_ms) -> None:
        """Write to ``sink`` what happens to ``run``."""
        self.run_id = run.run_id
        self.sink = sink
        self.params: dict[str, ParamValue] = dict(run.params)
        self.tag_keys: set[str] = set(run.data.tags)
        self.clock_ms = clock_ms
        self.is_open = True
        self.owns = False
        """Whether this writer started or resumed the run, and so answers for its end."""
        self.inline_bytes = 0
        """How much artifact content this writer put into the journal itself."""
        self.run = run
        """As it was when this writer began."""
        self._latest = latest_edit(run)
        self._append: Callable[[bytes], None] = sink.append
        self._line_starts: dict[str, str] = {}

    def log_metric(
        self, key: str, value: float, step: int | None = None, timestamp: int | None = None
    ) -> None:
        """Log one point of a metric.

        Args:
            key: Its name.
            value: Any number or scalar; NaN and infinities are kept.
            step: Any signed 64-bit integer, 0 if None.
            timestamp: Milliseconds since the epoch, now if None.

        Raises:
            InvalidNameError: The key cannot be stored.
            InvalidValueError: The value, step or timestamp cannot be stored.
            StoreError: The disk is full, or failed.
        """
        try:
            start = self._line_starts[key]
        except (KeyError, TypeError):
            start = self._learn_key(key)
        if type(value) is not float:
            value = coerce_metric(key, value)
        if type(step) is not int or not MIN_STEP <= step <= MAX_STEP:
            step = coerce_step(step)
        timestamp = self.clock_ms() if timestamp is None else coerce_timestamp(timestamp)
        text = repr(value)
        if not math.isfinite(value):
            text = SPECIAL[text]
        self._append(f"{start}{text},{step},{timestamp}]\n".encode())

    def log_metrics(
        self, metrics: Mapping[str, Any], step: int | None = None, timestamp: int | None = None
    ) -> None:
        """Log points of several metrics at one step and time, in one write.

        Raises:
            InvalidNameError: A key cannot be stored.
            InvalidValueError: A value, the step or the timestamp cannot be stored.
            StoreError: The disk is full, or failed.
        """
        if not metrics:
            return
        known = self._line_starts
        if not metrics.keys() <= known.keys():
            if any(isinstance(value, dict) and value for value in metrics.values()):
                self.log_metrics(flatten_metrics(metrics), step, timestamp)
                return
            for key in metrics:
                if key not in known:
                    self._learn_key(key)
        if not FLOAT_TYPES.issuperset(map(type, metrics.values())):
            metrics = {key: coerce_metric(key, value) for key, value in metrics.items()}
        time_ms = self.clock_ms() if timestamp is None else coerce_timestamp(timestamp)
        self._append(encode_metrics(metrics, coerce_step(step), time_ms))

    def log_series(
        self,
        key: str,
        values: Iterable[float],
        steps: Iterable[int] | int = 0,
        timestamps: Iterable[int] | int | None = None,
    ) -> None:
        """Log many points of one metric: lists, arrays or tensors of one dimension.

        Args:
            key: Its name.
            values: Numbers.
            steps: One for each value, or the first of them.
            timestamps: Milliseconds since the epoch: one for each value, one for all, or now.

        Raises:
            InvalidNameError: The key cannot be stored.
            InvalidValueError: A value, step or timestamp cannot be stored, or there is not one for each; then
                nothing is logged.
            StoreError: The disk is full, or failed.
        """
        start = self._learn_key(key)
        numbers = [coerce_metric(key, value) for value in _listed(values)]
        times = self.clock_ms() if timestamps is None else timestamps
        rows = zip(
            numbers,
            _spread("step", steps, len(numbers), coerce_step, delta=1),
            _spread("timestamp", times, len(numbers), coerce_timestamp, delta=0),
            strict=True,
        )
        lines = [f"{start}{_number_text(value)},{step},{time}]\n".encode() for value, step, time in rows]
        for first in range(0, len(lines), SERIES_LINES):
            self._append(b"".join(lines[first : first + SERIES_LINES]))

    def log_rows(
        self, rows: Sequence[tuple[Mapping[str, float], int, int]], tags: Mapping[str, object]
    ) -> None:
        """Log many rows of metrics, each with its step and timestamp, and then tags that say what they are.

        Raises:
            InvalidNameError: A key cannot be stored.
            InvalidValueError: A value, step or timestamp cannot be stored; then nothing is logged.
            StoreError: The disk is full, or failed.
        """
        for key in {key for metrics, _, _ in rows for key in metrics}:
            if key not in self._line_starts:
                self._learn_key(key)
        values = check_tags(tags)
        lines = [
            encode_metrics(
                {key: coerce_metric(key, value) for key, value in metrics.items()},
                coerce_step(step),
                coerce_timestamp(timestamp),
            )
            for metrics, step, timestamp in rows
        ]
        # The tags come in the same write as the last rows: no kill comes between them.
        lines.append(encode_event(TagsSet(values, self.event_time())))
        for first in range(0, len(lines), SERIES_LINES):
            self._append(b"".join(lines[first : first + SERIES_LINES]))
        self.tag_keys.update(values)

    def log_params(self, params: Mapping[str, object]) -> None:
        """Log params; one that has the same value already is no error.

        Raises:
            ParamOverwriteError: One has another value already; then none is logged.
            InvalidNameError: A key cannot be stored.
            InvalidValueError: A value cannot be stored.
            StoreError: The disk is full, or failed.
        """
        new: dict[str, ParamValue] = {}
        for key, value in params.items():
            check_key("param", key)
            plain = coerce_param(key, value)
            if key not in self.params:
                new[key] = plain
            elif (before := format_param(self.params[key])) != (now := format_param(plain)):
                message = f"param {key!r} is {shorten(before)} already, not {shorten(now)}"
                raise ParamOverwriteError(
                    message, hint="params do not change; log what does as a metric or tag"
                )
        if new:
            self.write(ParamsLogged(new, self.event_time()))
            self.params.update(new)

    def set_tags(self, tags: Mapping[str, object]) -> None:
        """Set tags; the last value wins.

        Raises:
            InvalidNameError: A key cannot be stored.
            InvalidValueError: A value cannot be stored.
            StoreError: The disk is full, or failed.
        """
        values = check_tags(tags)
        if values:
            self.write(TagsSet(values, self.event_time()))
            self.tag_keys.update(values)

    def delete_tag(self, key: str) -> None:
        """Remove a tag that is known to be there.

        Raises:
            StoreError: The disk is full, or failed.
        """
        self.write(TagDeleted(key, self.event_time()))
        self.tag_keys.discard(key)

    def event_time(self) -> int:
        """Return the present, but never before what was logged or edited already: the later one counts."""
        self._latest = max(self.clock_ms(), self._latest)
        return self._latest

    def write(self, event: Event) -> None:
        """Write any event.

        Raises:
            StoreError: The disk is full, or failed.
        """
        self._append(encode_event(event))

    def write_lines(self, lines: bytes) -> None:
        """Write many events, each a line of its own, in one go.

        Raises:
            StoreError: The disk is full, or failed.
        """
        self._append(lines)

    def close(self) -> None:
        """Refuse further events: the journal is about to be folded."""
        self.is_open = False
        self._append = self._refuse

    def _refuse(self, _line: bytes) -> None:
        message = f"run {self.run_id} was ended"
        raise RunStateError(message, hint="resume it: start_run(run_id=...)")

    def _learn_key(self, key: object) -> str:
        checked = check_key("metric", key)
        start = self._line_starts[checked] = metric_line_start(checked)
        return start


def flatten_metrics(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested metrics as flat ones: ``{"val": {"acc": 1}}`` is ``{"val/acc": 1}``.

    What is empty stays, to be refused: it is no number.
    """
    flat: dict[str, Any] = {}
    for key, value in metrics.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            flat.update(flatten_metrics(value, f"{name}/"))
        else:
            flat[name] = value
    return flat


def _listed(values: object) -> list[Any]:
    """Return the items of a list, an array or a tensor.

    Raises:
        InvalidValueError: It is none of one dimension.
    """
    found = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(found, (str, bytes, dict)) or not isinstance(found, Iterable):
        message = f"a series is a list or an array of numbers, not {type(values).__name__}"
        raise InvalidValueError(message, hint="log_metric() logs one number")
    return list(found)


def _spread(
    what: str, given: object, count: int, coerce: Callable[[object], int], *, delta: int
) -> list[int]:
    """Return one number for each of ``count`` values, from a list of them or from the first."""
    if isinstance(given, int) and not isinstance(given, bool):
        first = coerce(given)
        coerce(first + delta * max(count - 1, 0))
        return [first + delta * number for number in range(count)]
    found = [coerce(one) for one in _listed(given)]
    if len(found) != count:
        message = f"there are {count:,} values and {len(found):,} {what}s"
        raise InvalidValueError(message, hint=f"give a {what} for each value, or only the first")
    return found


def _number_text(value: float) -> str:
    text = repr(value)
    return text if math.isfinite(value) else SPECIAL[text]


def check_metric(point: Metric) -> Metric:
    """Return a point with plain numbers.

    Raises:
        InvalidNameError: The key cannot be stored.
        InvalidValueError: The value, step or timestamp cannot be stored.
    """
    key = check_key("metric", point.key)
    value, step = coerce_metric(key, point.value), coerce_step(point.step)
    return Metric(key, value, coerce_timestamp(point.timestamp), step)


def check_tags(tags: Mapping[str, object]) -> dict[str, str]:
    """Return tags with their values as text.

    Raises:
        InvalidNameError: A key, or the name of the run, cannot be stored.
        InvalidValueError: A value cannot be stored.
    """
    values = {}
    for key, value in tags.items():
        values[check_key("tag", key)] = coerce_tag(key, value)
    if TAG_RUN_NAME in values:
        check_name("run", values[TAG_RUN_NAME])
    return values
