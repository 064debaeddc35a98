"""Train with Hydra: the configuration becomes params, and a multirun a run with a child for each job.

python examples/frameworks/hydra_jobs.py                          # one job
python examples/frameworks/hydra_jobs.py -m model.depth=2,4,8     # three jobs below one run
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from sklearn.datasets import load_wine
from sklearn.model_selection import cross_val_score
from sklearn.tree import DecisionTreeClassifier

import gittrack

if TYPE_CHECKING:
    from omegaconf import DictConfig


@hydra.main(version_base=None, config_path=str(Path(__file__).parent / "conf"), config_name="config")
def train(config: DictConfig) -> float:
    """Score a decision tree."""
    if config.model.depth < 1:
        message = "a tree needs a depth"
        raise ValueError(message)
    model = DecisionTreeClassifier(max_depth=config.model.depth, random_state=config.seed)
    scores = cross_val_score(model, *load_wine(return_X_y=True), cv=config.folds)
    for fold, score in enumerate(scores):
        gittrack.log_metric("acc", score, step=fold)
    return float(scores.mean())


if __name__ == "__main__":
    train()
