"""What all commands share: the option ``--repo``, examples in the help, loading only what is used."""

from __future__ import annotations

import functools
import importlib
import sys
from typing import TYPE_CHECKING, Any

import click

from gittrack.cli.complain import BadUsageError, suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gittrack.tracking.client import Client

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Documented(click.Command):
    """A command whose help ends with examples and that knows ``--repo``."""

    def __init__(self, *arguments: Any, examples: str = "", **settings: Any) -> None:  # noqa: ANN401  (click's own)
        """Keep the examples, one a line."""
        settings["context_settings"] = {**CONTEXT_SETTINGS, **settings.get("context_settings", {})}
        super().__init__(*arguments, **settings)
        self.examples = [line.strip() for line in examples.strip().splitlines()]
        self.params.append(_repo_option())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        write_examples(formatter, self.examples)
        super().format_epilog(ctx, formatter)


class Command(_Documented):
    """One command."""


class Group(_Documented, click.Group):
    """Commands under one name; without one of them, the group itself lists."""

    command_class: type[click.Command] | None = Command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a subcommand, or say what may have been meant."""
        if (
            not ctx.resilient_parsing
            and not args[0].startswith("-")
            and self.get_command(ctx, args[0]) is None
        ):
            raise _no_such_command(ctx, args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)


class LazyGroup(click.Group):
    """The top: knows its commands by name and one line each, and imports only the one that is called."""

    def __init__(
        self,
        *arguments: Any,  # noqa: ANN401  (click's own)
        sections: Mapping[str, Mapping[str, tuple[str, str]]],
        **settings: Any,  # noqa: ANN401  (click's own)
    ) -> None:
        """Keep section → command → where it is (``module:name``) and what it does."""
        super().__init__(*arguments, **settings)
        self.sections = sections
        self._places = {name: place for section in sections.values() for name, (place, _) in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        del ctx
        return list(self._places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        del ctx
        if cmd_name not in self._places:
            return None
        module, _, attribute = self._places[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(f"gittrack.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or say what may have been meant."""
        if not ctx.resilient_parsing and not args[0].startswith("-") and args[0] not in self._places:
            raise _no_such_command(ctx, args[0], self._places)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section, without importing them."""
        del ctx
        for title, commands in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, line) for name, (_, line) in commands.items()], col_max=14)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Offer commands with what they do, and options."""
        from click.shell_completion import CompletionItem

        lines = {name: line for section in self.sections.values() for name, (_, line) in section.items()}
        found = [CompletionItem(name, help=lines[name]) for name in lines if name.startswith(incomplete)]
        return found or click.Command.shell_complete(self, ctx, incomplete)


def write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    """Write lines as they are, under a heading."""
    if examples:
        with formatter.section("Examples"):
            for line in examples:
                formatter.write(f"{' ' * formatter.current_indent}{line}\n")


def pass_client(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the client of the repository as its first argument."""

    @functools.wraps(function)
    def wrapper(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  (any command)
        return function(open_client(click.get_current_context()), *arguments, **options)

    return wrapper


def open_client(context: click.Context) -> Client:
    """Return the client of this call, opening the repository the first time.

    Raises:
        RepositoryNotFoundError: There is no Git repository.
        StoreError: It cannot be read.
    """
    found = context.find_root()
    client: Client | None = found.meta.get("gittrack.client")
    if client is None:
        from gittrack.tracking.client import Client as AnyClient

        client = AnyClient(found.meta.get("gittrack.repo"))
        found.meta["gittrack.client"] = client
        found.call_on_close(client.close)
        _watch_index(found, client)
    return client


def _watch_index(context: click.Context, client: Client) -> None:
    """Show how far the index is, should it have to be built."""
    if sys.stderr is not None and sys.stderr.isatty():
        from gittrack.cli.progress import Bar

        bar = Bar("indexing runs", "runs")
        client.store.watch_index(bar)
        context.call_on_close(bar.close)


def _remember_repo(context: click.Context, _option: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.find_root().meta["gittrack.repo"] = value


def _repo_option() -> click.Option:
    return click.Option(
        ["--repo"],
        metavar="PATH",
        is_eager=True,
        expose_value=False,
        callback=_remember_repo,
        help="Git repository to use.  [default: $GITTRACK_REPO, else here]",
    )


def _no_such_command(
    context: click.Context, name: str, known: Sequence[str] | Mapping[str, str]
) -> BadUsageError:
    from difflib import get_close_matches

    hint = suggest(get_close_matches(name, known, 3, 0.55))
    return BadUsageError(f"no such command {name!r}", hint=hint, context=context)
