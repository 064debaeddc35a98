"""XGBoost's models, by its own binary JSON, which runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.models.flavors.options import Saved, version_of
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, SaveOptions

PACKAGE = "xgboost"
FORMATS = ("ubj", "json")
CLASSES = ("XGBModel", "Booster")


def handles(model: Any) -> bool:  # noqa: ANN401
    """Whether a model is a booster, or an estimator of XGBoost's."""
    return is_a(model, "xgboost", *CLASSES)


def save(model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
    """Save a booster or estimator.

    Raises:
        InvalidValueError: There is no such format.
    """
    chosen = options.serialization_format or FORMATS[0]
    if chosen not in FORMATS:
        message = f"XGBoost has no format {chosen!r}"
        raise InvalidValueError(message, hint=f"one of {', '.join(FORMATS)}")
    name = f"model.{chosen}"
    model.save_model(folder / name)
    about = {
        "data": name,
        "model_class": f"{type(model).__module__}.{type(model).__qualname__}",
        "model_format": chosen,
        "xgb_version": version_of(PACKAGE),
        "code": None,
    }
    packages = (PACKAGE, "scikit-learn") if is_a(model, PACKAGE, "XGBModel") else (PACKAGE,)
    return Saved(about, name, "mlflow.xgboost", packages)


def load(folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
    """Load a booster or estimator.

    Raises:
        UserError: XGBoost is missing.
        InvalidValueError: Its class is none of XGBoost's.
    """
    del options
    xgboost = import_optional("xgboost", "this model", PACKAGE)
    name = str(about.get("model_class", "xgboost.core.Booster"))
    kind = getattr(xgboost, name.rpartition(".")[2], None) if name.startswith("xgboost.") else None
    if not isinstance(kind, type) or not issubclass(kind, (xgboost.XGBModel, xgboost.Booster)):
        message = f"{name!r} is no class of XGBoost's"
        raise InvalidValueError(message, hint="load the file with your own class: model.load_model(path)")
    model = kind()
    model.load_model(folder / str(about["data"]))
    return model


def predict(model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what a booster or estimator predicts."""
    xgboost = import_optional("xgboost", "this model", PACKAGE)
    if isinstance(model, xgboost.Booster) and not isinstance(data, xgboost.DMatrix):
        data = xgboost.DMatrix(data)
    return model.predict(data, **params)
