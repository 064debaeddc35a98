"""``gittrack completion``: completion of commands, options, runs and experiments in a shell."""

from __future__ import annotations

import click

from gittrack.cli.command import Command


@click.command(
    cls=Command,
    examples="""
        source <(gittrack completion bash)                                        in ~/.bashrc
        source <(gittrack completion zsh)                                         in ~/.zshrc
        gittrack completion fish > ~/.config/fish/completions/gittrack.fish
    """,
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the script that completes commands, options, and names of runs and experiments."""
    from click.shell_completion import BashComplete, get_completion_class

    from gittrack.cli.root import root

    class Bash(BashComplete):
        """Without asking a bash for its version: the script is the same for all."""

        @staticmethod
        def _check_version() -> None:
            return

    kind = Bash if shell == "bash" else get_completion_class(shell)
    if kind is not None:
        click.echo(kind(root, {}, "gittrack", "_GITTRACK_COMPLETE").source())
