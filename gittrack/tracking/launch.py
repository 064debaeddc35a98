"""How this process was launched: as which rank of how many, as which task of an array.

``torchrun``, Slurm and MPI say it in the environment. Rank 0 records; with ``GITTRACK_RANKS=all`` all ranks
of a machine, or of machines with a shared disk, record into one run. The tasks of an array are child runs of
one run that stands for the array, whichever task comes first.
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gittrack.core.names import check_run_id, make_run_id
from gittrack.errors import ConflictError, StoreError, UserError
from gittrack.store.disk import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

RANK_VARIABLES = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
"""Who says the rank, the most particular first."""
ARRAY_VARIABLES = ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID")
RANKS = "GITTRACK_RANKS"
SCOPES = {"0": False, "zero": False, "all": True}
PATIENCE_S = 60.0
STALE_S = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Launch:
    """What the launcher says."""

    rank: int | None = None
    """None for a process on its own."""
    job: str = ""
    """Tells this start of a job from all others."""
    array: str | None = None
    """The array's job, None outside of one."""
    task: str | None = None
    is_every_rank_recorded: bool = False

    @property
    def is_silent(self) -> bool:
        """Whether this process leaves recording to rank 0."""
        return bool(self.rank) and not self.is_every_rank_recorded

    @property
    def joins(self) -> bool:
        """Whether this process records into the run that rank 0 begins."""
        return bool(self.rank) and self.is_every_rank_recorded


def read_launch(environment: Mapping[str, str]) -> Launch:
    """Return how a process with this environment was launched.

    Raises:
        UserError: ``GITTRACK_RANKS`` says neither ``0`` nor ``all``.
    """
    scope = environment.get(RANKS) or "0"
    if scope.lower() not in SCOPES:
        message = f"{RANKS} must be 0 or all, not {scope!r}"
        raise UserError(message, hint="unset it, so that rank 0 records alone")
    array, task = (environment.get(name) or None for name in ARRAY_VARIABLES)
    # Slurm numbers the only process of a job too: it is on its own.
    is_alone = environment.get("SLURM_NTASKS", "1") == "1" and "RANK" not in environment
    names = [name for name in RANK_VARIABLES if not (is_alone and name == "SLURM_PROCID")]
    texts = [environment[name] for name in names if environment.get(name, "").isdecimal()]
    return Launch(
        rank=int(texts[0]) if texts else None,
        job=_job_of(environment),
        array=array if task else None,
        task=task,
        is_every_rank_recorded=SCOPES[scope.lower()],
    )


def array_run_id(launch: Launch, cluster: str) -> str:
    """Return the id of the run that stands for an array: the same for every task, in every clone."""
    return hashlib.sha256(f"array {cluster} {launch.array}".encode()).hexdigest()[:32]


def make_shared_id(launch: Launch, folder: Path, now_ms: int) -> str:
    """Return the id of the run that all ranks share, and say it to them; rank 0 calls this.

    Raises:
        StoreError: It cannot be said.
    """
    run_id = make_run_id(now_ms, os.urandom(10))
    path = _meeting_place(launch, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.iterdir():
            if time.time() - old.stat().st_mtime > STALE_S:
                old.unlink(missing_ok=True)
        replace_file(path, f"{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')} {run_id}".encode())
    except OSError as error:
        message = f"cannot tell the other ranks which run they share: {error.strerror}"
        raise StoreError(message, hint="check that the Git directory is writable") from error
    return run_id


def find_shared_id(launch: Launch, folder: Path, began_s: float) -> str:
    """Return the id of the run that all ranks share, as soon as rank 0 has said it.

    Args:
        launch: How this process was launched.
        folder: Where ranks meet.
        began_s: What was said before this time, seconds since the epoch, is of an earlier start.

    Raises:
        ConflictError: Rank 0 says nothing.
    """
    path = _meeting_place(launch, folder)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            if path.stat().st_mtime >= began_s:
                return check_run_id(path.read_text("ascii").split()[-1])
        except (OSError, IndexError):
            pass
        time.sleep(0.02)
    message = f"rank {launch.rank} waits in vain for rank 0 to begin the run"
    raise ConflictError(message, hint="give all ranks GITTRACK_RUN_ID where they share no disk")


def _meeting_place(launch: Launch, folder: Path) -> Path:
    return folder / hashlib.sha256(launch.job.encode()).hexdigest()[:24]


def _job_of(environment: Mapping[str, str]) -> str:
    """Return what all ranks of one start have in common, and no other start has."""
    names = (
        "TORCHELASTIC_RUN_ID",
        "MASTER_ADDR",
        "MASTER_PORT",
        "SLURM_JOB_ID",
        "SLURM_STEP_ID",
        "OMPI_MCA_ess_base_jobid",
        "PMIX_NAMESPACE",
    )
    said = [f"{name}={environment[name]}" for name in names if environment.get(name)]
    if environment.get("TORCHELASTIC_RUN_ID", "none") == "none" and "SLURM_JOB_ID" not in environment:
        # Whoever started all ranks of this machine: nothing else differs from one start to the next.
        said.append(f"parent={os.getppid()}")
    return " ".join(said)
