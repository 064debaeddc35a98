"""What a newcomer reads: the help of every command."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from gittrack.cli.command import Command, Group
from gittrack.cli.main import run
from gittrack.cli.root import SECTIONS, root
from tests.cli.conftest import Cli, check_snapshot, environment

if TYPE_CHECKING:
    from collections.abc import Iterator


def walk(
    path: tuple[str, ...] = (), command: click.Command = root
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from walk((*path, name), found)


COMMANDS = dict(walk())


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: "-".join(path) or "gittrack")
def test_the_help_of_a_command_reads_as_before(path: tuple[str, ...], cli: Cli) -> None:
    shown = cli(*path, "--help")
    assert shown.status == 0
    assert shown.err == ""
    assert cli(*path, "-h").out == shown.out
    check_snapshot(f"help-{'-'.join(path) or 'gittrack'}", shown.out)


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids="-".join)
def test_every_command_says_what_it_does_in_one_sentence_and_shows_an_example(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    first = (command.help or "").splitlines()[0]
    assert re.match(r"[A-Z][a-z]+,? .*\.$", first), first
    assert isinstance(command, (Command, Group))
    assert command.examples
    assert all("gittrack" in example for example in command.examples)
    assert all(isinstance(one, click.Argument) or one.help for one in command.params), command.params


@pytest.mark.parametrize("path", [path for path in COMMANDS if path], ids="-".join)
def test_every_example_of_the_help_can_be_parsed(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert isinstance(command, (Command, Group))
    for words in calls_in("\n".join(command.examples)):
        found: click.Command = root
        while isinstance(found, click.Group) and words:
            following = found.get_command(click.Context(found), words[0])
            if following is None:
                break
            found, words = following, words[1:]  # noqa: PLW2901
        found.make_context("gittrack", words)


def calls_in(script: str) -> Iterator[list[str]]:
    """Yield the arguments of every call of gittrack in a script."""
    for line in script.splitlines():
        command = re.split(r"\s{3,}|\s{2,}(?=[a-z])", line.replace("…", "_"))[0]
        lexer = shlex.shlex(command, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(lexer)
        while "gittrack" in words:
            start = words.index("gittrack")
            piped = ["@"] if "xargs" in words[:start] else []
            words = words[start + 1 :]
            end = next((i for i, word in enumerate(words) if set(word) <= set("|<>();&")), len(words))
            yield words[:end] + piped


def test_the_calls_of_an_example_are_those_a_shell_would_make() -> None:
    script = (
        "train | gittrack log -p a=1 - > f   what it does\nsource <(gittrack completion bash)  in a file\n"
    )
    assert list(calls_in(script + 'gittrack log -f "a > 1"')) == [
        ["log", "-p", "a=1", "-"],
        ["completion", "bash"],
        ["log", "-f", "a > 1"],
    ]


def test_the_list_of_commands_says_what_their_own_help_says() -> None:
    for section in SECTIONS.values():
        for name, (_, line) in section.items():
            command = COMMANDS[name,]
            first = (command.help or "").splitlines()[0]
            if command.name != name:  # a second name of another command
                continue
            assert first.split()[0] == line.split()[0], (first, line)


def test_the_help_loads_no_command_and_no_heavy_package() -> None:
    code = (
        "import sys; from gittrack.cli.main import run; run(['--help']);print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert loaded.isdisjoint({"rich", "dulwich", "altair", "jinja2", "blake3", "sqlite3"})
    assert "gittrack.cli.log" not in done.stderr.split()


def test_a_listing_in_a_pipe_loads_neither_rich_nor_the_site(repository: object, cli: Cli) -> None:
    cli("log", "-m", "acc=0.9")
    code = "import sys; from gittrack.cli.main import run; run(['log']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(), check=True
    )
    assert "0.9" in done.stdout
    assert {name.partition(".")[0] for name in done.stderr.split()}.isdisjoint({"rich", "altair", "jinja2"})


def test_the_version_is_one_line(cli: Cli) -> None:
    assert re.fullmatch(r"gittrack \d+\.\d+\.\d+\n", cli("--version").out)


def test_without_a_command_the_help_is_shown(cli: Cli) -> None:
    assert cli().out == cli("--help").out
    assert run([]) == 0
