"""A run done again: its code in a new worktree, its packages, its command, and what came out compared."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.jsonform import decode
from gittrack.core.model import TAG_RERUN
from gittrack.errors import RunStateError, StoreError, UserError
from gittrack.tracking.command.recording import TAG_COMMAND
from gittrack.tracking.diff import diff_runs, read_lock
from gittrack.tracking.open import RERUN_OF
from gittrack.tracking.provenance import LAUNCH_FILE
from gittrack.tracking.run_code import checkout_run, folder_beside
from gittrack.tracking.views import ViewType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gittrack.core.diff import RunDiff
    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

_PYTHON = re.compile(r"python(\d+(\.\d+)*)?(\.exe)?")
_NOT_PASSED = re.compile(r"GITTRACK_(RUN_ID|JOINED_RUN_ID|METRICS_FD|REPO|EXPERIMENT_NAME)|MLFLOW_RUN_ID")
"""What would make the command join another run, or log somewhere else."""
PACKAGES = ".gittrack-packages.txt"


@dataclass(frozen=True, slots=True)
class Command:
    """How a run was started."""

    argv: tuple[str, ...]
    folder: str = "."
    """Relative to the top of the code, POSIX."""
    is_wrapped: bool = False
    """Whether it is a command that `gittrack run` made a run of."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of doing a run again."""

    original: Run
    run: Run
    folder: Path
    """The worktree in which it ran."""
    status: int
    """Of the command."""
    diff: RunDiff


def find_command(client: Client, run: Run) -> Command:
    """Return how a run was started.

    Raises:
        RunStateError: It is not known, or cannot be done again.
    """
    about = _read_launch(client, run)
    argv = about.get("argv")
    folder = str(about.get("folder", "."))
    if TAG_COMMAND in run.tags:
        with contextlib.suppress(ValueError, TypeError):
            argv = json.loads(run.tags[TAG_COMMAND])
    reason = None
    if not isinstance(argv, list) or not argv:
        reason = "how it was started is not known"
    elif about.get("masked"):
        reason = "a secret in its command line was not recorded"
    elif about.get("notebook"):
        reason = "it was made in a notebook"
    elif folder.startswith("/"):
        reason = f"it was started outside of its code, in {folder!r}"
    if reason is not None or not isinstance(argv, list):
        message = f"run {run.name!r} cannot be done again by itself: {reason}"
        raise RunStateError(message, hint="give the command: gittrack rerun RUN -- python train.py")
    return Command(tuple(map(str, argv)), folder, is_wrapped=TAG_COMMAND in run.tags)


def _read_launch(client: Client, run: Run) -> dict[str, Any]:
    with contextlib.suppress(ValueError):
        about = decode(client.find_side_file(run.run_id, LAUNCH_FILE) or b"{}")
        return about if isinstance(about, dict) else {}
    return {}


def place_command(argv: Sequence[str], python: Path) -> list[str]:
    """Return a command line with another interpreter, and the programs beside it, in place of its own."""
    program = Path(argv[0])
    if not _PYTHON.fullmatch(program.name):
        return list(argv)
    beside = [
        str(python.with_name(Path(one).name))
        if program.is_absolute() and Path(one).parent == program.parent
        else one
        for one in argv[1:]
    ]
    return [str(python), *beside]


def rerun(
    client: Client,
    run_id: str,
    *,
    path: str | Path | None = None,
    argv: Sequence[str] = (),
    restores_packages: bool = True,
    tell: Callable[[str], None] = lambda _: None,
) -> Rerun:
    """Do a run again: in a new worktree of its code, with its packages, by its command.

    The new run has the tag ``gittrack.rerunOf``. Its output goes where that of this process goes.

    Args:
        client: Of the repository.
        run_id: The run.
        path: Where the worktree is made; a new folder beside the repository if None.
        argv: Another command than the recorded one.
        restores_packages: Whether to install the packages that the run had, by uv.
        tell: Called with what is done, in words.

    Raises:
        RunStateError: The run does not know its code or command, or the command made no run.
        NotFoundError: There is no such run, or its code is not in this clone and at no remote.
        ConflictError: The folder exists.
        UserError: The command cannot be started, or there is no uv.
        StoreError: git or uv failed.
    """
    original = client.get_run(run_id)
    command = Command(tuple(argv)) if argv else find_command(client, original)
    folder = checkout_run(client, run_id, _free_folder(client, original) if path is None else path)
    tell(f"the code of {original.name} is in {folder}")
    python = _install(client, original, folder, tell) if restores_packages else Path(sys.executable)
    known = {run.run_id for run in _list_reruns(client, run_id)}
    line = [
        str(python) if _PYTHON.fullmatch(Path(command.argv[0]).name) else command.argv[0],
        *command.argv[1:],
    ]
    tell(f"running {shlex.join(line)}")
    wrapper = [*_own_command(), "run", "--"] if command.is_wrapped else []
    environment = _environment(original, python)
    with _lend_gittrack(python, environment):
        status = _run([*wrapper, *line], folder / command.folder, environment)
    new = [run for run in _list_reruns(client, run_id) if run.run_id not in known]
    if not new:
        message = f"the command made no run (it ended with status {status})"
        raise RunStateError(message, hint=f"see what it left in {str(folder)!r}")
    # The first one: what it starts below it has a parent, and what comes after is another run.
    made = min(new, key=lambda run: (run.start_time, run.run_id))
    return Rerun(original, made, folder, status, diff_runs(client, [run_id, made.run_id]))


