"""Ranks and arrays, by the environment that launchers give their processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import ConflictError, UserError
from gittrack.tracking import launch as launches
from gittrack.tracking.client import Client
from gittrack.tracking.launch import find_shared_id, make_shared_id, read_launch
from tests.repositories import check_repository, count_commits

if TYPE_CHECKING:
    from gittrack.core.model import Run

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = """
import gittrack, os, sys
with gittrack.start_run(run_name="train") as run:
    rank = os.environ.get("RANK") or os.environ.get("SLURM_PROCID") or "-"
    gittrack.log_metric(f"rank_{rank}", 1)
"""


def launch(repo: Path, *environments: dict[str, str]) -> list[Run]:
    """Run the script once for each environment, all at the same time; return the runs, oldest first."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            cwd=repo,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        )
        for environment in environments
    ]
    assert [process.wait() for process in processes] == [0] * len(processes)
    client = Client(repo)
    found = client.list_runs()[::-1]
    client.close()
    return found


def ranks(count: int, **more: str) -> list[dict[str, str]]:
    return [
        {"RANK": str(rank), "WORLD_SIZE": str(count), "MASTER_PORT": "1", **more} for rank in range(count)
    ]


def test_rank_0_records_alone(repo: Path) -> None:
    (run,) = launch(repo, *ranks(3))
    assert set(run.metrics) == {"rank_0"}


def test_all_ranks_may_record_into_one_run(repo: Path) -> None:
    (run,) = launch(repo, *reversed(ranks(3, GITTRACK_RANKS="all")))
    assert set(run.metrics) == {"rank_0", "rank_1", "rank_2"}
    assert run.status == "FINISHED"
    check_repository(repo)


def test_ranks_below_gittrack_run_join_its_run(repo: Path) -> None:
    (repo / "script.py").write_text(SCRIPT, "utf-8")
    shell = "for r in 0 1; do RANK=$r python script.py & done; wait"
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    command = [sys.executable, "-m", "gittrack", "run", "--no-system-metrics", "--", "sh", "-c", shell]
    subprocess.run(command, cwd=repo, env=environment, check=True)
    client = Client(repo)
    (run,) = client.list_runs()
    client.close()
    assert set(run.metrics) == {"rank_0"}


def test_one_process_of_slurm_is_on_its_own_and_many_are_ranks(repo: Path) -> None:
    assert read_launch({"SLURM_PROCID": "0", "SLURM_NTASKS": "1"}).rank is None
    assert read_launch({"SLURM_PROCID": "1", "SLURM_NTASKS": "2"}).is_silent
    assert read_launch({"OMPI_COMM_WORLD_RANK": "2"}).rank == 2
    # torchrun on each of two nodes: its ranks count, not Slurm's.
    assert read_launch({"RANK": "0", "SLURM_PROCID": "1", "SLURM_NTASKS": "2"}).rank == 0


def test_tasks_of_an_array_that_start_at_once_are_children_of_one_run(repo: Path) -> None:
    array = [
        {
            "SLURM_ARRAY_JOB_ID": "77",
            "SLURM_ARRAY_TASK_ID": str(task),
            "SLURM_PROCID": "0",
            "SLURM_NTASKS": "1",
        }
        for task in range(16)
    ]
    runs = launch(repo, *array)
    (parent,) = [run for run in runs if run.parent is None]
    children = [run for run in runs if run.parent is not None]
    assert (parent.name, parent.status) == ("array 77", "FINISHED")
    assert len(children) == 16
    assert {child.parent for child in children} == {parent.run_id}
    check_repository(repo)
    # Whatever ends at the same moment shares a commit: nobody waits for a commit of each of the others.
    assert count_commits(repo) <= 33


def test_an_array_has_the_same_parent_in_every_clone() -> None:
    one, other = ({"SLURM_ARRAY_JOB_ID": "77", "SLURM_ARRAY_TASK_ID": task} for task in "12")
    assert launches.array_run_id(read_launch(one), "c") == launches.array_run_id(read_launch(other), "c")
    assert launches.array_run_id(read_launch(one), "c") != launches.array_run_id(read_launch(one), "d")


def test_a_rank_that_waits_in_vain_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launches, "PATIENCE_S", 0.05)
    found = read_launch({"RANK": "1", "GITTRACK_RANKS": "all", "SLURM_JOB_ID": "5"})
    with pytest.raises(ConflictError) as error:
        find_shared_id(found, tmp_path, 0)
    assert "GITTRACK_RUN_ID" in (error.value.hint or "")


def test_what_an_earlier_start_said_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launches, "PATIENCE_S", 0.05)
    first = read_launch({"RANK": "0", "GITTRACK_RANKS": "all", "SLURM_JOB_ID": "5"})
    run_id = make_shared_id(first, tmp_path, 1)
    assert find_shared_id(first, tmp_path, 0) == run_id
    with pytest.raises(ConflictError):
        find_shared_id(first, tmp_path, 9e9)
    with pytest.raises(ConflictError):
        find_shared_id(read_launch({"RANK": "1", "GITTRACK_RANKS": "all", "SLURM_JOB_ID": "6"}), tmp_path, 0)


def test_a_scope_that_is_none_is_an_error() -> None:
    with pytest.raises(UserError, match="GITTRACK_RANKS must be 0 or all"):
        read_launch({"RANK": "0", "GITTRACK_RANKS": "some"})
