"""LightGBM's models: boosters by its own text format, estimators as scikit-learn's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.models.flavors import sklearn
from gittrack.models.flavors.options import PICKLES, Saved, load_pickle, version_of
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, SaveOptions

PACKAGE = "lightgbm"
BOOSTER = "lightgbm.basic.Booster"


def handles(model: Any) -> bool:  # noqa: ANN401
    """Whether a model is a booster, or an estimator of LightGBM's."""
    return is_a(model, "lightgbm", "LGBMModel", "Booster")


def save(model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
    """Save a booster or estimator.

    Raises:
        InvalidValueError: It cannot be saved in this format.
    """
    about: dict[str, Any] = {
        "model_class": f"{type(model).__module__}.{type(model).__qualname__}",
        "lgb_version": version_of(PACKAGE),
        "code": None,
    }
    if is_a(model, "lightgbm", "Booster"):
        model.save_model(folder / "model.lgb")
        return Saved({**about, "data": "model.lgb"}, "model.lgb", "mlflow.lightgbm", (PACKAGE,))
    saved = sklearn.save(model, folder, options)
    about |= {
        "data": saved.about["pickled_model"],
        "serialization_format": saved.about["serialization_format"],
        "skops_trusted_types": saved.about.get("skops_trusted_types"),
    }
    loader = None if saved.loader is None else "mlflow.lightgbm"
    return Saved(about, about["data"], loader, (PACKAGE, *saved.packages))


def load(folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
    """Load a booster or estimator.

    Raises:
        UserError: LightGBM is missing; or it would run code, and must not.
        InvalidValueError: It holds types that nobody said are harmless.
    """
    lightgbm = import_optional("lightgbm", "this model", PACKAGE)
    file = folder / str(about["data"])
    if about.get("model_class", BOOSTER) == BOOSTER:
        return lightgbm.Booster(model_file=file)
    chosen = str(about.get("serialization_format", "cloudpickle"))
    if chosen == "skops":
        return sklearn.load_skops(file, options)
    return load_pickle(file, chosen if chosen in PICKLES else "cloudpickle", options)


def predict(model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what a booster or estimator predicts."""
    return model.predict(data, **params)
