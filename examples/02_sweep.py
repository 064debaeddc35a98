"""Train 24 classifiers of handwritten digits, each a run below one parent.

Four kinds of models, their hyperparameters and two seeds each, on the 1,797 images that come with
scikit-learn. Every run has its curves, a confusion matrix and the model itself.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import matplotlib as mpl
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score, f1_score, log_loss
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier

import gittrack

mpl.use("agg")
from matplotlib import pyplot as plt

if TYPE_CHECKING:
    from collections.abc import Iterator

EPOCHS = 25
SEEDS = (0, 1)

images, digits = load_digits(return_X_y=True)
x_rest, x_test, y_rest, y_test = train_test_split(images / 16, digits, test_size=360, random_state=0)
x_train, x_val, y_train, y_val = train_test_split(x_rest, y_rest, test_size=360, random_state=0)


def configurations() -> Iterator[dict[str, Any]]:
    """Yield what to train: 8 linear models, 8 networks, 6 forests and 2 neighbourhoods."""
    for lr, decay, seed in itertools.product((0.01, 0.1), (0.0001, 0.01), SEEDS):
        yield {"model": "linear", "seed": seed, "optimizer": {"lr": lr, "decay": decay}}
    for hidden, lr, seed in itertools.product((32, 128), (0.001, 0.01), SEEDS):
        yield {"model": "mlp", "seed": seed, "optimizer": {"lr": lr}, "hidden": hidden}
    for depth, seed in itertools.product((4, 8, 16), SEEDS):
        yield {"model": "forest", "seed": seed, "depth": depth}
    for neighbours in (1, 5):
        yield {"model": "neighbours", "seed": 0, "k": neighbours}


def train(config: dict[str, Any]) -> Iterator[Any]:
    """Yield the model after each epoch; a forest grows by two trees in each."""
    match config:
        case {"model": "linear", "seed": seed, "optimizer": {"lr": lr, "decay": decay}}:
            model = SGDClassifier(
                loss="log_loss", learning_rate="constant", eta0=lr, alpha=decay, random_state=seed
            )
            for _ in range(EPOCHS):
                yield model.partial_fit(x_train, y_train, classes=range(10))
        case {"model": "mlp", "seed": seed, "optimizer": {"lr": lr}, "hidden": hidden}:
            model = MLPClassifier((hidden,), learning_rate_init=lr, random_state=seed)
            for _ in range(EPOCHS):
                yield model.partial_fit(x_train, y_train, classes=range(10))
        case {"model": "forest", "seed": seed, "depth": depth}:
            model = RandomForestClassifier(0, max_depth=depth, random_state=seed, warm_start=True)
            for _ in range(EPOCHS):
                yield model.set_params(n_estimators=model.n_estimators + 2).fit(x_train, y_train)
        case {"model": "neighbours", "k": neighbours}:
            yield KNeighborsClassifier(neighbours).fit(x_train, y_train)
        case _:
            message = f"no such model: {config}"
            raise ValueError(message)


def record(config: dict[str, Any], folder: Path) -> tuple[float, str]:
    """Train one model as a run of its own, and return its accuracy and the run's id."""
    with gittrack.start_run(nested=True, tags={"dataset": "digits"}) as run:
        gittrack.log_params(config)
        started = time.perf_counter()
        for epoch, model in enumerate(train(config)):
            parts = {"train": (x_train, y_train), "val": (x_val, y_val)}
            for part, (x, y) in parts.items():
                chances = model.predict_proba(x)
                accuracy = accuracy_score(y, model.classes_[chances.argmax(axis=1)])
                gittrack.log_metrics(
                    {f"{part}/loss": log_loss(y, chances, labels=range(10)), f"{part}/acc": accuracy},
                    step=epoch,
                )
        found = model.predict(x_test)
        gittrack.log_metrics(
            {
                "test/acc": accuracy_score(y_test, found),
                "test/f1": f1_score(y_test, found, average="macro"),
                "train_s": time.perf_counter() - started,
            }
        )
        figure, axes = plt.subplots(figsize=(5, 5))
        ConfusionMatrixDisplay.from_predictions(y_test, found, ax=axes, colorbar=False)
        gittrack.log_figure(figure, "confusion.png")
        plt.close(figure)
        joblib.dump(model, folder / "model.joblib", compress=3)
        gittrack.log_artifact(folder / "model.joblib", artifact_path="model")
    return accuracy, run.info.run_id


def main() -> None:
    """Train everything below one parent run, which remembers the best."""
    gittrack.set_experiment("digits")
    with tempfile.TemporaryDirectory() as folder, gittrack.start_run(run_name="sweep"):
        gittrack.log_params({"epochs": EPOCHS, "train_images": len(x_train), "val_images": len(x_val)})
        best = (0.0, "")
        for number, config in enumerate(configurations()):
            accuracy, run_id = record(config, Path(folder))
            best = max(best, (accuracy, run_id))
            gittrack.log_metric("best/val/acc", best[0], step=number)
            print(f"{number + 1:>2}  {run_id[:12]}  val/acc {accuracy:.3f}  {config}", flush=True)
        gittrack.set_tag("best_run", best[1])
    print(f"best: {best[1]} with val/acc {best[0]:.3f}")


if __name__ == "__main__":
    main()
