"""What a tree of the hidden branch holds, read: runs, their histories, experiments."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeAlias

from gittrack.core.documents import decode_experiment, decode_manifest, decode_run
from gittrack.core.jsonform import decode, encode_compact
from gittrack.core.model import DEFAULT_EXPERIMENT, DEFAULT_EXPERIMENT_ID
from gittrack.core.paths import (
    ARTIFACTS_DOCUMENT,
    EXPERIMENTS,
    METRICS_DOCUMENT,
    METRICS_FOLDER,
    RUN_DOCUMENT,
    run_folder,
)
from gittrack.core.series import decode_series
from gittrack.errors import CorruptDataError
from gittrack.store.git_tree import decode_tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gittrack.core.model import Experiment, Run
    from gittrack.core.packed import PackedSeries
    from gittrack.core.series import Series
    from gittrack.store.git_objects import Objects
    from gittrack.store.git_tree import TreeEntry

RunDocuments: TypeAlias = "tuple[bytes, bytes | None]"
"""``run.json``, and ``artifacts.json`` if there is one."""
READ_AT_ONCE = 100
"""Runs whose documents are in memory together."""
_DOCUMENTS = (RUN_DOCUMENT, ARTIFACTS_DOCUMENT)


def read_documents(objects: Objects, folder: TreeEntry) -> RunDocuments | None:
    """Return ``run.json`` and ``artifacts.json`` of a run, None if it has none.

    Raises:
        CorruptDataError: Something is missing or damaged.
    """
    files = objects.read_tree(folder.oid)
    document, manifest = files.get(RUN_DOCUMENT), files.get(ARTIFACTS_DOCUMENT)
    if document is None:
        return None
    return objects.read(document.oid), objects.read(manifest.oid) if manifest else None


def read_all_documents(
    objects: Objects, folders: Iterable[tuple[str, TreeEntry]]
) -> Iterator[tuple[str, RunDocuments | None]]:
    """Yield id and documents of runs; of very many by the git program, where there is one.

    Raises:
        CorruptDataError: Something is missing or damaged.
    """
    remaining = iter(folders)
    first = list(islice(remaining, READ_AT_ONCE))
    if len(first) < READ_AT_ONCE:
        yield from ((run_id, read_documents(objects, folder)) for run_id, folder in first)
        return
    remaining = chain(first, remaining)
    with objects.open_reader() as read_all:
        while some := list(islice(remaining, READ_AT_ONCE)):
            trees = [
                decode_tree(data, objects.oid_bytes) for data in read_all([folder.oid for _, folder in some])
            ]
            wanted = [tree[name].oid for tree in trees for name in _DOCUMENTS if name in tree]
            contents = dict(zip(wanted, read_all(wanted), strict=True))
            for (run_id, _), tree in zip(some, trees, strict=True):
                document, manifest = (
                    contents[tree[name].oid] if name in tree else None for name in _DOCUMENTS
                )
                yield run_id, None if document is None else (document, manifest)


def decode_documents(document: bytes, manifest: bytes | None) -> Run:
    """Return the run of its documents.

    Raises:
        CorruptDataError: They are damaged.
    """
    try:
        run = decode_run(document)
        if manifest is None:
            return run
        return replace(run, artifacts=decode_manifest(decode(manifest)))  # type: ignore[arg-type]
    except ValueError as error:
        message = f"a run document is damaged: {error}"
        raise CorruptDataError(message, hint="run `gittrack fsck`, which says which one") from error


def list_folders(objects: Objects, tree: str) -> Iterator[tuple[str, TreeEntry]]:
    """Yield the id and the folder of every run of a tree.

    Raises:
        CorruptDataError: A tree of the hidden branch is missing or damaged.
    """
    for run_id, _, folder in objects.changed_runs(None, tree):
        if folder is not None:
            yield run_id, folder


def read_segments(objects: Objects, tree: str, run_id: str) -> list[dict[str, Series]]:
    """Return the pieces of a run's histories.

    Raises:
        CorruptDataError: Something is missing or damaged.
    """
    with _damage_named(run_id):
        return [decode_series(objects.read(oid)) for oid in _list_segments(objects, tree, run_id)]


def read_packed(objects: Objects, tree: str, run_id: str, key: str) -> list[PackedSeries]:
    """Return the pieces of one history of a run.

    Raises:
        CorruptDataError: Something is missing or damaged.
        OverflowError: A step or time is no integer of 64 bits.
    """
    from gittrack.core.packed import decode_packed

    found: list[PackedSeries] = []
    quoted = encode_compact(key)
    with _damage_named(run_id):
        for oid in _list_segments(objects, tree, run_id):
            data = objects.read(oid)
            if quoted in data:  # segments are cut by metric: most hold nothing of this one
                found += decode_packed(data, key)
    return found


def _list_segments(objects: Objects, tree: str, run_id: str) -> Iterator[str]:
    folder = run_folder(run_id)
    if small := objects.find(tree, (*folder, METRICS_DOCUMENT)):
        yield small.oid
    if segments := objects.find(tree, (*folder, METRICS_FOLDER)):
        yield from (entry.oid for entry in objects.read_tree(segments.oid).values())


@contextlib.contextmanager
def _damage_named(run_id: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        message = f"the metrics of run {run_id} are damaged: {error}"
        raise CorruptDataError(message, hint="run `gittrack fsck`") from error


def find_experiment(objects: Objects, tree: str | None, experiment_id: str) -> Experiment | None:
    """Return an experiment; the default one is always there.

    Raises:
        CorruptDataError: It is damaged.
    """
    entry = objects.find(tree, (EXPERIMENTS, f"{experiment_id}.json")) if tree else None
    if entry is None:
        return DEFAULT_EXPERIMENT if experiment_id == DEFAULT_EXPERIMENT_ID else None
    try:
        return decode_experiment(objects.read(entry.oid))
    except ValueError as error:
        message = f"experiment {experiment_id} is damaged: {error}"
        raise CorruptDataError(message, hint="run `gittrack fsck`") from error


def list_experiments(objects: Objects, tree: str | None) -> list[Experiment]:
    """Return all experiments, the default one first, then by creation.

    Raises:
        CorruptDataError: One is damaged.
    """
    folder = objects.find(tree, (EXPERIMENTS,)) if tree else None
    names = objects.read_tree(folder.oid) if folder else {}
    ids = {DEFAULT_EXPERIMENT_ID, *(name.removesuffix(".json") for name in names)}
    found = [one for experiment_id in ids if (one := find_experiment(objects, tree, experiment_id))]
    return sorted(
        found, key=lambda one: (one.experiment_id != DEFAULT_EXPERIMENT_ID, one.creation_time, one.name)
    )
