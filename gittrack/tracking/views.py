"""Which of active and deleted entities to show, in MLflow's words."""

from __future__ import annotations

from enum import IntEnum

from gittrack.core.model import LifecycleStage


class ViewType(IntEnum):
    """Filter by lifecycle stage; the numbers are MLflow's."""

    ACTIVE_ONLY = 1
    DELETED_ONLY = 2
    ALL = 3


def shows(view_type: int, stage: str) -> bool:
    """Whether a view of this type shows an entity at this stage."""
    if view_type == ViewType.ALL:
        return True
    return (stage == LifecycleStage.DELETED) == (view_type == ViewType.DELETED_ONLY)
