"""scikit-learn's models: by skops, which runs no code of whoever made them; or by joblib or pickle."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.models.flavors.options import PICKLES, Saved, dump_pickle, load_pickle, version_of
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, SaveOptions

PACKAGE = "scikit-learn"
HARMLESS = frozenset(
    {
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "lightgbm.sklearn.LGBMRanker",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
        "xgboost.sklearn.XGBRanker",
        "numpy.dtype",
        "sklearn.tree._tree.Tree",
        "sklearn.neighbors._kd_tree.KDTree",
        "sklearn.neighbors._kd_tree.KDTree64",
        "sklearn.neighbors._ball_tree.BallTree",
        "sklearn.neighbors._ball_tree.BallTree64",
    }
)
"""Types that hold numbers and settings only, which skops does not know itself."""
HARMLESS_PARTS = (
    "sklearn._loss.",
    "sklearn.ensemble._hist_gradient_boosting.",
    "sklearn.linear_model._sgd_fast.",
    "sklearn.metrics._dist_metrics.",
)
"""Modules of scikit-learn with nothing but such types."""


def handles(model: Any) -> bool:  # noqa: ANN401
    """Whether a model is an estimator of scikit-learn."""
    return is_a(model, "sklearn.base", "BaseEstimator")


def save(model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
    """Save an estimator: by skops if it is installed, else by joblib.

    Raises:
        InvalidValueError: It cannot be saved in this format.
        UserError: The package of the format is missing.
    """
    chosen = options.serialization_format or ("skops" if find_spec("skops") else "joblib")
    name = "model.skops" if chosen == "skops" else "model.pkl"
    if chosen == "skops":
        dump_skops(model, folder / name)
    else:
        dump_pickle(model, folder / name, chosen)
    about: dict[str, Any] = {
        "pickled_model": name,
        "sklearn_version": version_of(PACKAGE),
        "serialization_format": chosen,
        "code": None,
    }
    if chosen == "skops":
        about["skops_trusted_types"] = untrusted_types(folder / name, ())[1]
    packages = (PACKAGE, *((chosen,) if chosen != "pickle" else ()))
    loader = "mlflow.sklearn" if chosen != "joblib" else None  # MLflow does not know joblib
    return Saved(about, None, loader, packages, {"model_path": name})


def load(folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
    """Load an estimator.

    Raises:
        UserError: It would run code, and must not; or a package is missing.
        InvalidValueError: It holds types that nobody said are harmless, or cannot be loaded here.
    """
    file = folder / str(about["pickled_model"])
    chosen = str(about.get("serialization_format", "pickle"))
    if chosen == "skops":
        return load_skops(file, options)
    import_optional("sklearn", "this model", PACKAGE)
    return load_pickle(file, chosen if chosen in PICKLES else "pickle", options)


def predict(model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what an estimator predicts; ``predict_method`` in ``params`` names another method."""
    return model.predict(data, **params)


def dump_skops(model: Any, file: Path) -> None:  # noqa: ANN401
    """Write an estimator as skops.

    Raises:
        InvalidValueError: It holds something skops cannot write.
        UserError: skops is missing.
    """
    io = import_optional("skops.io", "saving without pickle", "skops")
    try:
        io.dump(model, file)
        untrusted_types(file, ())
    except Exception as error:
        if isinstance(error, OSError):
            raise
        message = f"{type(model).__name__} cannot be saved by skops: {error}"
        hint = "pass serialization_format='cloudpickle', which runs code when it is loaded"
        raise InvalidValueError(message, hint=hint) from error


def load_skops(file: Path, options: LoadOptions) -> Any:  # noqa: ANN401
    """Load a file of skops, if all its types are known to be harmless or trusted by the caller.

    Raises:
        InvalidValueError: It holds others.
        UserError: skops is missing.
    """
    io = import_optional("skops.io", "loading this model", "skops")
    unknown, harmless = untrusted_types(file, options.trusted)
    if unknown:
        message = f"the model holds types that could run code: {', '.join(unknown)}"
        raise InvalidValueError(
            message, hint=f"if you trust whoever made it: load_model(uri, trusted={unknown!r})"
        )
    return io.load(file, trusted=[*harmless, *options.trusted])


def untrusted_types(file: Path, trusted: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the types in a file of skops that neither it nor we nor the caller trust, and those we do.

    Raises:
        UserError: skops is missing.
    """
    io = import_optional("skops.io", "loading this model", "skops")
    found = io.get_untrusted_types(file=file)
    harmless = [name for name in found if name in HARMLESS or name.startswith(HARMLESS_PARTS)]
    return [name for name in found if name not in harmless and name not in set(trusted)], harmless
