"""Tune a classifier with Ray Tune: a run for the search, a child run for each trial.

python examples/frameworks/ray_tune.py     # in a Git repository, with gittrack[ray] and scikit-learn
"""

from __future__ import annotations

import os
import tempfile

os.environ.setdefault("RAY_AIR_NEW_OUTPUT", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray import tune
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

from gittrack.integrations.ray import GittrackCallback


def train(config: dict[str, float]) -> None:
    """Report the accuracy after each epoch; the last setting fails on purpose."""
    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_val, y_train, y_val = train_test_split(scale(x), y, random_state=0)
    if config["alpha"] > 1:
        message = f"alpha {config['alpha']} is too strong"
        raise ValueError(message)
    model = SGDClassifier(alpha=config["alpha"], random_state=0)
    for _ in range(4):
        model.partial_fit(x_train, y_train, classes=[0, 1])
        tune.report({"val_acc": model.score(x_val, y_val)})


ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="error")
with tempfile.TemporaryDirectory() as folder:
    results = tune.Tuner(
        train,
        param_space={"alpha": tune.grid_search([0.0001, 0.01, 10.0])},
        run_config=tune.RunConfig(
            storage_path=folder, callbacks=[GittrackCallback("cancer search")], verbose=0
        ),
    ).fit()
    print(f"best {results.get_best_result('val_acc', 'max').metrics['val_acc']:.3f}")
ray.shutdown()
