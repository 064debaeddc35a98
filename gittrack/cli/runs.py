"""``gittrack runs``: the history of runs, and MLflow's commands about runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Group, pass_client
from gittrack.cli.complain import BadUsageError, tell
from gittrack.cli.log import history_options, show_history
from gittrack.cli.options import VIEWS, complete_runs, experiment_option

if TYPE_CHECKING:
    from gittrack.tracking.client import Client

_run_id = click.option("-r", "--run-id", "run", metavar="RUN", shell_complete=complete_runs, help="The run.")
_run_argument = click.argument("named", metavar="[RUN]", required=False, shell_complete=complete_runs)


@click.group(
    cls=Group,
    invoke_without_command=True,
    examples="""
        gittrack runs                          the newest runs, as `gittrack log`
        gittrack runs list --experiment-id 0 --view all
        gittrack runs describe --run-id @      one run as MLflow's JSON
    """,
)
@experiment_option(help="Show this experiment.")
@history_options
def runs(experiment: str | None, **options: Any) -> None:  # noqa: ANN401  (any option)
    """List, create, delete and restore runs; without a command, list them."""
    if click.get_current_context().invoked_subcommand is None:
        _list(experiment, options)


@runs.command("list", examples="gittrack runs list --experiment-id 0 --view deleted_only")
@experiment_option("-x", "--experiment-id", "--experiment", help="Show this experiment.")
@click.option(
    "-v",
    "--view",
    type=click.Choice(list(VIEWS)),
    default="active_only",
    help="Which runs to show.  [default: active_only]",
)
@history_options
def list_(experiment: str | None, view: str, **options: Any) -> None:  # noqa: ANN401  (any option)
    """List runs, newest first."""
    _list(experiment, options, None if options["deleted"] or options["everything"] else VIEWS[view])


@runs.command(
    "create", examples="gittrack runs create --experiment-name vision --run-name baseline -t team=a"
)
@click.option("--experiment-id", metavar="ID", help="Experiment of the run, by id.")
@click.option(
    "--experiment-name", metavar="NAME", help="Experiment of the run, by name; it is created if need be."
)
@click.option("--run-name", metavar="NAME", help="Name of the run.  [default: made up]")
@click.option("--description", metavar="TEXT", help="Note on the run, in Markdown.")
@click.option("-t", "--tags", multiple=True, metavar="KEY=VALUE", help="Record a tag.")
@click.option(
    "--status",
    type=click.Choice(["FINISHED", "FAILED", "KILLED"], case_sensitive=False),
    default="FINISHED",
    help="How the run ended.  [default: FINISHED]",
)
@click.option(
    "--parent-run-id", metavar="RUN", shell_complete=complete_runs, help="Make it a child of this run."
)
@pass_client
def create(
    client: Client,
    experiment_id: str | None,
    experiment_name: str | None,
    run_name: str | None,
    description: str | None,
    tags: tuple[str, ...],
    status: str,
    parent_run_id: str | None,
) -> None:
    """Record a run that is over at once, and print its id."""
    from gittrack.core.model import DEFAULT_EXPERIMENT_ID, RunStatus
    from gittrack.core.recording import collect_pairs, parse_tag
    from gittrack.tracking.record import Recording, record_run
    from gittrack.tracking.select import find_or_create_experiment, find_run

    if experiment_id and experiment_name:
        raise BadUsageError("both an id and a name of the experiment are given", hint="give one of them")
    parent = None if parent_run_id is None else find_run(client, parent_run_id).run_id
    values = collect_pairs("tag", map(parse_tag, tags))
    recording = Recording(run_name, RunStatus(status), description, parent, tags=values)
    if experiment_name:
        experiment_id = find_or_create_experiment(client, experiment_name)
    click.echo(record_run(client, experiment_id or DEFAULT_EXPERIMENT_ID, recording).run_id)


@runs.command("describe", examples="gittrack runs describe --run-id @")
@_run_id
@_run_argument
@pass_client
def describe(client: Client, run: str | None, named: str | None) -> None:
    """Print one run as MLflow's JSON."""
    from dataclasses import asdict

    from gittrack.cli.listing import print_json
    from gittrack.tracking.select import find_run

    found = find_run(client, _one(run, named))
    print_json({"info": asdict(found.info), "data": asdict(found.data), "inputs": {"dataset_inputs": []}})


@runs.command("delete", examples="gittrack runs delete --run-id 019a4f2b")
@_run_id
@_run_argument
@pass_client
def delete(client: Client, run: str | None, named: str | None) -> None:
    """Delete a run; `gittrack runs restore` brings it back."""
    from gittrack.core.model import LifecycleStage
    from gittrack.errors import RunStateError
    from gittrack.tracking.select import find_run

    found = find_run(client, _one(run, named))
    if found.lifecycle_stage == LifecycleStage.DELETED:
        raise RunStateError(
            f"run {found.name!r} is deleted already", hint="`gittrack runs restore` brings it back"
        )
    client.delete_run(found.run_id)
    tell(f"deleted {found.name}; `gittrack restore {found.run_id}` brings it back")


@runs.command("restore", examples="gittrack runs restore --run-id 019a4f2b")
@_run_id
@_run_argument
@pass_client
def restore(client: Client, run: str | None, named: str | None) -> None:
    """Bring back a deleted run."""
    from gittrack.core.model import LifecycleStage
    from gittrack.errors import RunStateError
    from gittrack.tracking.select import find_run

    found = find_run(client, _one(run, named), stage=LifecycleStage.DELETED)
    if found.lifecycle_stage == LifecycleStage.ACTIVE:
        raise RunStateError(
            f"run {found.name!r} is not deleted", hint="`gittrack log --deleted` lists those that are"
        )
    client.restore_run(found.run_id)
    tell(f"restored {found.name}")


@pass_client
def _list(client: Client, experiment: str | None, options: dict[str, Any], view: int | None = None) -> None:
    show_history(client, experiment, **options, view=view)


def _one(given: str | None, named: str | None) -> str:
    if (given is None) == (named is None):
        raise BadUsageError("give one run", hint="e.g. --run-id @ for the newest one")
    return given or named or ""
