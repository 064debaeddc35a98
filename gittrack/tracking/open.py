"""The composition root: the one place that reads the environment and picks store, clock and ids."""

from __future__ import annotations

import atexit
import os
import weakref
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import UserError

if TYPE_CHECKING:
    from gittrack.core.content_settings import ContentSettings
    from gittrack.store.git_store import GitStore
    from gittrack.store.interface import Store
    from gittrack.tracking.client import Client
    from gittrack.tracking.code import CodeSettings
    from gittrack.tracking.launch import Launch

_open_clients: weakref.WeakSet[Client] = weakref.WeakSet()
_writing_clients: set[Client] = set()
"""Those with live runs: they are closed in the end also where nobody else remembers them."""

SCHEME = "gittrack"
MODE = "GITTRACK_MODE"
SYSTEM_METRICS = "ENABLE_SYSTEM_METRICS_LOGGING"
_TRUTHS = dict.fromkeys(("1", "true", "yes", "on"), True) | dict.fromkeys(("0", "false", "no", "off"), False)
_LAUNCHED = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_ARRAY_TASK_ID")
"""What launchers set: most processes have none of it, and need not know more."""
JOINED_RUN_ID = "GITTRACK_JOINED_RUN_ID"
RERUN_OF = "GITTRACK_RERUN_OF"
YES = frozenset({"1", "true", "yes", "on"})
NO = frozenset({"0", "false", "no", "off"})


class Mode(StrEnum):
    """What becomes of what is logged: tests and trials of a training may switch recording off."""

    ON = "on"
    """It is recorded in the repository."""
    DRY = "dry"
    """It is checked and kept in memory until the process ends; no repository is needed."""
    DISABLED = "disabled"
    """It is checked and forgotten."""


def current_mode() -> Mode:
    """Return the mode that ``GITTRACK_MODE`` says.

    Raises:
        UserError: It says none.
    """
    text = os.environ.get(MODE, "")
    if not text:
        return Mode.ON
    try:
        return Mode(text.lower())
    except ValueError:
        message = f"{MODE} cannot be {text!r}"
        raise UserError(message, hint=f"one of {', '.join(mode.value for mode in Mode)}") from None


def read_setting(name: str) -> str | None:
    """Return the environment variable ``GITTRACK_<name>``, else ``MLFLOW_<name>``, else None."""
    return os.environ.get(f"GITTRACK_{name}") or os.environ.get(f"MLFLOW_{name}") or None


def is_system_metrics_enabled() -> bool | None:
    """Return whether the environment asks for system metrics, None if it says nothing.

    Raises:
        UserError: It says something else.
    """
    text = read_setting(SYSTEM_METRICS)
    if text is None:
        return None
    found = _TRUTHS.get(text.lower())
    if found is None:
        message = f"GITTRACK_{SYSTEM_METRICS} must be true or false, not {text!r}"
        raise UserError(message, hint="unset it, or set it to true")
    return found


def read_launch() -> Launch | None:
    """Return how this process was launched, None if it was just started.

    Raises:
        UserError: ``GITTRACK_RANKS`` makes no sense.
    """
    if not any(name in os.environ for name in _LAUNCHED):
        return None
    from gittrack.tracking import launch

    return launch.read_launch(os.environ)


def joined_run_id() -> str | None:
    """Return the run that whoever started this process answers for: it is joined, and not ended from here."""
    return os.environ.get(JOINED_RUN_ID) or None


def tracking_location() -> str:
    """Return where to track if nothing else is said: ``GITTRACK_REPO``, a ``gittrack:`` URI, or here."""
    uri = os.environ.get("GITTRACK_REPO") or os.environ.get("GITTRACK_TRACKING_URI")
    if uri:
        return uri
    foreign = os.environ.get("MLFLOW_TRACKING_URI", "")
    if foreign.startswith(f"{SCHEME}:"):
        return foreign
    return os.environ.get("GIT_DIR") or "."


def parse_location(location: str | os.PathLike[str]) -> Path:
    """Return the folder that a path or ``gittrack:`` URI names.

    Raises:
        UserError: It is a URI of another scheme.
    """
    text = os.fspath(location)
    if ":" not in text:
        return Path(text).expanduser()
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(text)
    if parts.scheme in {SCHEME, "file"}:
        text = unquote((parts.netloc + parts.path) if parts.netloc != "." else "." + parts.path) or "."
    elif "://" in text:
        message = f"cannot track at {text!r}"
        raise UserError(message, hint="give the path of a Git repository, or gittrack:PATH")
    return Path(text).expanduser()


