"""``run.json`` and ``experiments/<id>.json``: what is read back is what was written."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.documents import (
    decode_experiment,
    decode_manifest,
    decode_run,
    encode_experiment,
    encode_manifest,
    encode_manifest_document,
    encode_run,
)
from gittrack.core.jsonform import encode_document
from gittrack.core.model import RunStatus
from tests import strategies

if TYPE_CHECKING:
    from gittrack.core.model import Experiment, Run


def settle(value: Any) -> Any:
    """Return a value in which only what counts differs: not the order of keys, and NaN equals NaN."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return settle({field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, dict):
        return {key: settle(value[key]) for key in sorted(value)}
    return repr(value)


@given(strategies.runs())
def test_a_manifest_is_the_document_that_it_would_be_by_the_long_way(run: Run) -> None:
    assert encode_manifest_document(run.artifacts) == encode_document(encode_manifest(run.artifacts))


@given(strategies.runs())
def test_decode_after_encode_of_a_run_is_the_identity(run: Run) -> None:
    assert settle(decode_run(encode_run(run))) == settle(run)


@given(strategies.experiments)
def test_decode_after_encode_of_an_experiment_is_the_identity(experiment: Experiment) -> None:
    assert settle(decode_experiment(encode_experiment(experiment))) == settle(experiment)


@given(strategies.runs())
def test_decode_after_encode_of_a_manifest_is_the_identity(run: Run) -> None:
    assert decode_manifest(json.loads(json.dumps(encode_manifest(run.artifacts)))) == run.artifacts


@given(strategies.runs(), st.randoms())
def test_equal_runs_give_equal_bytes(run: Run, random: object) -> None:
    shuffled: dict[str, Any] = {}
    for name in ("params", "metrics", "tags", "artifacts", "datasets", "used", "model_outputs", "edits"):
        fields = list(getattr(run, name).items())
        random.shuffle(fields)  # type: ignore[attr-defined]
        shuffled[name] = dict(fields)
    assert encode_run(dataclasses.replace(run, **shuffled)) == encode_run(run)


@given(strategies.runs())
def test_what_has_no_value_is_left_out(run: Run) -> None:
    bare = dataclasses.replace(
        run, end_time=None, reason=None, source=None, parent=None, code=None, environment=None,
        params={}, metrics={}, tags={}, artifacts={}, edits={},
        datasets={}, used={}, model_inputs=(), model_outputs={},
    )  # fmt: skip
    assert set(json.loads(encode_run(bare))) == {
        "run_id", "name", "experiment_id", "status", "start_time", "lifecycle_stage", "user",
    }  # fmt: skip


@given(strategies.runs())
def test_fields_of_a_later_version_are_ignored(run: Run) -> None:
    document = json.loads(encode_run(run))
    document["invented_later"] = {"a": [1]}
    assert settle(decode_run(json.dumps(document).encode())) == settle(run)


def run_document(**changed: object) -> bytes:
    document: dict[str, object] = {
        "run_id": "a", "name": "b", "experiment_id": "0", "status": "FINISHED", "start_time": 1,
    }  # fmt: skip
    return json.dumps({**document, **changed}).encode()


def test_the_smallest_run_document_is_enough() -> None:
    run = decode_run(run_document())
    assert (run.name, run.status, run.params, run.user) == ("b", RunStatus.FINISHED, {}, "unknown")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"null",
        b"[]",
        b"{}",
        b'{"run_id":"a"',
        run_document(status="LOST"),
        run_document(metrics=[1]),
        run_document(metrics={"a": {}}),
        run_document(metrics={"a": 5}),
        run_document(artifacts={"a": {}}),
        run_document(artifacts=[1]),
    ],
)
def test_what_is_no_run_document_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (the reason differs, the class is the contract)
        decode_run(data)


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b"{}", b'{"experiment_id":"a"}'])
def test_what_is_no_experiment_document_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (as above)
        decode_experiment(data)
