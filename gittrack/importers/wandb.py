"""Reads the folders in which W&B keeps runs before, or without, sending them anywhere; W&B is not needed."""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.model import TAG_COMMIT, TAG_NOTE, TAG_REPO_URL, TAG_SOURCE_NAME, RunStatus
from gittrack.core.names import check_artifact_path
from gittrack.core.wandb_log import BLOCK_BYTES, DamagedLogError, LogReader
from gittrack.core.wandb_records import Output, RunFacts, read_record
from gittrack.core.wandb_run import WandbRun
from gittrack.errors import CorruptDataError, InvalidNameError, NotFoundError
from gittrack.importers.foreign import (
    Keys,
    Points,
    derive_run_id,
    fit_name,
    fit_params,
    walk_files,
    write_contents,
)
from gittrack.importers.records import FoundRun
from gittrack.importers.runs_reader import Group, PendingRun, RunsReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.core.wandb_records import ArtifactFile, Record

ENDING = ".wandb"
FILES, OUTPUT, SUMMARY = "files", "output.log", "wandb-summary.json"
HISTORY = "history.jsonl"
"""The artifact with what was logged beside numbers: texts, histograms, where pictures and tables are."""
UNCATEGORIZED = "uncategorized"
"""What W&B calls the project of runs that name none."""
OWN_ARTIFACTS = ("run_table", "wandb-history", "job")
"""Kinds of artifacts that W&B makes of what is in the files of the run already."""
WANDB_ID = "wandb.id"
"""The tag that says under which id W&B knows the run."""


def read_wandb_folder(
    folder: Path, *, experiment: str | None = None, warn: Callable[[str], None]
) -> RunsReader:
    """Return a reader of the runs below a folder; a run that was resumed is one run.

    Args:
        folder: One that W&B calls ``wandb``, one above it, or that of one run.
        experiment: The name of the experiment they come into; each into that of its project if None.
        warn: Told of what is named anew, torn, or not there any more.

    Raises:
        NotFoundError: There are no run files.
    """
    files = [file for _, file in walk_files(folder) if file.name.endswith(ENDING) and not file.is_symlink()]
    if not files:
        message = f"no runs of W&B below {str(folder)!r}"
        raise NotFoundError(message, hint="name the folder that holds offline-run-…, usually ./wandb")
    runs: dict[tuple[str, str, str], list[tuple[int, Path]]] = {}
    for file in files:
        facts = _find_facts(file)
        key = (facts.entity, facts.project, facts.run_id or file.name)
        runs.setdefault(key, []).append((facts.start_time, file))
    groups: dict[str, list[tuple[int, PendingRun]]] = {}
    for key, parts in sorted(runs.items()):
        name = fit_name(key[1] if experiment is None else experiment, UNCATEGORIZED)
        source = _Source(key, tuple(file for _, file in sorted(parts)), warn)
        groups.setdefault(name, []).append((min(parts)[0], PendingRun(key[2], source.read)))
    return RunsReader(
        [
            Group(name, min(time for time, _ in found), [one for _, one in found])
            for name, found in groups.items()
        ]
    )


def _find_facts(file: Path) -> RunFacts:
    """Return what a file says first of its run; nothing if it is damaged: reading all of it will tell."""
    try:
        return next((one for one in _read_file(file) if isinstance(one, RunFacts)), RunFacts())
    except CorruptDataError:
        return RunFacts()


def _read_file(path: Path, warn: Callable[[str], None] = lambda _: None) -> Iterator[Record]:
    reader = LogReader(())
    try:
        with path.open("rb") as file:
            reader = LogReader(iter(partial(file.read, BLOCK_BYTES), b""))
            for data in reader:
                if (record := read_record(data)) is not None:
                    yield record
    except OSError as error:
        message = f"cannot read {str(path)!r}: {error.strerror}"
        raise CorruptDataError(message, hint="make it readable, or move it away") from error
    except (ValueError, RecursionError) as error:
        position = error.position if isinstance(error, DamagedLogError) else reader.position
        message = f"{str(path)!r} is damaged at byte {position:,}: {error}"
        hint = f"`truncate -s {position} FILE` keeps what is before" if position else "move it away"
        raise CorruptDataError(message, hint=hint) from error
    if reader.torn_bytes:
        warn(
            f"{str(path)!r} ends in the middle of a record: its last {reader.torn_bytes:,} bytes are left out"
        )


