"""A run is a fold of events; an experiment is one of changes."""

from __future__ import annotations

import dataclasses
from itertools import permutations
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.events import (
    LifecycleChanged,
    ParamsLogged,
    Renamed,
    RunResumed,
    RunStarted,
    StatusChanged,
    TagDeleted,
    TagsSet,
)
from gittrack.core.experiments import change_row, fold_experiment, parse_change
from gittrack.core.fold import blank_run, changed_fields, fold, is_active, kill
from gittrack.core.model import TAG_PARENT, TAG_RUN_NAME, LifecycleStage, Run, RunStatus
from tests import strategies
from tests.strategies import RUN_ID

if TYPE_CHECKING:
    from gittrack.core.events import Event
    from gittrack.core.experiments import ExperimentChange

event_lists = st.lists(strategies.events, max_size=12)
STARTED = RunStarted(RUN_ID, "0", "tidy-otter-412", 1000, tags={"kind": "test"})


def without_stamps(run: Run) -> str:
    """Return all that a run says, but for stamps and the order of artifacts, stored sorted as they are."""
    return repr(dataclasses.replace(run, edits={}, artifacts=dict(sorted(run.artifacts.items()))))


@given(event_lists, st.integers(0, 12))
def test_folding_in_two_steps_is_folding_at_once_but_for_stamps(events: list[Event], cut: int) -> None:
    events = sorted(events, key=lambda event: event.time)  # one writer's clock does not go back
    at_once = fold(None, RUN_ID, events)
    in_two = fold(fold(None, RUN_ID, events[:cut]), RUN_ID, events[cut:])
    assert without_stamps(in_two) == without_stamps(at_once)


@given(event_lists)
def test_folding_events_twice_is_folding_them_once(events: list[Event]) -> None:
    """Of params the first value counts and of all else the last, so a second time changes nothing."""
    ending = [event for event in events if not isinstance(event, (TagDeleted, RunStarted))]
    once = fold(None, RUN_ID, ending)
    assert without_stamps(fold(once, RUN_ID, ending)) == without_stamps(once)


@given(event_lists, event_lists)
def test_folding_leaves_the_run_that_it_starts_from_as_it_was(
    before: list[Event], events: list[Event]
) -> None:
    run = fold(None, RUN_ID, [STARTED, *before])
    said = repr(run)
    fold(run, RUN_ID, events)
    assert repr(run) == said


@given(event_lists)
def test_a_run_that_was_never_committed_carries_no_stamps(events: list[Event]) -> None:
    assert fold(None, RUN_ID, [STARTED, *events]).edits == {}


@given(strategies.runs(), event_lists)
def test_every_edit_of_a_committed_run_is_stamped_with_its_time_and_writer(
    run: Run, events: list[Event]
) -> None:
    events = sorted(events, key=lambda event: event.time)
    committed = dataclasses.replace(run, edits={}, start_time=max(run.start_time, 1))
    after = fold(committed, run.run_id, events, writer="w1")
    last_edits = {field: event.time for event in events for field in changed_fields(event)}
    assert {field: int(stamp[:12], 16) for field, stamp in after.edits.items()} == last_edits
    assert all(stamp.endswith("-w1") for stamp in after.edits.values())


@given(st.lists(strategies.edits, max_size=6), strategies.times)
def test_killing_twice_is_killing_once(events: list[Event], time: int) -> None:
    run = kill(fold(None, RUN_ID, [STARTED, *events]), time)
    assert run.status is not RunStatus.RUNNING
    assert kill(run, time + 1) == run


def test_a_killed_run_failed_at_its_last_event() -> None:
    run = kill(fold(None, RUN_ID, [STARTED]), 1234)
    assert (run.status, run.end_time, run.reason) == (RunStatus.FAILED, 1234, "killed")


def test_a_run_that_ended_is_not_killed_afterwards() -> None:
    ended = fold(None, RUN_ID, [STARTED, StatusChanged(RunStatus.FINISHED, 1100, 1100)])
    assert kill(ended, 1234) == ended


def test_of_a_param_the_first_value_counts() -> None:
    run = fold(None, RUN_ID, [STARTED, ParamsLogged({"lr": 0.1}, 1), ParamsLogged({"lr": 0.2, "b": 1}, 2)])
    assert run.params == {"lr": 0.1, "b": 1}


