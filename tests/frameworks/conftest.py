"""A real repository for each test; Keras computes with PyTorch, the smallest of its backends."""

from __future__ import annotations

import os

from tests.tracking.conftest import repo

os.environ.setdefault("KERAS_BACKEND", "torch")

__all__ = ["repo"]
