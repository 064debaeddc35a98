"""``gittrack models``: registered models, their versions, aliases and tags, and logged models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Group, open_client, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import experiment_option, form_options
from gittrack.errors import GittrackError

if TYPE_CHECKING:
    from gittrack.core.registry import ModelVersion
    from gittrack.tracking.client import Client


def complete_models(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[Any]:
    """Offer names of registered models."""
    from click.shell_completion import CompletionItem

    try:
        found = open_client(context).search_registered_models(max_results=1000)
    except GittrackError:
        return []
    return [CompletionItem(one.name) for one in found if one.name.startswith(incomplete)]


_model = click.argument("model", metavar="MODEL", shell_complete=complete_models)
_filter = click.argument("words", metavar="[FILTER]", nargs=-1)


@click.group(
    cls=Group,
    invoke_without_command=True,
    examples="""
        gittrack models                               list registered models
        gittrack models register @ iris               register the newest run's model
        gittrack models promote iris 3                iris@champion is version 3 from now on
        gittrack models show iris@champion
        gittrack models download iris@champion -o out
    """,
)
@form_options
def models(form: str | None) -> None:
    """List, register, promote, tag and download models; without a command, list them.

    MODEL is the name of a registered model; MODEL/3 its version 3, MODEL@champion the version an alias means.
    """
    if click.get_current_context().invoked_subcommand is None:
        _list((), form)


@models.command("list", examples="gittrack models list \"name LIKE 'iris%'\"")
@_filter
@form_options
def list_(words: tuple[str, ...], form: str | None) -> None:
    """List registered models, those that a filter means."""
    _list(words, form)


@models.command("show", examples="gittrack models show iris\ngittrack models show iris/3 --json")
@_model
@form_options
@pass_client
def show(client: Client, model: str, form: str | None) -> None:
    """Show a registered model with its versions, or one version."""
    from gittrack.cli.models_page import print_model, print_version

    if _names_version(model):
        print_version(_version(client, model), form)
    else:
        from gittrack.tracking.model_versions import list_model_versions

        found = client.get_registered_model(model)
        print_model(found, list_model_versions(client, found), form)


@models.command(
    "register",
    examples="""
        gittrack models register @ iris                  the model of the newest run
        gittrack models register best:val/acc iris -p clf
        gittrack models register models:/m-0123… iris
    """,
)
@click.argument("source", metavar="RUN|URI")
@click.argument("name", metavar="NAME", shell_complete=complete_models)
@click.option(
    "-p", "--path", metavar="PATH", default=None, help="Where in the run.  [default: its only model]"
)
@click.option("-t", "--tag", "tags", metavar="KEY=VALUE", multiple=True, help="Tag of the version.")
@click.option("-a", "--alias", metavar="ALIAS", help="Let this alias mean the version.")
@pass_client
def register(
    client: Client, source: str, name: str, path: str | None, tags: tuple[str, ...], alias: str | None
) -> None:
    """Add a version to a registered model, which is created if need be; print its number."""
    from gittrack.tracking.registering import register_source

    values = dict(_pair(tag) for tag in tags)
    uri = source if ":/" in source else _model_of_run(client, source, path)
    version = register_source(client, uri, name, values)
    if alias is not None:
        client.set_registered_model_alias(name, alias, version.version)
    click.echo(str(version.version))


@models.command(
    "alias", examples="gittrack models alias iris/3 champion\ngittrack models alias iris champion -d"
)
@_model
@click.argument("alias", metavar="ALIAS")
@click.option("-d", "--delete", is_flag=True, help="Remove the alias.")
@pass_client
def alias(client: Client, model: str, alias: str, delete: bool) -> None:  # noqa: FBT001  (click's)
    """Let an alias mean a version, or nothing any more."""
    if delete:
        client.delete_registered_model_alias(model, alias)
        tell(f"{model} has no alias {alias} any more")
        return
    found = _version(client, model)
    client.set_registered_model_alias(found.name, alias, found.version)
    tell(f"{found.name}@{alias} is version {found.version}")


@models.command(
    "promote", examples="gittrack models promote iris 3\ngittrack models promote iris 3 --to production"
)
@_model
@click.argument("version", metavar="VERSION")
@click.option("--to", "target", default="champion", metavar="ALIAS", help="The alias.  [default: champion]")
@click.option("--stage", metavar="STAGE", help="MLflow's older way: Staging, Production, Archived or None.")
@pass_client
def promote(client: Client, model: str, version: str, target: str, stage: str | None) -> None:
    """Put a version in the place of the one in use; a commit says who did it, and what was before."""
    found = client.get_model_version(model, version)
    if stage is not None:
        moved = client.transition_model_version_stage(model, found.version, stage, True)  # noqa: FBT003
        tell(f"{model} version {moved.version} is {moved.current_stage}")
        return
    before = client.get_registered_model(model).aliases.get(target)
    client.set_registered_model_alias(model, target, found.version)
    was = f"; it was version {before}" if before not in {None, found.version} else ""
    tell(f"{model}@{target} is version {found.version}{was}")


@models.command("tag", examples="gittrack models tag iris/3 checked=yes\ngittrack models tag iris -d team")
@_model
@click.argument("tags", metavar="[KEY=VALUE]...", nargs=-1)
@click.option("-d", "--delete", "gone", metavar="KEY", multiple=True, help="Remove a tag.")
@pass_client
def tag(client: Client, model: str, tags: tuple[str, ...], gone: tuple[str, ...]) -> None:
    """Set or remove tags of a registered model or version."""
    pairs = dict(_pair(one) for one in tags)
    if not pairs and not gone:
        raise BadUsageError("give a tag", hint="e.g. `gittrack models tag iris/3 checked=yes`")
    version = _version(client, model) if _names_version(model) else None
    for key, value in pairs.items():
        if version is None:
            client.set_registered_model_tag(model, key, value)
        else:
            client.set_model_version_tag(version.name, version.version, key, value)
    for key in gone:
        if version is None:
            client.delete_registered_model_tag(model, key)
        else:
            client.delete_model_version_tag(version.name, version.version, key)


@models.command("describe", examples="gittrack models describe iris/3 'trained on the new flowers'")
@_model
@click.argument("text", metavar="TEXT")
@pass_client
def describe(client: Client, model: str, text: str) -> None:
    """Describe a registered model or version, in Markdown."""
    if _names_version(model):
        found = _version(client, model)
        client.update_model_version(found.name, found.version, text)
    else:
        client.update_registered_model(model, text)


@models.command("rename", examples="gittrack models rename iris flowers")
@_model
@click.argument("new_name", metavar="NEW_NAME")
@pass_client
def rename(client: Client, model: str, new_name: str) -> None:
    """Give a registered model another name."""
    client.rename_registered_model(model, new_name)


@models.command("delete", examples="gittrack models delete iris/3\ngittrack models delete iris --all")
@_model
@click.option("--all", "is_all", is_flag=True, help="The model with all its versions.")
@pass_client
def delete(client: Client, model: str, is_all: bool) -> None:  # noqa: FBT001  (click's)
    """Delete a version, or a registered model; the runs that made them stay."""
    if _names_version(model):
        found = _version(client, model)
        client.delete_model_version(found.name, found.version)
        tell(f"deleted version {found.version} of {found.name}")
        return
    from gittrack.tracking.model_versions import list_model_versions

    versions = list_model_versions(client, client.get_registered_model(model))
    if versions and not is_all:
        raise BadUsageError(
            f"{model} has {len(versions)} versions",
            hint=f"`gittrack models delete {model} --all`, or {model}/3",
        )
    client.delete_registered_model(model)
    tell(f"deleted {model} with {len(versions)} versions")


@models.command("download", examples="gittrack models download iris@champion -o out")
@click.argument("model", metavar="MODEL|URI", shell_complete=complete_models)
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False),
    default=".",
    metavar="DIR",
    help="Where to.  [default: .]",
)
@pass_client
def download(client: Client, model: str, output: str) -> None:
    """Write the files of a version or logged model, each verified; print their folder."""
    from pathlib import Path

    from gittrack.tracking.registering import download_model

    if ":/" in model:
        uri = model
    elif _names_version(model):
        uri = f"models:/{model}"
    else:
        uri = f"models:/{model}/latest"
    click.echo(str(download_model(client, uri, Path(output))))


@models.command("logged", examples='gittrack models logged "metrics.acc > 0.9"')
@_filter
@experiment_option("-x", "--experiment", help="Of this experiment only.")
@form_options
@pass_client
def logged(client: Client, words: tuple[str, ...], experiment: str | None, form: str | None) -> None:
    """List logged models, newest first, those that a filter means."""
    from gittrack.cli.models_page import print_logged_models
    from gittrack.tracking.select import find_experiment

    ids = None if experiment is None else [find_experiment(client, experiment).experiment_id]
    print_logged_models(client.search_logged_models(ids, " ".join(words), max_results=1000), form)


@pass_client
def _list(client: Client, words: tuple[str, ...], form: str | None) -> None:
    from gittrack.cli.models_page import print_models

    print_models(client.search_registered_models(" ".join(words), max_results=1000), form)


def _names_version(model: str) -> bool:
    return "/" in model or "@" in model


def _version(client: Client, model: str) -> ModelVersion:
    """Return the version that ``name/3`` or ``name@alias`` means."""
    from gittrack.tracking.model_versions import get_version_of

    if not _names_version(model):
        raise BadUsageError(f"which version of {model}?", hint=f"write {model}/3 or {model}@champion")
    return get_version_of(client, f"models:/{model}")


def _model_of_run(client: Client, run: str, path: str | None) -> str:
    from gittrack.tracking.registering import find_model_path
    from gittrack.tracking.select import find_run

    found = find_run(client, run)
    return f"runs:/{found.run_id}/{path or find_model_path(client, found)}"


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise BadUsageError(f"cannot read the tag {text!r}", hint="write KEY=VALUE")
    return key, value
