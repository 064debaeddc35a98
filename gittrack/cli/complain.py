"""Errors as two lines on the standard error: what is wrong, and what to do about it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterable


class BadUsageError(click.UsageError):
    """The command line makes no sense; ``hint`` says what would."""

    def __init__(
        self, message: str, *, hint: str | None = None, context: click.Context | None = None
    ) -> None:
        """Keep what is wrong and what to do."""
        super().__init__(message, context or click.get_current_context(silent=True))
        self.hint = hint


def complain(message: str, hint: str | None) -> None:
    """Print an error, and a hint if there is one."""
    click.echo(f"{style('error:', fg='red', bold=True)} {message}", err=True)
    if hint:
        tell_hint(hint)


def tell_hint(hint: str) -> None:
    """Print what to do about what was just said."""
    click.echo(f"{style('hint:', fg='cyan')} {hint}", err=True)


def tell(message: str) -> None:
    """Print a message that is no data."""
    click.echo(message, err=True)


def warn(message: str) -> None:
    """Print a warning."""
    click.echo(f"{style('warning:', fg='yellow')} {message}", err=True)


def complain_of_usage(error: click.ClickException) -> int:
    """Print a usage error of click in our own words; return its status."""
    message = error.format_message().rstrip(".")
    hint = getattr(error, "hint", None)
    if isinstance(error, click.exceptions.NoSuchOption):
        message = f"no such option {error.option_name!r}"
        hint = suggest(error.possibilities or ())
    context = getattr(error, "ctx", None)
    if hint is None and context is not None:
        hint = f"`{context.command_path} -h` shows how"
    complain(message[:1].lower() + message[1:], hint)
    return error.exit_code


def suggest(possibilities: Iterable[str]) -> str | None:
    """Return a question that offers what may have been meant, None if there is nothing to offer."""
    found = list(dict.fromkeys(possibilities))
    return f"did you mean {' or '.join(map(repr, found))}?" if found else None


def style(text: str, **options: object) -> str:
    """Return text with terminal colours, if the standard error is a terminal that wants them."""
    import os

    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stderr.isatty():
        return text
    return click.style(text, **options)  # type: ignore[arg-type]
