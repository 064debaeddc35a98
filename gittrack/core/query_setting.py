"""What a query means besides its text: the time, and what is known of experiments."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.model import DEFAULT_EXPERIMENT

if TYPE_CHECKING:
    from collections.abc import Mapping


def _default_names() -> dict[str, str]:
    return {DEFAULT_EXPERIMENT.experiment_id: DEFAULT_EXPERIMENT.name}


@dataclass(frozen=True, slots=True)
class Setting:
    """Where and when a query is asked."""

    now_ms: int = 0
    """What ages such as ``-7d`` are relative to, in milliseconds since the epoch."""
    experiments: Mapping[str, str] = field(default_factory=_default_names)
    """Names of experiments by id, for ``experiment = 'vision'``."""
    directions: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    """Experiment id → metric → whether less is better, where that was declared."""
    parents: Mapping[str, str] = field(default_factory=dict)
    """Ids of the runs that ``CHILDREN OF`` names, by what is written there; else it is an id or its begin."""
