"""Models logged, verified and loaded: signature, example, requirements, and no code that nobody allowed."""

from __future__ import annotations

import json
import os
import pickle
import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import gittrack
from gittrack import models
from gittrack.errors import CorruptDataError, InvalidValueError, ModelNotFoundError, UserError
from gittrack.store.layout import Layout
from gittrack.tracking.gc import collect, find_garbage
from gittrack.tracking.live import now_ms
from tests.repositories import check_repository, common_dir, git

X = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]})
Y = [0, 0, 1, 1]


def fitted() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, Y)


def test_a_model_is_logged_and_loaded_by_each_of_its_names(repo: Path) -> None:
    with gittrack.start_run() as run:
        info = gittrack.log_model(fitted(), "clf", input_example=X.head(2), registered_model_name="iris")
    gittrack.Client().set_registered_model_alias("iris", "champion", 1)
    assert info.registered_model_version == 1
    for uri in (
        info.model_uri,
        f"runs:/{run.run_id}/clf",
        "models:/iris/1",
        "models:/iris@champion",
        "models:/iris/latest",
        f"runs:/{run.info.run_name}/clf",
    ):
        assert list(gittrack.load_model(uri).predict(X)) == list(fitted().predict(X))
        if not uri.endswith(f"{run.info.run_name}/clf"):
            assert Path(gittrack.artifacts.download_artifacts(uri), "MLmodel").is_file()
    assert info.flavor == "sklearn"
    assert info.flavors["sklearn"]["serialization_format"] == "skops"
    made = gittrack.get_logged_model(str(info.model_id))
    assert (made.status, made.name, made.source_run_id) == ("READY", "clf", run.run_id)
    assert gittrack.last_logged_model() == made
    found = gittrack.get_run(run.run_id)
    assert [one.model_id for one in found.outputs.model_outputs] == [info.model_id]
    assert {path.partition("/")[0] for path in found.artifacts} == {"clf"}
    requirements = gittrack.Client().read_artifact(run.run_id, "clf/requirements.txt").decode()
    assert re.search(r"^scikit-learn==\d", requirements, re.MULTILINE)
    check_repository(repo)


def test_a_predictor_holds_data_against_the_signature(repo: Path) -> None:
    info = gittrack.log_model(fitted(), input_example=X.head(2))
    gittrack.end_run()
    predictor = models.load_predictor(info.model_uri)
    assert predictor.input_example.equals(X.head(2))
    assert list(predictor.predict(X[["b", "a"]])) == list(fitted().predict(X))
    with pytest.warns(UserWarning, match="extra"):
        predictor.predict(X.assign(extra=1))
    for wrong in (X[["a"]], X.assign(b="text"), X.assign(b=X["b"].astype("complex"))):
        with pytest.raises(InvalidValueError):
            predictor.predict(wrong)


@pytest.mark.parametrize("model", [RandomForestClassifier(3), HistGradientBoostingClassifier(max_iter=3)])
def test_models_of_trees_need_no_code_to_be_loaded(repo: Path, model: Any) -> None:
    model.fit(X, Y)
    info = gittrack.log_model(model)
    gittrack.end_run()
    loaded = gittrack.load_model(info.model_uri, allow_pickle=False)
    assert list(loaded.predict(X)) == list(model.predict(X))


@pytest.mark.parametrize("serialization_format", ["joblib", "cloudpickle", "pickle"])
def test_a_pickle_is_loaded_only_if_its_content_is_what_was_logged(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serialization_format: str
) -> None:
    info = gittrack.log_model(fitted(), serialization_format=serialization_format)
    gittrack.end_run()
    assert list(gittrack.load_model(info.model_uri).predict(X)) == list(fitted().predict(X))
    with pytest.raises(UserError, match="would run code"):
        gittrack.load_model(info.model_uri, allow_pickle=False)
    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    with pytest.raises(UserError, match="would run code"):
        gittrack.load_model(info.model_uri)


