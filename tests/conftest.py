"""The same world for every test, whatever the machine: Git without its owner's settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Iterator

GIT_CONFIG = """
[user]
    name = Somebody
    email = somebody@example.org
[init]
    defaultBranch = main
[commit]
    gpgSign = false
[safe]
    directory = *
[gittrack]
    firstLook = false
"""
"""Remotes of tests may have names on the network, which nobody shall look at."""


# No deadline: a slow machine is no failure of a law. CI tries the same examples each time, a desk hunts for
# others.
settings.register_profile(
    "gittrack",
    deadline=None,
    derandomize="CI" in os.environ,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("gittrack")

# Who is started in the background by a shell ignores SIGINT, and so would all commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

OWN_VARIABLES = ("GITTRACK_", "MLFLOW_")


class Execute(Protocol):
    """Runs a command as if the environment of the tests were activated."""

    def __call__(self, *command: str | Path, cwd: Path) -> str:
        """Return what the command prints; the test fails if the command does."""


@pytest.fixture(autouse=True, scope="session")
def _own_git_config(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Not only the owner's settings: a hook of Git that runs the tests has GIT_DIR set to the real repository.
    for name in [name for name in os.environ if name.startswith(("GIT_", "GITTRACK_", "MLFLOW_"))]:
        del os.environ[name]
    config = tmp_path_factory.mktemp("git") / "config"
    config.write_text(GIT_CONFIG, "utf-8")
    os.environ.update(GIT_CONFIG_GLOBAL=str(config), GIT_CONFIG_NOSYSTEM="1")
    # No test calls home; without a network MLflow would wait seconds in every process before it gave up.
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"


@pytest.fixture(autouse=True, scope="session")
def _workers_are_the_test_runner() -> None:
    # A worker of xdist has no script, as an interactive session has none, whose code is that of its folder.
    main = sys.modules["__main__"]
    if getattr(main, "__file__", None) is None:
        main.__file__ = str(Path(sys.executable).with_name("pytest"))


@pytest.fixture(autouse=True)
def _settings_of_one_test(_own_git_config: None) -> Iterator[None]:
    # `set_tracking_uri` and others tell child processes by the environment, which the next test must not see.
    before = {name: value for name, value in os.environ.items() if name.startswith(OWN_VARIABLES)}
    yield
    for name in [name for name in os.environ if name.startswith(OWN_VARIABLES)]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def execute() -> Execute:
    """Return the way to run a command of a reader of the documentation."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])

    def run(*command: str | Path, cwd: Path) -> str:
        variables = {**os.environ, "PATH": path, "MPLBACKEND": "agg", "LC_ALL": "C.UTF-8"}
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command[-1]}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run
