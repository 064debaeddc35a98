"""Files of a work tree kept before they change, and put back."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
import subprocess
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from gittrack.core.undo import Kept, UndoRecord, decode_record, encode_record
from gittrack.errors import ConflictError, CorruptDataError, StoreError
from gittrack.store.checkout import SAFE_OPTIONS, Entry, git_environment
from gittrack.store.disk import disk_errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from gittrack.store.checkout import Checkout

RECORD = "record.json"
INDEX = "index"
DONE = "done"
"""Subject of the commit of a record whose change is complete."""
BEGUN = "begun"
TEMPORARY = ".gittrack-undo.tmp"


@dataclass(frozen=True, slots=True)
class Step:
    """The newest change of a work tree that can be undone."""

    commit: str
    record: UndoRecord
    is_done: bool
    """False if the process died while it changed the files."""


def keep_files(checkout: Checkout, paths: Iterable[str]) -> tuple[dict[str, Kept], list[str], list[str]]:
    """Store files as they are on disk, unfiltered; return them, the paths without a file, missing folders.

    Raises:
        ConflictError: A fifo, socket or device is where a file would be.
        StoreError: A file cannot be read, or the disk is full.
    """
    wanted = sorted(set(paths))
    files: dict[str, Kept] = {}
    regular: list[tuple[str, int]] = []
    absent: list[str] = []
    for path in wanted:
        about = _look(checkout.top, path)
        if about is None or stat.S_ISDIR(about.st_mode):  # whoever asks has looked whether the folder may go
            absent.append(path)
        elif stat.S_ISLNK(about.st_mode):
            files[path] = Kept(
                _keep_bytes(checkout, os.fsencode((checkout.top / path).readlink())), is_link=True
            )
        elif stat.S_ISREG(about.st_mode):
            regular.append((path, stat.S_IMODE(about.st_mode)))
        else:
            message = f"{path!r} is no file on disk, so its place cannot be taken"
            raise ConflictError(message, hint="move it away first")
    oids = _keep_regular(checkout, [path for path, _ in regular])
    files |= {path: Kept(oid, permissions=mode) for (path, mode), oid in zip(regular, oids, strict=True)}
    return files, absent, _missing_folders(checkout.top, absent)


def keep_index(checkout: Checkout) -> str:
    """Store the index file as it is; return its blob."""
    path = checkout.git_path("index")
    with disk_errors("read the index"):
        data = path.read_bytes() if path.exists() else b""
    return _keep_bytes(checkout, data)


def push_step(checkout: Checkout, record: UndoRecord) -> Step:
    """Write a record down; from here on `find_step` returns it."""
    entries = [(RECORD, Entry("100644", _keep_bytes(checkout, encode_record(record))))]
    if record.index is not None:
        entries.append((INDEX, Entry("100644", record.index)))
    # The content of files by number: their paths may be any that the platform allows, and are in the record.
    kept = [(f"files/{number}", Entry("100644", one.oid)) for number, one in enumerate(record.kept.values())]
    tree = checkout.write_tree([*entries, *kept])
    before = checkout.find_object(_ref(checkout))
    # The tree that the files come from must outlive any `git gc`, too.
    source = checkout.write_commit(record.tree, (), "the files as they became")
    parents = [source, *([before] if before else [])]
    commit = checkout.write_commit(tree, parents, f"{BEGUN}: {record.what}\n")
    _move(checkout, before, commit)
    return Step(commit, record, is_done=False)


def mark_step(checkout: Checkout, step: Step, *, is_done: bool) -> Step:
    """Write down whether the change is complete; while it is undone, it is not."""
    tree, *parents = checkout.ask("show", "-s", "--format=%T %P", step.commit).decode().split()
    subject = f"{DONE if is_done else BEGUN}: {step.record.what}\n"
    commit = checkout.write_commit(tree, parents, subject)
    if commit != step.commit:
        _move(checkout, step.commit, commit)
    return Step(commit, step.record, is_done)


def find_step(checkout: Checkout) -> Step | None:
    """Return the newest change of this work tree, None if there is none to undo.

    Raises:
        CorruptDataError: Its record cannot be read.
    """
    commit = checkout.find_object(_ref(checkout))
    if commit is None:
        return None
    try:
        record = decode_record(checkout.ask("cat-file", "blob", f"{commit}:{RECORD}"))
    except ValueError as error:
        message = f"the record of the last change is damaged: {error}"
        raise CorruptDataError(message, hint=f"the files are in `git show {commit}`") from error
    subject = checkout.ask("show", "-s", "--format=%s", commit).decode()
    return Step(commit, record, is_done=subject.startswith(DONE))


def pop_step(checkout: Checkout, step: Step, kept: str) -> None:
    """Forget a change that was undone; ``kept``, a commit, holds the files that this replaced."""
    parents = checkout.ask("show", "-s", "--format=%P", step.commit).decode().split()
    checkout.ask("update-ref", _ref(checkout, "undone"), kept)
    if len(parents) > 1:
        _move(checkout, step.commit, parents[1])
    else:
        checkout.ask("update-ref", "-d", _ref(checkout), step.commit)


def keep_present(checkout: Checkout, record: UndoRecord) -> str:
    """Store the files that undoing a record replaces; return the commit that holds them by their paths."""
    kept, _, _ = keep_files(checkout, record.paths)
    entries = [(path, Entry(_mode(one), one.oid)) for path, one in kept.items()]
    before = checkout.find_object(_ref(checkout, "undone"))
    tree = checkout.write_tree(entries)
    return checkout.write_commit(tree, [before] if before else [], f"before undoing: {record.what}\n")


def put_back(checkout: Checkout, record: UndoRecord) -> None:
    """Make every file of a record what it was: content, permissions, links; doing it twice is doing it once.

    Raises:
        StoreError: The disk is full, or failed.
    """
    with disk_errors("put back the files"):
        for path in record.absent:
            if _look(checkout.top, path) is not None:
                (checkout.top / path).unlink()
        for folder in record.absent_folders:
            with contextlib.suppress(OSError):  # something else is in it: it stays
                (checkout.top / folder).rmdir()
        with _reading(checkout) as pipes:
            for path, one in record.kept.items():
                _check_no_link_above(checkout.top, path)
                _write(checkout.top / path, one, *pipes)
        if record.index is not None:
            _put_index(checkout, record.index)


def delete_files(top: Path, paths: Sequence[str]) -> None:
    """Remove files, and the folders that this empties.

    Raises:
        StoreError: One of them cannot be removed.
    """
    for path in paths:
        if _look(top, path) is None:
            continue
        file = top / path
        with disk_errors("remove a file"):
            file.unlink()
        for folder in file.parents:
            if folder == top:
                break
            try:
                folder.rmdir()
            except OSError:  # something else is in it
                break


def is_as_kept(checkout: Checkout, path: str, record: UndoRecord) -> bool:
    """Whether a file is what it was before the change."""
    about = _look(checkout.top, path)
    one = record.kept.get(path)
    if about is None or one is None:
        return about is None and one is None
    if stat.S_ISLNK(about.st_mode):
        return one.is_link and _keep_bytes(checkout, os.fsencode((checkout.top / path).readlink())) == one.oid
    return stat.S_ISREG(about.st_mode) and _keep_regular(checkout, [path]) == [one.oid]


def _look(top: Path, path: str) -> os.stat_result | None:
    """Return what is at a path, None if nothing; what lies behind a link to a folder is not there."""
    folder = top
    parts = path.split("/")
    try:
        for part in parts[:-1]:
            folder /= part
            if not stat.S_ISDIR(os.lstat(folder).st_mode):
                return None
        return os.lstat(folder / parts[-1])
    except (FileNotFoundError, NotADirectoryError):
        return None


def _check_no_link_above(top: Path, path: str) -> None:
    for folder in (top / path).parents:
        if folder == top:
            return
        if folder.is_symlink():
            message = f"{str(folder)!r} is a link now, and nothing is written through it"
            raise StoreError(message, hint="remove the link, and undo again")


def _missing_folders(top: Path, paths: Iterable[str]) -> list[str]:
    missing = set()
    for path in paths:
        parts = path.split("/")[:-1]
        for depth in range(1, len(parts) + 1):
            folder = "/".join(parts[:depth])
            about = _look(top, folder)
            if about is None or not stat.S_ISDIR(about.st_mode):
                missing.add(folder)
    return sorted(missing, key=lambda folder: (-folder.count("/"), folder))


def _mode(one: Kept) -> str:
    return "120000" if one.is_link else "100755" if one.permissions & 0o100 else "100644"


def _keep_bytes(checkout: Checkout, data: bytes) -> str:
    return checkout.ask("hash-object", "-w", "--stdin", data=data).decode().strip()


def _keep_regular(checkout: Checkout, paths: Sequence[str]) -> list[str]:
    if not paths:
        return []
    data = b"".join(_quoted(path) + b"\n" for path in paths)
    return checkout.ask("hash-object", "-w", "--no-filters", "--stdin-paths", data=data).decode().split()


def _quoted(path: str) -> bytes:
    """Return a path in git's quotes, in which it may hold line ends."""
    special = {byte: b"\\%03o" % byte for byte in (*range(0x20), *b'"\\')}
    return b'"' + b"".join(special.get(byte, bytes([byte])) for byte in os.fsencode(path)) + b'"'


