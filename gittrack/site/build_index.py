"""Writing the index of all runs, of which one new run changes few chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.shared import forget_values
from gittrack.site import paths
from gittrack.site.index import assign_groups, describe_cells, describe_runs, describe_site
from gittrack.site.newest import describe_newest
from gittrack.site.paths import digest_of, digest_of_parts
from gittrack.site.scripts import encode_script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.site.columns import Column
    from gittrack.site.job import Job


def write_index(job: Job, notes: Mapping[str, str]) -> None:
    """Write chunks and manifest."""
    contents = job.contents
    groups = assign_groups(contents)
    segments: list[list[str | None]] = []
    for number, runs in enumerate(contents.segments):
        digest = digest_of("\n".join([f"{run.run_id} {notes[run.run_id]}" for run in runs]).encode())
        chunks = []
        is_changed = False
        for group, columns in enumerate(groups):
            names = [column.name for column in columns]
            key = digest_of_parts([job.templates.digest, number, group, names, digest])
            path = job.folder.reuse(key)
            if path is None:
                shared = notes if group == 0 else None
                path = _write_chunk(job, f"index/{number}/{group}", runs, columns, shared)
                job.folder.remember(key, path)
                is_changed = True
            chunks.append(path or None)
        segments.append(chunks)
        if is_changed:
            for run in runs:
                forget_values(run.metrics)
                forget_values(run.params)
                forget_values(run.tags)
    manifest = {**describe_site(contents, segments), "newest": describe_newest(contents, groups[0], notes)}
    job.folder.put(paths.MANIFEST, encode_script("manifest", manifest))


def _write_chunk(
    job: Job,
    key: str,
    runs: Sequence[Run],
    columns: Sequence[Column],
    notes: Mapping[str, str] | None,
) -> str:
    """Write some columns of some runs, with ``notes`` also what all runs have; return the path or nothing."""
    value: dict[str, object] = {"columns": describe_cells(runs, columns, job.contents)}
    if notes is not None:
        value = {**describe_runs(runs, notes), **value}
    elif not value["columns"]:
        return ""
    script = encode_script(key, value)
    job.folder.put(paths.data_path(script), script)
    return paths.data_path(script)
