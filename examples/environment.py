"""Makes virtual environments inside the checkout, each once."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment that has gittrack (from this checkout) and what a job needs."""

    folder: Path

    @property
    def bin(self) -> Path:
        """Where its programs are."""
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def run(self, program: str, *arguments: str | Path, cwd: Path = ROOT) -> int:
        """Run one of its programs as if the environment were activated, and return the exit status."""
        path = os.pathsep.join([str(self.bin), os.environ.get("PATH", os.defpath)])
        variables = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(self.folder)}
        variables.pop("PYTHONHOME", None)
        sys.stdout.flush()
        return subprocess.run(
            [self.bin / program, *arguments], cwd=cwd, env=variables, check=False
        ).returncode


def open_environment(name: str, *, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Environment:
    """Return the environment ``.venv-<name>``, filled anew only when what it should hold has changed.

    Args:
        name: Tells it from the other environments of this checkout.
        extras: Optional dependencies of gittrack to install with it.
        groups: Dependency groups of ``pyproject.toml``; read here, since pip knows them only from 25.1 on.

    Raises:
        SystemExit: Python has no ``venv``, or pip failed.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = ["--editable", f".[{','.join(extras)}]" if extras else "."]
    wanted += [requirement for group in groups for requirement in project["dependency-groups"][group]]
    environment = Environment(ROOT / f".venv-{name}")
    stamp = environment.folder / "gittrack-stamp"
    content = _digest([sys.version, project["build-system"], project["project"], wanted])
    if stamp.is_file() and stamp.read_text("utf-8") == content:
        return environment
    print(f"installing into {environment.folder.name} (only when something changed) …", flush=True)
    # --clear: half an installation, or one of another Python, is not worth mending.
    _check("-m", "venv", "--clear", environment.folder, python=Path(sys.executable))
    python = environment.bin / "python"
    _check("-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wanted, python=python)
    stamp.write_text(content, "utf-8")
    return environment


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _check(*arguments: str | Path, python: Path) -> None:
    if subprocess.run([python, *arguments], cwd=ROOT, check=False).returncode == 0:
        return
    message = f"failed: {' '.join(map(str, [python.name, *arguments[:3]]))}"
    if "venv" in arguments:
        message += "\nhint: on Debian and Ubuntu, `apt-get install python3-venv` brings the module venv"
    raise SystemExit(message)
