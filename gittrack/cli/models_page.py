"""Registered models, versions and logged models, as tables and page by page."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.listing import Column, Listing, print_json, print_listing, printable, printable_lines
from gittrack.cli.sections import print_pairs, print_section, print_title
from gittrack.cli.times import show_age, show_time

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.logged_model import LoggedModel
    from gittrack.core.registry import ModelVersion, RegisteredModel

_TIME = {"show": show_time, "show_on_terminal": show_age}


def print_models(found: Sequence[RegisteredModel], form: str | None) -> None:
    """Print registered models, one a line."""
    heads = [
        Column("name", must_show=True),
        Column("latest", is_number=True),
        Column("aliases"),
        Column("updated", **_TIME),  # type: ignore[arg-type]
        Column("tags"),
    ]
    rows = [
        [one.name, _latest(one), _aliases(one), one.last_updated_timestamp, _tags(one.tags)] for one in found
    ]
    print_listing(Listing(heads, rows, [_model_record(one) for one in found], when_empty=_EMPTY), form)


def print_model(model: RegisteredModel, versions: Sequence[ModelVersion], form: str | None) -> None:
    """Print a registered model with its versions."""
    if form == "json":
        print_json({**_model_record(model), "versions": [_version_record(one) for one in versions]})
        return
    if form is None:
        facts = {
            "name": model.name,
            "created": show_time(model.creation_timestamp),
            "updated": show_time(model.last_updated_timestamp),
            "aliases": _aliases(model),
        }
        print_pairs({key: value for key, value in facts.items() if value})
        print_section("tags", dict(sorted(model.tags.items())))
        if model.description:
            print_title("description")
            click.echo(printable_lines(model.description))
        print_title("versions")
    heads = [
        Column("version", is_number=True, must_show=True),
        Column("aliases", must_show=True),
        Column("stage"),
        Column("run"),
        Column("by"),
        Column("registered", **_TIME),  # type: ignore[arg-type]
        Column("tags"),
    ]
    rows = [
        [
            one.version,
            ", ".join(one.aliases),
            None if one.current_stage == "None" else one.current_stage,
            one.run_id and one.run_id[:12],
            one.user_id,
            one.creation_timestamp,
            _tags(one.tags),
        ]
        for one in versions
    ]
    print_listing(Listing(heads, rows, [_version_record(one) for one in versions], when_empty="none"), form)


def print_version(version: ModelVersion, form: str | None) -> None:
    """Print one version."""
    if form == "json":
        print_json(_version_record(version))
        return
    facts = {
        "model": version.name,
        "version": str(version.version),
        "registered as": None
        if version.registered_as is None
        else f"{version.registered_as}, which was taken",
        "aliases": ", ".join(version.aliases),
        "stage": None if version.current_stage == "None" else version.current_stage,
        "source": version.source,
        "run": version.run_id,
        "logged model": version.model_id,
        "by": version.user_id,
        "registered": f"{show_time(version.creation_timestamp)} ({show_age(version.creation_timestamp)})",
        "updated": show_time(version.last_updated_timestamp),
    }
    print_pairs({key: printable(value) for key, value in facts.items() if value})
    print_section("tags", dict(sorted(version.tags.items())))
    if version.description:
        print_title("description")
        click.echo(printable_lines(version.description))


def print_logged_models(found: Sequence[LoggedModel], form: str | None) -> None:
    """Print logged models, one a line."""
    heads = [
        Column("id", must_show=True),
        Column("name", must_show=True),
        Column("status"),
        Column("run"),
        Column("created", **_TIME),  # type: ignore[arg-type]
        Column("metrics"),
    ]
    rows = [
        [
            one.model_id,
            one.name,
            one.status.value.lower(),
            one.source_run_id and one.source_run_id[:12],
            one.creation_timestamp,
            ", ".join(f"{metric.key} {metric.value:.4g}" for metric in one.metrics or ()),
        ]
        for one in found
    ]
    records = [{**asdict(one), "artifact_location": one.artifact_location} for one in found]
    print_listing(Listing(heads, rows, records, when_empty="no logged models to show"), form)


_EMPTY = "no registered models; `gittrack models register RUN NAME` makes one"


def _latest(model: RegisteredModel) -> int | None:
    return max((one.version for one in model.latest_versions), default=None)


def _aliases(model: RegisteredModel) -> str:
    return ", ".join(f"{alias} → {version}" for alias, version in model.aliases.items())


def _tags(tags: Any) -> str:  # noqa: ANN401  (a mapping)
    return ", ".join(f"{key}={value}" for key, value in sorted(tags.items()))


def _model_record(model: RegisteredModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "creation_timestamp": model.creation_timestamp,
        "last_updated_timestamp": model.last_updated_timestamp,
        "description": model.description,
        "latest_version": _latest(model),
        "aliases": dict(model.aliases),
        "tags": dict(model.tags),
    }


def _version_record(version: ModelVersion) -> dict[str, Any]:
    record = asdict(version)
    del record["document_id"]
    return record
