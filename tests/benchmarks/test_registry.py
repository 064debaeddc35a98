"""What the registry costs, each figure next to a reference from the same run."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.core.stamped import DocumentChange
from gittrack.tracking.client import Client
from tests.repositories import RUNS_REF, git, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.benchmarks.conftest import Report

pytestmark = [pytest.mark.benchmark, pytest.mark.filterwarnings("ignore")]  # MLflow's own are many

SOURCE = "s3://bucket/model"


def measure(call: Callable[[], object], times: int = 3) -> float:
    """Return the shortest of some times, s."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        taken.append(time.perf_counter() - started)
    return min(taken)


def fill(client: Client, count: int) -> None:
    """Register many versions of one model."""
    client.create_registered_model("iris")
    client.create_model_version("iris", SOURCE)
    (model,) = client.store.list_documents("models")
    changes = [
        DocumentChange(
            f"model-versions/{model.document_id}",
            f"{number:012x}{number * 2654435761 % 2**80:020x}",
            number,
            {
                "version": number + 1, "source": f"{SOURCE}/{number}", "creation_timestamp": number,
                "last_updated_timestamp": number, "user_id": "ada", "status": "READY", "tags.n": str(number),
            },
        )
        for number in range(1, count)
    ]  # fmt: skip
    client.store.change_documents(changes, "many versions")


def read_by_git(repository: Path) -> None:
    """Read every version with the git program."""
    names = git(repository, "ls-tree", "-r", "--object-only", RUNS_REF, "documents/model-versions/")
    subprocess.run(
        ["git", "cat-file", "--batch"], cwd=repository, input=names.encode(), capture_output=True, check=True
    )


def test_ten_thousand_versions_are_listed_searched_and_promoted(
    tmp_path: Path, scale: float, report: Report
) -> None:
    count = max(int(10_000 * scale), 20)
    repository = make_repository(tmp_path / "repo")
    with closing(Client(repository)) as client:
        fill(client, count)

    def list_cold() -> None:
        with closing(Client(repository)) as client:
            assert len(client.search_model_versions()) == count

    by_git = measure(lambda: read_by_git(repository))
    cold = measure(list_cold)
    with closing(Client(repository)) as client:
        text = f"tags.n = '{count // 2}'"
        client.search_model_versions(text)
        searched = measure(lambda: client.search_model_versions(text))
        promoted = measure(lambda: client.set_registered_model_alias("iris", "champion", count // 2))
        registered = measure(lambda: client.create_model_version("iris", SOURCE))
    report(
        f"{count:,} versions: git cat-file --batch reads them in {by_git * 1000:.0f} ms; a new client lists"
    )
    report(f"them in {cold * 1000:.0f} ms ({cold / by_git:.1f} x), one that knows them searches in")
    report(f"{searched * 1000:.0f} ms, promotes in {promoted * 1000:.0f} ms")
    report(f"and registers one more in {registered * 1000:.0f} ms")


def test_registering_and_promoting_beside_mlflow(tmp_path: Path, scale: float, report: Report) -> None:
    mlflow = pytest.importorskip("mlflow", reason="the reference is MLflow's SQLite store")
    count = max(int(200 * scale), 5)
    repository = make_repository(tmp_path / "repo")
    os.environ.setdefault("DO_NOT_TRACK", "true")

    def play(client: Any) -> None:
        client.create_registered_model("iris")
        for number in range(count):
            version = client.create_model_version("iris", f"{SOURCE}/{number}")
            client.set_registered_model_alias("iris", "champion", version.version)

    theirs = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    theirs.search_registered_models()  # makes the database
    with closing(Client(repository)) as ours:
        taken = measure(lambda: play(ours), 1), measure(lambda: play(theirs), 1)
    report(
        f"a version and its promotion: {taken[0] / count * 1000:.1f} ms, under MLflow "
        f"{taken[1] / count * 1000:.1f} ms ({taken[1] / taken[0]:.1f} x as long)"
    )
