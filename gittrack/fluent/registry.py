"""MLflow's functions on the registry and on logged models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from gittrack.errors import InvalidValueError, ModelNotFoundError
from gittrack.fluent.current import active_experiment_id, active_runs, client
from gittrack.tracking import media
from gittrack.tracking.registering import register_source

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.logged_model import LoggedModel
    from gittrack.core.registry import ModelVersion, RegisteredModel

_EVERYTHING = 100_000


class _Session:
    last_model_id: str | None = None


def register_model(
    model_uri: str,
    name: str,
    await_registration_for: int | None = None,
    *,
    tags: Mapping[str, object] | None = None,
) -> ModelVersion:
    """Add a version to a registered model, which is created if need be.

    Args:
        model_uri: ``models:/m-…``, ``models:/NAME/VERSION``, ``runs:/RUN/PATH``, or any other URI.
        name: Of the registered model.
        await_registration_for: Accepted for MLflow's sake: a version is ready at once.
        tags: Of the version.

    Raises:
        ModelNotFoundError: There is no model at a ``models:`` or ``runs:`` URI.
        UserError: A name or tag cannot be stored.
        StoreError: The disk is full, or failed.
    """
    del await_registration_for
    return register_source(client(), model_uri, name, tags)


def search_registered_models(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[RegisteredModel]:
    """Return the registered models a filter means, on one page.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read.
    """
    found: list[RegisteredModel] = []
    token: str | None = None
    while max_results is None or len(found) < max_results:
        page = client().search_registered_models(filter_string, 1000, order_by, token)
        found += page
        token = page.token
        if token is None:
            break
    return found[:max_results]


def search_model_versions(
    max_results: int | None = None,
    filter_string: str | None = None,
    order_by: Sequence[str] | None = None,
) -> list[ModelVersion]:
    """Return the versions of registered models a filter means, on one page.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read.
    """
    return list(client().search_model_versions(filter_string, max_results or 200_000, order_by))


def set_model_version_tag(
    name: str, version: int | str | None = None, key: str | None = None, value: object = None
) -> None:
    """Set a tag of a version.

    Raises:
        ModelNotFoundError: There is no such model or version.
        UserError: Key or value cannot be stored.
    """
    client().set_model_version_tag(name, version, key, value)


# Logged models


def initialize_logged_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, object] | None = None,
    params: Mapping[str, object] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Begin a logged model of the active run; it is ``PENDING`` until `finalize_logged_model`.

    Raises:
        NotFoundError: There is no such run or experiment.
        UserError: Something cannot be stored.
    """
    stack = active_runs.get()
    run = source_run_id or (stack[-1].run_id if stack else None)
    experiment = experiment_id or (stack[-1].info.experiment_id if stack else active_experiment_id())
    made = client().create_logged_model(experiment, name, run, tags, params, model_type)
    _Session.last_model_id = made.model_id
    return made


def create_external_model(
    name: str | None = None,
    source_run_id: str | None = None,
    tags: Mapping[str, object] | None = None,
    params: Mapping[str, object] | None = None,
    model_type: str | None = None,
    experiment_id: str | None = None,
) -> LoggedModel:
    """Create a logged model whose files are elsewhere; it is ``READY``.

    Raises:
        NotFoundError: There is no such run or experiment.
        UserError: Something cannot be stored.
    """
    said = {**(tags or {}), "mlflow.model.isExternal": "true"}
    made = initialize_logged_model(name, source_run_id, said, params, model_type, experiment_id)
    return finalize_logged_model(made.model_id, "READY")


def finalize_logged_model(model_id: str, status: Literal["READY", "FAILED"] | str) -> LoggedModel:  # noqa: PYI051
    """Say that a logged model is whole (``READY``), or never will be (``FAILED``).

    Raises:
        ModelNotFoundError: There is none with this id.
        InvalidValueError: The status is none.
    """
    return client().finalize_logged_model(model_id, status)


def get_logged_model(model_id: str) -> LoggedModel:
    """Return a logged model.

    Raises:
        ModelNotFoundError: There is none with this id.
    """
    return client().get_logged_model(model_id)


def last_logged_model() -> LoggedModel | None:
    """Return the logged model that this process made last, None if there is none."""
    return None if _Session.last_model_id is None else client().get_logged_model(_Session.last_model_id)


def set_logged_model_tags(model_id: str, tags: Mapping[str, object]) -> None:
    """Set tags of a logged model.

    Raises:
        ModelNotFoundError: There is none with this id.
        UserError: A key or value cannot be stored.
    """
    client().set_logged_model_tags(model_id, tags)


def delete_logged_model_tag(model_id: str, key: str) -> None:
    """Remove a tag of a logged model.

    Raises:
        ModelNotFoundError: There is none with this id.
        TagNotFoundError: It has no such tag.
    """
    client().delete_logged_model_tag(model_id, key)


def log_model_params(params: Mapping[str, object], model_id: str | None = None) -> None:
    """Log params of a logged model, the last one of this process if none is named.

    Raises:
        ModelNotFoundError: There is none with this id, or none at all.
        UserError: A key or value cannot be stored, or a param has another value already.
    """
    chosen = model_id or _Session.last_model_id
    if chosen is None:
        message = "no model was logged yet"
        raise ModelNotFoundError(message, hint="pass model_id=")
    client().log_model_params(chosen, params)


def search_logged_models(
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    datasets: Sequence[Mapping[str, Any]] | None = None,
    max_results: int | None = None,
    order_by: Sequence[Mapping[str, Any]] | None = None,
    output_format: Literal["pandas", "list"] = "pandas",
) -> Any:  # noqa: ANN401  (a data frame or a list)
    """Return the logged models a filter means, as a data frame or a list; of the active experiment if None.

    Raises:
        QuerySyntaxError: The filter cannot be read.
        InvalidValueError: An order or dataset is none, or ``output_format`` is neither.
        UserError: pandas is missing.
    """
    if output_format not in {"pandas", "list"}:
        message = f"output_format must be 'pandas' or 'list', not {output_format!r}"
        raise InvalidValueError(message, hint="'list' needs no pandas")
    ids = experiment_ids or [active_experiment_id()]
    found: list[LoggedModel] = []
    token: str | None = None
    while max_results is None or len(found) < max_results:
        size = min(1000, (max_results or _EVERYTHING) - len(found))
        page = client().search_logged_models(ids, filter_string, datasets, size, order_by, token)
        found += page
        token = page.token
        if token is None:
            break
    if output_format == "list":
        return found
    pandas = media.import_optional("pandas", "a table of models", "pandas")
    names = (
        "experiment_id model_id name artifact_location creation_timestamp last_updated_timestamp model_type "
        "source_run_id status tags params metrics"
    ).split()
    return pandas.DataFrame([{name: getattr(one, name) for name in names} for one in found], columns=names)
