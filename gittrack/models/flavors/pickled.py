"""Anything that can be pickled: by cloudpickle, which also takes functions and classes of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.models.flavors.options import Saved, default_pickle, dump_pickle, load_pickle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, SaveOptions

PACKAGE = "cloudpickle"
FILE = "model.pkl"


def handles(model: Any) -> bool:  # noqa: ANN401
    """Return True: this is for what no other flavor takes."""
    del model
    return True


def save(model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
    """Save anything.

    Raises:
        InvalidValueError: It cannot be pickled.
    """
    chosen = options.serialization_format or default_pickle()
    dump_pickle(model, folder / FILE, chosen)
    packages = () if chosen == "pickle" else (chosen,)
    return Saved({"data": FILE, "serialization_format": chosen}, FILE, None, packages)


def load(folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
    """Load it.

    Raises:
        UserError: That would run code, and must not.
        InvalidValueError: It cannot be loaded here.
    """
    return load_pickle(folder / str(about["data"]), str(about["serialization_format"]), options)


def predict(model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what ``model.predict``, or the model itself, makes of data.

    Raises:
        InvalidValueError: It has no ``predict`` and cannot be called.
    """
    function = getattr(model, "predict", model)
    if not callable(function):
        message = f"{type(model).__name__} predicts nothing: it has no predict() and cannot be called"
        raise InvalidValueError(message, hint="load_model() returns it as it is")
    return function(data, **params)
