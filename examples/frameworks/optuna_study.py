"""Tune a classifier of handwritten digits with Optuna: a run for the study, a child run for each trial.

python examples/frameworks/optuna_study.py     # in a Git repository, with gittrack[optuna] and scikit-learn
"""

from __future__ import annotations

import optuna
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

import gittrack
from gittrack.integrations.optuna import GittrackCallback

EPOCHS = 8
x, y = load_digits(return_X_y=True)
x_train, x_val, y_train, y_val = train_test_split(x / 16, y, random_state=0)


def objective(trial: optuna.Trial) -> float:
    """Train for some epochs; give up early where others were better."""
    model = SGDClassifier(
        alpha=trial.suggest_float("alpha", 1e-6, 10, log=True),
        penalty=trial.suggest_categorical("penalty", ["l2", "l1"]),
        random_state=0,
    )
    accuracy = 0.0
    for epoch in range(EPOCHS):
        model.partial_fit(x_train, y_train, classes=range(10))
        accuracy = model.score(x_val, y_val)
        gittrack.log_metric("train/acc", model.score(x_train, y_train), step=epoch)
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(
    direction="maximize",
    sampler=optuna.samplers.RandomSampler(seed=1),
    pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
)
with GittrackCallback("digits study", metric_names="val/acc") as callback:
    study.optimize(callback.track(objective), n_trials=12, callbacks=[callback])
print(f"best {study.best_value:.3f} with {study.best_params}")
