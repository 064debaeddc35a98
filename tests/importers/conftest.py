"""A client of a real repository for each test, and what real trackers left, recorded once."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

RECORDED = Path(__file__).parent / "recorded"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    opened = Client(make_repository(tmp_path / "work"))
    yield opened
    opened.close()


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """Return a copy of what the real ``wandb``, ``tensorboardX`` and ``dvclive`` wrote."""
    return Path(shutil.copytree(RECORDED, tmp_path / "recorded"))
