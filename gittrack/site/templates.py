"""The folder of templates and the assets in it, each named by its content."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.errors import NotFoundError, StoreError
from gittrack.site.paths import asset_path

if TYPE_CHECKING:
    from collections.abc import Mapping

LICENCES = "licences.txt"
_ASSET_SUFFIXES = {".css", ".js", ".svg"}
_BUNDLES = {
    "first.bundle.js": "theme data",
    "frame.bundle.js": "dom formats bucket stored colours address keys appearance palette views alone index",
    "runs.bundle.js": """
        measure query fields arrange cells menu view heads picker tabular complete selection table runs_table
        runs
        """,
    "live.bundle.js": "place live",
    "table.bundle.js": """
        measure query fields arrange cells menu view heads selection table runs_table embed_table
        """,
    "compared.bundle.js": "measure loaded as_seen welch tables embed_compared",
    "curves.bundle.js": """
        measure loaded commits as_seen menu tabular table_dialog ticks series curves gallery curve_options
        curve_export curve_card
        """,
}
"""Bundle → the scripts in it, in their order."""
_SOURCE_MAP = b"//# sourceMappingURL="


@dataclass(frozen=True, slots=True)
class Templates:
    """What a site is made with."""

    folders: tuple[Path, ...]
    """Where templates are looked for, first come first served."""
    assets: Mapping[str, bytes]
    """Name → content of every script, style sheet and picture."""
    paths: Mapping[str, str]
    """Name → where in the site the asset lies."""
    digest: str
    """Changes whenever pages made with these templates may."""

    def path_of(self, name: str) -> str:
        """Return where in the site an asset lies.

        Raises:
            KeyError: There is no such asset.
        """
        return self.paths[name]


def find_templates(custom: Path | None = None) -> Templates:
    """Read the templates gittrack comes with, and before them those in the folder ``custom``.

    Raises:
        NotFoundError: A folder is missing.
        StoreError: A file cannot be read.
    """
    folders: tuple[Path, ...] = (_built_in(),)
    if custom is not None:
        if not custom.is_dir():
            message = f"no folder of templates at {str(custom)!r}"
            raise NotFoundError(message)
        folders = (custom, *folders)
    try:
        return _read(folders)
    except OSError as error:
        message = f"templates cannot be read: {error}"
        raise StoreError(message) from error


def _built_in() -> Path:
    package = Path(__file__).resolve().parent.parent
    # In a wheel the templates are part of the package, in a checkout they lie beside it.
    for folder in (package / "_site_templates", package.parent / "site_templates"):
        if (folder / "pages").is_dir():
            return folder
    message = "the site's templates are missing"
    raise NotFoundError(message, hint="reinstall gittrack, or pass a folder of templates")


def _without_source_map(script: bytes) -> bytes:
    begin = script.rfind(_SOURCE_MAP)
    if begin < 0 or b"\n" in script[begin:].strip():
        return script
    return script[:begin].rstrip(b"\n") + b"\n"


def _bundle(assets: dict[str, bytes]) -> dict[str, bytes]:
    """Return the scripts that pages load in one go: a file each is slow, above all without a server."""
    return {
        bundle: b"".join(assets[f"{name}.js"] for name in names.split()) for bundle, names in _BUNDLES.items()
    }


def _read(folders: tuple[Path, ...]) -> Templates:
    assets: dict[str, bytes] = {}
    digest = hashlib.sha256()
    licences = []
    for folder in reversed(folders):
        for file in sorted([*folder.glob("assets/*"), *folder.glob("vendor/*/*")]):
            if file.suffix in _ASSET_SUFFIXES:
                assets[file.name] = _without_source_map(file.read_bytes())
            elif file.name == "LICENSE":
                licences.append(file.parent.name.encode() + b"\n\n" + file.read_bytes().strip() + b"\n")
        for page in sorted(folder.glob("pages/**/*.html")):
            digest.update(page.relative_to(folder).as_posix().encode() + b"\0" + page.read_bytes())
    assets |= _bundle(assets)
    assets[LICENCES] = (b"\n" + b"-" * 80 + b"\n\n").join(licences)
    hashes = {name: hashlib.sha256(assets[name]) for name in sorted(assets)}
    for name, found in hashes.items():
        digest.update(name.encode() + b"\0" + found.digest())
    for module in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(module.read_bytes())
    places = {name: asset_path(name, found.hexdigest()) for name, found in hashes.items()}
    return Templates(folders, assets, places, digest.hexdigest()[:24])