@dataclass(frozen=True, slots=True)
class _Source:
    """The files of one run, the first one first."""

    key: tuple[str, str, str]
    """Entity, project and id."""
    files: tuple[Path, ...]
    warn: Callable[[str], None]

    def read(self) -> FoundRun:
        """Read what W&B recorded of the run.

        Raises:
            CorruptDataError: A file is damaged.
        """
        run, points = WandbRun(), Points()
        metric_key, has_others = Keys("metric", self.warn), False
        for file in self.files:
            for record in _read_file(file, self.warn):
                row = run.add(record)
                if row is None:
                    continue
                has_others = has_others or bool(row.others)
                for name, value in row.metrics.items():
                    points.add(metric_key(name), value, row.time, row.step)
        if not run.facts.run_id:
            message = f"{str(self.files[0])!r} does not say which run it is of"
            raise CorruptDataError(message, hint="it was cut off too early; move it away")
        for name, value in run.summary_metrics().items():
            if metric_key(name) not in points:
                points.add(metric_key(name), value, run.end_time, run.last_step)
        config = {name: value for name, value in run.config.items() if name != "_wandb"}
        params, files = fit_params(config, Keys("param", self.warn))
        return FoundRun(
            run_id=derive_run_id(run.start_time, "wandb", *self.key),
            experiment_id="",
            name=fit_name(run.facts.name, run.facts.run_id),
            start_time=run.start_time,
            end_time=run.end_time,
            status=RunStatus.FINISHED if run.end and run.end.exit_code == 0 else RunStatus.FAILED,
            user=run.environment.user,
            params=params,
            tags=_make_tags(run, self.warn),
            read_metrics=lambda: points,
            read_artifacts=lambda: self._read_artifacts(run, files, has_others=has_others),
        )

    def _read_artifacts(
        self, run: WandbRun, made: dict[str, bytes], *, has_others: bool
    ) -> Iterator[tuple[str, Path]]:
        """Yield the files of the run, those of artifacts it logged, and what is only in records."""
        paths = set()
        for file in self.files:
            for path, one in walk_files(file.parent / FILES):
                paths.add(path)
                if one.is_file():
                    yield path, one
                else:
                    self.warn(f"{str(one)!r} links to what is not there any more, and is left out")
        if run.summary and SUMMARY not in paths:
            made = {**made, SUMMARY: json.dumps(run.summary, indent=2).encode()}
        yield from write_contents(made)
        with tempfile.TemporaryDirectory(prefix="gittrack-") as place:
            target = Path(place) / "content"
            if OUTPUT not in paths and self._write_output(target):
                yield OUTPUT, target
            if has_others:
                self._write_history(target)
                yield HISTORY, target
        for artifact in run.artifacts:
            if not artifact.kind.startswith(OWN_ARTIFACTS):
                for each in artifact.files:
                    yield from self._find_artifact(artifact.name, each)

    def _find_artifact(self, name: str, file: ArtifactFile) -> Iterator[tuple[str, Path]]:
        """Yield a file of an artifact where W&B put it, if its content still is what was logged."""
        path, source = f"artifacts/{name}/{file.path}", Path(file.local_path)
        try:
            check_artifact_path(path)
        except InvalidNameError as error:
            self.warn(f"{error.message}: left out")
            return
        if file.local_path and _has_digest(source, file):
            yield path, source
        else:
            self.warn(f"{path} is not on this machine any more, and left out")

    def _write_output(self, target: Path) -> int:
        with target.open("w", encoding="utf-8", newline="") as stream:
            for file in self.files:
                for record in _read_file(file):
                    if isinstance(record, Output):
                        stream.write(record.text)
            return stream.tell()

    def _write_history(self, target: Path) -> None:
        run = WandbRun()
        with target.open("w", encoding="utf-8") as stream:
            for file in self.files:
                for record in _read_file(file):
                    row = run.add(record)
                    if row is not None and row.others:
                        line: dict[str, Any] = {"step": row.step, "timestamp": row.time, **row.others}
                        stream.write(json.dumps(line) + "\n")


def _make_tags(run: WandbRun, warn: Callable[[str], None]) -> dict[str, str]:
    facts, environment = run.facts, run.environment
    known = {
        TAG_SOURCE_NAME: environment.program,
        TAG_NOTE: facts.notes,
        TAG_COMMIT: facts.commit or environment.commit,
        TAG_REPO_URL: facts.remote or environment.remote,
        WANDB_ID: facts.run_id,
        "wandb.entity": facts.entity,
        "wandb.sweep": facts.sweep_id,
        "group": facts.group,
        "job_type": facts.job_type,
        "host": facts.host or environment.host,
    }
    keys = Keys("tag", warn)
    labels = {keys(label): "true" for label in facts.tags}
    return labels | {key: value for key, value in known.items() if value}


def _has_digest(source: Path, file: ArtifactFile) -> bool:
    """Whether a file is the one that was logged: nothing else of this machine is taken in."""
    try:
        if not source.is_file() or source.stat().st_size != file.size:
            return False
        with source.open("rb") as stream:
            digest = hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).digest()
    except OSError:
        return False
    return base64.b64encode(digest).decode() == file.digest
