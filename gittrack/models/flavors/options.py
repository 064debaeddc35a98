"""What a flavor is told when it saves and loads, and what it tells; and pickles, which most of them know."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError, UserError
from gittrack.store.disk import disk_errors
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PICKLES = ("cloudpickle", "pickle", "joblib")
"""Formats that run code of whoever made them when they are loaded."""


@dataclass(frozen=True, slots=True)
class SaveOptions:
    """How to save."""

    serialization_format: str | None = None
    """A format the flavor knows, its safest one if None."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to load."""

    may_unpickle: bool
    """Whether formats that run code may be loaded: the content is what was logged, and nobody forbade it."""
    trusted: tuple[str, ...] = ()
    """Names of types that the caller trusts, beyond those known to be harmless."""
    device: str | None = None
    """Where tensors go, for those that have some."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What there is to say of a model that was saved."""

    about: Mapping[str, Any]
    """What the loader needs to know."""
    data: str | None = None
    """File or folder that MLflow's loader begins with."""
    loader: str | None = None
    """MLflow's module that can load it; None if none can."""
    packages: tuple[str, ...] = ()
    """What must be installed to load it."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """What else MLflow's loader wants to know."""


def version_of(package: str) -> str:
    """Return the version of a package that is installed."""
    return metadata.version(distribution_of(package))


def distribution_of(package: str) -> str:
    """Return the name under which a package was installed: XGBoost is also ``xgboost-cpu``."""
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return metadata.packages_distributions().get(package, [package])[0]
    return package


def dump_pickle(model: Any, file: Path, serialization_format: str) -> None:  # noqa: ANN401
    """Write a model as pickle.

    Raises:
        InvalidValueError: It cannot be pickled.
        UserError: The package of the format is missing.
        StoreError: The disk is full, or failed.
    """
    module = pickle if serialization_format == "pickle" else _import(serialization_format)
    with disk_errors("write a model"), file.open("wb") as stream:
        try:
            module.dump(model, stream)
        except (pickle.PicklingError, TypeError, AttributeError, RecursionError) as error:
            message = f"{type(model).__name__} cannot be saved by {serialization_format}: {error}"
            raise InvalidValueError(
                message, hint="cloudpickle also takes functions and classes of the script itself"
            ) from error


def load_pickle(file: Path, serialization_format: str, options: LoadOptions) -> Any:  # noqa: ANN401
    """Load a pickle, if that is allowed.

    Raises:
        UserError: It is not, or the package of the format is missing.
        InvalidValueError: It cannot be loaded here.
    """
    check_pickle(options)
    module = pickle if serialization_format == "pickle" else _import(serialization_format)
    with disk_errors("read a model"), file.open("rb") as stream:
        try:
            return module.load(stream)
        except (pickle.UnpicklingError, ImportError, AttributeError, EOFError) as error:
            message = f"the model cannot be loaded here: {error}"
            raise InvalidValueError(
                message, hint="install its requirements.txt, or run the code that made it"
            ) from error


def check_pickle(options: LoadOptions) -> None:
    """Raise unless formats that run code may be loaded.

    Raises:
        UserError: They may not.
    """
    if not options.may_unpickle:
        message = "loading this model would run code that came with it"
        raise UserError(message, hint="if you trust whoever made it: load_model(uri, allow_pickle=True)")


def default_pickle() -> str:
    """Return cloudpickle if it is installed, else pickle."""
    from importlib.util import find_spec

    return "cloudpickle" if find_spec("cloudpickle") else "pickle"


def _import(serialization_format: str) -> Any:  # noqa: ANN401
    if serialization_format not in PICKLES:
        message = f"there is no serialization format {serialization_format!r}"
        raise InvalidValueError(message, hint=f"one of skops, {', '.join(PICKLES)}")
    return import_optional(serialization_format, "this model", serialization_format)
