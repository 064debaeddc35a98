"""Many processes, one repository: everything is there, once, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from gittrack.core.model import RunStatus
from gittrack.tracking.client import Client
from tests.repositories import check_repository, common_dir, count_commits, git, leftovers, make_repository

ROOT = Path(__file__).parents[2]
PROCESSES = 8


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repo")


def run_at_once(role: str, repository: Path, count: int, processes: int = PROCESSES) -> None:
    """Run a role of ``children.py`` in many processes that begin at the same moment."""
    children = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.multiprocess.children",
                role,
                str(repository),
                str(number),
                str(count),
            ],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        _, complaints = child.communicate(timeout=240)
        assert (child.returncode, complaints) == (0, "")


def test_eight_processes_with_25_runs_each_lose_nothing(repository: Path) -> None:
    run_at_once("log_runs", repository, 25)
    with closing(Client(repository)) as client:
        runs = {run.name: run for run in client.list_runs()}
        assert set(runs) == {f"run-{number}-{place}" for number in range(PROCESSES) for place in range(25)}
        for name, run in runs.items():
            number, place = map(int, name.split("-")[1:])
            assert (run.status, run.params["place"]) == (RunStatus.FINISHED, [number, place])
            assert (run.metrics["loss"].count, run.metrics["loss"].last) == (5, number + place / 100)
            assert client.read_artifact(run.run_id, "a/b.txt") == f"{number}-{place}".encode()
        assert client.recover() == []
    assert count_commits(repository) <= PROCESSES * 25
    packs = list((common_dir(repository) / "objects" / "pack").glob("*.pack"))
    assert len(packs) <= 20
    assert leftovers(repository) == []
    unreachable = git(repository, "fsck", "--unreachable", "--no-reflogs", "--no-progress")
    assert unreachable == ""
    check_repository(repository)


def test_documents_changed_by_eight_processes_lose_no_change(repository: Path) -> None:
    run_at_once("change_documents", repository, 20)
    with closing(Client(repository)) as client:
        shared = client.store.find_document("models", "shared")
        assert shared is not None
        expected = {f"{number}-{place}" for number in range(PROCESSES) for place in range(20)}
        assert set(shared.group("tags")) == expected
        found = {one.document_id for one in client.store.list_documents("models")}
        assert found == {"shared", *expected}
    assert leftovers(repository) == []
    check_repository(repository)


def test_versions_registered_by_eight_processes_have_the_numbers_that_were_said(repository: Path) -> None:
    run_at_once("register_versions", repository, 8)
    with closing(Client(repository)) as client:
        found = {one.source: one.version for one in client.search_model_versions("name = 'iris'")}
        assert len(client.search_registered_models()) == 1
    assert sorted(found.values()) == list(range(1, PROCESSES * 8 + 1))
    for number in range(PROCESSES):
        said = (repository / f"said-{number}").read_text("utf-8").split()
        assert [found[f"s3://{number}/{place}"] for place in range(8)] == list(map(int, said))
    assert leftovers(repository) == []
    check_repository(repository)


def test_several_processes_that_log_to_one_run_lose_no_point(repository: Path) -> None:
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        (repository / "shared").write_text(run_id, "utf-8")
        run_at_once("share_run", repository, 60, processes=6)
        client.set_terminated(run_id)
    with closing(Client(repository)) as client:
        run = client.get_run(run_id)
        assert run.status is RunStatus.FINISHED
        assert {key: one.count for key, one in run.metrics.items()} == {
            "loss": 360, **{f"rank{number}": 60 for number in range(6)},
        }  # fmt: skip
        series = client.get_series(run_id)
        assert len(set(series["loss"].steps)) == 360
        assert all(series[f"rank{number}"].steps == list(range(60)) for number in range(6))
    assert leftovers(repository) == []
    check_repository(repository)


def test_recoveries_at_once_make_one_end_of_each_run(repository: Path) -> None:
    program = (
        "import os, sys\n"
        "from gittrack.tracking.client import Client\n"
        "client = Client(sys.argv[1])\n"
        "for number in range(20):\n"
        "    run_id = client.create_run().run_id\n"
        "    for step in range(50):\n"
        "        client.log_metric(run_id, 'loss', step / 7, step=step)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(repository)], cwd=ROOT, check=False)
    run_at_once("recover", repository, 0, processes=4)
    with closing(Client(repository)) as client:
        runs = client.list_runs()
        assert len(runs) == 20
        for run in runs:
            assert (run.status, run.reason) == (RunStatus.FAILED, "killed")
            assert (run.metrics["loss"].count, run.edits) == (50, {})
        assert client.recover() == []
    assert leftovers(repository) == []
    check_repository(repository)


def test_processes_that_create_the_same_experiment_end_with_one(repository: Path) -> None:
    run_at_once("create_experiment", repository, 4, processes=6)
    with closing(Client(repository)) as client:
        names = [one.name for one in client.list_experiments()]
        assert sorted(names) == ["Default", *(f"experiment {place}" for place in range(4))]
        assert all(one.edits == {} for one in client.list_experiments())
        for place in range(4):
            experiment = client.get_experiment_by_name(f"experiment {place}")
            assert experiment is not None
            assert len(client.list_runs([experiment.experiment_id])) == 6
    check_repository(repository)


def test_threads_of_one_client_lose_nothing(repository: Path) -> None:
    failures: list[BaseException] = []
    with closing(Client(repository)) as client:

        def work(number: int) -> None:
            try:
                for place in range(10):
                    run_id = client.create_run(run_name=f"run-{number}-{place}").run_id
                    for step in range(20):
                        client.log_metric(run_id, "loss", 0.5, step=step)
                    client.set_terminated(run_id)
                    assert client.get_run(run_id).metrics["loss"].count == 20
                    assert len(client.list_runs()) > place
            except BaseException as error:  # noqa: BLE001  (a thread has nobody else to tell)
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert {run.metrics["loss"].count for run in client.list_runs()} == {20}
        assert len(client.list_runs()) == 60
    assert leftovers(repository) == []
    check_repository(repository)


def test_a_reader_never_sees_a_point_twice_or_a_run_go_back(repository: Path) -> None:
    """While another process checkpoints, counts only grow, and never beyond what was logged."""
    program = (
        "import sys\n"
        "from gittrack.tracking.client import Client\n"
        "client = Client(sys.argv[1])\n"
        "run_id = client.create_run().run_id\n"
        "print(run_id, flush=True)\n"
        "for step in range(400):\n"
        "    client.log_metric(run_id, 'loss', 0.5, step=step)\n"
        "    if step % 4 == 3:\n"
        "        client.store.checkpoint(client.live(run_id).sink)\n"
        "client.set_terminated(run_id)\n"
        "client.close()\n"
    )
    with (
        subprocess.Popen(
            [sys.executable, "-c", program, str(repository)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as child,
        closing(Client(repository)) as client,
    ):
        assert child.stdout is not None
        run_id = child.stdout.readline().strip()
        counts = [0]
        while child.poll() is None:
            run = client.get_run(run_id)
            if "loss" in run.metrics:
                summary = run.metrics["loss"]
                assert summary.count == summary.last_step + 1, "points are counted twice, or some are missing"
                counts.append(summary.count)
        assert counts == sorted(counts)
        assert client.get_run(run_id).metrics["loss"].count == 400
