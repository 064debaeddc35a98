"""Models saved by one tracker are loaded by the other."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import gittrack
from gittrack import models
from tests.tracking.conftest import repo

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.mlflow, pytest.mark.filterwarnings("ignore")]  # MLflow's own warnings are many
__all__ = ["repo"]

X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
Y = [0, 0, 1, 1]


@pytest.fixture
def mlflow(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DO_NOT_TRACK", "true")
    loaded = importlib.import_module("mlflow")
    importlib.import_module("mlflow.sklearn")
    return loaded


def forest() -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(3, random_state=0).fit(X, Y)


@pytest.mark.parametrize("serialization_format", ["skops", "cloudpickle", "pickle"])
def test_mlflow_loads_what_gittrack_logged(
    repo: Path, mlflow: Any, tmp_path: Path, serialization_format: str
) -> None:
    with gittrack.start_run() as run:
        gittrack.log_model(
            forest(), "clf", input_example=X.head(2), serialization_format=serialization_format
        )
    folder = gittrack.Client().download_artifacts(run.run_id, "clf", str(tmp_path))
    assert list(mlflow.sklearn.load_model(folder).predict(X)) == list(forest().predict(X))
    loaded = mlflow.pyfunc.load_model(folder)
    assert list(loaded.predict(X)) == list(forest().predict(X))
    ours = gittrack.load_model(f"runs:/{run.run_id}/clf")
    assert list(ours.predict(X)) == list(forest().predict(X))
    signature = models.get_model_info(folder).signature
    assert signature is not None
    assert loaded.metadata.signature.to_dict() == signature.to_dict()
    assert loaded.input_example.equals(X.head(2))


@pytest.mark.parametrize("serialization_format", ["skops", "cloudpickle"])
def test_gittrack_loads_what_mlflow_saved(
    repo: Path, mlflow: Any, tmp_path: Path, serialization_format: str
) -> None:
    mlflow.sklearn.save_model(
        forest(),
        tmp_path / "saved",
        input_example=X.head(2),
        serialization_format=serialization_format,
        skops_trusted_types=["sklearn.tree._tree.Tree"],
    )
    predictor = models.load_predictor(tmp_path / "saved", allow_pickle=serialization_format != "skops")
    assert np.array_equal(predictor.predict(X[["b", "a"]]), forest().predict(X))
    assert predictor.input_example.equals(X.head(2))
