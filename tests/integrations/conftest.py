"""The same repository as for tracking."""

from tests.tracking.conftest import repo

__all__ = ["repo"]
