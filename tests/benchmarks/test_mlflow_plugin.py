"""What MLflow's own client costs on gittrack's store, next to the same calls on its SQLite store."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.benchmarks.many_runs import log_to_mlflow, make_many
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.benchmarks.conftest import Report

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("default"),  # those of MLflow and its database are not ours
]

FILTER = "metrics.metric3 > 0.5 AND params.param1 = 'adam'"
ORDER = ["metrics.metric5 DESC"]
PAGE = 1000


def median(repeat: int, call: Callable[[], object]) -> float:
    times = []
    for _ in range(repeat):
        started = time.perf_counter()
        call()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def test_metrics_logged_by_mlflows_client(tmp_path: Path, scale: float, report: Report) -> None:
    mlflow = pytest.importorskip("mlflow", reason="it is what is measured")
    count = max(int(1000 * scale), 20)

    def measure(uri: str) -> float:
        client = mlflow.MlflowClient(uri)
        run_id = client.create_run("0").info.run_id
        started = time.perf_counter()
        for step in range(count):
            client.log_metric(run_id, "loss", 1 / (step + 1), step=step)
        return (time.perf_counter() - started) / count

    database = f"sqlite:///{tmp_path}/mlflow.db"
    store = f"gittrack:{make_repository(tmp_path / 'repo')}"
    pairs = [(measure(store), measure(database)) for _ in range(3)]
    ours, theirs = (min(column) for column in zip(*pairs, strict=True))
    report(
        f"log_metric by MLflow's client: on gittrack {ours * 1e6:.0f} µs, on SQLite {theirs * 1e6:.0f} µs: "
        f"{theirs / ours:.1f} x faster (≥ 5 x)"
    )


def test_searches_by_mlflows_client(tmp_path: Path, scale: float, report: Report) -> None:
    mlflow = pytest.importorskip("mlflow", reason="it is what is measured")
    count = max(int(10_000 * scale), 100)
    repository = make_many(tmp_path / "repo", count)
    ours = mlflow.MlflowClient(f"gittrack:{repository}")

    def search(client: Any, experiment_id: str) -> tuple[float, float]:
        everything = median(3, lambda: client.search_runs([experiment_id], max_results=PAGE))
        some = median(3, lambda: client.search_runs([experiment_id], FILTER, 1, PAGE, ORDER))
        return everything, some

    theirs = log_to_mlflow(tmp_path / "mlflow.db", count)
    other = search(theirs, "0")
    mine = search(ours, "0")
    for name, our, their in zip((f"{PAGE} of {count:,} runs", "filter and order"), mine, other, strict=True):
        ratio = f"{their / our:.1f} x faster (≥ 3 x)"
        report(f"{name}: on gittrack {our * 1e3:.0f} ms, on SQLite {their * 1e3:.0f} ms: {ratio}")
