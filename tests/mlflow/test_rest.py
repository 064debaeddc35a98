"""Clients in other languages: the calls that MLflow's Java and R clients make, on a server on the store.

Java's client writes numbers of 64 bits as texts, sends ``run_uuid`` beside ``run_id``, and expects the same
back, as Protocol Buffers have it in JSON.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.tracking.client import Client

if TYPE_CHECKING:
    from tests.mlflow.serving import Served

pytestmark = [pytest.mark.mlflow, pytest.mark.timeout(600)]


class Caller:
    """Calls of MLflow's REST interface."""

    def __init__(self, address: str) -> None:
        self.base = f"{address}/api/2.0/mlflow"

    def post(self, call: str, **body: Any) -> dict[str, Any]:
        request = urllib.request.Request(
            f"{self.base}/{call}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return self._answer(request)

    def get(self, call: str, query: str) -> dict[str, Any]:
        return self._answer(urllib.request.Request(f"{self.base}/{call}?{query}"))

    def _answer(self, request: urllib.request.Request) -> dict[str, Any]:
        with urllib.request.urlopen(request, timeout=60) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found


def test_what_the_java_client_sends_is_recorded_and_what_it_asks_for_is_answered(served: Served) -> None:
    call = Caller(served.address)
    experiment = call.post("experiments/create", name="from java")["experiment_id"]
    made = call.post("runs/create", experiment_id=experiment, start_time="1700000000000", run_name="jvm")
    run_id = made["run"]["info"]["run_id"]
    run = {"run_id": run_id, "run_uuid": run_id}
    point = {"key": "loss", "timestamp": "1700000001000"}
    call.post("runs/log-parameter", **run, key="depth", value="3")
    call.post("runs/log-metric", **run, **point, value=0.5, step="1")
    call.post("runs/log-metric", **run, **point, value="NaN", step="2")
    metrics = [{**point, "value": 0.25, "step": "9007199254740993"}]
    call.post("runs/log-batch", run_id=run_id, metrics=metrics, params=[], tags=[])
    call.post("runs/set-tag", **run, key="k", value="v")
    call.post("runs/delete-tag", run_id=run_id, key="k")
    call.post("runs/update", **run, status="FINISHED", end_time="1700000002000")

    info = call.get("runs/get", f"run_id={run_id}&run_uuid={run_id}")["run"]["info"]
    assert (info["status"], info["start_time"], info["end_time"]) == (
        "FINISHED",
        1700000000000,
        1700000002000,
    )
    history = call.get("metrics/get-history", f"run_id={run_id}&run_uuid={run_id}&metric_key=loss")
    assert [(one["step"], str(one["value"])) for one in history["metrics"]] == [
        (1, "0.5"),
        (2, "NaN"),
        (9007199254740993, "0.25"),
    ]
    asked = {"experiment_ids": [experiment], "filter": "params.depth = '3'", "max_results": 10}
    (found,) = call.post("runs/search", **asked)["runs"]
    assert found["info"]["run_id"] == run_id
    by_name = call.get("experiments/get-by-name", "experiment_name=from%20java")["experiment"]
    assert by_name["experiment_id"] == experiment
    assert call.get("artifacts/list", f"run_id={run_id}").get("files", []) == []
    call.post("registered-models/create", name="jvm-model")
    source = f"{info['artifact_uri']}/model"
    version = call.post("model-versions/create", name="jvm-model", source=source, run_id=run_id)
    assert version["model_version"]["version"] == "1"
    with pytest.raises(urllib.error.HTTPError) as refused:
        call.get("runs/get", "run_id=nobody")
    assert refused.value.code == 404
    assert json.loads(refused.value.read())["error_code"] == "RESOURCE_DOES_NOT_EXIST"
    client = Client(served.repository)
    recorded = client.get_run(run_id)
    client.close()
    assert (recorded.name, recorded.status, dict(recorded.data.params)) == ("jvm", "FINISHED", {"depth": "3"})
