"""What dead writers left is folded as it happened, once, and ends when the last of it was written."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from gittrack.core.event_lines import encode_event
from gittrack.core.events import ParamsLogged, RunStarted, TagsSet
from gittrack.core.journal import encode_metrics
from gittrack.store.spool import spool_journal
from tests.repositories import count_commits, make_repository, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from gittrack.core.model import Run
    from gittrack.store.git_store import GitStore

TIME = 1_700_000_000_000
RUN_ID = f"{TIME:012x}{'0' * 17}abc"
START = encode_event(RunStarted(RUN_ID, "0", "run", TIME))


@pytest.fixture
def store(tmp_path: Path) -> GitStore:
    return open_store(make_repository(tmp_path / "repo"))


def leave_journal(store: GitStore, name: str, *lines: bytes) -> Path:
    """Write what a process on a host that is gone left behind."""
    folder = store.layout.journals / RUN_ID
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.jsonl"
    path.write_bytes(b"".join(lines))
    return path


def find(store: GitStore) -> Run:
    run = store.find_run(RUN_ID)
    assert run is not None
    return run


def test_of_two_writers_the_earlier_param_stays_whatever_their_names(store: GitStore) -> None:
    leave_journal(store, "c-1-1-000001", START)
    leave_journal(store, "a-1-1-000001", encode_event(ParamsLogged({"lr": 0.2}, TIME + 2000)))
    leave_journal(store, "b-1-1-000001", encode_event(ParamsLogged({"lr": 0.1}, TIME + 1000)))
    store.recover()
    assert find(store).params == {"lr": 0.1}


def test_of_one_writer_the_first_param_stays_whatever_its_clock_did(store: GitStore) -> None:
    leave_journal(store, "a-1-1-000001", START)
    leave_journal(store, "b-1-1-000001", encode_event(ParamsLogged({"lr": 0.1}, TIME + 9000)))
    leave_journal(store, "b-1-1-000002", encode_event(ParamsLogged({"lr": 0.2}, TIME + 1000)))
    store.recover()
    assert find(store).params == {"lr": 0.1}


def test_a_run_begins_before_anything_else_happens_to_it_whatever_the_clocks_say(store: GitStore) -> None:
    leave_journal(store, "a-1-1-000001", encode_event(TagsSet({"by": "somebody else"}, TIME - 5000)))
    leave_journal(store, "b-1-1-000001", START)
    store.recover()
    run = find(store)
    assert (run.name, run.start_time, run.tags) == ("run", TIME, {"by": "somebody else"})


def test_a_killed_writer_that_went_on_in_a_second_journal_ends_with_that(store: GitStore) -> None:
    leave_journal(store, "a-1-1-000001", START, encode_metrics({"loss": 1.0}, 0, TIME + 1000))
    leave_journal(store, "a-1-1-000002o", encode_metrics({"loss": 0.5}, 1, TIME + 9000))
    store.recover()
    run = find(store)
    assert (run.status, run.reason, run.end_time) == ("FAILED", "killed", TIME + 9000)


def test_a_journal_before_the_one_that_is_still_written_ends_nothing(store: GitStore) -> None:
    first = leave_journal(store, "a-1-1-000001", START)
    leave_journal(store, "a-1-1-000002o", encode_metrics({"loss": 0.5}, 1, TIME + 9000))
    entry = spool_journal(store.layout, first, RUN_ID, is_dead=True)
    assert entry is not None
    store._commit(entry)
    assert find(store).status == "RUNNING"


def test_an_entry_whose_journal_is_gone_was_committed_before_and_is_not_added_again(store: GitStore) -> None:
    """A folder that two processes tidy: one folds a journal while the other commits and removes it."""
    lines = [encode_metrics({"loss": step / 7}, step, TIME + step) for step in range(20_000)]
    journal = leave_journal(store, "a-1-1-000001", START, *lines)
    entry = spool_journal(store.layout, journal, RUN_ID, is_dead=True)
    assert entry is not None
    aside = shutil.copy(entry, entry.with_name("aside"))
    store.recover()
    store.append_events(RUN_ID, [TagsSet({"after": "that"}, TIME + 10**6)])  # the tip names other entries now
    shutil.move(aside, entry)
    commits, before = count_commits(store.layout.root.parent), find(store)
    store.recover()
    assert count_commits(store.layout.root.parent) == commits
    assert find(store) == before
    assert before.metrics["loss"].count == 20_000
    assert not list(store.layout.spool.glob("*.entry"))
