"""Train gradient-boosted trees with XGBoost.

python examples/frameworks/xgboost_cancer.py     # in a Git repository, with gittrack[xgboost], scikit-learn
"""

from __future__ import annotations

import xgboost
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

from gittrack.integrations.xgboost import GittrackCallback

x_train, x_val, y_train, y_val = train_test_split(*load_breast_cancer(return_X_y=True), random_state=0)
train, val = xgboost.DMatrix(x_train, y_train), xgboost.DMatrix(x_val, y_val)
booster = xgboost.train(
    {
        "objective": "binary:logistic",
        "eta": 0.3,
        "max_depth": 3,
        "eval_metric": ["logloss", "auc"],
        "nthread": 1,
    },
    train,
    num_boost_round=20,
    evals=[(train, "train"), (val, "val")],
    verbose_eval=False,
    callbacks=[GittrackCallback("cancer by xgboost")],
)
print(booster.eval(val))
