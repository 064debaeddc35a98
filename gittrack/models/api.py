"""MLflow's ``mlflow.sklearn``, ``mlflow.xgboost`` … and ``mlflow.pyfunc``: models of one framework."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.models.load import Predictor, load_model, load_predictor
from gittrack.models.save import log_model, save_model

if TYPE_CHECKING:
    import os

    from gittrack.models.model_file import ModelInfo

DEFAULT_NAME = "model"


@dataclass(frozen=True, slots=True)
class FlavorApi:
    """The functions of one framework."""

    flavor: str

    def log_model(
        self,
        model: Any,  # noqa: ANN401
        artifact_path: str | None = None,
        *,
        name: str | None = None,
        **options: Any,  # noqa: ANN401
    ) -> ModelInfo:
        """Log a model of this framework; see `gittrack.models.log_model`.

        Args:
            model: The model.
            artifact_path: MLflow's older word for ``name``.
            name: Of the logged model, and the folder of its files in the run.
            **options: As for `gittrack.models.log_model`.

        Raises:
            UserError: The model cannot be saved, a package is missing, or a name cannot be stored.
            StoreError: The disk is full, or failed.
        """
        if name is not None and artifact_path is not None:
            message = "name and artifact_path say the same"
            raise InvalidValueError(message, hint="give name alone")
        return log_model(model, name or artifact_path or DEFAULT_NAME, flavor=self.flavor, **options)

    def save_model(self, model: Any, path: str | os.PathLike[str], **options: Any) -> ModelInfo:  # noqa: ANN401
        """Save a model of this framework into a new folder; see `gittrack.models.save_model`.

        Raises:
            UserError: The model cannot be saved, or a package is missing.
            StoreError: The disk is full, or failed.
        """
        return save_model(model, path, flavor=self.flavor, **options)

    def load_model(
        self,
        model_uri: str | os.PathLike[str],
        dst_path: str | os.PathLike[str] | None = None,
        **options: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Load a model of this framework; see `gittrack.models.load_model`.

        Raises:
            ModelNotFoundError: There is no model there.
            CorruptDataError: A file is not what was logged.
            UserError: It would run code, and must not; or a package is missing.
            InvalidValueError: It is of another framework.
        """
        return load_model(model_uri, dst_path, flavor=self.flavor, **options)


@dataclass(frozen=True, slots=True)
class PyfuncApi:
    """The functions that do not ask which framework made a model."""

    def log_model(
        self,
        artifact_path: str | None = None,
        *,
        name: str | None = None,
        python_model: Any,  # noqa: ANN401
        **options: Any,  # noqa: ANN401
    ) -> ModelInfo:
        """Log anything with a method ``predict``, or a function; see `gittrack.models.log_model`.

        Raises:
            UserError: It cannot be saved, or a name cannot be stored.
            StoreError: The disk is full, or failed.
        """
        return FlavorApi("pickled").log_model(python_model, artifact_path, name=name, **options)

    def load_model(
        self,
        model_uri: str | os.PathLike[str],
        dst_path: str | os.PathLike[str] | None = None,
        **options: Any,  # noqa: ANN401
    ) -> Predictor:
        """Load a model behind its signature; see `gittrack.models.load_predictor`.

        Raises:
            ModelNotFoundError: There is no model there.
            CorruptDataError: A file is not what was logged.
            UserError: It would run code, and must not; or a package is missing.
            InvalidValueError: The URI names no model, or it cannot be loaded here.
        """
        return load_predictor(model_uri, dst_path, **options)


sklearn = FlavorApi("sklearn")
xgboost = FlavorApi("xgboost")
lightgbm = FlavorApi("lightgbm")
pytorch = FlavorApi("pytorch")
keras = FlavorApi("keras")
transformers = FlavorApi("transformers")
pyfunc = PyfuncApi()
