"""Reads the folders that DVCLive writes: each is a run."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.model import Metric
from gittrack.errors import CorruptDataError, NotFoundError
from gittrack.importers.foreign import Keys, derive_run_id, fit_name, fit_params, walk_files, write_contents
from gittrack.importers.records import FoundRun
from gittrack.importers.runs_reader import Group, PendingRun, RunsReader
from gittrack.tracking.live import flatten_metrics
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PARAMS, METRICS, PLOTS = "params.yaml", "metrics.json", "plots/metrics"
STEP, TIME = "step", "timestamp"


def read_dvclive_folders(
    folder: Path, *, experiment: str | None = None, warn: Callable[[str], None]
) -> RunsReader:
    """Return a reader of the runs below a folder.

    DVCLive says neither when a run was nor which it is: a folder whose params or metrics changed is another
    run, and its times are those of its files, except where points have their own.

    Args:
        folder: One that DVCLive wrote, usually ``dvclive``, or one above it.
        experiment: The name of the experiment they come into; the folder's if None.
        warn: Told of what is named anew.

    Raises:
        NotFoundError: There is no such folder.
        UserError: PyYAML is missing.
    """
    yaml = import_optional("yaml", "importing DVCLive folders", "pyyaml")
    found = [_Folder(folder, one, yaml, warn) for one in _find_folders(folder)]
    if not found:
        message = f"no folder of DVCLive at {str(folder)!r}"
        raise NotFoundError(message, hint=f"name the folder that holds {METRICS}, usually ./dvclive")
    name = fit_name(folder.resolve().name if experiment is None else experiment, "dvclive")
    return RunsReader(
        [Group(name, min(one.times()[0] for one in found), [PendingRun(one.name, one.read) for one in found])]
    )


def _find_folders(top: Path) -> Iterator[Path]:
    """Yield the folders that look as DVCLive leaves them; for the one that was named metrics are enough."""
    for folder, folders, names in os.walk(top):
        place = Path(folder)
        has_params = PARAMS in names or place == top
        if (place / PLOTS).is_dir() or (METRICS in names and has_params):
            folders.clear()
            yield place
        folders.sort()


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder that DVCLive wrote."""

    top: Path
    folder: Path
    yaml: Any
    warn: Callable[[str], None]

    @property
    def name(self) -> str:
        """Where it is below the folder that was named."""
        path = self.folder.relative_to(self.top).as_posix()
        return fit_name(self.top.resolve().name if path == "." else path, "run")

    def times(self) -> tuple[int, int]:
        """Return when the first and the last file of params and metrics was written, in ms since 1970."""
        times = [file.stat().st_mtime_ns // 1_000_000 for _, file in self._sources()]
        return min(times, default=0), max(times, default=0)

    def read(self) -> FoundRun:
        """Read the run.

        Raises:
            CorruptDataError: A file is damaged.
        """
        points = list(self._read_points(Keys("metric", self.warn)))
        params, files = fit_params(self._read_params(), Keys("param", self.warn))
        start_time, end_time = self.times()
        return FoundRun(
            run_id=derive_run_id(None, "dvclive", *self._contents()),
            experiment_id="",
            name=self.name,
            start_time=min([start_time, *(point.timestamp for point in points)]),
            end_time=max([end_time, *(point.timestamp for point in points)]),
            has_own_times=False,
            params=params,
            read_metrics=lambda: points,
            read_artifacts=lambda: [*write_contents(files), *self._read_artifacts()],
        )

    def _sources(self) -> Iterator[tuple[str, Path]]:
        for path, file in walk_files(self.folder):
            if path in {PARAMS, METRICS} or path.startswith(f"{PLOTS}/"):
                yield path, file

    def _contents(self) -> Iterator[str]:
        for path, file in self._sources():
            yield path
            yield hashlib.sha256(_read_bytes(file)).hexdigest()

    def _read_points(self, keys: Keys) -> Iterator[Metric]:
        """Yield the histories, and the last values of metrics that have none."""
        last_step = 0
        plotted = set()
        for path, file in walk_files(self.folder / PLOTS):
            if path.endswith(".tsv"):
                name = path.removesuffix(".tsv")
                plotted.add(name)
                for value, time, step in _read_table(file):
                    last_step = max(last_step, step)
                    yield Metric(keys(name), value, time, step)
        file = self.folder / METRICS
        if not file.is_file():
            return
        time = file.stat().st_mtime_ns // 1_000_000
        values = flatten_metrics(self._read_document(file, json.loads))
        last_step = int(_number(values.pop(STEP, None)) or last_step)
        for name, value in values.items():
            if name not in plotted and (number := _number(value)) is not None:
                yield Metric(keys(name), number, time, last_step)

    def _read_params(self) -> dict[str, Any]:
        file = self.folder / PARAMS
        return self._read_document(file, self.yaml.safe_load) if file.is_file() else {}

    def _read_document(self, file: Path, load: Callable[[bytes], Any]) -> dict[str, Any]:
        try:
            values = load(_read_bytes(file))
        except (ValueError, RecursionError, self.yaml.YAMLError) as error:
            raise _damaged(file, " ".join(str(error).split())) from error
        if values is not None and not isinstance(values, dict):
            raise _damaged(file, "it holds no names with values")
        return {str(name): value for name, value in (values or {}).items()}

    def _read_artifacts(self) -> Iterator[tuple[str, Path]]:
        """Yield the files that are no metrics; of what DVC keeps elsewhere, those that say what it is."""
        for path, file in walk_files(self.folder):
            if path not in {PARAMS, METRICS} and not path.startswith(f"{PLOTS}/") and file.is_file():
                yield path, file


def _read_table(file: Path) -> Iterator[tuple[float, int, int]]:
    """Yield value, time (ms since the epoch) and step of each row."""
    changed = file.stat().st_mtime_ns // 1_000_000
    try:
        rows = csv.DictReader(_read_bytes(file).decode().splitlines(), delimiter="\t")
        names = [name for name in rows.fieldnames or () if name not in {STEP, TIME}]
        for number, row in enumerate(rows):
            value = _number(row[names[-1]])
            step, time = _number(row.get(STEP)), _number(row.get(TIME))
            if value is None:
                raise _damaged(file, f"row {number + 1} has no number")
            yield value, changed if time is None else int(time), number if step is None else int(step)
    except (UnicodeDecodeError, csv.Error, IndexError, ValueError, OverflowError) as error:
        raise _damaged(file, str(error)) from error


def _number(cell: object) -> float | None:
    try:
        return float(cell)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        message = f"cannot read {str(file)!r}: {error.strerror}"
        raise CorruptDataError(message, hint="make it readable, or move it away") from error


def _damaged(file: Path, reason: str) -> CorruptDataError:
    return CorruptDataError(f"{str(file)!r} is damaged: {reason}", hint="mend it, or move it away")
