"""Two clones, eight processes, random exchanges and random kills: both end with all that was acknowledged."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from gittrack.tracking.sync import git_store, push
from tests.repositories import RUNS_REF, check_repository, git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROCESSES = 8
ACTIONS = 40
KILLS = 6

HOUSEKEEPING = (
    "fetch --prune origin",
    "remote prune origin",
    "gc --prune=now --quiet",
    "repack -a -d -q",
    "pack-refs --all",
    "prune --expire=now",
)

CHILD = """
import random, sys
from gittrack.errors import GittrackError
from gittrack.tracking.client import Client
from gittrack.tracking.sync import pull, push

repository, seed, actions = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
choose = random.Random(seed)
client = Client(repository)
for number in range(actions):
    action = choose.choices(["log", "edit", "push", "pull"], [5, 2, 1, 1])[0]
    if action == "log":
        run_id = client.create_run(run_name=f"{seed}-{number}").run_id
        client.log_metric(run_id, "loss", number, step=number)
        print("logged", run_id, flush=True)
        client.set_terminated(run_id)
        print("ended", run_id, flush=True)
    elif action == "edit":
        runs = client.list_runs()
        if runs:
            client.set_tag(choose.choice(runs).run_id, f"by{seed}", number)
    else:
        try:
            (push if action == "push" else pull)(client)
        except GittrackError as error:
            print("refused", error.message.replace(chr(10), " "), flush=True)
print("done", flush=True)
client.close()
"""


def tree(client: Client) -> str:
    store = git_store(client)
    return store.objects.read_commit(store.head() or "").tree


@contextmanager
def housekeeping(repositories: list[Path], choose: random.Random) -> Iterator[list[str]]:
    """Let Git tidy up at random moments, as its users and `git gc --auto` do; yield what it did."""
    done: list[str] = []
    is_over = threading.Event()

    def tidy() -> None:
        while not is_over.wait(choose.uniform(0, 0.1)):
            command = choose.choice(HOUSEKEEPING)
            where = choose.choice(repositories)
            # Git may refuse when it finds itself at work already; it may never take what is ours.
            if (
                subprocess.run(
                    ["git", *command.split()], cwd=where, capture_output=True, check=False
                ).returncode
                == 0
            ):
                done.append(command)

    thread = threading.Thread(target=tidy)
    if repositories:
        thread.start()
    try:
        yield done
    finally:
        is_over.set()
        if repositories:
            thread.join()


@pytest.mark.parametrize(("seed", "has_housekeeping"), [(1, False), (2, True), (3, True)])
def test_clones_converge_to_the_union_of_all_that_was_acknowledged(
    tmp_path: Path, seed: int, has_housekeeping: bool
) -> None:
    choose = random.Random(seed)
    remote = make_repository(tmp_path / "remote.git", "bare")
    clones = [make_repository(tmp_path / name) for name in ("first", "second")]
    for clone in clones:
        git(clone, "remote", "add", "origin", str(remote))
    # Not at the remote: git itself warns that pruning where others push to may take what arrives.
    with housekeeping(clones if has_housekeeping else [], random.Random(seed)) as tidied:
        children = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    CHILD,
                    str(clones[number % 2]),
                    str(seed * 100 + number),
                    str(ACTIONS),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        for child in choose.sample(children, KILLS):
            time.sleep(choose.uniform(0.1, 0.8))
            child.send_signal(signal.SIGKILL)
        said = [child.communicate(timeout=200)[0].splitlines() for child in children]
    assert not has_housekeeping or {command.split()[0] for command in tidied} >= {"gc", "repack", "fetch"}
    logged = {line.split()[1] for lines in said for line in lines if line.startswith("logged ")}
    ended = {line.split()[1] for lines in said for line in lines if line.startswith("ended ")}
    assert {child.returncode for child in children} <= {0, -signal.SIGKILL}
    undisturbed = [lines for child, lines in zip(children, said, strict=True) if child.returncode == 0]
    assert undisturbed
    assert all("done" in lines for lines in undisturbed)
    assert len(logged) > PROCESSES

    with closing(Client(clones[0])) as first, closing(Client(clones[1])) as second:
        for client in (first, second, first, second):
            push(client)
        runs = {run.run_id: run for run in first.list_runs()}
        assert logged <= runs.keys()
        assert {runs[run_id].status for run_id in ended} == {"FINISHED"}
        assert {runs[run_id].metrics["loss"].count for run_id in logged} == {1}
        assert "RUNNING" not in {run.status for run in runs.values()}
        assert tree(first) == tree(second)
        assert git(remote, "rev-parse", RUNS_REF).strip() == first.head()
    for repository in (*clones, remote):
        check_repository(repository)
