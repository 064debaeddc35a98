"""Who, where and with which code: what a run should know of its surroundings."""

from __future__ import annotations

import contextlib
import getpass
import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.model import Code

if TYPE_CHECKING:
    from gittrack.store.git_database import GitDatabase

PROGRAMS = frozenset({"gittrack", "git-track"})
"""Scripts by which gittrack itself is started."""
_UNSAFE = re.compile(r"[<>\n\r\0]")


def current_user() -> str:
    """Return the login name, ``unknown`` if the system does not tell."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"


def current_source() -> str | None:
    """Return the script as it was started, None in an interactive session."""
    if "IPython" in sys.modules:
        from gittrack.tracking.notebook import find_notebook, is_kernel

        if is_kernel():
            return find_notebook(os.environ)
    typed = sys.argv[0] if sys.argv else ""
    return typed if typed not in {"", "-", "-c", "-m"} else _main_file()


def read_code(database: GitDatabase) -> Code:
    """Return which code runs now: HEAD, branch, remote and the script, as far as they are known."""
    commit, branch = database.read_head()
    url = database.remote_url()
    return Code(
        commit=commit,
        branch=branch,
        remote=strip_user_info(url) if url else None,
        entry=find_entry(database.top) if database.top else None,
    )


def strip_user_info(url: str) -> str:
    """Return a URL without user name, password, query and fragment: tokens hide in all of them."""
    from urllib.parse import urlsplit, urlunsplit

    from gittrack.core.secrets import redact

    parts = urlsplit(url)
    if not parts.scheme or not parts.netloc:
        return redact(url)
    host = parts.netloc.rpartition("@")[2]
    return redact(urlunsplit((parts.scheme, host, parts.path, "", "")))


def commit_identity(database: GitDatabase) -> str:
    """Return ``Name <mail>`` from Git's configuration, or one that always works."""
    name = database.read_config("user", "name") or current_user()
    mail = database.read_config("user", "email") or "gittrack@localhost"
    return f"{_UNSAFE.sub('', name).strip() or 'gittrack'} <{_UNSAFE.sub('', mail).strip()}>"


def find_entry(top: Path) -> str | None:
    """Return the script that was started, relative to ``top``; None if it is elsewhere, or there is none."""
    source = _main_file() or current_source()
    if "IPython" in sys.modules:
        from gittrack.tracking.notebook import find_notebook

        source = find_notebook(os.environ) or source
    if source is None:
        return None
    with contextlib.suppress(OSError, ValueError):
        return Path(os.path.realpath(source)).relative_to(top).as_posix()
    return None


def main_folder() -> Path | None:
    """Return the folder whose code runs: that of the script, or the current one of a session or command.

    None if another installed program runs, such as a test runner: where its code is says nothing.
    """
    source = _main_file()
    with contextlib.suppress(OSError):
        script = Path(os.path.realpath(source)) if source else None
        own = Path(__file__).resolve().parents[1]
        if script is None or script.is_relative_to(own) or script.stem in PROGRAMS:
            return Path.cwd().resolve()
        installed = (Path(os.path.realpath(one)) for one in (sys.prefix, sys.base_prefix))
        return None if any(map(script.is_relative_to, installed)) else script.parent
    return None


def _main_file() -> str | None:
    """Return the absolute path of the script, which stays right when the folder changes."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    return str(file) if file else None
