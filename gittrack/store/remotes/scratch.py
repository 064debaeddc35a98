"""A bare repository for a moment: what travels to and from a Git remote never enters the user's own."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gittrack.errors import CorruptDataError
from gittrack.store.disk import disk_errors
from gittrack.store.git_binary import BinaryDatabase
from gittrack.store.git_objects import Objects
from gittrack.store.git_pack import encode_pack, store_deflated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gittrack.store.git_pack import GitObject
    from gittrack.store.git_program import GitProgram

SETTINGS = """\
[include]
\tpath = "{config}"
[core]
\trepositoryformatversion = {version}
\tbare = true
\tcompression = 0
\tbigFileThreshold = 1
\tpackedGitWindowSize = 8m
\tpackedGitLimit = 32m
[pack]
\tcompression = 0
\twindow = 0
\tthreads = 1
[fetch]
\tunpackLimit = 1
\tfsckObjects = false
[transfer]
\tfsckObjects = false
[protocol]
\tversion = 2
"""
"""The user's own settings bring remotes and credentials; ours see to it that nothing is compressed."""


@dataclass(frozen=True, slots=True)
class Scratch:
    """One temporary repository."""

    folder: Path
    program: GitProgram
    objects: Objects

    def add(self, objects: Sequence[GitObject]) -> None:
        """Put objects into a pack of their own.

        Raises:
            StoreError: The disk is full, or failed.
        """
        pack, index, name = encode_pack(objects, self.objects.hash_name, compress=store_deflated)
        packs = self.folder / "objects" / "pack"
        with disk_errors("prepare an upload"):
            # Not synced: after a crash nobody looks at it again.
            (packs / f"{name}.pack").write_bytes(pack)
            (packs / f"{name}.idx").write_bytes(index)

    def graft(self, commits: Sequence[str]) -> None:
        """Let git think that these commits have no parents: the remote has them, this repository does not.

        Raises:
            StoreError: The disk is full, or failed.
        """
        with disk_errors("prepare an upload"), (self.folder / "shallow").open("a") as file:
            file.writelines(f"{commit}\n" for commit in commits)

    def read(self, name: str) -> bytes | None:
        """Return the content of an object, named as ``git rev-parse`` takes it; None if it is not here.

        Raises:
            StoreError: It cannot be read.
        """
        try:
            return self.objects.read(name)
        except CorruptDataError:
            return None


@contextmanager
def open_scratch(parent: Path, program: GitProgram, hash_name: str) -> Iterator[Scratch]:
    """Yield a temporary repository with the settings of that of ``program``, and remove it at the end.

    Raises:
        StoreError: The disk is full, or failed.
    """
    folder = parent / f"exchange-{os.getpid()}-{os.urandom(6).hex()}.git"
    with disk_errors("prepare an exchange"):
        try:
            (folder / "objects" / "pack").mkdir(parents=True)
            (folder / "refs").mkdir()
            (folder / "HEAD").write_text("ref: refs/heads/none\n")
            config = str(program.git_dir / "config").replace("\\", "\\\\").replace('"', '\\"')
            settings = SETTINGS.format(config=config, version=0 if hash_name == "sha1" else 1)
            if hash_name != "sha1":
                settings += f"[extensions]\n\tobjectFormat = {hash_name}\n"
            (folder / "config").write_text(settings)
            database = BinaryDatabase(folder)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    outside = replace(program, git_dir=folder, top=None, folder=program.top or program.git_dir)
    try:
        yield Scratch(folder, outside, Objects(database))
    finally:
        database.close()
        shutil.rmtree(folder, ignore_errors=True)
