"""Each framework's models: saved by its own means, and loaded without code of whoever made them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import gittrack
from gittrack import models
from gittrack.errors import InvalidValueError, UserError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of frameworks that other packages outran
]

X = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0)[::-1]})
Y = np.array([0] * 20 + [1] * 20)
QUIET = {"n_estimators": 3, "max_depth": 2}


def log_and_load(model: Any, **options: Any) -> tuple[gittrack.models.ModelInfo, Any]:
    """Log a model in a run of its own; return what is known of it, and the model loaded without pickle."""
    with gittrack.start_run():
        info = gittrack.log_model(model, **options)
    return info, gittrack.load_model(info.model_uri, allow_pickle=False)


def test_estimators_and_boosters_of_xgboost_need_no_pickle(repo: Path) -> None:
    import xgboost

    estimator = xgboost.XGBClassifier(**QUIET).fit(X, Y)
    info, loaded = log_and_load(estimator, input_example=X.head(2))
    assert (info.flavor, type(loaded)) == ("xgboost", xgboost.XGBClassifier)
    assert np.array_equal(loaded.predict(X), estimator.predict(X))
    predictor = models.load_predictor(info.model_uri)
    assert np.array_equal(predictor.predict(X[["b", "a"]]), estimator.predict(X))
    booster = estimator.get_booster()
    _, loaded = log_and_load(booster, serialization_format="json")
    assert np.allclose(loaded.predict(xgboost.DMatrix(X)), booster.predict(xgboost.DMatrix(X)))
    with pytest.raises(InvalidValueError, match="no format"):
        log_and_load(booster, serialization_format="pickle")


def test_a_class_that_is_not_of_xgboost_is_not_loaded_for_it(repo: Path, tmp_path: Path) -> None:
    import xgboost

    models.save_model(xgboost.XGBRegressor(**QUIET).fit(X, Y), tmp_path / "model")
    file = tmp_path / "model" / "MLmodel"
    about = json.loads(file.read_text("utf-8"))
    about["flavors"]["xgboost"]["model_class"] = "os.system"
    file.write_text(json.dumps(about), "utf-8")
    with pytest.raises(InvalidValueError, match="no class of XGBoost"):
        gittrack.load_model(tmp_path / "model")


def test_estimators_and_boosters_of_lightgbm_need_no_pickle(repo: Path) -> None:
    import lightgbm

    estimator = lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=1, verbose=-1).fit(X, Y)
    info, loaded = log_and_load(estimator, input_example=X.head(2))
    assert (info.flavor, type(loaded)) == ("lightgbm", lightgbm.LGBMClassifier)
    assert np.array_equal(loaded.predict(X), estimator.predict(X))
    assert np.array_equal(models.load_predictor(info.model_uri).predict(X), estimator.predict(X))
    _, loaded = log_and_load(estimator.booster_)
    assert np.allclose(loaded.predict(X), estimator.booster_.predict(X))


def test_modules_of_pytorch_are_pickles_and_their_tensors_are_not(repo: Path) -> None:
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU(), torch.nn.Linear(3, 1))
    data = X.to_numpy(dtype="float32").copy()
    with gittrack.start_run():
        info = gittrack.log_model(module, input_example=data[:2])
    with pytest.raises(UserError, match="would run code"):
        gittrack.load_model(info.model_uri, allow_pickle=False)
    expected = module(torch.from_numpy(data)).detach().numpy()
    predictor = models.load_predictor(info.model_uri)
    assert np.allclose(predictor.predict(data), expected)
    assert predictor.info.signature is not None
    with pytest.raises(InvalidValueError, match="float32"):
        predictor.predict(data.astype("float64"))
    with pytest.raises(InvalidValueError, match="shape"):
        predictor.predict(data[:, :1])
    _, state = log_and_load(module.state_dict())
    assert torch.equal(state["0.weight"], module.state_dict()["0.weight"])


def test_models_of_keras_are_loaded_in_its_safe_mode(repo: Path) -> None:
    import keras

    model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)])
    info, loaded = log_and_load(model, input_example=X.to_numpy()[:2])
    assert info.flavor == "keras"
    assert np.allclose(loaded.predict(X.to_numpy(), verbose=0), model.predict(X.to_numpy(), verbose=0))
    unsafe = keras.Sequential([keras.layers.Input((2,)), keras.layers.Lambda(lambda value: value * 2)])
    with gittrack.start_run():
        info = gittrack.log_model(unsafe)
    with pytest.raises(InvalidValueError, match="cannot be loaded safely"):
        gittrack.load_model(info.model_uri)
    assert gittrack.load_model(info.model_uri, trusted=["*"]) is not None


def tiny_bert(folder: Path) -> tuple[Any, Any]:
    """Return a model and a tokenizer of transformers, made here: nothing is downloaded."""
    import transformers

    folder.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "film"]
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    config = transformers.BertConfig(
        vocab_size=len(words),
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=16,
    )
    return transformers.BertForSequenceClassification(config).eval(), tokenizer


def test_models_tokenizers_and_pipelines_of_transformers_come_back(repo: Path, tmp_path: Path) -> None:
    import torch
    import transformers

    model, tokenizer = tiny_bert(tmp_path / "bert")
    info, loaded = log_and_load(model)
    assert (info.flavor, type(loaded).__name__) == ("transformers", "BertForSequenceClassification")
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    _, both = log_and_load({"model": model, "tokenizer": tokenizer})
    assert both["tokenizer"]("good film")["input_ids"] == tokenizer("good film")["input_ids"]
    pipeline = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer)
    with gittrack.start_run():
        info = gittrack.log_model(pipeline, "sentiment")
    predictor = models.load_predictor(info.model_uri)
    assert predictor.predict(["bad film"]) == pipeline(["bad film"])


def test_a_pipeline_of_scikit_learn_with_a_booster_inside_needs_no_pickle(repo: Path) -> None:
    import xgboost
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), xgboost.XGBClassifier(**QUIET)).fit(X, Y)
    info, loaded = log_and_load(model)
    assert info.flavor == "sklearn"
    assert np.array_equal(loaded.predict(X), model.predict(X))


def test_a_package_that_is_missing_is_named(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    import lightgbm

    estimator = lightgbm.LGBMRegressor(n_estimators=2, min_child_samples=1, verbose=-1).fit(X, Y)
    with gittrack.start_run():
        info = gittrack.log_model(estimator)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(UserError, match="lightgbm") as caught:
        gittrack.load_model(info.model_uri)
    assert "pip install" in str(caught.value.hint)
