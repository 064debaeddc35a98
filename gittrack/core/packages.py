"""Installed packages as a lock: a requirements file that pip and uv install from, line by line comparable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][\w.\-]*)\s*(?:==\s*(?P<version>\S+)|@\s*(?P<source>\S+))")
_EDITABLE = re.compile(r"-e (?P<source>\S+)\s+# (?P<name>[A-Za-z0-9][\w.\-]*)==(?P<version>\S+)")
_LEFT_OUT = re.compile(r"# not from an index: (?P<name>[A-Za-z0-9][\w.\-]*)==(?P<version>\S+)")
_CONDA = re.compile(r"# conda: (?P<name>[^\s=]+)=(?P<version>[^\s=]+)")


@dataclass(frozen=True, slots=True)
class Package:
    """One installed distribution."""

    name: str
    version: str
    source: str | None = None
    """Where it came from if not from an index: a URL with its commit, or a folder relative to the code."""
    is_editable: bool = False
    is_elsewhere: bool = False
    """Whether it came from a place that nobody else has."""

    @property
    def key(self) -> str:
        """Its name as indexes compare names (PEP 503)."""
        return normalize_name(self.name)


@dataclass(frozen=True, slots=True)
class PackageChange:
    """A package that two environments do not have alike."""

    name: str
    before: str | None
    """Its version, None if it was not there."""
    after: str | None


def normalize_name(name: str) -> str:
    """Return the name of a package as indexes compare names (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def encode_lock(python: str, packages: Iterable[Package], conda: Iterable[str] = ()) -> str:
    """Return a lock: equal environments give equal text.

    Args:
        python: Its version, e.g. ``3.12.4``.
        packages: What is installed.
        conda: Packages of conda, as ``name=version=build``.
    """
    rows = sorted({one.key: one for one in packages}.items())
    lines = [f"# python {python}", *(_encode_package(one) for _, one in rows)]
    lines += [f"# conda: {one}" for one in sorted(set(conda))]
    return "\n".join(lines) + "\n"


def parse_lock(text: str) -> dict[str, str]:
    """Return the packages of a lock with their versions or sources, and that of ``python``."""
    found = {}
    for line in text.splitlines():
        if line.startswith("# python "):
            found["python"] = line.removeprefix("# python ").strip()
        elif match := _EDITABLE.match(line) or _LEFT_OUT.match(line) or _REQUIREMENT.match(line):
            parts = match.groupdict()
            found[normalize_name(parts["name"])] = parts.get("version") or parts.get("source") or ""
        elif match := _CONDA.match(line):
            found[f"conda:{match['name'].lower()}"] = match["version"]
    return found


def compare_locks(before: Mapping[str, str], after: Mapping[str, str]) -> list[PackageChange]:
    """Return what two environments do not have alike, by name."""
    names = sorted(before.keys() | after.keys())
    changes = (PackageChange(name, before.get(name), after.get(name)) for name in names)
    return [change for change in changes if change.before != change.after]


def _encode_package(one: Package) -> str:
    if one.is_elsewhere:
        return f"# not from an index: {one.name}=={one.version}"
    if one.is_editable:
        return f"-e {one.source}  # {one.name}=={one.version}"
    return f"{one.name}=={one.version}" if one.source is None else f"{one.name} @ {one.source}"