def _own_command() -> list[str]:
    """Return how this gittrack is started: as the installed program it is known to be no code of a run."""
    program = shutil.which("gittrack", path=str(Path(sys.executable).parent))
    return [program] if program else [sys.executable, "-m", "gittrack"]


def _free_folder(client: Client, run: Run) -> Path:
    """Return a folder beside the repository that does not exist yet: a run may be done again and again."""
    beside = folder_beside(client, run)
    others = (beside.with_name(f"{beside.name}-{number}") for number in count(2))
    return next(folder for folder in chain([beside], others) if not folder.exists())


def _list_reruns(client: Client, run_id: str) -> list[Run]:
    return client.search_all_runs(None, f"tags.`{TAG_RERUN}` = '{run_id}'", ViewType.ALL)


def _environment(original: Run, python: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not _NOT_PASSED.fullmatch(name)}
    kept[RERUN_OF] = original.run_id
    kept.setdefault("GITTRACK_EXPERIMENT_ID", original.experiment_id)
    if python != Path(sys.executable):
        kept["VIRTUAL_ENV"] = str(python.parent.parent)
        kept["PATH"] = os.pathsep.join([str(python.parent), kept.get("PATH", os.defpath)])
    return kept


@contextlib.contextmanager
def _lend_gittrack(python: Path, environment: dict[str, str]) -> Iterator[None]:
    """Let an interpreter import this gittrack, if its own packages have none: it may come from no index."""
    test = [str(python), "-c", "import gittrack"]
    if subprocess.run(test, env=environment, capture_output=True, check=False).returncode == 0:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="gittrack-") as lent:
        (Path(lent) / "gittrack").symlink_to(Path(__file__).resolve().parents[1])
        inherited = environment.get("PYTHONPATH")
        environment["PYTHONPATH"] = os.pathsep.join([lent, *([inherited] if inherited else [])])
        yield


def _run(command: Sequence[str], folder: Path, environment: dict[str, str]) -> int:
    if not folder.is_dir():
        message = f"the run was started in {str(folder)!r}, which its code does not have"
        raise UserError(message, hint="give the command to run at the top: gittrack rerun RUN -- CMD")
    try:
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode
    except OSError as error:
        message = f"{command[0]!r} cannot be started: {error.strerror}"
        raise UserError(message, hint="give another command: gittrack rerun RUN -- CMD") from error


def _install(client: Client, run: Run, folder: Path, tell: Callable[[str], None]) -> Path:
    """Install the packages a run had; return the interpreter that has them."""
    lock = read_lock(client, run)
    here = Path(sys.executable)
    if lock is None:
        tell("the packages of the run are not known: those of this interpreter are used")
        return here
    uv = shutil.which("uv")
    if uv is None:
        tell("uv is not installed: the packages of this interpreter are used")
        return here
    place = folder / ".venv"
    version = re.match(r"# python (\S+)", lock)
    choice = ["--python", version[1]] if version else []
    _uv([uv, "venv", "--quiet", *choice, str(place)], folder)
    (place / ".gitignore").write_text("*\n", "utf-8")  # as newer versions of uv do
    python = place / ("Scripts" if os.name == "nt" else "bin") / "python"
    tell(f"installing {sum(1 for line in lock.splitlines() if line and line[0] != '#')} packages")
    # At the top of the code, for what is installed from a folder of it is named relative to that.
    packages = folder / PACKAGES
    packages.write_text(lock, "utf-8")
    try:
        _uv([uv, "pip", "install", "--quiet", "--python", str(python), "-r", PACKAGES], folder)
    finally:
        packages.unlink()
    return python


def _uv(command: Sequence[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        message = f"uv {command[1]} failed: {lines[-1] if lines else 'it gave no reason'}"
        raise StoreError(message, hint="--no-packages uses the packages of this interpreter")
