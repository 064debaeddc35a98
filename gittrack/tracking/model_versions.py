"""Versions of registered models: registered, described, tagged, found and deleted."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from gittrack.core.model_uri import parse_model_uri
from gittrack.core.names import check_key, make_run_id
from gittrack.core.registry import (
    MODELS,
    READY,
    STAGES,
    ModelVersion,
    check_stage,
    check_version,
    is_deleted,
    name_models,
    next_version,
    number_versions,
    read_version,
)
from gittrack.core.stamped import DocumentChange
from gittrack.errors import ConflictError, InvalidValueError, ModelNotFoundError
from gittrack.tracking import logged_models, registry
from gittrack.tracking.context import current_user
from gittrack.tracking.paging import check_page_size, cut_page

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.model import ParamValue
    from gittrack.core.registry import RegisteredModel
    from gittrack.core.stamped import Document
    from gittrack.tracking.client import Client
    from gittrack.tracking.paging import PagedList

MAX_VERSIONS = 200_000
"""Versions on one page."""
_ATTRIBUTES = {
    name: name
    for name in (
        "name", "run_id", "source_path", "version_number", "creation_timestamp", "last_updated_timestamp",
        "current_stage", "model_id",
    )
}  # fmt: skip
_ORDERS = {name: name for name in ("name", "version_number", "creation_timestamp", "last_updated_timestamp")}


def create_model_version(
    client: Client,
    name: str,
    source: str,
    run_id: str | None = None,
    tags: Mapping[str, object] | None = None,
    run_link: str | None = None,
    description: str | None = None,
    await_creation_for: int | None = None,
    model_id: str | None = None,
) -> ModelVersion:
    """Add a version to a registered model; it gets the number after the highest one there ever was.

    If another clone registers the same number before the two hear of each other, the earlier version keeps
    it, and the later one gets another: see `gittrack.core.registry.number_versions`.

    Args:
        client: Of the store.
        name: Of the registered model.
        source: URI of the model: ``models:/m-…``, ``runs:/RUN/PATH``, another version, or anything else.
        run_id: The run that made it; that of the logged model if None.
        tags: To set at once.
        run_link: URL of a run elsewhere.
        description: In Markdown.
        await_creation_for: Accepted for MLflow's sake: a version is ready at once.
        model_id: The logged model.

    Raises:
        ModelNotFoundError: There is no such registered model, or none at a ``models:`` URI.
        UserError: Something cannot be stored.
        StoreError: The disk is full, or failed.
    """
    del await_creation_for
    if not source:
        message = "a version needs a source"
        raise InvalidValueError(message, hint="e.g. runs:/RUN/model")
    uri = parse_model_uri(source)
    if uri is not None and uri.name is not None:
        origin = get_version_of(client, source)
        run_id, model_id = run_id or origin.run_id, model_id or origin.model_id
    elif uri is not None and uri.model_id is not None:
        model_id = model_id or uri.model_id
    elif uri is not None:
        run_id = run_id or uri.run_id
    if model_id is not None:
        run_id = run_id or logged_models.get_logged_model(client, model_id).source_run_id
    values: dict[str, ParamValue] = {
        "source": source, "run_id": run_id, "run_link": run_link, "description": description,
        "model_id": model_id, "user_id": current_user(), "status": READY, **registry.tag_fields(tags or {}),
    }  # fmt: skip
    with client.store.exclusive(registry.STEP):
        model = registry.find_model(client, name)
        number = next_version(number_versions(registry.list_versions(client, model)))
        time = client.time_ms()
        values |= {"version": number, "creation_timestamp": time, "last_updated_timestamp": time}
        document_id = make_run_id(time, os.urandom(10))
        changes = [
            DocumentChange(registry.versions_kind(model), document_id, time, _without_none(values)),
            DocumentChange(MODELS, model.document_id, time, {"last_updated_timestamp": time}),
        ]
        registry.change(client, changes, f"model {name}: version {number} registered")
    return get_model_version(client, name, number)


def copy_model_version(client: Client, src_model_uri: str, dst_name: str) -> ModelVersion:
    """Add a copy of a version to another registered model, which is created if need be.

    Args:
        client: Of the store.
        src_model_uri: ``models:/NAME/VERSION`` or ``models:/NAME@ALIAS``.
        dst_name: The other registered model.

    Raises:
        ModelNotFoundError: There is no such version.
        InvalidValueError: The URI names no version of a registered model.
    """
    version = get_version_of(client, src_model_uri)
    with contextlib.suppress(ConflictError):  # it is there
        registry.create_registered_model(client, dst_name)
    return create_model_version(
        client,
        dst_name,
        version.source or "",
        version.run_id,
        version.tags,
        version.run_link,
        version.description,
        model_id=version.model_id,
    )


def get_model_version(client: Client, name: str, version: int | str) -> ModelVersion:
    """Return a version of a registered model.

    Raises:
        ModelNotFoundError: There is no such model or version.
        InvalidValueError: ``version`` is no number.
    """
    number = check_version(version)
    model = registry.find_model(client, name)
    return read_version(_find(client, model, name, number), number, model, name)


def get_version_of(client: Client, uri: str) -> ModelVersion:
    """Return the version of a registered model that a URI names.

    Raises:
        ModelNotFoundError: There is no such model, version, alias or version at a stage.
        InvalidValueError: It names no version of a registered model.
    """
    from gittrack.tracking import promotion

    parsed = parse_model_uri(uri)
    if parsed is None or parsed.name is None:
        message = f"{uri!r} names no version of a registered model"
        raise InvalidValueError(message, hint="write models:/NAME/VERSION or models:/NAME@ALIAS")
    if parsed.version is not None:
        return get_model_version(client, parsed.name, parsed.version)
    if parsed.alias is not None:
        return promotion.get_model_version_by_alias(client, parsed.name, parsed.alias)
    found = promotion.get_latest_versions(client, parsed.name, [parsed.stage or STAGES[0]])
    if not found:
        message = f"model {parsed.name!r} has no version at stage {parsed.stage}"
        raise ModelNotFoundError(message, hint=f"`gittrack models show {parsed.name}` lists them")
    return found[0]


def get_model_version_download_uri(client: Client, name: str, version: int | str) -> str:
    """Return the URI where the files of a version are.

    Raises:
        ModelNotFoundError: There is no such model or version.
        InvalidValueError: ``version`` is no number.
    """
    found = get_model_version(client, name, version)
    if found.model_id is not None:
        return logged_models.get_logged_model(client, found.model_id).artifact_location
    uri = parse_model_uri(found.source or "")
    if uri is not None and uri.name is not None:
        origin = get_version_of(client, found.source or "")
        return get_model_version_download_uri(client, origin.name, origin.version)
    return found.source or ""


def update_model_version(
    client: Client, name: str, version: int | str, description: str | None = None
) -> ModelVersion:
    """Set the description of a version; None removes it.

    Raises:
        ModelNotFoundError: There is no such model or version.
        InvalidValueError: ``version`` is no number.
    """
    fields: dict[str, ParamValue] = {"description": description, "last_updated_timestamp": client.time_ms()}
    return edit_version(client, name, version, fields, "described")


def delete_model_version(client: Client, name: str, version: int | str) -> None:
    """Delete a version, and the aliases that point to it; its number is not given again.

    Raises:
        ModelNotFoundError: There is no such model or version.
        InvalidValueError: ``version`` is no number.
    """
    number = check_version(version)
    with client.store.exclusive(registry.STEP):
        model = registry.find_model(client, name)
        document = _find(client, model, name, number)
        time = client.time_ms()
        kept = {"version", "creation_timestamp", "registered_as"}
        gone: dict[str, ParamValue] = dict.fromkeys(document.fields.keys() - kept)
        aliases = [
            alias for alias, target in model.group("aliases").items() if target == document.document_id
        ]
        of_model: dict[str, ParamValue] = dict.fromkeys(f"aliases.{alias}" for alias in aliases)
        changes = [
            DocumentChange(document.kind, document.document_id, time, {**gone, "deleted": time}),
            DocumentChange(MODELS, model.document_id, time, {**of_model, "last_updated_timestamp": time}),
        ]
        registry.change(client, changes, f"model {name}: version {number} deleted")


def search_model_versions(
    client: Client,
    filter_string: str | None = None,
    max_results: int = 10_000,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[ModelVersion]:
    """Return the versions a filter means, the last updated first or as ``order_by`` says, page by page.

    Args:
        client: Of the store.
        filter_string: In the search language, over ``name``, ``version_number``, ``run_id``, ``source_path``,
            times, ``current_stage`` and ``tags.KEY``.
        max_results: Size of a page, up to 200,000.
        order_by: ``name``, ``version_number``, ``creation_timestamp`` or ``last_updated_timestamp``, with
            ``ASC`` or ``DESC``.
        page_token: ``token`` of the page before.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read.
        InvalidValueError: ``max_results`` or the token is none.
    """
    from gittrack.core.facts import compile_facts, parse_facts_order, sort_facts

    size = check_page_size(max_results, MAX_VERSIONS)
    matches = compile_facts(filter_string, _ATTRIBUTES)
    clauses = order_by or ["last_updated_timestamp DESC", "name ASC", "version_number DESC"]
    orders = parse_facts_order(clauses, _ORDERS)
    orders += [one for one in (("name", False), ("version_number", True)) if one[0] not in dict(orders)]
    shows = registry.prompt_test(filter_string)
    found = []
    for name, model in name_models(client.store.list_documents(MODELS)).items():
        if not shows({key: str(value) for key, value in model.group("tags").items()}):
            continue
        for number, document in number_versions(registry.list_versions(client, model)).items():
            if not is_deleted(document):
                version = read_version(document, number, model, name)
                facts = {**registry.NO_PROMPT, **version.facts}
                if matches(facts):
                    found.append((facts, version))
    return cut_page(sort_facts(found, orders), size, page_token, [filter_string, order_by])


def set_model_version_tag(
    client: Client,
    name: str,
    version: int | str | None = None,
    key: str | None = None,
    value: object = None,
    stage: str | None = None,
) -> None:
    """Set a tag of a version, or of the newest one at a stage.

    Raises:
        ModelNotFoundError: There is no such model or version.
        UserError: Neither or both of version and stage are given; or key or value cannot be stored.
    """
    number = _choose(client, name, version, stage)
    edit_version(client, name, number, registry.tag_fields({key or "": value}), f"tagged {key}={value}")


def delete_model_version_tag(
    client: Client,
    name: str,
    version: int | str | None = None,
    key: str | None = None,
    stage: str | None = None,
) -> None:
    """Remove a tag of a version; one it does not have is no error, as in MLflow.

    Raises:
        ModelNotFoundError: There is no such model or version.
        UserError: Neither or both of version and stage are given; or the key is none.
    """
    number = _choose(client, name, version, stage)
    field = f"tags.{check_key('tag', key)}"
    if field in _find(client, registry.find_model(client, name), name, number).fields:
        edit_version(client, name, number, {field: None}, f"tag {key} removed")


def edit_version(
    client: Client, name: str, version: int | str, values: Mapping[str, ParamValue], what: str
) -> ModelVersion:
    """Change fields of a version's document; return the version.

    Raises:
        ModelNotFoundError: There is no such model or version.
        InvalidValueError: ``version`` is no number.
    """
    number = check_version(version)
    document = _find(client, registry.find_model(client, name), name, number)
    edit = DocumentChange(document.kind, document.document_id, client.time_ms(), values)
    registry.change(client, [edit], f"model {name}: version {number} {what}")
    return get_model_version(client, name, number)


def list_model_versions(client: Client, model: RegisteredModel) -> list[ModelVersion]:
    """Return the versions of a registered model, the highest first."""
    document = registry.find_model(client, model.name)
    numbered = number_versions(registry.list_versions(client, document))
    listed = [
        read_version(one, number, document, model.name)
        for number, one in numbered.items()
        if not is_deleted(one)
    ]
    return listed[::-1]


def _find(client: Client, model: Document, name: str, number: int) -> Document:
    found = number_versions(registry.list_versions(client, model)).get(number)
    if found is None or is_deleted(found):
        message = f"model {name!r} has no version {number}"
        raise ModelNotFoundError(message, hint=f"`gittrack models show {name}` lists them")
    return found


def _choose(client: Client, name: str, version: int | str | None, stage: str | None) -> int:
    if (version is None) == (stage is None):
        message = "give either a version or a stage"
        raise InvalidValueError(message, hint="e.g. version=3")
    if version is not None:
        return check_version(version)
    return get_version_of(client, f"models:/{name}/{check_stage(stage)}").version


def _without_none(values: Mapping[str, ParamValue]) -> dict[str, ParamValue]:
    return {key: value for key, value in values.items() if value is not None}
