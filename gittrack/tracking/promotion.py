"""What says which version of a registered model is in use: aliases, and MLflow's older stages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.core.registry import (
    ACTIVE_STAGES,
    LATEST,
    MODELS,
    STAGES,
    check_alias,
    check_stage,
    check_version,
    is_deleted,
    number_versions,
    read_model,
    read_version,
)
from gittrack.core.stamped import DocumentChange
from gittrack.errors import InvalidValueError, ModelNotFoundError
from gittrack.tracking import registry
from gittrack.tracking.model_versions import get_model_version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import ParamValue
    from gittrack.core.registry import ModelVersion
    from gittrack.tracking.client import Client


def set_registered_model_alias(client: Client, name: str, alias: str, version: int | str) -> None:
    """Let an alias mean a version; the commit says who did it, and which version it meant before.

    Raises:
        ModelNotFoundError: There is no such model or version.
        UserError: The alias cannot be stored, or ``version`` is no number.
    """
    check_alias(alias)
    number = check_version(version)
    with client.store.exclusive(registry.STEP):
        model = registry.find_model(client, name)
        target = get_model_version(client, name, number)
        before = read_model(model, name, number_versions(registry.list_versions(client, model)))
        was = f" (was {before.aliases[alias]})" if alias in before.aliases else ""
        fields: dict[str, ParamValue] = {f"aliases.{alias}": target.document_id}
        edit = DocumentChange(MODELS, model.document_id, client.time_ms(), fields)
        registry.change(client, [edit], f"model {name}: {alias} is version {number}{was}")


def delete_registered_model_alias(client: Client, name: str, alias: str) -> None:
    """Remove an alias; one that is not there is no error, as in MLflow.

    Raises:
        ModelNotFoundError: There is no such model.
        InvalidNameError: The alias is none.
    """
    check_alias(alias, is_new=False)
    model = registry.find_model(client, name)
    if f"aliases.{alias}" in model.fields:
        edit = DocumentChange(MODELS, model.document_id, client.time_ms(), {f"aliases.{alias}": None})
        registry.change(client, [edit], f"model {name}: alias {alias} removed")


def get_model_version_by_alias(client: Client, name: str, alias: str) -> ModelVersion:
    """Return the version an alias means; ``latest`` is the highest one.

    Raises:
        ModelNotFoundError: There is no such model or alias.
        InvalidNameError: The alias is none.
    """
    check_alias(alias, is_new=False)
    model = registry.find_model(client, name)
    numbered = number_versions(registry.list_versions(client, model))
    existing = {number: one for number, one in numbered.items() if not is_deleted(one)}
    if alias.lower() == LATEST:
        found = max(existing, default=None)
    else:
        target = model.fields.get(f"aliases.{alias}")
        found = next((number for number, one in existing.items() if one.document_id == target), None)
    if found is None:
        message = f"model {name!r} has no alias {alias!r}" if alias.lower() != LATEST else (
            f"model {name!r} has no version"
        )  # fmt: skip
        known = sorted(model.group("aliases"))
        raise ModelNotFoundError(message, hint=f"its aliases: {', '.join(known) or 'none'}")
    return read_version(existing[found], found, model, name)


def get_latest_versions(client: Client, name: str, stages: Sequence[str] | None = None) -> list[ModelVersion]:
    """Return the highest version at each stage.

    Args:
        client: Of the store.
        name: Of the registered model.
        stages: Only at these; at all four if None.

    Raises:
        ModelNotFoundError: There is no such model.
        InvalidValueError: There is no such stage.
    """
    wanted = {check_stage(stage) for stage in stages or STAGES}
    model = registry.get_registered_model(client, name)
    return [version for version in model.latest_versions if version.current_stage in wanted]


def get_model_version_stages(client: Client, name: str, version: int | str) -> list[str]:
    """Return the stages there are, as MLflow does.

    Raises:
        ModelNotFoundError: There is no such model or version.
    """
    get_model_version(client, name, version)
    return list(STAGES)


def transition_model_version_stage(
    client: Client,
    name: str,
    version: int | str,
    stage: str,
    archive_existing_versions: bool = False,  # noqa: FBT001, FBT002
) -> ModelVersion:
    """Move a version to a stage. Aliases say more; MLflow itself advises against stages.

    Args:
        client: Of the store.
        name: Of the registered model.
        version: Its number.
        stage: ``None``, ``Staging``, ``Production`` or ``Archived``.
        archive_existing_versions: Whether others at that stage become ``Archived``.

    Raises:
        ModelNotFoundError: There is no such model or version.
        InvalidValueError: There is no such stage, or nothing is archived for it.
    """  # fmt: skip
    known, number = check_stage(stage), check_version(version)
    if archive_existing_versions and known not in ACTIVE_STAGES:
        message = f"existing versions cannot be archived: {known!r} is not an active stage"
        raise InvalidValueError(message, hint=f"active stages are {', '.join(ACTIVE_STAGES)}")
    with client.store.exclusive(registry.STEP):
        model = registry.find_model(client, name)
        chosen = get_model_version(client, name, number)
        time = client.time_ms()
        moves = {chosen.document_id: known}
        for one in registry.list_versions(client, model):
            is_there = archive_existing_versions and one.fields.get("current_stage") == known
            if is_there and one.document_id != chosen.document_id:
                moves[one.document_id] = "Archived"
        changes = [
            DocumentChange(
                registry.versions_kind(model),
                document_id,
                time,
                {"current_stage": moved, "last_updated_timestamp": time},
            )
            for document_id, moved in moves.items()
        ]
        changes.append(DocumentChange(MODELS, model.document_id, time, {"last_updated_timestamp": time}))
        registry.change(client, changes, f"model {name}: version {number} is {known}")
    return get_model_version(client, name, number)
