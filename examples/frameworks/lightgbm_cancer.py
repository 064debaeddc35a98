"""Train gradient-boosted trees with LightGBM.

python examples/frameworks/lightgbm_cancer.py     # in a Git repository, with gittrack[lightgbm], scikit-learn
"""

from __future__ import annotations

import lightgbm
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from gittrack.integrations.lightgbm import GittrackCallback

x_train, x_val, y_train, y_val = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)
train = lightgbm.Dataset(x_train, y_train)
booster = lightgbm.train(
    {
        "objective": "binary",
        "metric": ["binary_logloss", "auc"],
        "num_leaves": 7,
        "verbose": -1,
        "num_threads": 1,
    },
    train,
    num_boost_round=20,
    valid_sets=[train, lightgbm.Dataset(x_val, y_val, reference=train)],
    valid_names=["train", "val"],
    callbacks=[GittrackCallback("cancer by lightgbm")],
)
print(f"accuracy {(booster.predict(x_val).round() == y_val).mean():.3f}")
