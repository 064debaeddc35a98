"""Run everything a change has to pass: format, lint, types, layers, tests.

    python3 tests/run.py [pytest's own arguments]

needs Python 3.11 and git. The first time it installs gittrack and its tools into ``.venv-tests`` (and, for
the frameworks and the comparison with MLflow, ``.venv-frameworks`` and ``.venv-mlflow``), and from Debian
Chromium, Apache and OpenSSH's server where they are missing and it may. Every step runs, whatever the others
find.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if sys.version_info < (3, 11):
    raise SystemExit("gittrack needs Python 3.11 or newer, this is " + sys.version.split()[0])

from examples.environment import open_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Future

    from examples.environment import Environment

CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# What the tests start that pip does not bring: the program, its Debian packages, who needs it.
PROGRAMS = (
    (CHROMIUMS, ("chromium", "fonts-dejavu-core"), "the tests marked browser"),
    (("firefox-esr", "firefox"), ("firefox-esr",), "the tests of pages in Firefox"),
    (("apache2",), ("apache2-bin",), "the tests of web servers"),
    (("sshd",), ("openssh-server", "openssh-client"), "the tests of ssh"),
)
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin")
"""Where servers are, which is not on everybody's path."""
GROUPS = {
    "tests": ("test", "lint"),
    "frameworks": ("test", "frameworks"),
    "mlflow": ("test", "mlflow"),
}
"""Environment → the dependency groups it has."""


def main(arguments: list[str]) -> int:
    """Run the steps in order, and return 0 only if none fails."""
    install_programs()
    heavy = [] if arguments else [name for name in ("frameworks", "mlflow") if has_tests_marked(name)]
    # Side by side: pip works on one core, and most of the time it waits.
    with ThreadPoolExecutor() as pool:
        filled = {name: pool.submit(fill_environment, name) for name in ("tests", *heavy)}
    environment = filled["tests"].result()
    workers = [] if chooses_workers(arguments) else ["-n", "auto"]
    steps: dict[str, Callable[[], int]] = {
        "format": lambda: environment.run("ruff", "format", "--check", "."),
        "lint": lambda: environment.run("ruff", "check", "."),
        "types": lambda: environment.run("mypy"),
        "layers": lambda: environment.run("lint-imports"),
        "tests": lambda: environment.run("pytest", *workers, *arguments),
    }
    for name in heavy:
        steps[name] = partial(run_marked, filled[name], name)
    return run_steps(steps)


def run_steps(steps: dict[str, Callable[[], int]]) -> int:
    """Run each step, then say how each went; a failure hides none of those after it."""
    rows = []
    worst = 0
    for name, step in steps.items():
        print(f"\n=== {name} ===", flush=True)
        started = time.monotonic()
        try:
            status = step()
        except SystemExit as error:  # there is no environment for it
            print(error, file=sys.stderr)
            status = 1
        rows.append(f"{'failed' if status else 'passed'}  {name:<10}{time.monotonic() - started:7.1f} s")
        worst = worst or status
    print("", "=== summary ===", *rows, sep="\n", flush=True)
    return worst


def fill_environment(name: str) -> Environment:
    """Return one of the environments in `GROUPS`."""
    return open_environment(name, groups=GROUPS[name])


def run_marked(environment: Future[Environment], name: str) -> int:
    """Run the tests with a mark, which need packages that nothing else needs."""
    return environment.result().run("pytest", "-m", name)


def has_tests_marked(name: str) -> bool:
    """Tell whether any test is marked so."""
    mark = f"pytest.mark.{name}"
    return any(mark in path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))


def chooses_workers(arguments: list[str]) -> bool:
    """Tell whether these arguments of pytest already say how many processes to use."""
    return any(argument.startswith(("-n", "--numprocesses", "--pdb")) for argument in arguments)


def install_programs() -> None:
    """Install what the tests start, or say how to, where it is missing; tell them where Chromium is."""
    missing = [(names, packages, who) for names, packages, who in PROGRAMS if not find_program(names)]
    if missing and shutil.which("apt-get"):
        packages = [package for _, some, _ in missing for package in some]
        print(f"installing {' '.join(packages)} …", flush=True)
        as_root = [] if os.geteuid() == 0 else ["sudo", "-n"]
        command = ["apt-get", "-o", "DPkg::Lock::Timeout=300"]
        if call([*as_root, *command, "update", "-q"]) == 0:
            call([*as_root, *command, "install", "-qy", "--no-install-recommends", *packages])
    for names, needed, who in missing:
        if not find_program(names):
            print(
                f"no {names[0]} found, and none could be installed: {who} will fail\n"
                f"hint: install {' '.join(needed)}, then run this again",
                file=sys.stderr,
            )
    if chromium := find_program(CHROMIUMS):
        os.environ["CHROMIUM"] = chromium


def find_program(names: Sequence[str]) -> str | None:
    """Return the path of the first of these programs that is there."""
    folders = os.pathsep.join([os.environ.get("PATH", os.defpath), *SYSTEM_FOLDERS])
    if names is CHROMIUMS and os.environ.get("CHROMIUM"):
        return os.environ["CHROMIUM"]
    return next((found for name in names if (found := shutil.which(name, path=folders))), None)


def call(command: list[str]) -> int:
    """Run a command of the system and return its exit status, as a shell would."""
    try:
        return subprocess.run(command, check=False).returncode
    except FileNotFoundError:
        return 127


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
