"""Names and passwords for HTTP remotes, asked of the user's own credential helpers."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from dulwich.client import get_credentials_from_store
from dulwich.credentials import urlmatch_credential_sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dulwich.config import StackedConfig

PATIENCE_S = 60
"""A helper that asks its user may take so long."""


def find_credentials(config: StackedConfig, url: str) -> tuple[str, str] | None:
    """Return name and password for a URL, None if no helper knows any.

    Helpers are called as git calls them: a shell snippet after ``!``, a path, or ``git-credential-<name>``;
    ``store`` is read by ourselves. Source: ``gitcredentials(7)``.
    """
    parts = urlsplit(url)
    for helper in _helpers(config, url):
        name, *options = shlex.split(helper) if not helper.startswith("!") else [helper]
        if name == "store":
            files = [one.partition("=")[2] for one in options if one.startswith("--file=")]
            known = {"fnames": [os.path.expanduser(one) for one in files]} if files else {}
            for login in get_credentials_from_store(
                parts.scheme, parts.hostname or "", parts.username, **known
            ):
                return unquote(login[0]), unquote(login[1])
            continue
        if (command := _command(helper, name, options)) and (answer := _ask(command, url)):
            return answer
    return None


def _helpers(config: StackedConfig, url: str) -> Iterator[str]:
    """Yield the helpers for a URL, the most general first; an empty one forgets those before it."""
    found: list[str] = []
    for backend in reversed(config.backends):
        for section in urlmatch_credential_sections(backend, url):
            for value in backend.get_multivar(section, b"helper"):
                helper = value.decode("utf-8", "replace")
                found = [*found, helper] if helper else []
    yield from found


def _command(helper: str, name: str, options: list[str]) -> list[str] | None:
    if helper.startswith("!"):
        return ["sh", "-c", f'{helper[1:]} "$@"', helper[1:], "get"]
    program = name if os.path.isabs(name) else shutil.which(f"git-credential-{name}")
    return [program, *options, "get"] if program else None


def _ask(command: list[str], url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    question = f"protocol={parts.scheme}\nhost={parts.hostname}{port}\n"
    if parts.username:
        question += f"username={parts.username}\n"
    try:
        done = subprocess.run(
            command, input=f"{question}\n", capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    answer = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    if "username" in answer and "password" in answer:
        return answer["username"], answer["password"]
    return None
