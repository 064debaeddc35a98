"""How a run and the processes of its command find one another: through the environment."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import RunNotFoundError
from gittrack.tracking.open import JOINED_RUN_ID, SCHEME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

RUN_ID = "GITTRACK_RUN_ID"
METRICS_FD = "GITTRACK_METRICS_FD"
PATIENCE_S = 30.0
"""How long a command waits for whoever started it to begin the run."""
_CHOSEN = ("GITTRACK_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID", "MLFLOW_RUN_ID")


def join_environment(
    run_id: str,
    environment: Mapping[str, str],
    folder: str,
    experiment_id: str | None = None,
    metrics_fd: int | None = None,
    *,
    program: str = "",
) -> dict[str, str]:
    """Return the environment of a command whose own gittrack and MLflow calls log to a run.

    Args:
        run_id: The run.
        environment: Of the command otherwise.
        folder: The repository, as an absolute path.
        experiment_id: Of the run, if it is chosen already.
        metrics_fd: The descriptor for metrics.
        program: The command's first word.
    """
    joined = dict(environment)
    joined[RUN_ID] = joined[JOINED_RUN_ID] = run_id
    joined["GITTRACK_REPO"] = folder
    if experiment_id is not None:
        joined = {key: value for key, value in joined.items() if key not in _CHOSEN}
        joined["GITTRACK_EXPERIMENT_ID"] = experiment_id
    if _speaks_mlflow(environment, program):
        joined["MLFLOW_TRACKING_URI"] = f"{SCHEME}:{folder}"
        joined["MLFLOW_RUN_ID"] = run_id
    if metrics_fd is not None:
        joined[METRICS_FD] = str(metrics_fd)
    return joined


def wait_for_run(client: Client, run_id: str) -> Run:
    """Return the run to join; whoever started this process may be about to begin it.

    Raises:
        RunNotFoundError: It is not begun in `PATIENCE_S`.
    """
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return client.get_run(run_id)
        except RunNotFoundError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _speaks_mlflow(environment: Mapping[str, str], program: str) -> bool:
    """Whether MLflow's calls can come here: nobody sent them elsewhere, and they find our plugin."""
    uri = environment.get("MLFLOW_TRACKING_URI", "")
    if uri:
        return uri.startswith(f"{SCHEME}:")
    # In another environment MLflow may know no such scheme, and fail where it worked without us.
    names = [program] if Path(program).name.startswith("python") else ["python", "python3"]
    ours = Path(sys.executable).parent
    return any(_find_folder(name, environment.get("PATH", os.defpath)) == ours for name in names)


def _find_folder(program: str, path: str) -> Path | None:
    """Return the folder where a shell finds a program; `shutil` takes longer to load than all else here."""
    if "/" in program:
        return Path(program).parent
    folders = (Path(folder) for folder in path.split(os.pathsep))
    return next((folder for folder in folders if os.access(folder / program, os.X_OK)), None)
