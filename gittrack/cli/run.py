"""``gittrack run``: a command as a run."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.command import Command, open_client
from gittrack.cli.complain import BadUsageError, warn
from gittrack.cli.options import experiment_option
from gittrack.errors import GittrackError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.model import ParamValue
    from gittrack.tracking.client import Client
    from gittrack.tracking.command.run import Place


@click.command(
    cls=Command,
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    examples="""
        gittrack run -- python train.py --lr 0.1            keep its output, code and exit code
        gittrack run -p lr=0.1 --name try -- ./train.sh     with a param and a name
        gittrack run --param-file conf.yaml -- make train   params from YAML, TOML or JSON
        gittrack run -m 'loss {loss} acc {val/acc}' -- CMD  metrics picked from its lines
        gittrack run --metrics-fd 3 -- sh -c 'echo "{\\"loss\\": 0.3, \\"step\\": 1}" >&3'
        gittrack run -a 'out/**/*.pt' --retry 2 -- CMD      files at the end; twice more if it fails
    """,
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="CMD [ARGS]...")
@click.option(
    "-p", "params", multiple=True, metavar="KEY=VALUE", help="Record a param; VALUE is JSON, else text."
)
@click.option(
    "--param-file",
    "param_files",
    multiple=True,
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Record the params of a YAML, TOML or JSON file, or of a folder of Hydra; -p goes before.",
)
@click.option("-t", "--tag", "tags", multiple=True, metavar="KEY=VALUE", help="Record a tag.")
@click.option(
    "-m",
    "--metric",
    "patterns",
    multiple=True,
    metavar="PATTERN",
    help="Pick metrics from its lines: 'loss {loss}, step {step}', or (?P<loss>…).",
)
@click.option(
    "--metrics-fd",
    type=click.IntRange(3, 250),
    metavar="N",
    help="Read metrics as JSON lines from its descriptor N, which GITTRACK_METRICS_FD names.",
)
@click.option(
    "-a",
    "--artifact",
    "globs",
    multiple=True,
    metavar="GLOB[=FOLDER]",
    help="Store the files that fit at the end, in FOLDER of the run.",
)
@click.option("--name", metavar="NAME", help="Name of the run.  [default: made up, e.g. tidy-otter-412]")
@click.option("--note", metavar="TEXT", help="Note on the run, in Markdown.")
@click.option("--parent", metavar="RUN", help="Make it a child of RUN.")
@experiment_option(help="Record into this experiment.")
@click.option(
    "--retry",
    type=click.IntRange(min=0),
    default=0,
    metavar="N",
    help="If it fails, run it again up to N times, each as a run of its own.",
)
@click.option(
    "--kill-after",
    type=click.FloatRange(min=0),
    default=25.0,
    metavar="S",
    help="Kill it if it lives on S seconds after SIGTERM.  [default: 25]",
)
@click.option(
    "--system-metrics/--no-system-metrics",
    "is_sampling",
    default=None,
    help="Sample the machine and its processes.  [default: if psutil is there]",
)
@click.pass_context
def run(
    context: click.Context,
    /,
    command: tuple[str, ...],
    experiment: str | None,
    parent: str | None,
    **options: Any,  # noqa: ANN401  (click's)
) -> int:
    """Run a command as a run, and exit with its exit code.

    What it prints goes to the terminal unchanged and is kept, as are its arguments, code and exit code. The
    calls of gittrack in it log to the same run. A signal that arrives is passed on and recorded.
    """
    from gittrack.tracking.command.run import Command as Recorded
    from gittrack.tracking.command.run import inherited_environment, run_command
    from gittrack.tracking.open import joined_run_id
    from gittrack.tracking.system.settings import choose_sampling

    environment = inherited_environment()
    outcome = run_command(
        _choose_place(context, experiment),
        Recorded(
            argv=command,
            name=options["name"],
            note=options["note"],
            parent=_find_parent(context, parent) or joined_run_id(),
            params=_collect_params(options["params"], options["param_files"]),
            tags=_collect_tags(options["tags"]),
            patterns=_parse_patterns(options["patterns"]),
            metrics_fd=options["metrics_fd"],
            globs=options["globs"],
            kill_after_s=options["kill_after"],
            sampling=choose_sampling(wanted=options["is_sampling"], if_possible=True),
        ),
        environment=environment,
        warn=lambda message: warn(f"gittrack: {message}"),
        retries=options["retry"],
    )
    from gittrack.cli.unpushed import tell_unpushed

    with suppress(GittrackError):  # the command is done, whatever can be said of its run
        tell_unpushed(open_client(context))
    return outcome.code


def _choose_place(context: click.Context, experiment: str | None) -> Place:
    from gittrack.store.git_find import find_common_dir
    from gittrack.tracking.command.run import Place
    from gittrack.tracking.open import parse_location, tracking_location

    folder = parse_location(context.find_root().meta.get("gittrack.repo") or tracking_location()).absolute()
    if find_common_dir(folder) is None:
        open_client(context)  # which says what is wrong, before anything runs
    chosen = None
    if experiment is not None:
        from gittrack.tracking.select import find_or_create_experiment

        chosen = find_or_create_experiment(open_client(context), experiment)
    return Place(lambda: _open(context), folder, chosen)


def _open(context: click.Context) -> Client:
    """Open the repository; the command runs meanwhile, so that what its end needs is best loaded now."""
    import gittrack.cli.unpushed  # noqa: F401

    return open_client(context)


def _find_parent(context: click.Context, text: str | None) -> str | None:
    if text is None:
        return None
    from gittrack.tracking.select import find_run

    return find_run(open_client(context), text).run_id


def _collect_params(typed: Sequence[str], paths: Sequence[Path]) -> dict[str, ParamValue]:
    if not typed and not paths:
        return {}
    from gittrack.core.recording import collect_pairs, parse_param
    from gittrack.tracking.param_files import read_params

    found: dict[str, ParamValue] = {}
    for path in paths:
        found.update(read_params(path))
    return {**found, **collect_pairs("param", map(parse_param, typed))}


def _collect_tags(typed: Sequence[str]) -> dict[str, str]:
    if not typed:
        return {}
    from gittrack.core.recording import collect_pairs, parse_tag

    return collect_pairs("tag", map(parse_tag, typed))


def _parse_patterns(texts: Sequence[str]) -> list[Any]:
    if not texts:
        return []
    from gittrack.core.line_metrics import parse_pattern
    from gittrack.errors import UserError

    try:
        return [parse_pattern(text) for text in texts]
    except UserError as error:
        raise BadUsageError(error.message, hint=error.hint) from error
