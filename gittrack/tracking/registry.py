"""Registered models: named, tagged, renamed and deleted, with MlflowClient's methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.names import check_key, derive_id
from gittrack.core.registry import (
    MODELS,
    VERSIONS,
    RegisteredModel,
    check_model_name,
    name_models,
    number_versions,
    read_model,
)
from gittrack.core.stamped import Document, DocumentChange
from gittrack.core.values import coerce_tag
from gittrack.errors import ConflictError, ModelNotFoundError
from gittrack.tracking.context import current_user
from gittrack.tracking.paging import PagedList, check_page_size, cut_page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gittrack.core.model import ParamValue
    from gittrack.tracking.client import Client

MAX_MODELS = 1000
"""Registered models on one page."""
STEP = "models"
"""The name of the step that reads and then changes the registry."""
TAG_PROMPT = "mlflow.prompt.is_prompt"
"""Marks what is a prompt and no model: it is only found by whoever asks for it."""

NO_PROMPT = {f"tags.{TAG_PROMPT}": "false"}
"""What a search sees of this tag where it is not set, as in MLflow."""

_ATTRIBUTES = {"name": "name"}
_ORDERS = {
    "name": "name",
    "timestamp": "last_updated_timestamp",
    "last_updated_timestamp": "last_updated_timestamp",
    "creation_timestamp": "creation_timestamp",
}


def create_registered_model(
    client: Client,
    name: str,
    tags: Mapping[str, object] | None = None,
    description: str | None = None,
    deployment_job_id: str | None = None,
) -> RegisteredModel:
    """Create a registered model without versions.

    Args:
        client: Of the store.
        name: Unique; no slash, no colon.
        tags: To set at once.
        description: In Markdown.
        deployment_job_id: Accepted for MLflow's sake, and not kept.

    Raises:
        ConflictError: There is one by that name.
        InvalidNameError: The name or a tag's key cannot be stored.
        StoreError: The disk is full, or failed.
    """
    del deployment_job_id
    check_model_name(name)
    values = tag_fields(tags or {})
    with client.store.exclusive(STEP):
        documents = client.store.list_documents(MODELS)
        if name in name_models(documents):
            message = f"registered model {name!r} exists already"
            raise ConflictError(message, hint="register_model() adds a version to it")
        taken = {one.document_id for one in documents}
        attempt = 0
        while (document_id := derive_id("model", name, attempt)) in taken:
            attempt += 1
        time = client.time_ms()
        values |= {"name": name, "creation_timestamp": time, "last_updated_timestamp": time}
        values |= {"description": description} if description is not None else {}
        change(client, [DocumentChange(MODELS, document_id, time, values)], f"model {name}: created")
    return get_registered_model(client, name)


def get_registered_model(client: Client, name: str) -> RegisteredModel:
    """Return a registered model.

    Raises:
        ModelNotFoundError: There is none by that name.
    """
    document = find_model(client, name)
    return read_model(document, name, number_versions(list_versions(client, document)))


def rename_registered_model(client: Client, name: str, new_name: str) -> RegisteredModel:
    """Give a registered model another name; its versions and aliases stay.

    Raises:
        ModelNotFoundError: There is none by that name.
        ConflictError: Another one has the new name.
        InvalidNameError: It cannot be stored.
    """
    check_model_name(new_name)
    with client.store.exclusive(STEP):
        document = find_model(client, name)
        others = name_models(client.store.list_documents(MODELS))
        if new_name in others and others[new_name].document_id != document.document_id:
            message = f"registered model {new_name!r} exists already"
            raise ConflictError(message, hint="use another name")
        time = client.time_ms()
        # A version carries its model's name, so renaming counts as an update of each.
        fields: dict[str, ParamValue] = {
            "name": new_name,
            "renamed_timestamp": time,
            "last_updated_timestamp": time,
        }
        renaming = DocumentChange(document.kind, document.document_id, time, fields)
        change(client, [renaming], f"model {name}: renamed to {new_name}")
    return get_registered_model(client, new_name)


def update_registered_model(
    client: Client, name: str, description: str | None = None, deployment_job_id: str | None = None
) -> RegisteredModel:
    """Set the description of a registered model; None removes it.

    Raises:
        ModelNotFoundError: There is none by that name.
    """
    del deployment_job_id
    document = find_model(client, name)
    touch(client, document, {"description": description}, f"model {name}: described")
    return get_registered_model(client, name)


def delete_registered_model(client: Client, name: str) -> None:
    """Delete a registered model with all its versions and aliases; the runs that made them stay.

    Raises:
        ModelNotFoundError: There is none by that name.
    """
    with client.store.exclusive(STEP):
        document = find_model(client, name)
        time = client.time_ms()
        gone = [document, *list_versions(client, document)]
        removals = [DocumentChange(one.kind, one.document_id, time, removes=True) for one in gone]
        change(client, removals, f"model {name}: deleted with {len(gone) - 1} versions")


def search_registered_models(
    client: Client,
    filter_string: str | None = None,
    max_results: int = 100,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[RegisteredModel]:
    """Return the registered models a filter means, by name or as ``order_by`` says, page by page.

    Args:
        client: Of the store.
        filter_string: In the search language, over ``name`` and ``tags.KEY``.
        max_results: Size of a page, up to 1,000.
        order_by: ``name``, ``creation_timestamp`` or ``last_updated_timestamp``, with ``ASC`` or ``DESC``.
        page_token: ``token`` of the page before.

    Raises:
        QuerySyntaxError: The filter or an order cannot be read.
        InvalidValueError: ``max_results`` or the token is none.
    """
    from gittrack.core.facts import compile_facts, parse_facts_order, sort_facts

    size = check_page_size(max_results, MAX_MODELS)
    matches = compile_facts(filter_string, _ATTRIBUTES)
    orders = parse_facts_order(order_by, _ORDERS)
    if all(name != "name" for name, _ in orders):
        orders.append(("name", False))
    shows = prompt_test(filter_string)
    found = []
    for name, document in name_models(client.store.list_documents(MODELS)).items():
        model = read_model(document, name, {})
        if shows(model.tags) and matches({**NO_PROMPT, **model.facts}):
            found.append((model.facts, (name, document)))
    page = cut_page(sort_facts(found, orders), size, page_token, [filter_string, order_by])
    models = [
        read_model(document, name, number_versions(list_versions(client, document)))
        for name, document in page
    ]
    return PagedList(models, page.token)


def set_registered_model_tag(client: Client, name: str, key: str, value: object) -> None:
    """Set a tag of a registered model.

    Raises:
        ModelNotFoundError: There is none by that name.
        UserError: Key or value cannot be stored.
    """
    document = find_model(client, name)
    time = client.time_ms()
    edit = DocumentChange(MODELS, document.document_id, time, tag_fields({key: value}))
    change(client, [edit], f"model {name}: tagged {key}={value}")


def delete_registered_model_tag(client: Client, name: str, key: str) -> None:
    """Remove a tag of a registered model; one it does not have is no error, as in MLflow.

    Raises:
        ModelNotFoundError: There is none by that name.
        InvalidNameError: The key is none.
    """
    document = find_model(client, name)
    if f"tags.{check_key('tag', key)}" in document.fields:
        edit = DocumentChange(MODELS, document.document_id, client.time_ms(), {f"tags.{key}": None})
        change(client, [edit], f"model {name}: tag {key} removed")


# Shared with the versions


def prompt_test(filter_string: str | None) -> Callable[[Mapping[str, str]], bool]:
    """Return whether tags are those of what is searched: prompts only for who asks for them, as in MLflow."""
    if TAG_PROMPT in (filter_string or ""):
        return lambda _: True
    return lambda tags: tags.get(TAG_PROMPT) != "true"


def find_model(client: Client, name: str) -> Document:
    """Return the document of a registered model.

    Raises:
        ModelNotFoundError: There is none by that name.
        InvalidNameError: None could have it.
    """
    check_model_name(name)
    known = name_models(client.store.list_documents(MODELS))
    if name not in known:
        message = f"no registered model {name!r}"
        raise ModelNotFoundError(message, hint="`gittrack models` lists them")
    return known[name]


def versions_kind(model: Document) -> str:
    """Return the kind of the documents of a model's versions."""
    return f"{VERSIONS}/{model.document_id}"


def list_versions(client: Client, model: Document) -> list[Document]:
    """Return the documents of a model's versions, deleted ones too."""
    return client.store.list_documents(versions_kind(model))


def tag_fields(tags: Mapping[str, object]) -> dict[str, ParamValue]:
    """Return tags as fields of a document.

    Raises:
        UserError: A key or value cannot be stored.
    """
    return {f"tags.{check_key('tag', key)}": coerce_tag(key, value) for key, value in tags.items()}


def touch(client: Client, model: Document, values: Mapping[str, ParamValue], subject: str) -> None:
    """Change a registered model, and the time of its last update."""
    time = client.time_ms()
    fields = {**values, "last_updated_timestamp": time}
    change(client, [DocumentChange(model.kind, model.document_id, time, fields)], subject)


def change(client: Client, changes: Sequence[DocumentChange], subject: str) -> None:
    """Change documents of the registry in one commit that says who did it.

    Raises:
        StoreError: The disk is full, or failed.
    """
    client.store.change_documents(changes, f"{subject}, by {current_user()}")
