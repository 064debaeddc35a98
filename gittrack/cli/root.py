"""The top of the command tree: every command with its one line."""

from __future__ import annotations

import click

from gittrack.cli.command import CONTEXT_SETTINGS, LazyGroup, _repo_option, write_examples

SECTIONS = {
    "Record and look": {
        "log": ("log:log", "Record a run, or show the history of runs."),
        "run": ("run:run", "Run a command as a run."),
        "ls": ("top:ls", "Show the runs that are running."),
        "top": ("top:top", "Show the runs that are running, as they go."),
        "watch": ("watch:watch", "Log what appears and grows in a folder."),
        "show": ("show:show", "Show one run."),
        "diff": ("diff:diff", "Compare runs: what differs, and which is better."),
        "search": ("search:search", "Print the ids of the runs that a filter means."),
        "best": ("best:best", "Rank runs by a metric."),
        "check": ("check:check", "Fail where a metric is worse than a baseline."),
        "report": ("report:report", "Say what the new runs of a branch did, or print a report."),
        "plot": ("plot:plot", "Draw metrics, here or into a file."),
        "status": ("status:status", "Say what is stored, what is running and how large it is."),
    },
    "Runs, experiments, models, artifacts": {
        "runs": ("runs:runs", "List, create, delete and restore runs."),
        "experiments": ("experiments:experiments", "List, create, rename, delete and restore experiments."),
        "models": ("models:models", "List, register, promote, tag and download models."),
        "export": ("export:export", "Write runs as CSV, JSON lines, Parquet or for MLflow."),
        "artifacts": ("artifacts:artifacts", "List, get, put and verify the files of a run."),
    },
    "Change": {
        "tag": ("edit:tag", "Set or remove tags of a run."),
        "note": ("edit:note", "Show, write or edit the note of a run."),
        "rename": ("edit:rename", "Give a run another name."),
        "rm": ("edit:rm", "Delete runs; `restore` brings them back."),
        "restore": ("edit:restore", "Bring back deleted runs."),
    },
    "Bring back code": {
        "checkout": ("code:checkout", "Check the code of a run out into a new worktree."),
        "branch": ("code:branch", "Make a branch at the code of a run."),
        "apply": ("code:apply", "Merge the uncommitted changes of a run into the files here."),
        "rerun": ("code:rerun", "Do a run again in a new worktree, and compare."),
        "undo": ("code:undo", "Bring back what `apply` or --in-place changed, byte by byte."),
    },
    "Share": {
        "push": ("sync:push", "Send runs to a remote, taking in what it has."),
        "pull": ("sync:pull", "Take in the runs of a remote."),
        "fetch": ("sync:fetch", "Look at what a remote has, changing no run here."),
        "bundle": ("setup:bundle", "Carry runs in a file, where there is no network."),
        "hook": ("setup:hook", "Send runs whenever you push code."),
        "init": ("setup:init", "Say that runs can be logged here; set up what is asked for."),
        "sync": ("sync:sync", "Make a remote and this repository hold the same runs."),
        "import": ("import_:import_", "Take in the runs of another tracker."),
        "ui": ("ui:ui", "Show the runs as they happen, in a browser."),
        "view": ("view:view", "Name views of the site, for everybody."),
        "site": ("site:site", "Build, serve or publish the static site of all runs."),
    },
    "Care": {
        "doctor": ("doctor:doctor", "Look for anything that would make gittrack fail here."),
        "du": ("du:du", "Say what takes the space: artifacts by experiment, run or kind of file."),
        "gc": ("collect:gc", "Remove deleted runs for good, and content no run refers to."),
        "purge": ("purge:purge", "Take runs or artifacts out for good, and say where they remain."),
        "squash": ("collect:squash", "Cut the history of the hidden branch; every run stays."),
        "sign": ("verify:sign", "Sign a run: params, metrics, artifacts and code."),
        "verify": ("verify:verify", "Verify runs, and who signed them."),
        "fsck": ("fsck:fsck", "Verify everything that is stored."),
        "completion": ("completion:completion", "Print the script that completes commands in a shell."),
    },
}
RUN_NAMES = (
    "a prefix of its id (at least 4 digits), its name, @ (the newest), @{-2}, best:METRIC, HEAD or a commit"
)
EXIT_CODES = (
    "0 ok, 1 failure, 2 usage, 4 not found, 5 conflict, 6 store or remote, 7 gate failed, 8 integrity, "
    "130 interrupted"
)


class _Root(LazyGroup):
    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        examples = [
            "gittrack log -p lr=0.1 -m val/acc=0.93    record a finished run",
            "gittrack run -- python train.py           run a command as a run",
            "gittrack log                              show the history",
            "gittrack show @                           show the newest run",
            "gittrack site build                       write the site",
        ]
        write_examples(formatter, examples)
        with formatter.section("Naming a run (RUN)"):
            formatter.write_text(RUN_NAMES)
        with formatter.section("Exit codes"):
            formatter.write_text(EXIT_CODES)


def _print_version(context: click.Context, _option: click.Parameter, value: bool) -> None:  # noqa: FBT001  (click's)
    if value and not context.resilient_parsing:
        from gittrack import __version__

        click.echo(f"gittrack {__version__}")
        context.exit()


root = _Root(
    "gittrack",
    help="Track experiments in the Git repository you already have: runs are commits on a hidden ref.",
    sections=SECTIONS,
    context_settings=CONTEXT_SETTINGS,
    no_args_is_help=False,
    invoke_without_command=True,
    callback=lambda: None,
    params=[
        _repo_option(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            help="Show the version and exit.",
        ),
    ],
    subcommand_metavar="COMMAND [ARGS]...",
)


def _show_help() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


root.callback = _show_help
