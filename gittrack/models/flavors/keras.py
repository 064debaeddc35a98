"""Keras' models, by its own archive, loaded in its safe mode: without code of whoever made them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.models.flavors.options import Saved, version_of
from gittrack.store.disk import disk_errors
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, SaveOptions

PACKAGE = "keras"
FOLDER = "data"
FILE = "model.keras"


def handles(model: Any) -> bool:  # noqa: ANN401
    """Whether a model is one of Keras."""
    return is_a(model, "keras", "Model")


def save(model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
    """Save a model.

    Raises:
        UserError: Keras is missing.
    """
    del options
    keras = import_optional("keras", "this model", PACKAGE)
    with disk_errors("write a model"):
        (folder / FOLDER).mkdir()
        model.save(folder / FOLDER / FILE)
    backend = keras.backend.backend()
    about = {
        "data": FOLDER,
        "keras_version": version_of(PACKAGE),
        "keras_backend": backend,
        "save_exported_model": False,
    }
    return Saved(
        about, None, "mlflow.keras", (PACKAGE, {"torch": "torch", "jax": "jax"}.get(backend, backend))
    )


def load(folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
    """Load a model; one that holds functions is only loaded if code may run.

    Raises:
        UserError: Keras is missing.
        InvalidValueError: It holds functions, or classes that are not known here.
    """
    keras = import_optional("keras", "this model", PACKAGE)
    file = folder / str(about.get("data", FOLDER)) / FILE
    try:
        return keras.saving.load_model(
            file, safe_mode=not (options.trusted == ("*",) and options.may_unpickle)
        )
    except (ValueError, TypeError) as error:
        message = f"the model cannot be loaded safely: {error}"
        hint = "register its classes with keras; if you trust whoever made it: load_model(uri, trusted=['*'])"
        raise InvalidValueError(message, hint=hint) from error


def predict(model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what a model predicts for an array or data frame."""
    values = data.to_numpy() if is_a(data, "pandas", "DataFrame") else data
    return model.predict(values, verbose=0, **params)
