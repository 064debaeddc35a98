"""``gittrack experiments``: the groups that runs belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Group, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.options import VIEWS, complete_experiments, experiment_option, form_options

if TYPE_CHECKING:
    from gittrack.core.model import Experiment
    from gittrack.tracking.client import Client

_id_option = experiment_option("-x", "--experiment-id", "--experiment", help="The experiment.")
_argument = click.argument("named", metavar="[NAME|ID]", required=False, shell_complete=complete_experiments)


def _list_options(function: Any) -> Any:  # noqa: ANN401  (a command on its way)
    for option in (
        form_options,
        click.option(
            "--max-results",
            type=click.IntRange(1, 50_000),
            default=1000,
            metavar="N",
            help="Show at most N.  [default: 1000]",
        ),
        click.option(
            "-v",
            "--view",
            type=click.Choice(list(VIEWS)),
            default="active_only",
            help="Which experiments to show.  [default: active_only]",
        ),
    ):
        function = option(function)
    return function


@click.group(
    cls=Group,
    invoke_without_command=True,
    examples="""
        gittrack experiments                          list them
        gittrack experiments create vision
        gittrack experiments rename vision vision-2
        gittrack log -x vision                        runs of one
    """,
)
@_list_options
def experiments(**options: Any) -> None:  # noqa: ANN401  (any option)
    """List, create, rename, delete and restore experiments; without a command, list them."""
    if click.get_current_context().invoked_subcommand is None:
        _list(**options)


@experiments.command("list", examples="gittrack experiments list --view all")
@_list_options
def list_(**options: Any) -> None:  # noqa: ANN401  (any option)
    """List experiments, newest first."""
    _list(**options)


@experiments.command("search", examples="gittrack experiments search --view deleted_only")
@_list_options
def search(**options: Any) -> None:  # noqa: ANN401  (any option)
    """List experiments, newest first, as MLflow calls it."""
    _list(**options)


@experiments.command("create", examples="gittrack experiments create vision")
@click.argument("named", metavar="[NAME]", required=False)
@click.option("-n", "--experiment-name", "name", metavar="NAME", help="Its name.")
@click.option(
    "-l", "--artifact-location", metavar="URI", help="Where MLflow's clients shall store artifacts."
)
@pass_client
def create(client: Client, named: str | None, name: str | None, artifact_location: str | None) -> None:
    """Create an experiment, and print its id."""
    if (named is None) == (name is None):
        raise BadUsageError("give one name", hint="e.g. `gittrack experiments create vision`")
    click.echo(client.create_experiment(named or name or "", artifact_location))


@experiments.command("get", examples="gittrack experiments get vision --json")
@_argument
@_id_option
@click.option("-n", "--experiment-name", "name", metavar="NAME", help="The experiment, by name.")
@click.option("--output", type=click.Choice(["table", "json"]), default="table", help="How to print it.")
@click.option("--json", "output", flag_value="json", help="Print JSON.")
@pass_client
def get(client: Client, named: str | None, experiment: str | None, name: str | None, output: str) -> None:
    """Show one experiment."""
    from gittrack.cli.listing import print_json, printable

    found = _one(client, named, experiment, name)
    facts = _describe(found)
    if output == "json":
        print_json(facts)
        return
    shown = {
        **facts,
        "creation_time": _times(found.creation_time),
        "last_update_time": _times(found.last_update_time),
        "tags": ", ".join(f"{key}={value}" for key, value in sorted(found.tags.items())),
    }
    for key, value in shown.items():
        click.echo(f"{key:<17}  {printable(str(value)) or '-'}")


@experiments.command("rename", examples="gittrack experiments rename vision vision-2")
@click.argument("words", nargs=-1, metavar="[NAME|ID NEW_NAME]", shell_complete=complete_experiments)
@_id_option
@click.option("--new-name", metavar="NAME", help="Its new name.")
@pass_client
def rename(client: Client, words: tuple[str, ...], experiment: str | None, new_name: str | None) -> None:
    """Give an experiment another name."""
    given = [*([experiment] if experiment else []), *words, *([new_name] if new_name else [])]
    if len(given) != 2:  # noqa: PLR2004  (the experiment and its name)
        raise BadUsageError(
            "give an experiment and its new name", hint="e.g. `gittrack experiments rename old new`"
        )
    client.rename_experiment(_one(client, given[0]).experiment_id, given[1])


@experiments.command("delete", examples="gittrack experiments delete vision")
@_argument
@_id_option
@pass_client
def delete(client: Client, named: str | None, experiment: str | None) -> None:
    """Delete an experiment with its runs; `gittrack experiments restore` brings them back."""
    found = _one(client, named, experiment)
    client.delete_experiment(found.experiment_id)
    tell(f"deleted {found.name} and its runs; `gittrack experiments restore {named or experiment}` undoes it")


@experiments.command("restore", examples="gittrack experiments restore vision")
@_argument
@_id_option
@pass_client
def restore(client: Client, named: str | None, experiment: str | None) -> None:
    """Bring back a deleted experiment with its runs."""
    found = _one(client, named, experiment)
    client.restore_experiment(found.experiment_id)
    tell(f"restored {found.name}")


@pass_client
def _list(client: Client, view: str, max_results: int, form: str | None) -> None:
    from gittrack.cli.listing import Column, Listing, print_listing
    from gittrack.cli.times import show_age, show_time

    found = client.search_experiments(VIEWS[view], max_results)
    counts: dict[str, int] = {}
    newest: dict[str, int] = {}
    table = client.search_table(run_view_type=3, columns=["experiment_id", "start_time"])
    for experiment_id, time in zip(table["experiment_id"], table["start_time"], strict=True):
        key = str(experiment_id)
        counts[key] = counts.get(key, 0) + 1
        newest[key] = max(newest.get(key, 0), int(time or 0))
    heads = [
        Column("id", must_show=True),
        Column("name", must_show=True),
        Column("runs", is_number=True),
        Column("last run", show=show_time, show_on_terminal=show_age),
        Column("stage"),
    ]
    rows = [
        [
            one.experiment_id,
            one.name,
            counts.get(one.experiment_id, 0),
            newest.get(one.experiment_id),
            str(one.lifecycle_stage),
        ]
        for one in found
    ]
    records = [{**_describe(one), "runs": counts.get(one.experiment_id, 0)} for one in found]
    print_listing(Listing(heads, rows, records, when_empty="no experiments to show"), form)


def _describe(experiment: Experiment) -> dict[str, Any]:
    return {
        "experiment_id": experiment.experiment_id,
        "name": experiment.name,
        "lifecycle_stage": str(experiment.lifecycle_stage),
        "creation_time": experiment.creation_time,
        "last_update_time": experiment.last_update_time,
        "artifact_location": experiment.artifact_location,
        "tags": dict(experiment.tags),
    }


def _one(client: Client, *names: str | None) -> Experiment:
    from gittrack.tracking.select import find_experiment

    given = [name for name in names if name is not None]
    if len(given) != 1:
        raise BadUsageError("give one experiment", hint="by its name or id")
    return find_experiment(client, given[0])


def _times(timestamp: int) -> str:
    from gittrack.cli.times import show_time

    return show_time(timestamp) if timestamp else "-"
