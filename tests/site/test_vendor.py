"""What is vendored is what the lock file says."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import TYPE_CHECKING

from gittrack.site.templates import find_templates

if TYPE_CHECKING:
    from pathlib import Path


def vendor() -> Path:
    return find_templates().folders[0] / "vendor"


def test_vendored_files_have_the_locked_hashes_and_no_other_file_is_there() -> None:
    lock = json.loads((vendor() / "vendor.lock.json").read_text("utf-8"))
    locked = {path: integrity for package in lock["packages"] for path, integrity in package["files"].items()}
    found = {
        file.relative_to(vendor()).as_posix(): "sha512-"
        + base64.b64encode(hashlib.sha512(file.read_bytes()).digest()).decode()
        for file in vendor().rglob("*")
        if file.is_file() and file.name != "vendor.lock.json"
    }
    assert found == locked


def test_every_package_has_a_version_a_licence_and_its_text() -> None:
    lock = json.loads((vendor() / "vendor.lock.json").read_text("utf-8"))
    for package in lock["packages"]:
        assert re.fullmatch(r"\d+\.\d+\.\d+", package["version"])
        assert package["licence"] in {"MIT", "BSD-3-Clause"}
        assert f"{package['name']}/LICENSE" in package["files"]
    assert "://" not in json.dumps(lock)


def test_the_site_carries_the_licences_and_no_reference_to_source_maps() -> None:
    templates = find_templates()
    licences = templates.assets["licences.txt"].decode()
    assert "Redistribution and use" in licences
    assert "MIT" in licences
    assert not any(b"sourceMappingURL" in content for content in templates.assets.values())