class Bomb:
    """What a pickle may do: make a file when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.environ["GITTRACK_TEST_BOMB"],)


def test_a_pickle_that_was_exchanged_is_noticed_before_it_runs(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITTRACK_TEST_BOMB", str(tmp_path / "exploded"))
    model = {"weights": list(range(100_000))}
    with gittrack.start_run() as run:
        info = gittrack.log_model(model)
    artifact = gittrack.get_run(run.run_id).artifacts["model/model.pkl"]
    blob = Layout(common_dir(repo) / "gittrack").blob(artifact.digest)
    blob.chmod(0o644)
    blob.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CorruptDataError):
        gittrack.load_model(info.model_uri)
    assert not (tmp_path / "exploded").exists()
    models.save_model(model, tmp_path / "saved")
    (tmp_path / "saved" / "model.pkl").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(CorruptDataError):
        gittrack.load_model(tmp_path / "saved")
    about = json.loads((tmp_path / "saved" / "MLmodel").read_text("utf-8"))
    del about["gittrack_files"]
    (tmp_path / "saved" / "MLmodel").write_text(json.dumps(about), "utf-8")
    with pytest.raises(UserError, match="would run code"):
        gittrack.load_model(tmp_path / "saved")
    assert not (tmp_path / "exploded").exists()


def test_a_type_that_could_run_code_is_named_before_skops_loads_it(repo: Path) -> None:
    model = make_pipeline(FunctionTransformer(os.path.dirname)).fit(X)
    info = gittrack.log_model(model)
    gittrack.end_run()
    with pytest.raises(InvalidValueError, match=r"posixpath\.dirname") as caught:
        gittrack.load_model(info.model_uri)
    assert "trusted=" in str(caught.value.hint)
    assert gittrack.load_model(info.model_uri, trusted=["posixpath.dirname"]) is not None


def test_code_written_for_mlflow_logs_and_loads_by_its_flavors(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.sklearn.log_model(
            fitted(), name="clf", registered_model_name="iris", input_example=X.head(1)
        )
        gittrack.sklearn.log_model(fitted(), "older")
        gittrack.pyfunc.log_model(name="adder", python_model=lambda frame: frame["a"] + 1)
    assert list(gittrack.sklearn.load_model("models:/iris/1").predict(X)) == list(fitted().predict(X))
    assert list(gittrack.pyfunc.load_model(f"runs:/{run.run_id}/older").predict(X)) == list(
        fitted().predict(X)
    )
    assert list(gittrack.pyfunc.load_model(f"runs:/{run.run_id}/adder").predict(X)) == [1, 2, 3, 4]
    with pytest.raises(InvalidValueError, match="flavors"):
        gittrack.xgboost.load_model("models:/iris/1")
    with pytest.raises(InvalidValueError, match="the same"):
        gittrack.sklearn.log_model(fitted(), "a", name="b")


def test_anything_that_pickles_is_a_model(repo: Path) -> None:
    info = gittrack.log_model(lambda frame: frame["a"] + 1, "adder", input_example=X.head(2))
    gittrack.end_run()
    assert info.flavor == "pickled"
    predictor = models.load_predictor(info.model_uri)
    assert list(predictor.predict(X)) == [1, 2, 3, 4]
    assert predictor.info.signature is not None
    assert predictor.info.signature.outputs is not None
    with pytest.raises(InvalidValueError, match="cannot be saved"):
        gittrack.log_model(threading.Lock(), "lock")
    assert [one.status for one in gittrack.search_logged_models(output_format="list")] == ["FAILED", "READY"]
    gittrack.end_run()


def test_two_models_of_one_name_keep_their_files_apart_and_the_later_step_is_meant(repo: Path) -> None:
    with gittrack.start_run() as run:
        late = gittrack.log_model({"n": 2}, step=2)
        early = gittrack.log_model({"n": 1}, step=1)
    assert gittrack.load_model(late.model_uri) == {"n": 2}
    assert gittrack.load_model(early.model_uri) == {"n": 1}
    assert gittrack.load_model(f"runs:/{run.run_id}/model") == {"n": 2}
    version = gittrack.register_model(f"runs:/{run.run_id}/model", "counter")
    assert (version.model_id, version.run_id, version.version) == (late.model_id, run.run_id, 1)


def test_a_deleted_run_that_holds_a_registered_version_is_no_garbage(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_model({"n": 1}, registered_model_name="counter")
    with gittrack.start_run() as other:
        gittrack.log_model({"n": 2})
    client = gittrack.Client()
    for run_id in (run.run_id, other.run_id):
        client.delete_run(run_id)
    garbage = find_garbage(client, grace_s=0, clock_ms=lambda: now_ms() + 10)
    assert [one.run_id for one in garbage.runs] == [other.run_id]
    collect(client, garbage)
    assert gittrack.load_model("models:/counter/1") == {"n": 1}
    client.delete_model_version("counter", 1)
    garbage = find_garbage(client, grace_s=0, clock_ms=lambda: now_ms() + 10)
    assert [one.run_id for one in garbage.runs] == [run.run_id]


def test_what_names_no_model_is_said_so(repo: Path, tmp_path: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_metric("a", 1)
    for uri in (f"runs:/{run.run_id}/model", f"models:/m-{'0' * 32}", "models:/iris/1", str(tmp_path)):
        with pytest.raises(ModelNotFoundError):
            gittrack.load_model(uri)
    for uri in ("models:/iris", "s3://bucket/model", "models:/"):
        with pytest.raises(InvalidValueError):
            gittrack.load_model(uri)
    with pytest.raises(ModelNotFoundError):
        gittrack.register_model(f"runs:/{run.run_id}/model", "iris")
    with pytest.raises(InvalidValueError, match="no flavor"):
        models.save_model({}, tmp_path / "new", flavor="none")


def test_a_model_is_saved_into_a_new_folder_and_loaded_from_it(repo: Path, tmp_path: Path) -> None:
    info = models.save_model(
        fitted(), tmp_path / "model", signature=models.infer_signature(X, np.array(Y)), metadata={"team": "a"}
    )
    loaded = models.load_predictor(tmp_path / "model")
    assert (loaded.info.signature, loaded.info.metadata) == (info.signature, {"team": "a"})
    assert list(loaded.predict(X)) == list(fitted().predict(X))
    with pytest.raises(InvalidValueError, match="already"):
        models.save_model(fitted(), tmp_path / "model")


def test_logged_models_are_searched_by_params_tags_and_metrics_on_datasets(repo: Path) -> None:
    client = gittrack.Client()
    ids = {}
    for name, accuracy in (("small", 0.7), ("large", 0.9)):
        made = client.create_logged_model("0", name, params={"n": len(name)}, tags={"kind": "tree"})
        client.log_model_metrics(made.model_id, {"acc": accuracy}, dataset_name="test", dataset_digest="1")
        client.log_model_metrics(made.model_id, {"acc": 1.0}, dataset_name="train", dataset_digest="2")
        client.finalize_logged_model(made.model_id, "READY")
        ids[made.model_id] = name

    def names(*arguments: Any, **options: Any) -> list[str]:
        return [one.name for one in client.search_logged_models(["0"], *arguments, **options)]

    assert names() == ["large", "small"]
    assert names("metrics.acc > 0.8") == ["large", "small"]
    assert names("metrics.acc > 0.8", datasets=[{"dataset_name": "test"}]) == ["large"]
    assert names("params.n = '5' AND tags.kind LIKE 'tr%' AND status = 'READY'") == ["large", "small"]
    order = [{"field_name": "metrics.acc", "ascending": True, "dataset_name": "test"}]
    assert names(order_by=order) == ["small", "large"]
    assert names("name IN ('small')") == ["small"]
    page = client.search_logged_models(["0"], max_results=1)
    assert page.token is not None
    assert [one.name for one in client.search_logged_models(["0"], max_results=1, page_token=page.token)] == [
        "small"
    ]
    frame = gittrack.search_logged_models()
    assert list(frame["name"]) == ["large", "small"]
    (large,) = client.search_logged_models(["0"], "name = 'large'")
    assert large.metrics is not None
    assert [(one.key, one.value, one.dataset_name) for one in large.metrics] == [
        ("acc", 0.9, "test"),
        ("acc", 1.0, "train"),
    ]
    client.delete_logged_model(large.model_id)
    with pytest.raises(ModelNotFoundError):
        client.get_logged_model(large.model_id)
    assert names() == ["small"]


def test_the_later_value_of_a_metric_of_a_logged_model_stays(repo: Path) -> None:
    client = gittrack.Client()
    made = client.create_logged_model("0", "iris")
    for step, value in ((1, 0.5), (3, 0.9), (2, 0.7)):
        client.log_model_metrics(made.model_id, {"acc": value}, step=step)
    (metric,) = client.get_logged_model(made.model_id).metrics or []
    assert (metric.value, metric.step) == (0.9, 3)


def test_files_of_a_model_that_no_run_made_have_a_run_of_their_own(repo: Path, tmp_path: Path) -> None:
    client = gittrack.Client()
    made = client.create_logged_model("0", "weights")
    (tmp_path / "w.bin").write_bytes(b"weights")
    client.log_model_artifact(made.model_id, tmp_path / "w.bin", "deep")
    assert [one.path for one in client.list_logged_model_artifacts(made.model_id, "deep")] == ["deep/w.bin"]
    found = client.get_logged_model(made.model_id)
    assert found.source_run_id is None
    assert found.artifact_location == f"runs:/{found.files_run_id}/weights"


def test_metrics_logged_for_a_model_are_metrics_of_the_run_and_of_the_model(repo: Path) -> None:
    made = gittrack.create_external_model("iris")
    dataset = gittrack.data.from_pandas(X, name="iris")
    with gittrack.start_run() as run:
        gittrack.log_metric("acc", 0.9, step=2, model_id=made.model_id, dataset=dataset)
        gittrack.log_metrics({"f1": 0.8}, step=2, model_id=made.model_id)
    found = {one.key: one for one in gittrack.get_logged_model(made.model_id).metrics or []}
    assert (found["acc"].value, found["acc"].run_id, found["acc"].dataset_name) == (0.9, run.run_id, "iris")
    assert found["f1"].step == 2
    assert gittrack.get_run(run.run_id).data.metrics == {"acc": 0.9, "f1": 0.8}


def test_registering_names_who_and_what_in_the_log(repo: Path) -> None:
    with gittrack.start_run(run_name="teacher"):
        gittrack.log_model({"a": 1}, registered_model_name="iris")
    subjects = git(repo, "log", "--format=%s", "refs/gittrack/runs")
    assert re.search(r"^model iris: version 1 registered, by \S+", subjects, re.MULTILINE)
