"""gittrack: experiments tracked in the Git repository you already push.

The functions are MLflow's; see ``gittrack.Client`` for the explicit form.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gittrack import artifacts, data, models
    from gittrack.core.inputs import LoggedModelInput, LoggedModelOutput
    from gittrack.core.logged_model import LoggedModel
    from gittrack.core.model import (
        Artifact,
        Experiment,
        FileInfo,
        Metric,
        MetricSummary,
        Param,
        Run,
        RunData,
        RunInfo,
        RunStatus,
        RunTag,
    )
    from gittrack.core.registry import ModelVersion, RegisteredModel
    from gittrack.errors import (
        AmbiguousRunError,
        ArtifactNotFoundError,
        ConflictError,
        CorruptDataError,
        ExperimentNotFoundError,
        GittrackError,
        InvalidNameError,
        InvalidValueError,
        LockedError,
        ModelNotFoundError,
        NotFoundError,
        ParamOverwriteError,
        QuerySyntaxError,
        RepositoryNotFoundError,
        RunNotFoundError,
        RunStateError,
        StoreError,
        TagNotFoundError,
        UserError,
    )
    from gittrack.fluent import (
        ActiveRun,
        active_run,
        checkpoint,
        create_experiment,
        delete_experiment,
        delete_experiment_tag,
        delete_tag,
        end_run,
        get_artifact_uri,
        get_experiment,
        get_experiment_by_name,
        get_tracking_uri,
        is_tracking_uri_set,
        last_active_run,
        load_table,
        log_artifact,
        log_artifacts,
        log_dict,
        log_figure,
        log_image,
        log_metric,
        log_metrics,
        log_param,
        log_params,
        log_reference,
        log_series,
        log_stream,
        log_table,
        log_text,
        restore_experiment,
        search_experiments,
        set_checkpoint_interval,
        set_experiment,
        set_experiment_tag,
        set_experiment_tags,
        set_tag,
        set_tags,
        set_tracking_uri,
        start_run,
        use_artifact,
    )
    from gittrack.fluent.declare import alert, define_metric
    from gittrack.fluent.inputs import log_input, log_inputs, log_outputs
    from gittrack.fluent.modes import disable, enable
    from gittrack.fluent.registry import (
        create_external_model,
        delete_logged_model_tag,
        finalize_logged_model,
        get_logged_model,
        initialize_logged_model,
        last_logged_model,
        log_model_params,
        register_model,
        search_logged_models,
        search_model_versions,
        search_registered_models,
        set_logged_model_tags,
        set_model_version_tag,
    )
    from gittrack.fluent.runs import delete_run, get_parent_run, get_run, restore_run, search_runs
    from gittrack.fluent.system import (
        disable_system_metrics_logging,
        enable_system_metrics_logging,
        set_system_metrics_node_id,
        set_system_metrics_samples_before_logging,
        set_system_metrics_sampling_interval,
    )
    from gittrack.mlflow_plugin.fluent import autolog, evaluate, start_span, trace
    from gittrack.models import infer_signature, load_model, log_model
    from gittrack.models.api import keras, lightgbm, pyfunc, pytorch, sklearn, transformers, xgboost
    from gittrack.tracking.client import Client
    from gittrack.tracking.client import Client as MlflowClient
    from gittrack.tracking.views import ViewType

__version__ = "0.1.0"

__all__ = [
    "ActiveRun",
    "AmbiguousRunError",
    "Artifact",
    "ArtifactNotFoundError",
    "Client",
    "ConflictError",
    "CorruptDataError",
    "Experiment",
    "ExperimentNotFoundError",
    "FileInfo",
    "GittrackError",
    "InvalidNameError",
    "InvalidValueError",
    "LockedError",
    "LoggedModel",
    "LoggedModelInput",
    "LoggedModelOutput",
    "Metric",
    "MetricSummary",
    "MlflowClient",
    "ModelNotFoundError",
    "ModelVersion",
    "NotFoundError",
    "Param",
    "ParamOverwriteError",
    "QuerySyntaxError",
    "RegisteredModel",
    "RepositoryNotFoundError",
    "Run",
    "RunData",
    "RunInfo",
    "RunNotFoundError",
    "RunStateError",
    "RunStatus",
    "RunTag",
    "StoreError",
    "TagNotFoundError",
    "UserError",
    "ViewType",
    "__version__",
    "active_run",
    "alert",
    "artifacts",
    "autolog",
    "checkpoint",
    "create_experiment",
    "create_external_model",
    "data",
    "define_metric",
    "delete_experiment",
    "delete_experiment_tag",
    "delete_logged_model_tag",
    "delete_run",
    "delete_tag",
    "disable",
    "disable_system_metrics_logging",
    "enable",
    "enable_system_metrics_logging",
    "end_run",
    "evaluate",
    "finalize_logged_model",
    "get_artifact_uri",
    "get_experiment",
    "get_experiment_by_name",
    "get_logged_model",
    "get_parent_run",
    "get_run",
    "get_tracking_uri",
    "infer_signature",
    "initialize_logged_model",
    "is_tracking_uri_set",
    "keras",
    "last_active_run",
    "last_logged_model",
    "lightgbm",
    "load_model",
    "load_table",
    "log_artifact",
    "log_artifacts",
    "log_dict",
    "log_figure",
    "log_image",
    "log_input",
    "log_inputs",
    "log_metric",
    "log_metrics",
    "log_model",
    "log_model_params",
    "log_outputs",
    "log_param",
    "log_params",
    "log_reference",
    "log_series",
    "log_stream",
    "log_table",
    "log_text",
    "models",
    "pyfunc",
    "pytorch",
    "register_model",
    "restore_experiment",
    "restore_run",
    "search_experiments",
    "search_logged_models",
    "search_model_versions",
    "search_registered_models",
    "search_runs",
    "set_checkpoint_interval",
    "set_experiment",
    "set_experiment_tag",
    "set_experiment_tags",
    "set_logged_model_tags",
    "set_model_version_tag",
    "set_system_metrics_node_id",
    "set_system_metrics_samples_before_logging",
    "set_system_metrics_sampling_interval",
    "set_tag",
    "set_tags",
    "set_tracking_uri",
    "sklearn",
    "start_run",
    "start_span",
    "trace",
    "transformers",
    "use_artifact",
    "xgboost",
]

_HOMES = (
    "gittrack.fluent",
    "gittrack.tracking.client",
    "gittrack.tracking.views",
    "gittrack.core.model",
    "gittrack.errors",
    "gittrack.fluent.declare",
    "gittrack.fluent.modes",
    "gittrack.fluent.system",
    "gittrack.fluent.inputs",
    "gittrack.fluent.runs",
    "gittrack.fluent.registry",
    "gittrack.core.inputs",
    "gittrack.core.logged_model",
    "gittrack.core.registry",
    "gittrack.models",
    "gittrack.models.api",
    "gittrack.mlflow_plugin.fluent",
)
"""Where the names above are defined."""


def __getattr__(name: str) -> object:
    """Load a name when it is first used: importing gittrack alone costs next to nothing."""
    if name in {"artifacts", "data", "models"}:
        return import_module(f"gittrack.{name}")
    if name in __all__:
        for home in _HOMES:
            found = getattr(import_module(home), "Client" if name == "MlflowClient" else name, None)
            if found is not None:
                globals()[name] = found
                return found
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def load_ipython_extension(shell: object) -> None:
    """Bring ``%%gittrack`` into a notebook: ``%load_ext gittrack``."""
    from gittrack.integrations.notebook import load

    load(shell)


def __dir__() -> list[str]:
    """Return what there is, loaded or not."""
    return sorted({*globals(), *__all__})
