"""Where gittrack does otherwise on purpose; both sides are asserted, so that no change goes unnoticed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.mlflow.conftest import Records

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(900)]

REFUSED = "refused: INVALID_PARAMETER_VALUE"


def notes(records: Records, tracker: str, scenario: str) -> dict[str, Any]:
    return dict(records[tracker][scenario]["notes"])


def runs(records: Records, tracker: str, scenario: str) -> dict[str, Any]:
    return {run["name"]: run for run in records[tracker][scenario]["store"]["runs"]}


def both_runs(records: Records, scenario: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what MLflow and gittrack stored, by the runs' names."""
    return runs(records, "mlflow", scenario), runs(records, "gittrack", scenario)


def both_notes(records: Records, scenario: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what was seen under MLflow and gittrack."""
    return notes(records, "mlflow", scenario), notes(records, "gittrack", scenario)


def test_infinities_are_kept_and_not_made_the_largest_float(records: Records) -> None:
    theirs, ours = both_runs(records, "infinite_metrics")
    assert theirs["run"]["metrics"] == {"up": "1.7976931348623157e+308", "down": "-1.7976931348623157e+308"}
    assert ours["run"]["metrics"] == {"up": "inf", "down": "-inf"}
    assert [point[0] for point in ours["run"]["histories"]["up"]] == ["inf"]


def test_a_script_that_crashes_leaves_a_failed_run_and_not_a_finished_one(records: Records) -> None:
    theirs, ours = both_runs(records, "a_script_that_crashes")
    assert (theirs["run"]["status"], ours["run"]["status"]) == ("FINISHED", "FAILED")


def test_a_run_whose_process_was_killed_is_failed_and_does_not_run_for_ever(records: Records) -> None:
    theirs, ours = both_runs(records, "a_process_that_is_killed")
    assert (theirs["run"]["status"], ours["run"]["status"]) == ("RUNNING", "FAILED")
    assert ours["run"]["has_ended"]
    assert ours["run"]["metrics"] == theirs["run"]["metrics"] == {"m": "1.0"}


def test_every_open_run_is_ended_with_the_process_and_not_the_innermost_alone(records: Records) -> None:
    theirs, ours = both_runs(records, "nested_runs_that_nobody_ends")
    assert [theirs[name]["status"] for name in ("outer", "inner")] == ["RUNNING", "FINISHED"]
    assert [ours[name]["status"] for name in ("outer", "inner")] == ["FINISHED", "FINISHED"]


def test_a_run_that_its_thread_left_open_is_ended_with_the_process(records: Records) -> None:
    theirs, ours = both_runs(records, "a_run_that_its_thread_does_not_end")
    assert (theirs["run"]["status"], ours["run"]["status"]) == ("RUNNING", "FINISHED")


def test_values_up_to_64_kib_are_kept_whole_and_longer_ones_refused_where_mlflow_cuts(
    records: Records,
) -> None:
    theirs, ours = both_notes(records, "long_values")
    assert (theirs["param"], theirs["tag"], theirs["too long"]) == (6_000, 8_000, 70_000)
    assert (ours["param"], ours["tag"], ours["too long"]) == (60_000, 60_000, REFUSED)


def test_restoring_an_experiment_leaves_runs_deleted_that_were_deleted_by_themselves(
    records: Records,
) -> None:
    theirs, ours = both_runs(records, "a_run_deleted_before_its_experiment")
    assert (theirs["run"]["lifecycle_stage"], ours["run"]["lifecycle_stage"]) == ("active", "deleted")


def test_a_child_run_belongs_to_the_experiment_of_its_parent(records: Records) -> None:
    theirs, ours = both_runs(records, "a_child_of_a_run_in_an_experiment_that_is_not_the_active_one")
    assert (theirs["child"]["experiment"], ours["child"]["experiment"]) == ("Default", "one")


def test_a_block_that_ends_takes_along_the_runs_started_inside_it(records: Records) -> None:
    theirs, ours = both_notes(records, "an_outer_block_that_ends_first")
    assert (theirs["active"], ours["active"]) == ("outer", None)


def test_tasks_of_one_thread_may_have_runs_of_their_own(records: Records) -> None:
    theirs, ours = both_notes(records, "tasks_with_runs_of_their_own")
    assert (theirs["refused"], ours["refused"]) == (2, 0)
    stored = runs(records, "gittrack", "tasks_with_runs_of_their_own")
    assert {name: run["metrics"]["m"] for name, run in stored.items()} == {
        "task 0": "0.0",
        "task 1": "1.0",
        "task 2": "2.0",
    }


def test_a_forked_child_goes_on_with_the_run_of_its_parent(records: Records) -> None:
    theirs, ours = both_runs(records, "a_forked_child_of_an_active_run")
    assert len(theirs) == 2
    assert theirs["run"]["metrics"] == {}
    assert ours.keys() == {"run"}
    assert ours["run"]["metrics"] == {"of the child": "1.0"}


def test_training_goes_on_when_somebody_deletes_its_run(records: Records) -> None:
    theirs, ours = both_notes(records, "a_run_deleted_while_it_is_active")
    assert theirs == {"metric": REFUSED, "end": REFUSED}
    assert ours == {"metric": None, "end": None}
    run = runs(records, "gittrack", "a_run_deleted_while_it_is_active")["run"]
    assert (run["lifecycle_stage"], run["status"], run["metrics"]) == ("deleted", "FINISHED", {"m": "2.0"})


def test_the_last_active_run_is_shown_as_it_is_and_not_as_it_was_when_it_began(records: Records) -> None:
    theirs, ours = both_notes(records, "the_run_that_was_active_last")
    assert (theirs["metrics"], ours["metrics"]) == ({}, {"m": "1.0"})


def test_runs_that_the_client_makes_know_their_user_too(records: Records) -> None:
    theirs, ours = both_notes(records, "a_run_that_the_client_makes")
    assert (theirs["knows its user"], ours["knows its user"]) == (False, True)


def test_a_newline_at_the_end_of_a_key_is_refused(records: Records) -> None:
    theirs, ours = both_notes(records, "a_key_that_ends_in_a_newline")
    assert (theirs["metric"], ours["metric"]) == (None, REFUSED)


def test_numbers_are_stored_as_they_are_and_half_steps_refused(records: Records) -> None:
    theirs, ours = both_notes(records, "metrics_that_the_database_bends")
    assert theirs == {
        "step 1.5": "taken",
        "step 2**63": "refused: INTERNAL_ERROR",
        "history of no run": [],
        "negative zero": ["0.0", False, "0"],
        "time zero": ["1.0", False, "0"],
        "numpy step": ["1.0", False, r"b'\x03\x00\x00\x00\x00\x00\x00\x00'"],
    }
    assert ours == {
        "step 1.5": REFUSED,
        "step 2**63": REFUSED,
        "history of no run": "refused: RESOURCE_DOES_NOT_EXIST",
        "negative zero": ["-0.0", False, "0"],
        "time zero": ["1.0", True, "0"],
        "numpy step": ["1.0", False, "3"],
    }


def test_tags_of_a_new_experiment_may_be_numbers_as_those_of_runs_may(records: Records) -> None:
    theirs, ours = both_notes(records, "tags_of_a_new_experiment_that_are_no_text")
    assert (theirs["number"], ours["number"]) == ("refused: without a code", "taken")


def test_a_run_is_active_once(records: Records) -> None:
    theirs, ours = both_notes(records, "a_run_that_is_active_twice")
    assert (theirs["again"], ours["again"]) == ("taken", REFUSED)


def test_filters_know_numbers_or_and_not_and_may_not_end_in_the_middle(records: Records) -> None:
    theirs, ours = both_notes(records, "filters_beyond_those_of_mlflow")
    assert list(theirs.values()) == [REFUSED, REFUSED, REFUSED, ["a"]]
    assert list(ours.values()) == [["a"], ["a", "b"], ["b"], REFUSED]


def test_every_difference_that_is_played_is_one(records: Records) -> None:
    from tests.mlflow import differences

    names = [scenario.__name__ for scenario in differences.SCENARIOS]
    same = [name for name in names if records["mlflow"][name] == records["gittrack"][name]]
    assert (len(names), same) == (19, [])