def _ref(checkout: Checkout, kind: str = "undo") -> str:
    """Return the ref of this work tree; linked ones share the refs of a repository."""
    place = hashlib.sha256(os.fsencode(os.path.realpath(checkout.top))).hexdigest()[:12]
    return f"refs/gittrack-local/{kind}/{place}"


def _move(checkout: Checkout, old: str | None, new: str) -> None:
    checkout.ask("update-ref", "-m", "gittrack", _ref(checkout), new, old or "0" * len(new))


@contextlib.contextmanager
def _reading(checkout: Checkout) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    command = ["git", "-C", str(checkout.top), *SAFE_OPTIONS, "cat-file", "--batch"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=git_environment()
    ) as process:
        assert process.stdin is not None  # noqa: S101  (for mypy: both are pipes)
        assert process.stdout is not None  # noqa: S101
        yield process.stdin, process.stdout


def _write(path: Path, one: Kept, requests: IO[bytes], answers: IO[bytes]) -> None:
    """Write one file whole or not at all, however large it is."""
    requests.write(f"{one.oid}\n".encode())
    requests.flush()
    head = answers.readline().split()
    if len(head) != 3:  # noqa: PLR2004  (id, kind, size)
        message = f"the content of {str(path)!r} is missing from the repository"
        raise StoreError(message, hint="run `git fsck`")
    size = int(head[2])
    path.parent.mkdir(parents=True, exist_ok=True)
    # The same name each time: whoever undoes again after a kill uses up what was left.
    temporary = path.with_name(TEMPORARY)
    temporary.unlink(missing_ok=True)
    if one.is_link:
        temporary.symlink_to(os.fsdecode(answers.read(size)))
    else:
        with temporary.open("wb") as file:
            while size > 0:
                chunk = answers.read(min(size, 1 << 20))
                file.write(chunk)
                size -= len(chunk)
        temporary.chmod(one.permissions)
    answers.read(1)
    temporary.replace(path)


def _put_index(checkout: Checkout, oid: str) -> None:
    """Write the index back as git itself does: through its lock."""
    path = checkout.git_path("index")
    data = checkout.ask("cat-file", "blob", oid)
    lock = path.with_name("index.lock")
    try:
        descriptor = os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        message = "the index is locked by another git process"
        raise StoreError(message, hint=f"if none runs, remove {str(lock)!r} and try again") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    if data:
        if path.exists():
            shutil.copymode(path, lock)
        lock.replace(path)
    else:
        path.unlink(missing_ok=True)
        lock.unlink()
