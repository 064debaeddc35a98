"""Repositories of very many runs, written as packs and trees at once, and the same runs for MLflow."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from gittrack.core.documents import encode_run
from gittrack.core.model import MetricSummary, Run, RunStatus
from gittrack.core.paths import METRICS_DOCUMENT, RUN_DOCUMENT, run_folder
from gittrack.core.series import Series, encode_series
from gittrack.store.git_commit import encode_commit
from gittrack.store.git_pack import encode_pack, install_pack, make_object
from gittrack.store.git_rollup import note_pack
from gittrack.store.git_tree import FILE_MODE, TREE_MODE, TreeEntry, encode_tree
from gittrack.store.layout import RUNS_REF
from tests.repositories import IDENTITY, make_repository, open_store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.git_pack import GitObject

PARAMS, METRICS, TAGS = 20, 20, 5
START = 1_700_000_000_000
BATCH = 5_000


def make_run(number: int) -> Run:
    """Return the run of a number: 20 params, 20 metrics and 5 tags, always the same."""
    source = random.Random(number)
    values = [source.random() for _ in range(METRICS)]
    return Run(
        f"{START + number * 1000:012x}{number * 2654435761 % 16**20:020x}",
        f"run-{number}",
        "0",
        RunStatus.FINISHED,
        START + number * 1000,
        START + number * 1000 + 900,
        user="ada",
        params={f"param{i}": source.choice([0.1, 0.01, 3, "adam", "sgd"]) for i in range(PARAMS)},
        metrics={
            f"metric{i}": MetricSummary(one, 9, START + number * 1000 + 9, one / 2, 3, one + 1, 5, 10)
            for i, one in enumerate(values)
        },
        tags={f"tag{i}": f"value {source.randrange(10)}" for i in range(TAGS)},
    )


def make_many(folder: Path, count: int) -> Path:
    """Make a repository with the runs of the numbers from 0 to ``count``."""
    repository = make_repository(folder)
    with closing(open_store(repository)) as store:
        kind = store.objects.hash_name
        store.layout.root.mkdir()
        shards: dict[tuple[str, ...], dict[str, TreeEntry]] = {}

        def write(objects: list[GitObject]) -> None:
            pack, index, name = encode_pack(objects, kind)
            install_pack(store.objects.pack_folder, pack, index, name)
            (store.objects.pack_folder / f"{name}.keep").unlink()
            note_pack(store.layout, name)

        for first in range(0, count, BATCH):
            objects = []
            for number in range(first, min(first + BATCH, count)):
                run = make_run(number)
                document = make_object("blob", encode_run(run), kind)
                history = make_object("blob", encode_history(run), kind)
                files = {RUN_DOCUMENT: document, METRICS_DOCUMENT: history}
                entries = {name: TreeEntry(FILE_MODE, one.oid) for name, one in files.items()}
                tree = make_object("tree", encode_tree(entries), kind)
                objects += [document, history, tree]
                _, *shard, run_id = run_folder(run.run_id)
                shards.setdefault(tuple(shard), {})[run_id] = TreeEntry(TREE_MODE, tree.oid)
            write(objects)
        root, objects = _join(shards, kind)
        commit = make_object("commit", encode_commit(root, [], IDENTITY, START // 1000, "many runs\n"), kind)
        write([*objects, commit])
        assert store.objects.swap_ref(RUNS_REF, None, commit.oid, "many runs")
    return repository


def encode_history(run: Run) -> bytes:
    """Return histories of ten points that end at the run's metrics."""
    steps, times = list(range(10)), [run.start_time + i for i in range(10)]
    return encode_series(
        {key: Series(steps, times, [one.last / 2] * 9 + [one.last]) for key, one in run.metrics.items()}
    )


def log_to_mlflow(database: Path, count: int) -> Any:
    """Put the same runs, with one point a metric, into a new SQLite store of MLflow; return its client.

    MLflow logs the first, which takes it 50 ms; the others are rows like those that it wrote.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    client = MlflowClient(f"sqlite:///{database}")
    run = make_run(0)
    run_id = client.create_run("0", run.start_time, run_name=run.name).info.run_id
    client.log_batch(
        run_id,
        [Metric(key, one.last, one.last_time, one.last_step) for key, one in run.metrics.items()],
        [Param(key, str(value)) for key, value in run.params.items()],
        [RunTag(key, value) for key, value in run.tags.items()],
    )
    client.set_terminated(run_id, end_time=run.end_time)
    with closing(sqlite3.connect(database)) as connection, connection:
        for table in ("runs", "metrics", "latest_metrics", "params", "tags"):
            _repeat_rows(connection, table, run_id, count)
    last = client.get_run(f"{count - 1:032x}") if count > 1 else client.get_run(run_id)
    assert last.data.metrics == {key: one.last for key, one in make_run(count - 1).metrics.items()}
    return client


def _repeat_rows(connection: sqlite3.Connection, table: str, first: str, count: int) -> None:
    """Write the rows that MLflow wrote of its first run for the runs of the numbers from 1 to ``count``."""
    cursor = connection.execute(f"SELECT * FROM {table} WHERE run_uuid = ?", (first,))
    names = [column[0] for column in cursor.description]
    models = [dict(zip(names, row, strict=True)) for row in cursor]

    def rows() -> Iterator[list[Any]]:
        for number in range(1, count):
            run, run_id = make_run(number), f"{number:032x}"
            own = {
                "run_uuid": run_id,
                "name": run.name,
                "start_time": run.start_time,
                "end_time": run.end_time,
            }
            texts = {**run.params, **run.tags, "mlflow.runName": run.name}
            for model in models:
                changed = {name: own.get(name, value) for name, value in model.items()}
                key = model.get("key", "")
                if "step" in model:
                    one = run.metrics[key]
                    changed |= {"value": one.last, "timestamp": one.last_time, "step": one.last_step}
                elif key:
                    changed["value"] = str(texts[key])
                else:
                    changed["artifact_uri"] = model["artifact_uri"].replace(first, run_id)
                yield list(changed.values())

    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(names))})", rows())


def _join(shards: dict[tuple[str, ...], dict[str, TreeEntry]], kind: str) -> tuple[str, list[GitObject]]:
    """Return the tree of all shards, and the trees that lead there."""
    objects: list[GitObject] = []
    level: dict[tuple[str, ...], dict[str, TreeEntry]] = shards
    while () not in level:
        above: dict[tuple[str, ...], dict[str, TreeEntry]] = {}
        for path, entries in level.items():
            tree = make_object("tree", encode_tree(entries), kind)
            objects.append(tree)
            above.setdefault(path[:-1], {})[path[-1]] = TreeEntry(TREE_MODE, tree.oid)
        level = above
    runs = make_object("tree", encode_tree(level[()]), kind)
    root = make_object("tree", encode_tree({"runs": TreeEntry(TREE_MODE, runs.oid)}), kind)
    return root.oid, [*objects, runs, root]
