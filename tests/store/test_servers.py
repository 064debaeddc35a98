"""Real servers: every way to reach one works by git and by dulwich, and nothing they do loses a run."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import NotFoundError, RemoteError, RemoteRefusedError
from gittrack.store.layout import tracking_ref
from gittrack.store.transport import RefUpdate
from tests.benchmarks.test_store import fill
from tests.exchanging import TRANSPORTS, connect, log_run, names, pull, tree
from tests.repositories import RUNS_REF, check_repository, git, leftovers, make_repository
from tests.servers import KINDS, PASSWORD, USER, Line, serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gittrack.store.git_store import GitStore
    from tests.servers import Server


@pytest.fixture(scope="module", params=KINDS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    with serve(request.param) as one:
        yield one


@pytest.fixture(scope="module")
def daemon() -> Iterator[Server]:
    with serve("daemon") as one:
        yield one


@pytest.fixture(scope="module")
def web() -> Iterator[Server]:
    with serve("http") as one:
        yield one


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def clone(folder: Path, server: Server, remote: Path, transport: str, **settings: str) -> GitStore:
    """Return a repository that knows a remote of a server."""
    more = {f"gittrack.{key}": value for key, value in settings.items()}
    return connect(
        make_repository(folder),
        server.url(remote),
        {**server.settings, "gittrack.transport": transport, **more},
    )


def test_clones_converge_through_every_server_by_both_transports(
    server: Server, transport: str, tmp_path: Path
) -> None:
    remote = server.make(f"{tmp_path.name}.git")
    first, second = (clone(tmp_path / name, server, remote, transport) for name in ("first", "second"))
    assert first.push("origin").runs == 0
    for number in range(1, 20):
        log_run(first, number, points=number)
    log_run(second, 100)
    assert first.push("origin").runs == 19
    assert second.push("origin").runs == 1
    pull(first)
    assert len(names(first)) == 20
    assert tree(first) == tree(second)
    assert first.head() == second.head() == git(remote, "rev-parse", RUNS_REF).strip()
    assert (first.push("origin").runs, second.push("origin").runs) == (0, 0)
    log_run(second, 101)
    assert second.push("origin").runs == 1
    pull(first)
    assert first.head() == second.head()
    for store in (first, second):
        top = store.layout.root.parent.parent
        check_repository(top)
        assert leftovers(top) == []
    check_repository(remote)


def test_both_transports_work_on_one_remote(server: Server, tmp_path: Path) -> None:
    remote = server.make(f"{tmp_path.name}.git")
    stores = [clone(tmp_path / name, server, remote, name) for name in TRANSPORTS]
    for number in range(10):
        log_run(stores[number % 2], number)
        assert stores[number % 2].push("origin").runs == 1
    git(remote, "gc", "-q")
    server.hand_over(remote)
    for store in stores:
        pull(store)
    assert tree(stores[0]) == tree(stores[1])
    assert len(names(stores[0])) == 10
    check_repository(remote)


def test_several_refs_move_together_or_not_at_all(server: Server, transport: str, tmp_path: Path) -> None:
    remote = server.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", server, remote, transport)
    log_run(store, 1)
    first = store.head()
    log_run(store, 2)
    second = store.head()
    assert first
    assert second
    ways = store.transport()
    ways.push("origin", [RefUpdate(RUNS_REF, first), RefUpdate("refs/gittrack/other", first)])
    ways.push("origin", [RefUpdate("refs/gittrack/other", second)])
    # The first would move, the second only by force: neither does.
    updates = [RefUpdate(RUNS_REF, second), RefUpdate("refs/gittrack/other", first, replaced=first)]
    assert ways.push("origin", updates).value == "overtaken"
    assert git(remote, "rev-parse", RUNS_REF).strip() == first
    ways.fetch(
        "origin",
        {RUNS_REF: "refs/gittrack-remote/a/runs", "refs/gittrack/none": "refs/gittrack-remote/a/none"},
    )
    assert store.objects.read_ref("refs/gittrack-remote/a/runs") == first
    assert store.objects.read_ref("refs/gittrack-remote/a/none") is None


def test_a_web_server_that_asks_for_a_password_gets_it_from_the_credential_helper(
    web: Server, transport: str, tmp_path: Path
) -> None:
    remote = web.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", web, remote, transport)
    log_run(store, 1)
    assert store.push("origin").runs == 1
    git(tmp_path / "clone", "config", "--unset", "credential.helper")
    with pytest.raises(RemoteError, match="cannot fetch from origin") as caught:
        store.fetch("origin")
    assert "check your credentials" in str(caught.value)
    saved = tmp_path / "saved"
    saved.write_text(f"http://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{web.port}\n", "utf-8")
    git(tmp_path / "clone", "config", "credential.helper", f"store --file={saved}")
    assert store.fetch("origin")


def test_a_wrong_password_is_an_error_with_a_hint_and_nothing_is_asked(
    web: Server, transport: str, tmp_path: Path
) -> None:
    remote = web.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", web, remote, transport)
    git(
        tmp_path / "clone",
        "config",
        "credential.helper",
        "!f() { echo username=alice; echo password=wrong; }; f",
    )
    log_run(store, 1)
    with pytest.raises(RemoteError) as caught:
        store.push("origin")
    assert "check your credentials" in str(caught.value)
    assert names(store) == ["run-1"]


def test_an_exchange_of_nothing_is_one_look_at_the_remote(
    web: Server, transport: str, tmp_path: Path
) -> None:
    remote = web.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", web, remote, transport)
    log_run(store, 1)
    store.push("origin")
    started = time.time()
    assert store.push("origin").runs == 0
    deadline = time.monotonic() + 60
    asked: list[str] = []
    while len(asked) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)  # a request is noted only once it was answered
        asked = [line for line in web.requests(started) if remote.name in line and " 401" not in line]
    # Protocol version 2: what the server can do, then the refs that were asked for, then nothing more.
    assert [line.split()[0] for line in asked] == ["GET", "POST"]
    assert not any("receive-pack" in line for line in asked)


def test_a_ref_that_is_gone_at_the_remote_is_gone_here(
    daemon: Server, transport: str, tmp_path: Path
) -> None:
    remote = daemon.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", daemon, remote, transport)
    log_run(store, 1)
    store.push("origin")
    git(remote, "update-ref", "-d", RUNS_REF)
    assert not store.fetch("origin")
    assert store.objects.read_ref(tracking_ref("origin")) is None
    assert store.push("origin").runs == 1
    assert git(remote, "rev-parse", RUNS_REF).strip() == store.head()


def test_a_remote_that_vanishes_during_a_push_loses_nothing(
    daemon: Server, transport: str, tmp_path: Path
) -> None:
    remote = daemon.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", daemon, remote, transport)
    for number in range(30):
        log_run(store, number, points=20)
    pull(store)
    with closing(Line(daemon.port, after=6_000, hangs_up=True)) as line:
        git(tmp_path / "clone", "config", "remote.origin.url", daemon.url(remote, line.port))
        with pytest.raises(RemoteError) as caught:
            store.push("origin")
    assert "what was logged is safe here" in str(caught.value)
    assert git(remote, "for-each-ref") == ""
    git(tmp_path / "clone", "config", "remote.origin.url", daemon.url(remote))
    assert store.push("origin").runs == 30
    check_repository(remote)
    assert leftovers(tmp_path / "clone") == []


@pytest.mark.parametrize("after", [0, 6_000])
def test_a_remote_that_stalls_is_given_up(daemon: Server, transport: str, tmp_path: Path, after: int) -> None:
    remote = daemon.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", daemon, remote, transport, stallTimeout="2")
    for number in range(30):
        log_run(store, number, points=20)
    started = time.monotonic()
    with closing(Line(daemon.port, after=after, hangs_up=False)) as line:
        git(tmp_path / "clone", "config", "remote.origin.url", daemon.url(remote, line.port))
        with pytest.raises(RemoteError, match="stalled: nothing was heard of it for 2 s"):
            store.push("origin")
    assert time.monotonic() - started < 50
    git(tmp_path / "clone", "config", "remote.origin.url", daemon.url(remote))
    assert store.push("origin").runs == 30


def test_a_remote_that_is_full_keeps_everything_here(transport: str, tmp_path: Path) -> None:
    with serve("daemon", largest_file=4_000) as full:
        remote = full.make("full.git")
        store = clone(tmp_path / "clone", full, remote, transport)
        for number in range(30):
            log_run(store, number, points=20)
        with pytest.raises(RemoteError) as caught:
            store.push("origin")
        assert not isinstance(caught.value, RemoteRefusedError), "another ref would not help"
        assert "safe here" in str(caught.value)
        assert git(remote, "for-each-ref") == ""
    assert len(names(store)) == 30


def test_a_server_that_hides_custom_refs_is_named_with_a_way_out(
    server: Server, transport: str, tmp_path: Path
) -> None:
    remote = server.make(f"{tmp_path.name}.git")
    if server.kind == "file" and transport == "dulwich":
        pytest.skip("between folders no server refuses anything")
    git(remote, "config", "transfer.hideRefs", "refs/gittrack")
    server.hand_over(remote)
    first, second = (clone(tmp_path / name, server, remote, transport) for name in ("first", "second"))
    log_run(first, 1)
    with pytest.raises(RemoteRefusedError, match="origin does not accept refs/gittrack/runs") as caught:
        first.push("origin")
    assert "git config gittrack.remoteRef refs/heads/gittrack/runs" in str(caught.value)
    for name in ("first", "second"):
        git(tmp_path / name, "config", "gittrack.remoteRef", "refs/heads/gittrack/runs")
    assert first.push("origin").runs == 1
    pull(second)
    assert names(second) == ["run-1"]
    assert git(tmp_path / "second", "for-each-ref", "refs/heads/gittrack", "refs/remotes") == ""


def test_a_server_without_the_repository_is_an_error(server: Server, transport: str, tmp_path: Path) -> None:
    remote = server.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", server, remote.with_name("missing.git"), transport)
    log_run(store, 1)
    with pytest.raises((RemoteError, NotFoundError)):
        store.push("origin")
    assert names(store) == ["run-1"]


def test_one_new_run_sends_what_one_run_is_whatever_the_history(
    daemon: Server, transport: str, tmp_path: Path
) -> None:
    remote = daemon.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", daemon, remote, transport)
    fill(tmp_path / "clone", 2_000)
    assert store.push("origin").runs == 2_000
    before = store.head()
    log_run(store, 1 << 80, points=50)
    with closing(Line(daemon.port)) as line:
        git(tmp_path / "clone", "config", "remote.origin.url", daemon.url(remote, line.port))
        assert store.push("origin").runs == 1
        assert 500 < line.carried < 30_000
    sent = git(remote, "rev-list", "--objects", RUNS_REF, f"^{before}").splitlines()
    assert len(sent) < 50


def test_a_push_that_is_forbidden_names_the_permission_to_add(
    web: Server, transport: str, tmp_path: Path
) -> None:
    remote = web.make(f"{tmp_path.name}.git")
    git(remote, "config", "http.receivepack", "false")
    web.hand_over(remote)
    store = clone(tmp_path / "clone", web, remote, transport)
    log_run(store, 1)
    with pytest.raises(RemoteError) as caught:
        store.push("origin")
    assert "`contents: write` (GitHub) or `write_repository` (GitLab)" in str(caught.value)
    assert names(store) == ["run-1"]


def test_progress_is_told_in_objects(daemon: Server, transport: str, tmp_path: Path) -> None:
    remote = daemon.make(f"{tmp_path.name}.git")
    store = clone(tmp_path / "clone", daemon, remote, transport)
    for number in range(5):
        log_run(store, number)
    told: list[tuple[int, int]] = []
    store.push("origin", progress=lambda done, total: told.append((done, total)))
    assert told
    assert told[-1][0] == told[-1][1] == int(git(remote, "count-objects", "-v").split()[1]) + _packed(remote)


def _packed(repository: Path) -> int:
    return int(git(repository, "count-objects", "-v").split("in-pack: ")[1].split()[0])
