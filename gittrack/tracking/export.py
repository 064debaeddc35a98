"""Runs written for other programs: CSV, JSON lines or Parquet, one row a run or one a point of a metric.

Runs are read page by page and written as they come, so that memory stays flat whatever their number.
"""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from gittrack.core.frames import expand_columns, parse_columns
from gittrack.core.model import format_param
from gittrack.core.query import compile_order
from gittrack.core.query_keys import value_kind
from gittrack.core.query_tree import Key
from gittrack.errors import InvalidValueError
from gittrack.tracking import media

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from gittrack.core.frames import Table
    from gittrack.core.model import Run
    from gittrack.core.search import RunQuery
    from gittrack.tracking.client import Client

FORMATS = ("csv", "jsonl", "parquet")
COLUMNS = (
    "run_id", "name", "experiment", "experiment_id", "status", "lifecycle_stage", "start_time", "end_time",
    "duration", "user", "source", "parent", "code.commit", "code.branch", "code.dirty",
    "params.*", "metrics.*", "tags.*",
)  # fmt: skip
HISTORY_COLUMNS = ("run_id", "name", "key", "step", "timestamp", "value")
PAGE = 10_000
"""Runs whose columns are in memory at a time."""
RUNS_PAGE = 1_000
"""Runs that are in memory at a time, with all that they hold."""
POINTS = 65_536
"""Points that are written at a time."""


_RUN_ID = Key("attributes", "run_id")


class Writer(Protocol):
    """Writes rows in one format."""

    def write(self, table: Table) -> None:
        """Write rows, given as columns."""

    def close(self) -> None:
        """Finish what was written."""


def export_runs(
    client: Client, query: RunQuery, form: str, file: BinaryIO, *, columns: Sequence[str] | None = None
) -> int:
    """Write the runs that a query means, one row each; return how many.

    Args:
        client: Of the store.
        query: Which runs, in which order.
        form: One of `FORMATS`.
        file: Where to.
        columns: Keys of the search language, and ``params.*``, ``metrics.*``, ``tags.*``; `COLUMNS` if None.

    Raises:
        QuerySyntaxError: A column cannot be read.
        InvalidValueError: There is no such format.
        UserError: Parquet is asked for and pyarrow is missing.
    """
    asked = parse_columns(COLUMNS if columns is None else columns)
    is_typed = form == "jsonl"
    keys = expand_columns(asked, lambda kind: client.store.list_names(kind, is_flat=True))
    writer = _open_writer(form, file, {name: _kind(key) for name, key in keys.items()})
    count = 0
    for table in client.store.search_tables(query, {"run_id": _RUN_ID, **keys}, PAGE, is_typed=is_typed):
        count += len(table["run_id"])
        writer.write({name: table[name] for name in keys})
    writer.close()
    return count


def export_histories(
    client: Client, query: RunQuery, form: str, file: BinaryIO, *, keys: Iterable[str] | None = None
) -> int:
    """Write every point of the metrics of the runs that a query means, one row each; return how many.

    Args:
        client: Of the store.
        query: Which runs, in which order.
        form: One of `FORMATS`.
        file: Where to.
        keys: Of these metrics only.

    Raises:
        InvalidValueError: There is no such format.
        UserError: Parquet is asked for and pyarrow is missing.
    """
    kinds = dict(zip(HISTORY_COLUMNS, ("text", "text", "text", "integer", "integer", "number"), strict=True))
    writer = _open_writer(form, file, kinds)
    wanted = None if keys is None else set(keys)
    count = 0
    for runs in iterate_pages(client, query):
        for run in runs:
            for key, series in client.get_series(run.run_id).items():
                if wanted is not None and key not in wanted:
                    continue
                for begin in range(0, len(series), POINTS):
                    part = slice(begin, begin + POINTS)
                    size = len(series.values[part])
                    columns: list[list[Any]] = [
                        [run.run_id] * size, [run.name] * size, [key] * size,
                        series.steps[part], series.times[part], series.values[part],
                    ]  # fmt: skip
                    writer.write(dict(zip(HISTORY_COLUMNS, columns, strict=True)))
                    count += size
    writer.close()
    return count


