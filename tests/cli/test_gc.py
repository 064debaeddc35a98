"""``gittrack gc``: said first, removed when it is meant, and never what may still be needed."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.store import blobs
from gittrack.tracking.client import Client
from gittrack.tracking.sync import git_store
from tests.repositories import check_repository, git, make_repository

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.store.layout import Layout
    from tests.cli.conftest import Cli

SIZE = 200_000
OLD_S = 1_600_000_000.0


@pytest.fixture
def remote(repository: Path, tmp_path: Path) -> Path:
    made = make_repository(tmp_path / "remote.git", "bare")
    git(repository, "remote", "add", "origin", str(made))
    git(repository, "push", "-q", "origin", "HEAD")
    return made


def layout_of(repository: Path) -> Layout:
    with closing(Client(repository)) as client:
        return git_store(client).layout


def log(cli: Cli, repository: Path, name: str) -> bytes:
    data = os.urandom(SIZE)
    (repository / f"{name}.bin").write_bytes(data)
    assert cli("log", "-a", f"{name}.bin", "--name", name).status == 0
    return data


def age(repository: Path) -> None:
    """Let all content here look as if it had been stored years ago."""
    layout = layout_of(repository)
    for digest in blobs.list_blobs(layout):
        os.utime(layout.blob(digest), (OLD_S, OLD_S))


def count_here(repository: Path) -> int:
    return len(list(blobs.list_blobs(layout_of(repository))))


def test_what_would_go_is_said_with_its_size_and_goes_when_it_is_meant(repository: Path, cli: Cli) -> None:
    log(cli, repository, "kept")
    log(cli, repository, "gone")
    assert cli("gc", "--days", "0").err == "nothing to remove\n"
    assert cli("rm", "gone").status == 0
    age(repository)
    said = cli("gc", "--days", "0")
    assert said.err == "would remove 1 deleted run, 195 KiB of content; `gittrack gc --yes` does\n"
    assert said.lines[0].endswith("  gone")
    assert count_here(repository) == 2
    assert "removed 1 deleted run, 195 KiB of content" in cli("gc", "--days", "0", "--yes").err
    assert count_here(repository) == 1
    assert cli("artifacts", "verify", "kept").status == 0
    assert cli("show", "gone").status == 4
    check_repository(repository)


def test_young_content_that_no_run_has_is_held_back_and_said_to_be(repository: Path, cli: Cli) -> None:
    with closing(Client(repository)) as client:
        git_store(client).store_content(os.urandom(SIZE))
    said = cli("gc", "--yes")
    assert said.err.splitlines() == [
        "nothing to remove",
        (
            "1 file (195 KiB) held back: no run has them, but they are less than 30 days old, "
            "or may be on their way into a run"
        ),
    ]
    assert count_here(repository) == 1
    assert cli("gc", "--days", "0", "--yes").err == "removed 195 KiB of content\n"
    assert count_here(repository) == 0


def test_what_is_on_its_way_into_a_run_is_not_taken_even_by_force(
    repository: Path, remote: Path, cli: Cli
) -> None:
    sent = log(cli, repository, "sent")
    cli("push")
    with closing(Client(repository)) as client:
        run_id = client.create_run(run_name="open").run_id
        client.log_content(run_id, sent, "again.bin")
        client.log_content(run_id, named := os.urandom(SIZE), "named.bin")
        age(repository)  # the journal names both, however old they look
        git_store(client).store_content(os.urandom(SIZE))  # about to be named
        assert cli("gc", "--local", "--force", "--days", "0", "--yes").err == "nothing to remove\n"
        held = cli("gc", "--days", "0", "--yes").err.splitlines()
        assert held[0] == "nothing to remove"
        assert held[1].startswith("1 file (195 KiB) held back")
        assert count_here(repository) == 3
        client.set_terminated(run_id)
        assert client.read_artifact(run_id, "again.bin", fetch=False) == sent
        assert client.read_artifact(run_id, "named.bin", fetch=False) == named
    assert remote.exists()


def test_only_copies_that_a_remote_has_go_unless_it_is_forced(
    repository: Path, remote: Path, cli: Cli
) -> None:
    sent = log(cli, repository, "sent")
    cli("push")
    log(cli, repository, "unsent")
    age(repository)
    said = cli("gc", "--local")
    assert said.err.splitlines() == [
        "would remove 1 file (195 KiB); `--yes` does",
        "1 file (195 KiB) stay: no remote is known to have them",
        "hint: `gittrack push` sends them; --force removes them all the same",
    ]
    assert "removed 1 file (195 KiB)" in cli("gc", "--local", "--yes").err
    assert count_here(repository) == 1
    assert cli("artifacts", "verify", "unsent").status == 0
    assert cli("gc", "--local", "--force").err == "would remove 1 file (195 KiB); `--yes` does\n"
    assert cli("gc", "--local", "--force", "--yes").err == "removed 1 file (195 KiB)\n"
    assert count_here(repository) == 0
    assert cli("artifacts", "get", "sent", "sent.bin", "-o", "out").status == 0  # it comes back
    assert (repository / "out" / "sent.bin").read_bytes() == sent
    lost = cli("artifacts", "get", "unsent", "unsent.bin", "-o", "out")
    assert lost.status == 4
    assert "was never sent to a remote" in lost.err
    assert not (repository / "out" / "unsent.bin").exists()
    assert remote.exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--force"], "--force goes with --local only"),
        (["--force", "--expired"], "--force goes with --local only"),
        (["--local", "--remote", "git"], "--local and --remote are two things"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    repository: Path, cli: Cli, arguments: list[str], complaint: str
) -> None:
    refused = cli("gc", *arguments, "--yes")
    assert refused.status == 2
    assert complaint in refused.err
    assert repository.exists()
