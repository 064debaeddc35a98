"""The view models of the pages about models and data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.site.pages import share_values
from gittrack.site.paths import run_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.inputs import Dataset
    from gittrack.core.model import Run
    from gittrack.core.registry import ModelVersion
    from gittrack.site.gather import Contents

_MAX_SCHEMA = 40


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a model."""

    version: ModelVersion
    aliases: Sequence[str]
    run: str | None
    """Name of the run that made it, if the site has it."""
    page: str | None
    primary: float | None


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One registered model."""

    name: str
    description: str | None
    tags: Sequence[tuple[str, str]]
    versions: Sequence[VersionRow]


@dataclass(frozen=True, slots=True)
class DataCard:
    """One state of some data."""

    name: str
    digest: str
    kind: str
    place: str
    columns: Sequence[tuple[str, str]]
    profile: str
    first_run: str
    first_page: str
    context: str


@dataclass(frozen=True, slots=True)
class DataLine:
    """Some data that one run read."""

    name: str
    digest: str
    context: str
    place: str


def list_data_of(run: Run) -> list[DataLine]:
    """Return what a run read, by its name."""
    read = [one for _, one in sorted(run.datasets.items())]
    return [
        DataLine(one.dataset.name, one.dataset.digest, one.context or "", one.dataset.place) for one in read
    ]


def list_registered(contents: Contents) -> dict[str, list[tuple[str, int]]]:
    """Return run id → name and number of each version of a model that it made."""
    found: dict[str, list[tuple[str, int]]] = {}
    for version in sorted(contents.versions, key=lambda version: (version.name, int(version.version))):
        if version.run_id is not None:
            found.setdefault(version.run_id, []).append((version.name, int(version.version)))
    return found


def view_models(contents: Contents) -> dict[str, object]:
    """Return the values of the models page's template."""
    primary = contents.columns.primary
    cards = []
    for model in sorted(contents.models, key=lambda model: model.name):
        versions = [version for version in contents.versions if version.name == model.name]
        by_number: dict[int, list[str]] = {}
        for alias, number in sorted(model.aliases.items()):
            by_number.setdefault(int(number), []).append(alias)
        rows = [
            _version_row(version, by_number.get(int(version.version), []), contents)
            for version in sorted(versions, key=lambda version: -int(version.version))
        ]
        cards.append(ModelCard(model.name, model.description, sorted(model.tags.items()), rows))
    return {**share_values(contents, "models"), "models": cards, "primary": primary}


def view_data(contents: Contents) -> dict[str, object]:
    """Return the values of the data page's template; a run that reads known data changes nothing in it."""
    first: dict[tuple[str, str], tuple[Dataset, Run, str]] = {}
    for run in reversed(contents.runs):
        for one in run.inputs.dataset_inputs:
            context = ", ".join(tag.value for tag in one.tags if tag.key == "mlflow.data.context")
            first.setdefault((one.dataset.name, one.dataset.digest), (one.dataset, run, context))
    cards = [_data_card(*first[key]) for key in sorted(first)]
    return {**share_values(contents, "data"), "datasets": cards}


def _version_row(version: ModelVersion, aliases: Sequence[str], contents: Contents) -> VersionRow:
    run = contents.by_id.get(version.run_id or "")
    primary = contents.columns.primary
    value = run.metrics[primary].last if run and primary and primary in run.metrics else None
    return VersionRow(
        version,
        aliases,
        run=(run.name or run.run_id) if run else None,
        page=run_page(run.run_id) if run else None,
        primary=value,
    )


def _data_card(dataset: Dataset, run: Run, context: str) -> DataCard:
    return DataCard(
        name=dataset.name,
        digest=dataset.digest,
        kind=dataset.source_type,
        place=dataset.place,
        columns=_read_columns(dataset.schema),
        profile=", ".join(f"{key} {value}" for key, value in _read_object(dataset.profile).items())[:200],
        first_run=run.name or run.run_id,
        first_page=run_page(run.run_id),
        context=context,
    )


def _read_columns(schema: str | None) -> list[tuple[str, str]]:
    """Return names and types of the columns of MLflow's form of a schema."""
    columns = _read_object(schema).get("mlflow_colspec", [])
    if not isinstance(columns, list):
        return []
    found = [(str(one.get("name", "")), str(one.get("type", ""))) for one in columns if isinstance(one, dict)]
    return found[:_MAX_SCHEMA]


def _read_object(text: str | None) -> dict[str, object]:
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
