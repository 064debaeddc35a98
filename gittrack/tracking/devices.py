"""The names of the accelerators of this machine, from what the system tells without a library."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from functools import cache
from pathlib import Path

_NVIDIA = Path("/proc/driver/nvidia")
_AMD = Path("/sys/class/kfd/kfd/topology/nodes")


@cache
def describe_devices() -> dict[str, object]:
    """Return ``gpus`` (names), ``driver`` and ``cuda`` (versions), as far as there are any."""
    found: dict[str, object] = {}
    gpus = [*_nvidia_names(), *_amd_names()]
    if gpus:
        found["gpus"] = gpus
    if driver := _driver():
        found["driver"] = driver
    return found


def cuda_version() -> str | None:
    """Return the version of CUDA in use: that of the framework that is loaded, else of the system."""
    torch = getattr(sys.modules.get("torch"), "version", None)
    for one in (getattr(torch, "cuda", None), os.environ.get("CUDA_VERSION")):
        if isinstance(one, str) and one:
            return one
    with contextlib.suppress(OSError):
        text = Path("/usr/local/cuda/version.json").read_text("utf-8", "replace")
        if match := re.search(r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"([\d.]+)"', text):
            return match[1]
    return None


def _nvidia_names() -> list[str]:
    names = []
    with contextlib.suppress(OSError):
        for folder in sorted((_NVIDIA / "gpus").iterdir()):
            text = (folder / "information").read_text("utf-8", "replace")
            if match := re.search(r"^Model:\s*(.+)$", text, re.MULTILINE):
                names.append(match[1].strip())
    return names


def _amd_names() -> list[str]:
    names = []
    with contextlib.suppress(OSError):
        for folder in sorted(_AMD.iterdir()):
            has_units = re.search(
                r"^simd_count\s+[1-9]", (folder / "properties").read_text("utf-8"), re.MULTILINE
            )
            name = (folder / "name").read_text("utf-8", "replace").strip() if has_units else ""
            if name:
                names.append(f"AMD {name}")
    return names


def _driver() -> str | None:
    with contextlib.suppress(OSError):
        text = (_NVIDIA / "version").read_text("utf-8", "replace")
        if match := re.search(r"Kernel Module\s+(?:for \S+\s+)?([\d.]+)", text):
            return match[1]
    return None
