"""Flavors: each framework saves and loads its own models, in a module that only then loads the framework.

A flavor is a module with ``PACKAGE`` (what to install), ``handles(model)``, ``save(model, folder, options)``,
``load(folder, about, options)`` and ``predict(model, data, params)``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, Saved, SaveOptions

NAMES = ("transformers", "keras", "pytorch", "xgboost", "lightgbm", "sklearn", "pickled")
"""In the order in which they are asked whether a model is theirs."""


class Flavor(Protocol):
    """What a module of this package has."""

    PACKAGE: str

    def handles(self, model: Any) -> bool:  # noqa: ANN401
        """Whether a model is this framework's; the framework is not loaded for that."""

    def save(self, model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
        """Save a model into an empty folder."""

    def load(self, folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
        """Load the model that `save` saved."""

    def predict(self, model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """Return what a model predicts."""


def get_flavor(name: str) -> Flavor:
    """Return a flavor by its name.

    Raises:
        InvalidValueError: There is none by that name.
    """
    if name not in NAMES:
        message = f"there is no flavor {name!r}"
        raise InvalidValueError(message, hint=f"one of {', '.join(NAMES)}; MLflow loads what only it knows")
    return cast("Flavor", import_module(f"gittrack.models.flavors.{name}"))


def find_flavor(model: Any) -> str:  # noqa: ANN401
    """Return the name of the flavor that a model is of; ``pickled`` for what no framework made."""
    return next(name for name in NAMES if get_flavor(name).handles(model))
