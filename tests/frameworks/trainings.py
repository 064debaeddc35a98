"""Trainings that MLflow's autologging records, each a real one, on whatever store MLflow tracks to.

    python -m tests.frameworks.trainings FRAMEWORK TRACKING_URI FOLDER

prints, as JSON, what is recorded of the training, and whether the model it logged predicts what it did.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "torch")
PLACES = 4
"""To so many digits two trainings from one seed agree."""
TIMINGS = {"train_runtime", "train_samples_per_second", "train_steps_per_second"}
"""Metrics that no seed makes agree."""


def xgboost(folder: Path) -> Any:
    """Boost trees; return what they predict, and the data."""
    import mlflow
    import xgboost as framework

    mlflow.xgboost.autolog(log_models=False)
    inputs, labels = cancer()
    data = framework.DMatrix(inputs, labels)
    model = framework.train({"max_depth": 2, "seed": 0}, data, 5, evals=[(data, "train")], verbose_eval=False)
    mlflow.xgboost.log_model(model, name="model", pip_requirements=["xgboost-cpu"])
    return model.predict(data), inputs


def lightgbm(folder: Path) -> Any:
    """Boost trees; return what they predict, and the data."""
    import lightgbm as framework
    import mlflow

    mlflow.lightgbm.autolog(log_models=False)
    inputs, labels = cancer()
    data = framework.Dataset(inputs, labels)
    settings = {"num_leaves": 4, "seed": 0, "verbose": -1, "num_threads": 1}
    model = framework.train(settings, data, 5, valid_sets=[data])
    mlflow.lightgbm.log_model(model, name="model", pip_requirements=["lightgbm"])
    return model.predict(inputs), inputs


def keras(folder: Path) -> Any:
    """Train a small network; return what it predicts, and the data."""
    import keras as framework
    import mlflow

    mlflow.keras.autolog(log_models=False)
    framework.utils.set_random_seed(0)
    inputs, labels = digits()
    layers = [framework.layers.Dense(16, activation="relu"), framework.layers.Dense(10, activation="softmax")]
    model = framework.Sequential(layers)
    model.compile(framework.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(inputs, labels, batch_size=256, epochs=2, verbose=0)
    mlflow.keras.log_model(model, name="model", pip_requirements=["keras"])
    return model.predict(inputs, verbose=0), inputs


def lightning(folder: Path) -> Any:
    """Train a small network; return what it predicts, and the data."""
    import lightning as framework
    import mlflow
    import torch

    class Network(framework.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(64, 10)

        def forward(self, batch: Any) -> Any:
            return self.layer(batch)

        def training_step(self, batch: Any, _: int) -> Any:
            loss = torch.nn.functional.cross_entropy(self(batch[0]), batch[1])
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

    mlflow.pytorch.autolog(log_models=False)
    framework.seed_everything(0, verbose=False)
    inputs, labels = digits()
    data = torch.utils.data.TensorDataset(torch.tensor(inputs), torch.tensor(labels))
    network = Network()
    trainer = framework.Trainer(
        max_epochs=2,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(network, torch.utils.data.DataLoader(data, batch_size=256))
    layer, example = network.layer, inputs[:4]
    mlflow.pytorch.log_model(layer, name="model", pip_requirements=["torch"], input_example=example)
    return network.layer(torch.tensor(inputs)).detach().numpy(), inputs


def transformers(folder: Path) -> Any:
    """Train a tiny transformer; its own callback speaks to MLflow."""
    import mlflow
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel, Trainer, TrainingArguments, set_seed

    mlflow.transformers.autolog()
    set_seed(0)
    rows = [(torch.arange(8) + start) % 5 for start in range(64)]
    data = [{"input_ids": row, "labels": row} for row in rows]
    config = GPT2Config(vocab_size=5, n_positions=8, n_embd=8, n_layer=1, n_head=1)
    arguments = TrainingArguments(
        output_dir=str(folder),
        max_steps=4,
        logging_steps=2,
        save_strategy="no",
        report_to=["mlflow"],
        run_name="counting",
        use_cpu=True,
        disable_tqdm=True,
    )
    Trainer(GPT2LMHeadModel(config), arguments, train_dataset=data).train()
    return None


TRAININGS: dict[str, Callable[[Path], Any]] = {
    one.__name__: one for one in (xgboost, lightgbm, keras, lightning, transformers)
}


def cancer() -> tuple[Any, Any]:
    """Return real measurements of tumours, shape (569, 30), and which are benign."""
    from sklearn.datasets import load_breast_cancer

    return load_breast_cancer(return_X_y=True)


def digits() -> tuple[Any, Any]:
    """Return handwritten digits, shape (1797, 64), and what they are."""
    from sklearn.datasets import load_digits

    inputs, labels = load_digits(return_X_y=True)
    return (inputs / 16).astype("float32"), labels


def record(name: str, folder: Path) -> dict[str, Any]:
    """Train in a run and return what is recorded of it."""
    import mlflow
    import numpy as np

    client = mlflow.MlflowClient()
    with mlflow.start_run(run_name=name) as run:
        told = TRAININGS[name](folder)
    stored = client.get_run(run.info.run_id)
    agrees = None
    if told is not None:
        (model,) = mlflow.search_logged_models(output_format="list")
        again = mlflow.pyfunc.load_model(model.model_uri).predict(told[1])
        agrees = bool(np.allclose(np.asarray(again), told[0], atol=1e-5))
    histories = {key: client.get_metric_history(run.info.run_id, key) for key in stored.data.metrics}
    return {
        "status": stored.info.status,
        "params": {key: value for key, value in stored.data.params.items() if str(folder) not in value},
        "metrics": {key: [_rounded(one) for one in points] for key, points in sorted(histories.items())},
        "files": sorted(one.path for one in client.list_artifacts(run.info.run_id)),
        "predicts the same": agrees,
    }


def _rounded(point: Any) -> list[float]:
    return [point.step, 0.0 if point.key in TIMINGS else round(point.value, PLACES)]


if __name__ == "__main__":
    import mlflow

    name, uri, folder = sys.argv[1:]
    mlflow.set_tracking_uri(uri)
    Path(folder).mkdir(parents=True)
    os.chdir(folder)
    print(json.dumps(record(name, Path(folder)), sort_keys=True))
