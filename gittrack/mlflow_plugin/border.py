"""The border to MLflow: our errors become its errors, what is not offered says so at once."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

from mlflow.exceptions import MlflowException, MlflowNotImplementedException
from mlflow.protos.databricks_pb2 import ErrorCode

from gittrack.errors import GittrackError

if TYPE_CHECKING:
    from collections.abc import Callable

_Class = TypeVar("_Class", bound=type)
_INTERNAL = "INTERNAL_ERROR"


def mlflow_error(error: GittrackError) -> MlflowException:
    """Return an error in MLflow's words: its code, and the hint behind the message."""
    text = f"{error.message}. Hint: {error.hint}" if error.hint else error.message
    known = error.error_code if error.error_code in ErrorCode.keys() else _INTERNAL  # noqa: SIM118  (protobuf)
    return MlflowException(text, error_code=ErrorCode.Value(known))


def guard(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method whose errors are MLflow's.

    MLflow's clients try again for minutes when a server answers 500, which is what `NotImplementedError`
    becomes there; what is not offered has to answer 501.
    """

    @functools.wraps(method)
    def guarded(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  (any method of a store)
        try:
            return method(*arguments, **options)
        except GittrackError as error:
            raise mlflow_error(error) from error
        except NotImplementedError as error:
            message = f"gittrack does not offer {method.__name__}"
            raise MlflowNotImplementedException(message) from error

    return guarded


def at_the_border(store: _Class) -> _Class:
    """Guard every public method of a store, inherited ones too."""
    for name in dir(store):
        method = getattr(store, name)
        is_private = name.startswith("_") and name not in MLFLOW_PRIVATE
        is_bound = isinstance(vars(store).get(name), (staticmethod, classmethod))
        if not is_private and not is_bound and callable(method) and not isinstance(method, type):
            setattr(store, name, guard(method))
    return store


MLFLOW_PRIVATE = frozenset(
    {
        "__init__",
        "_search_runs",
        "_search_datasets",
        "_delete_traces",
        "_get_deleted_runs",
        "_hard_delete_run",
    }
    | {"_hard_delete_experiment", "_hard_delete_logged_model", "_get_deleted_logged_models"}
    | {"_download_file", "_load_dataset_records"}
)
"""Methods that MLflow calls from outside although their names say otherwise."""
