"""How a run was started: command line, folder, interpreter, packages, devices, a few variables, cells."""

from __future__ import annotations

import fnmatch
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.events import EnvironmentRecorded, SideFileSet, digest_environment
from gittrack.core.jsonform import encode_document
from gittrack.core.secrets import is_secret_name, redact, redact_arguments, secret_values
from gittrack.tracking.devices import cuda_version, describe_devices
from gittrack.tracking.notebook import find_notebook, read_cells
from gittrack.tracking.packages import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.store.interface import Store
    from gittrack.tracking.live import LiveRun

LAUNCH_FILE = "launch.json"
CELLS_FILE = "cells.py"
VARIABLES = (
    "CI", "CI_JOB_ID", "CONDA_DEFAULT_ENV", "CUBLAS_WORKSPACE_CONFIG", "CUDA_DEVICE_ORDER",
    "CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES", "GITHUB_JOB", "GITHUB_RUN_ID", "HIP_VISIBLE_DEVICES",
    "JAX_ENABLE_X64", "JAX_PLATFORMS", "LANG", "LC_ALL", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MKL_NUM_THREADS",
    "NCCL_*", "NODE_RANK", "NUMEXPR_NUM_THREADS", "NVIDIA_TF32_OVERRIDE", "NVIDIA_VISIBLE_DEVICES",
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PYTHONHASHSEED", "PYTHONPATH", "PYTORCH_*", "RANK",
    "ROCR_VISIBLE_DEVICES", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_ID", "SLURM_JOB_PARTITION", "SLURM_NNODES",
    "SLURM_NTASKS", "SLURM_PROCID", "TF_CONFIG", "TF_CUDNN_DETERMINISTIC", "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS", "TF_FORCE_GPU_ALLOW_GROWTH", "TF_XLA_FLAGS", "TOKENIZERS_PARALLELISM",
    "TORCH_*", "TZ", "WORLD_SIZE", "XLA_FLAGS", "XLA_PYTHON_CLIENT_*",
)  # fmt: skip
"""Variables that decide what a run computes and where; no others are recorded. ``*`` stands for any end."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is recorded of how a run was started."""

    document: bytes
    """Content of `LAUNCH_FILE`."""
    environment: str | None = None
    """Packages as a lock, None if they are not known."""
    cells: bytes | None = None
    """Content of `CELLS_FILE`, None outside of notebooks."""


class ProvenanceReader:
    """Reads how this process was started; what cannot change is read once."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._environment = Environment()

    def read(self, top: Path | None, variables: Mapping[str, str], allowed: Sequence[str] = ()) -> Provenance:
        """Return how this process was started.

        Args:
            top: Of the work tree that the code is in: paths below it are told relative to it.
            variables: The environment.
            allowed: Names of variables to record beside `VARIABLES`; ``*`` stands for any end.

        Raises:
            OSError: Something cannot be read.
        """
        known = secret_values(variables)
        document = describe_start(top, sys.orig_argv, variables, (*VARIABLES, *allowed))
        return Provenance(
            encode_document(document | _describe_machine()),
            self._environment.read(top),
            encode_cells(known),
        )


def describe_start(
    top: Path | None, argv: Sequence[str], variables: Mapping[str, str], allowed: Sequence[str] = VARIABLES
) -> dict[str, object]:
    """Return command line, folder and variables of a command, without secrets.

    Args:
        top: Of the work tree that the code is in.
        argv: The command.
        variables: Its environment.
        allowed: Names of variables to record; ``*`` stands for any end.
    """
    known = secret_values(variables)
    typed = _portable(argv, top)
    shown = redact_arguments(typed, known)
    found: dict[str, object] = {"argv": shown, "folder": _folder(top)}
    if shown != typed:
        found["masked"] = True
    if notebook := find_notebook(variables):
        found["notebook"] = _relative(notebook, top)
    kept = {
        name: redact(value, known)
        for name, value in sorted(variables.items())
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in allowed) and not is_secret_name(name)
    }
    return found | ({"variables": kept} if kept else {})


def encode_cells(known: Sequence[str]) -> bytes | None:
    """Return what was executed in this notebook, without the secrets that are ``known``."""
    cells = read_cells()
    return None if cells is None else redact(cells, known).encode("utf-8", "replace")


def record_provenance(store: Store, live: LiveRun, provenance: Provenance) -> None:
    """Write into a run how it was started.

    Raises:
        StoreError: The disk is full, or failed.
    """
    time = live.event_time()
    if provenance.environment is not None:
        digest = digest_environment(provenance.environment)
        text = None if store.has_environment(digest) else provenance.environment
        live.write(EnvironmentRecorded(digest, time, text))
    live.write(SideFileSet(LAUNCH_FILE, time, provenance.document))
    if provenance.cells is not None:
        live.write(SideFileSet(CELLS_FILE, time, provenance.cells))


def _describe_machine() -> dict[str, object]:
    found: dict[str, object] = {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "platform": platform.platform(),
        "cpus": os.cpu_count() or 1,
        **describe_devices(),
    }
    if cuda := cuda_version():
        found["cuda"] = cuda
    return found


def _portable(argv: Sequence[str], top: Path | None) -> list[str]:
    """Return a command line whose absolute paths into the work tree are relative: it may run in another."""
    return [_relative(one, top) if one.startswith("/") and "\0" not in one else one for one in argv]


def _relative(path: str, top: Path | None) -> str:
    if top is not None:
        real = Path(os.path.realpath(path))
        if real.is_relative_to(top) and not real.is_relative_to(os.path.realpath(sys.prefix)):
            return os.path.relpath(real)
    return path


def _folder(top: Path | None) -> str:
    folder = Path(os.path.realpath("."))
    if top is not None and folder.is_relative_to(top):
        return folder.relative_to(top).as_posix()
    return str(folder)
