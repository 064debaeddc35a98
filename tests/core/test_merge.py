"""Laws of the merge: whoever merges what with whom, and in which order, all arrive at the same bytes."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.documents import encode_experiment, encode_run
from gittrack.core.events import Event, LifecycleChanged, Renamed, TagDeleted, TagsSet
from gittrack.core.experiments import ExperimentChange, fold_experiment
from gittrack.core.fold import fold
from gittrack.core.merge import merge_experiments, merge_runs
from gittrack.core.model import Experiment, LifecycleStage, Run, RunStatus
from tests import strategies as some

FIELDS = ["status", "name", "parent", "lifecycle_stage", "tags.loss", "tags.acc", "artifacts.model.pt"]
stamps = st.sampled_from(["000000000001-000000-a", "000000000001-000000-b", "000000000002-000001-a"])


@st.composite
def states(draw: st.DrawFn) -> Run:
    """A state of one and the same run, stamps and values as they please."""
    run = draw(some.runs())
    edits = draw(st.dictionaries(st.sampled_from(FIELDS), stamps, max_size=4))
    return replace(run, run_id=some.RUN_ID, metrics={}, edits=edits)


def merged(first: Run, *others: Run) -> bytes:
    for other in others:
        first = merge_runs(first, other)
    return encode_run(first)


@given(states(), states())
def test_merging_runs_is_commutative(first: Run, second: Run) -> None:
    assert merged(first, second) == merged(second, first)


@given(states(), states(), states())
def test_merging_runs_is_associative(first: Run, second: Run, third: Run) -> None:
    assert encode_run(merge_runs(merge_runs(first, second), third)) == encode_run(
        merge_runs(first, merge_runs(second, third))
    )


@given(states(), states())
def test_merging_runs_is_idempotent(first: Run, second: Run) -> None:
    both = merge_runs(first, second)
    assert merged(first, first) == encode_run(first)
    assert merged(both, first) == merged(both, second) == encode_run(both)


@given(states(), states())
def test_a_merge_loses_no_param_no_untouched_tag_and_no_untouched_artifact(first: Run, second: Run) -> None:
    both = merge_runs(first, second)
    assert both.params.keys() == first.params.keys() | second.params.keys()
    for side in (first, second):
        assert {key for key in side.tags if f"tags.{key}" not in both.edits} <= both.tags.keys()
        assert {
            path for path in side.artifacts if f"artifacts.{path}" not in both.edits
        } <= both.artifacts.keys()


edit_lists = st.lists(
    st.builds(Renamed, some.texts, some.times)
    | st.builds(TagsSet, st.dictionaries(st.sampled_from(["a", "b"]), some.texts, max_size=2), some.times)
    | st.builds(TagDeleted, st.sampled_from(["a", "b"]), some.times)
    | st.builds(LifecycleChanged, st.sampled_from(LifecycleStage), some.times),
    max_size=4,
)


@given(some.runs(), edit_lists, edit_lists)
def test_edits_made_in_two_clones_end_the_same_in_both(
    run: Run, ours: list[Event], theirs: list[Event]
) -> None:
    run = replace(run, edits={})
    left = fold(run, run.run_id, ours, writer="left")
    right = fold(run, run.run_id, theirs, writer="right")
    assert merged(left, right) == merged(right, left)


def test_of_two_edits_of_a_field_the_later_one_stays_and_other_fields_are_kept() -> None:
    run = Run(some.RUN_ID, "old", "0", RunStatus.FINISHED, 1, 2, tags={"team": "a", "gone": "soon"})
    early = fold(run, run.run_id, [Renamed("early", 100), TagsSet({"team": "b"}, 300)], writer="one")
    late = fold(run, run.run_id, [Renamed("late", 200), TagDeleted("gone", 100)], writer="two")
    both = merge_runs(early, late)
    assert (both.name, both.tags) == ("late", {"team": "b"})


def test_a_tag_set_after_it_was_deleted_elsewhere_stays() -> None:
    run = Run(some.RUN_ID, "run", "0", RunStatus.FINISHED, 1, 2, tags={"team": "a"})
    deleted = fold(run, run.run_id, [TagDeleted("team", 100)], writer="one")
    set_again = fold(run, run.run_id, [TagsSet({"team": "b"}, 200)], writer="two")
    assert merge_runs(deleted, set_again).tags == {"team": "b"}
    too_early = fold(run, run.run_id, [TagsSet({"team": "b"}, 50)], writer="two")
    assert merge_runs(deleted, too_early).tags == {}


def test_a_run_that_went_on_here_and_was_only_heard_of_there_knows_how_it_began() -> None:
    heard = Run(some.RUN_ID, some.RUN_ID[:12], "0", RunStatus.RUNNING, 0, tags={"seen": "there"})
    known = Run(some.RUN_ID, "tidy-otter-4", "e", RunStatus.FINISHED, 5, 9, user="ada", source="train.py")
    both = merge_runs(heard, known)
    assert (both.start_time, both.user, both.experiment_id, both.status) == (
        5,
        "ada",
        "e",
        RunStatus.FINISHED,
    )
    assert both.tags == {"seen": "there"}


@given(some.experiments, st.lists(some.changes, max_size=3), st.lists(some.changes, max_size=3))
def test_changes_of_an_experiment_in_two_clones_end_the_same_in_both(
    experiment: Experiment, ours: list[ExperimentChange], theirs: list[ExperimentChange]
) -> None:
    left = fold_experiment(experiment, experiment.experiment_id, ours, writer="left")
    right = fold_experiment(experiment, experiment.experiment_id, theirs, writer="right")
    both = merge_experiments(left, right)
    assert encode_experiment(both) == encode_experiment(merge_experiments(right, left))
    assert encode_experiment(merge_experiments(both, left)) == encode_experiment(both)
