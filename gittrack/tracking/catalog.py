"""Everything in the model registry at once, for who shows it whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.tracking.model_versions import search_model_versions
from gittrack.tracking.registry import MAX_MODELS, search_registered_models

if TYPE_CHECKING:
    from gittrack.core.registry import ModelVersion, RegisteredModel
    from gittrack.tracking.client import Client


def list_registered_models(client: Client) -> list[RegisteredModel]:
    """Return all registered models, by name."""
    found: list[RegisteredModel] = []
    token: str | None = None
    while True:
        page = search_registered_models(client, max_results=MAX_MODELS, page_token=token)
        found += page
        token = page.token or None
        if token is None:
            return found


def list_model_versions(client: Client) -> list[ModelVersion]:
    """Return all versions of all registered models."""
    found: list[ModelVersion] = []
    token: str | None = None
    while True:
        page = search_model_versions(client, page_token=token)
        found += page
        token = page.token or None
        if token is None:
            return found
