"""Commit messages of the hidden branch: a subject that reads like a log line."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gittrack.core.direction import is_lower_better

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.core.model import MetricSummary, Run

TRAILER = "Entries: "
SHOWN_RUNS = 3
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def describe_run(run: Run) -> str:
    """Return one line on a run, e.g. ``tidy-otter-412 finished: val/acc 0.943, 12m``."""
    facts = []
    key = pick_primary_metric(run.metrics)
    if key is not None:
        facts.append(f"{key} {format_number(run.metrics[key].last)}")
    if run.duration_s is not None and run.start_time:  # or nobody has told yet how it started
        facts.append(format_duration(run.duration_s))
    line = f"{run.name} {run.status.value.lower()}"
    return f"{line}: {', '.join(facts)}" if facts else line


def compose_message(subjects: Sequence[str], entry_ids: Iterable[str]) -> str:
    """Return a commit message: the changes, and which spool entries it holds (see ``FORMAT.md``)."""
    # Names are checked when given, but a journal may be damaged, and git refuses a commit with a NUL in it.
    subjects = [_CONTROL.sub(" ", subject) for subject in subjects]
    if len(subjects) == 1:
        head, body = subjects[0], []
    else:
        shown = ", ".join(subject.partition(":")[0] for subject in subjects[:SHOWN_RUNS])
        more = ", …" if len(subjects) > SHOWN_RUNS else ""
        head, body = f"{len(subjects)} changes: {shown}{more}", ["", *subjects]
    ids = " ".join(entry_ids)
    return "\n".join([head, *body, *(["", TRAILER + ids] if ids else []), ""])


def parse_entry_ids(message: str) -> set[str]:
    """Return the spool entries a commit message says it holds."""
    for line in reversed(message.splitlines()):
        if line.startswith(TRAILER):
            return set(line.removeprefix(TRAILER).split())
    return set()


def pick_primary_metric(metrics: Iterable[str]) -> str | None:
    """Return the metric that says most about a run: a validation or test score before all others."""
    keys = [key for key in metrics if not key.startswith("system/")]
    return min(keys, key=_primary_order, default=None)


def best_value(key: str, summary: MetricSummary, *, lower: bool | None = None) -> float:
    """Return the best value a metric ever had, by the direction its name implies if none was declared."""
    return summary.min if (is_lower_better(key) if lower is None else lower) else summary.max


def format_number(value: float) -> str:
    """Return a number with four significant digits."""
    return f"{value:.4g}"


def format_duration(seconds: float) -> str:
    """Return a duration as ``0.4s``, ``12s``, ``3m 5s``, ``2h 10m`` or ``3d 4h``."""
    if seconds < 10:  # noqa: PLR2004
        return f"{seconds:.1f}s"
    whole = round(seconds)
    for unit, name, part, part_name in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit}{name} {rest}{part_name}" if rest else f"{whole // unit}{name}"
    return f"{whole}s"


def _primary_order(key: str) -> tuple[int, int, str]:
    lowered = key.lower()
    held_out = re.search(r"(^|[/_.\-])(val|valid|validation|test|eval)([/_.\-]|$)", lowered) is not None
    score = any(word in lowered for word in ("acc", "f1", "auc", "score", "map", "bleu", "reward"))
    loss = any(word in lowered for word in ("loss", "error", "rmse", "mae", "mse", "perplexity"))
    rank = (0 if held_out else 2) + (0 if score else 1 if loss else 4)
    return rank, len(key), key
