"""Files that a command left, found by patterns and by Hydra's habits, as artifacts of its run."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.names import shorten
from gittrack.errors import ArtifactNotFoundError
from gittrack.tracking import artifacts as files
from gittrack.tracking import folders
from gittrack.tracking.param_files import HYDRA_CONFIG, HYDRA_FOLDER, read_params

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittrack.tracking.client import Client
    from gittrack.tracking.live import LiveRun


def log_matches(client: Client, run_id: str, pattern: str) -> list[str]:
    """Store the files and folders that ``PATTERN`` or ``PATTERN=FOLDER`` finds; return where.

    ``**`` goes through folders. A file under the current folder keeps its path from there, another one its
    name.

    Raises:
        ArtifactNotFoundError: Nothing is found.
        UserError: A name cannot be stored.
        StoreError: Something cannot be read, or the disk is full or failed.
    """
    wanted, equals, folder = pattern.rpartition("=")
    if not equals or not wanted:
        wanted, folder = pattern, ""
    found = sorted(map(Path, glob.glob(wanted, recursive=True)))  # noqa: PTH207  (absolute patterns too)
    if not found:
        message = f"no file fits {shorten(wanted)}"
        raise ArtifactNotFoundError(message, hint=f"patterns are relative to {str(Path.cwd())!r}")
    live = client.live(run_id)
    stored = []
    for source in found:
        if source.is_dir() and "**" in wanted:
            continue  # what is in it is found too
        path = files.join_path(folder or None, _name_of(source))
        if source.is_dir():
            stored += folders.log_folder(client.store, live, source, path)
        else:
            stored.append(files.log_file(client.store, live, source, path).path)
    return stored


def find_hydra_folders(top: Path, since: float) -> Iterator[Path]:
    """Yield the folders that Hydra made under ``top``, by its usual names, ``since`` a time (s)."""
    for pattern in ("outputs/*/*", "multirun/*/*/*"):
        for config in sorted(top.glob(f"{pattern}/{HYDRA_CONFIG}")):
            if config.stat().st_mtime >= since:
                yield config.parent.parent


def log_hydra(client: Client, live: LiveRun, folder: Path) -> None:
    """Store the configuration of a folder of Hydra as files, and as params those that the run has not yet.

    Raises:
        UserError: It cannot be read, or a name or value cannot be stored.
        StoreError: Something cannot be read, or the disk is full or failed.
    """
    folders.log_folder(client.store, live, folder / HYDRA_FOLDER, f"hydra/{folder.name}")
    params = read_params(folder)
    live.log_params({key: value for key, value in params.items() if key not in live.params})


def _name_of(source: Path) -> str:
    whole, here = source.absolute(), Path.cwd()
    if whole.is_relative_to(here) and ".." not in whole.relative_to(here).parts:
        return whole.relative_to(here).as_posix()
    return whole.name