def iterate_pages(client: Client, query: RunQuery) -> Iterator[list[Run]]:
    """Yield the runs that a query means, some at a time; runs that come meanwhile do not shift the others."""
    rank = compile_order(query.order, query.setting)
    left, after = query.limit, query.after
    while left is None or left > 0:
        size = RUNS_PAGE if left is None else min(RUNS_PAGE, left)
        page = client.store.search_runs(replace(query, after=after, limit=size))
        if page:
            yield page
        if len(page) < size:
            return
        after = rank(page[-1])
        left = None if left is None else left - size


def _kind(key: Key) -> str:
    kind = value_kind(key)
    return {"time": "time", "span": "number", "number": "number", "flag": "flag"}.get(kind, "text")


def _open_writer(form: str, file: BinaryIO, kinds: Mapping[str, str]) -> Writer:
    makers: dict[str, Callable[[BinaryIO, Mapping[str, str]], Writer]] = {
        "csv": _CsvWriter,
        "jsonl": _JsonWriter,
        "parquet": _ParquetWriter,
    }
    if form not in makers:
        message = f"runs cannot be written as {form!r}"
        raise InvalidValueError(message, hint=f"one of {', '.join(FORMATS)}")
    return makers[form](file, kinds)


class _CsvWriter:
    """Times are ISO 8601 in UTC, missing cells empty, floats as Python writes them."""

    def __init__(self, file: BinaryIO, kinds: Mapping[str, str]) -> None:
        self._text = io.TextIOWrapper(file, "utf-8", newline="", write_through=True)
        self._kinds = kinds
        self._csv = csv.writer(self._text, lineterminator="\n")
        self._csv.writerow(kinds)

    def write(self, table: Table) -> None:
        columns = [
            map(_csv_time, cells) if self._kinds[name] == "time" else cells for name, cells in table.items()
        ]
        self._csv.writerows(zip(*columns, strict=True))

    def close(self) -> None:
        self._text.flush()
        self._text.detach()


class _JsonWriter:
    """One object a line, params typed; times are ISO 8601 in UTC, NaN and infinities strings."""

    def __init__(self, file: BinaryIO, kinds: Mapping[str, str]) -> None:
        self._file = file
        self._kinds = kinds

    def write(self, table: Table) -> None:
        for cells in zip(*table.values(), strict=True):
            row = {
                name: _json_cell(cell, self._kinds[name])
                for name, cell in zip(table, cells, strict=True)
                if cell is not None
            }
            self._file.write(json.dumps(row, ensure_ascii=False, allow_nan=False).encode() + b"\n")

    def close(self) -> None:
        self._file.flush()


class _ParquetWriter:
    """Typed columns; times are timestamps in UTC."""

    def __init__(self, file: BinaryIO, kinds: Mapping[str, str]) -> None:
        arrow = media.import_optional("pyarrow", "Parquet", "pyarrow")
        parquet = media.import_optional("pyarrow.parquet", "Parquet", "pyarrow")
        types = {
            "text": arrow.string(), "number": arrow.float64(), "integer": arrow.int64(),
            "flag": arrow.bool_(), "time": arrow.timestamp("ms", tz="UTC"),
        }  # fmt: skip
        self._arrow = arrow
        self._schema = arrow.schema([(name, types[kind]) for name, kind in kinds.items()])
        self._writer = parquet.ParquetWriter(file, self._schema, compression="zstd")

    def write(self, table: Table) -> None:
        self._writer.write_table(self._arrow.table(table, schema=self._schema))

    def close(self) -> None:
        self._writer.close()


def _csv_time(cell: object) -> object:
    return _iso(cell) if isinstance(cell, int) else cell


def _json_cell(cell: object, kind: str) -> object:
    if kind == "time" and isinstance(cell, int):
        return _iso(cell)
    if isinstance(cell, float) and not math.isfinite(cell):
        return "NaN" if math.isnan(cell) else "Infinity" if cell > 0 else "-Infinity"
    return format_param(cell) if isinstance(cell, (list, dict)) else cell


def _iso(timestamp: int) -> str:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromtimestamp(timestamp / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return str(timestamp)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
