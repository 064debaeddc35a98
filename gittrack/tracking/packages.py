"""Which packages this interpreter has installed, without importing or asking any of them."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from gittrack.core.packages import Package, encode_lock
from gittrack.core.secrets import redact
from gittrack.tracking.context import strip_user_info

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_SUFFIXES = (".dist-info", ".egg-info")


class Environment:
    """The packages of this process, read again only when a folder of packages changed."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._stamps: dict[str, int] = {}
        self._lock = ""

    def read(self, top: Path | None) -> str:
        """Return the packages as a lock; what is installed from under ``top`` is named relative to it.

        Raises:
            OSError: The folder of packages cannot be read.
        """
        folders = [folder for folder in dict.fromkeys(sys.path) if folder and os.path.isdir(folder)]  # noqa: PTH112
        stamps = {folder: os.stat(folder).st_mtime_ns for folder in folders}  # noqa: PTH116
        if stamps != self._stamps:
            packages = [one for folder in folders for one in _list_packages(Path(folder), top)]
            # What comes first on the path is what is imported.
            self._lock = encode_lock(platform.python_version(), reversed(packages), _list_conda())
            self._stamps = stamps
        return self._lock


def _list_packages(folder: Path, top: Path | None) -> Iterator[Package]:
    """Yield the packages in a folder: their names and versions are in the names of their folders."""
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith(_SUFFIXES))
    for file in names:
        name, _, version = file.rpartition(".")[0].partition("-")
        if file.endswith(".egg-info"):
            version = version.partition("-py")[0]
        if not version:  # an old kind of folder tells only inside
            name, version = _read_metadata(folder / file, name)
        if version:
            yield _locate(Package(name, version), folder / file, top)


def _read_metadata(folder: Path, name: str) -> tuple[str, str]:
    try:
        file = folder / "PKG-INFO" if folder.is_dir() else folder
        for line in file.read_text("utf-8", "replace").splitlines():
            if line.startswith("Version: "):
                return name, line.removeprefix("Version: ").strip()
    except OSError:
        pass
    return name, ""


def _locate(package: Package, folder: Path, top: Path | None) -> Package:
    """Return a package with the place it came from, if that is not an index (PEP 610)."""
    try:
        about = json.loads((folder / "direct_url.json").read_bytes())
        url, is_editable = str(about["url"]), bool(about.get("dir_info", {}).get("editable"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return package
    parts = urlsplit(url)
    if parts.scheme == "file":
        place = _relative(unquote(parts.path), top)
        if place is None or not is_editable:
            return Package(package.name, package.version, is_elsewhere=True)
        return Package(package.name, package.version, place, is_editable=True)
    commit = about.get("vcs_info", {}).get("commit_id") if isinstance(about.get("vcs_info"), dict) else None
    clean = redact(strip_user_info(url))
    if commit:
        subdirectory = about.get("subdirectory")
        end = f"#subdirectory={subdirectory}" if subdirectory else ""
        clean = f"{about['vcs_info'].get('vcs', 'git')}+{clean}@{commit}{end}"
    return Package(package.name, package.version, clean)


def _relative(path: str, top: Path | None) -> str | None:
    """Return a path relative to the top of the code, as pip takes it; None if it is elsewhere."""
    if top is None:
        return None
    try:
        inside = Path(os.path.realpath(path)).relative_to(top).as_posix()
    except ValueError:
        return None
    return "." if inside == "." else f"./{inside}"


def _list_conda() -> Sequence[str]:
    """Return the packages of conda, ``name=version=build``, if this is one of its environments."""
    try:
        names = [path.stem for path in Path(sys.prefix, "conda-meta").glob("*.json")]
    except OSError:
        return ()
    return ["=".join(name.rsplit("-", 2)) for name in names if name.count("-") > 1]