def test_a_resumed_run_has_no_end_and_no_reason() -> None:
    killed = kill(fold(None, RUN_ID, [STARTED]), 1234)
    run = fold(killed, RUN_ID, [RunResumed(2000)])
    assert (run.status, run.end_time, run.reason) == (RunStatus.RUNNING, None, None)


def test_the_tags_of_mlflow_rename_a_run_and_give_it_a_parent() -> None:
    run = fold(None, RUN_ID, [STARTED, TagsSet({TAG_RUN_NAME: "new", TAG_PARENT: "p", "x": "1"}, 1)])
    assert (run.name, run.parent, dict(run.tags)) == ("new", "p", {"kind": "test", "x": "1"})
    orphan = fold(run, RUN_ID, [TagDeleted(TAG_PARENT, 2), TagDeleted("kind", 3)])
    assert (orphan.parent, dict(orphan.tags)) == (None, {"x": "1"})


def test_deleting_and_restoring_are_events_too() -> None:
    run = fold(None, RUN_ID, [STARTED, LifecycleChanged(LifecycleStage.DELETED, 1), Renamed("other", 2)])
    assert not is_active(run)
    assert is_active(fold(run, RUN_ID, [LifecycleChanged(LifecycleStage.ACTIVE, 3)]))


def test_events_without_a_beginning_are_folded_onto_a_blank_run() -> None:
    run = fold(None, RUN_ID, [Renamed("late", 2)], writer="w1")
    stamp = "000000000002-000000-w1"
    assert run == dataclasses.replace(blank_run(RUN_ID), name="late", edits={"name": stamp})


def test_a_run_that_three_writers_begin_and_end_has_ended_in_whatever_order_they_are_folded() -> None:
    journals: dict[str, list[Event]] = {
        writer: [
            RunStarted(RUN_ID, "0", "array", time),
            StatusChanged(RunStatus.FINISHED, time + 1, time + 1),
        ]
        for writer, time in (("a", 10), ("b", 20), ("c", 30))
    }
    for order in permutations(journals):
        run = None
        for writer in order:
            run = fold(run, RUN_ID, journals[writer], writer=writer)
        assert run is not None
        assert run.status == RunStatus.FINISHED, order


def test_that_it_goes_on_said_by_another_before_it_ended_does_not_reopen_a_run() -> None:
    ended = fold(None, RUN_ID, [STARTED, StatusChanged(RunStatus.FINISHED, 1100, 1100)])
    said_before = fold(ended, RUN_ID, [StatusChanged(RunStatus.RUNNING, 1050)])
    said_after = fold(ended, RUN_ID, [StatusChanged(RunStatus.RUNNING, 1101)])
    assert (said_before.status, said_before.end_time) == (RunStatus.FINISHED, 1100)
    assert (said_after.status, said_after.end_time) == (RunStatus.RUNNING, None)


def test_an_edit_folded_before_the_journal_that_began_the_run_is_not_undone_by_it() -> None:
    edited = fold(None, RUN_ID, [Renamed("late", 20), TagsSet({"state": "late"}, 20)], writer="w1")
    begun = dataclasses.replace(STARTED, time=1, tags={})
    run = fold(edited, RUN_ID, [begun, TagsSet({"state": "early", "other": "kept"}, 2)])
    assert (run.name, dict(run.tags), run.start_time) == ("late", {"state": "late", "other": "kept"}, 1)
    assert fold(run, RUN_ID, [TagsSet({"state": "latest"}, 30)]).tags["state"] == "latest"


change_lists = st.lists(strategies.changes, max_size=6)


@given(strategies.changes)
def test_decode_after_encode_of_a_change_is_the_identity(change: ExperimentChange) -> None:
    assert parse_change(change_row(change)) == change


@given(change_lists, st.integers(0, 6))
def test_folding_changes_in_two_steps_is_folding_them_at_once_but_for_stamps(
    changes: list[ExperimentChange], cut: int
) -> None:
    at_once = fold_experiment(None, "1", changes)
    first = fold_experiment(None, "1", changes[:cut]) if cut else None
    in_two = fold_experiment(first, "1", changes[cut:]) if changes else at_once
    assert dataclasses.replace(in_two, edits={}) == dataclasses.replace(at_once, edits={})


@given(strategies.changes, strategies.changes)
def test_creating_an_experiment_again_changes_nothing(
    first: ExperimentChange, again: ExperimentChange
) -> None:
    created = fold_experiment(None, "1", [dataclasses.replace(first, created_name="one")])
    assert fold_experiment(created, "1", [dataclasses.replace(again, created_name="two")]) == created