def checkpoint_interval() -> float | None:
    """Return ``GITTRACK_CHECKPOINT_INTERVAL`` in seconds, None if it is not set.

    Raises:
        UserError: It is no positive number.
    """
    text = os.environ.get("GITTRACK_CHECKPOINT_INTERVAL")
    if not text:
        return None
    try:
        interval_s = float(text)
    except ValueError:
        interval_s = 0.0
    if not interval_s > 0:
        message = f"GITTRACK_CHECKPOINT_INTERVAL must be positive seconds, not {text!r}"
        raise UserError(message, hint="unset it, or set it to e.g. 300")
    return interval_s


def rerun_origin() -> str | None:
    """Return the id of the run that this process does again, None if it does none."""
    return os.environ.get(RERUN_OF) or None


def read_variable_names() -> list[str]:
    """Return the names in ``GITTRACK_LOG_VARIABLES``: variables that runs record beside the usual ones."""
    names = os.environ.get("GITTRACK_LOG_VARIABLES", "").split(",")
    return [name.strip() for name in names if name.strip()]


def code_settings() -> CodeSettings:
    """Return what the environment says of the code: ``GITTRACK_CODE_COMMIT`` and the like.

    They are for where no repository tells, as in a container. ``GITTRACK_CODE_SNAPSHOT=off`` stores no code.
    """
    from gittrack.core.secrets import secret_values
    from gittrack.tracking.code import CodeSettings

    dirty = os.environ.get("GITTRACK_CODE_DIRTY", "").lower()
    keeps = os.environ.get("GITTRACK_CODE_SNAPSHOT", "").lower()
    return CodeSettings(
        commit=os.environ.get("GITTRACK_CODE_COMMIT") or None,
        branch=os.environ.get("GITTRACK_CODE_BRANCH") or None,
        remote=os.environ.get("GITTRACK_CODE_REMOTE") or None,
        dirty=None if not dirty else dirty in YES,
        keeps=keeps not in NO,
        secrets=tuple(os.fsencode(value) for value in secret_values(os.environ)),
    )


def open_store(location: str | os.PathLike[str] | None = None) -> Store:
    """Open the repository that contains ``location`` (default: see `tracking_location`).

    The first time in a fresh clone, it takes in what the remote has, see `gittrack.tracking.first_look`.
    Where ``GITTRACK_MODE`` says that nothing is to be recorded, a store in memory stands in for it.

    Raises:
        RepositoryNotFoundError: There is no Git repository.
        StoreError: It cannot be read.
        UserError: ``GITTRACK_MODE`` is none.
    """
    if (mode := current_mode()) is not Mode.ON:
        from gittrack.store.memory import MemoryStore

        return MemoryStore(keeps_data=mode is Mode.DRY)
    from gittrack.store.git_open import open_repository  # dulwich is loaded here
    from gittrack.store.git_store import GitStore
    from gittrack.tracking.context import commit_identity

    database = open_repository(parse_location(tracking_location() if location is None else location))
    store = GitStore(database, identity=commit_identity(database))
    if store.head() is None:
        from gittrack.tracking.first_look import look_first

        look_first(store)
    return store


def read_content_settings(store: GitStore) -> ContentSettings:
    """Return where content goes, by ``.gittrack.toml`` at the top of the work tree and the environment.

    Raises:
        UserError: It says something that makes no sense.
    """
    from gittrack.core.content_settings import SETTINGS_FILE, ContentSettings, override, parse_settings

    top = store.database.top if store.database is not None else None
    settings = ContentSettings()
    if top is not None:
        try:
            settings = parse_settings((top / SETTINGS_FILE).read_text("utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, UnicodeDecodeError) as error:
            message = f"cannot read {SETTINGS_FILE}: {error}"
            raise UserError(message, hint="it is a TOML file in UTF-8") from error
    return override(settings, os.environ)


def close_at_exit(client: Client) -> None:
    """Close ``client`` when the process ends, if it still is there."""
    _open_clients.add(client)


def keep_while_writing(client: Client, *, is_writing: bool) -> None:
    """Let ``client`` live on as long as it has live runs, whoever else forgets it."""
    if is_writing:
        _writing_clients.add(client)
    else:
        _writing_clients.discard(client)


def _close_all() -> None:
    for client in list(_open_clients):
        client.close()


def _after_fork() -> None:
    for client in list(_open_clients):
        client.after_fork()


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
