"""Whether less of a metric is better: declared by its experiment, else judged by its name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.core.model import Experiment

TAG_PREFIX = "gittrack.direction."
"""A tag ``gittrack.direction.<metric>`` of an experiment says which way its metric is better."""
LOWER_WORD, HIGHER_WORD = "lower", "higher"

LOWER = frozenset(
    """
    bpb bpc bpd brier cer cost crossentropy deviance distance divergence duration ece eer elapsed
    energy epe err error errors fid flops fnr fpr hallucination hinge kid kl latency logloss loss
    losses lpips mae mape mcd mem memory misclassification mre mse msle nll nmse nrmse overfit
    ms perplexity ppl regret residual rmse rmsle rss runtime s seconds smape sse ter time toxicity
    violations wall walltime wer
    """.split()
)
"""Words in a metric's name that say less is better."""

HIGHER = frozenset(
    """
    acc accuracy ap auc auprc auroc bleu coverage dice elbo explained f1 fps fscore hits iou
    likelihood map mcc meteor miou mrr ndcg pass precision psnr purity r2 recall reward rouge score
    sensitivity sharpe specificity speed ssim success throughput top1 top5 win winrate
    """.split()
)
"""Words in a metric's name that say more is better."""

_NEGATIONS = frozenset({"neg", "negative", "minus"})
_RATE = re.compile(r"(/|per[_ ]?)(s|sec|second|min|minute|h|hour)$", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*")


def declared_directions(tags: Mapping[str, str]) -> dict[str, bool]:
    """Return metric → whether less is better, as the tags of an experiment say; other words say nothing."""
    words = {LOWER_WORD: True, HIGHER_WORD: False}
    return {
        key.removeprefix(TAG_PREFIX): words[value]
        for key, value in tags.items()
        if key.startswith(TAG_PREFIX) and value in words
    }


def agreed_directions(experiments: Iterable[Experiment]) -> dict[str, bool]:
    """Return metric → whether less is better, where experiments declare it and none another way."""
    found: dict[str, set[bool]] = {}
    for one in experiments:
        for key, lower in declared_directions(one.tags).items():
            found.setdefault(key, set()).add(lower)
    return {key: True in ways for key, ways in found.items() if len(ways) == 1}


def is_lower_better(key: str) -> bool:
    """Return whether a smaller value of the metric ``key`` is the better one.

    The last part of the name that says anything decides (``val_loss/class_3`` is a loss); a negated
    loss (scikit-learn's ``neg_mean_squared_error``) is better when higher; what says nothing is
    better when higher. A rate (``images/s``) is no duration.
    """
    return bool(_judge(key))


def says_direction(key: str) -> bool:
    """Return whether a name says that it is a metric's of which less, or more, is better."""
    return _judge(key) is not None


def _judge(key: str) -> bool | None:
    if _RATE.search(key):
        return False
    for part in reversed(re.split(r"[/.:]", key)):
        words = [word.lower() for word in _WORD.findall(part)]
        negated = bool(_NEGATIONS.intersection(words))
        for word in reversed(words):
            if word in HIGHER:
                # A negative log likelihood is a loss.
                return negated and word == "likelihood"
            if word in LOWER or word.endswith(("loss", "error")):
                return not negated or word == "nll"
    return None
