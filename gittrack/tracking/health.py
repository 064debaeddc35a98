"""How a repository is doing: what it holds, what is unfinished, what would make gittrack fail."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.model import LifecycleStage, RunStatus
from gittrack.errors import StoreError
from gittrack.store.git_store import GitStore
from gittrack.store.layout import RUNS_REF
from gittrack.store.lock import try_flock
from gittrack.store.spool import DAMAGED
from gittrack.tracking.contents import find_unsent
from gittrack.tracking.sync import remember

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.store.git_database import GitDatabase
    from gittrack.store.git_fsck import Problem
    from gittrack.store.layout import Layout
    from gittrack.tracking.client import Client

PACKAGES = ("click", "dulwich", "blake3", "rich", "jinja2", "altair")
STALE_S = 3600.0
"""A temporary file older than this belongs to nobody."""
OLDEST_GIT = (2, 30)
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Status:
    """What a repository holds for gittrack."""

    folder: str
    ref: str
    tip: str | None
    runs: int
    deleted: int
    experiments: int
    running: tuple[str, ...]
    """Names of the runs that are live."""
    journals: int
    """Files that live writers, here or on other hosts, append to."""
    waiting: int
    """Changes that wait to be committed."""
    packs: int
    pack_bytes: int
    artifact_bytes: int
    journal_bytes: int
    remote: str | None = None
    """The remote to exchange runs with; the counts are of the last time it was looked at."""
    ahead: int = 0
    """Runs that are new or changed here."""
    behind: int = 0
    """Runs that are new or changed there."""
    models_differ: bool = False
    """Whether models or experiments are others there."""
    unpushed: tuple[str, ...] = ()
    """Names of the runs that are new or changed here, the newest first."""
    held: tuple[tuple[str, str], ...] = ()
    """What a push would keep here since it looks like a secret: its name, and where that is."""
    unsent: int = 0
    """Files whose content is at no remote yet."""
    unsent_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    level: str
    """``ok``, ``note`` (worth knowing) or ``problem``."""
    detail: str
    hint: str | None = None


def read_status(client: Client) -> Status:
    """Return what the repository holds."""
    store = _git_store(client)
    layout = store.layout
    runs = client.list_runs(view_type=3)
    packs = _own_packs(store)
    known = remember(client)
    ahead = set(store.compare(known.remote).ahead) if known else set()
    unsent = find_unsent(client)
    return Status(
        folder=str(client.folder()),
        ref=RUNS_REF,
        tip=client.head(),
        runs=sum(run.lifecycle_stage == LifecycleStage.ACTIVE for run in runs),
        deleted=sum(run.lifecycle_stage == LifecycleStage.DELETED for run in runs),
        experiments=len(client.list_experiments()),
        running=tuple(run.name for run in runs if run.status == RunStatus.RUNNING),
        journals=len(_files(layout.journals)),
        waiting=len(_files(layout.spool)),
        packs=len(packs),
        pack_bytes=_size(packs),
        artifact_bytes=_size([*_files(layout.objects), *_files(layout.small)]),
        journal_bytes=_size(_files(layout.journals)),
        remote=known.remote if known else None,
        ahead=known.sent if known else 0,
        behind=known.received if known else 0,
        models_differ=known.moved if known else False,
        unpushed=tuple(run.name for run in runs if run.run_id in ahead),
        held=tuple((one.name, one.findings[0].where) for one in store.held(known.remote)) if known else (),
        unsent=len(unsent),
        unsent_bytes=sum(unsent.values()),
    )


def check_all(client: Client, *, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
    """Return all damage of what is stored, see `gittrack.store.git_fsck.check_store`."""
    from gittrack.store.git_fsck import check_store

    return check_store(_git_store(client), progress=progress)


def examine(client: Client, site: Path) -> list[Finding]:
    """Return what was looked at, in the order to show it; ``site`` is where a built site would be."""
    store = _git_store(client)
    database = store.database
    findings = [*_check_programs()]
    if database is not None:
        findings += _check_repository(database, client)
        findings += _check_disk(database.common_dir, store.layout)
        findings += _check_settings(database)
    findings += _check_leftovers(client, store.layout)
    findings.append(_check_site(site))
    return findings


def _check_programs() -> Iterator[Finding]:
    yield Finding("python", "ok", f"{platform.python_version()} ({sys.platform})")
    versions = {name: _version_of(name) for name in PACKAGES}
    missing = [name for name, version in versions.items() if version is None]
    shown = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    if missing:
        yield Finding(
            "packages", "problem", f"missing: {', '.join(missing)}", "install gittrack again with pip"
        )
    yield Finding("packages", "ok", shown)
    yield _check_git()


def _check_git() -> Finding:
    path = shutil.which("git")
    if path is None:
        return Finding(
            "git", "note", "not found", "reading and recording work without it; install git for the rest"
        )
    with suppress(OSError, subprocess.SubprocessError, ValueError):
        answer = subprocess.run(
            [path, "--version"], capture_output=True, text=True, timeout=10, check=True
        ).stdout
        version = answer.split()[2]
        numbers = tuple(int(part) for part in version.split(".")[:2])
        if numbers >= OLDEST_GIT:
            return Finding("git", "ok", version)
        return Finding(
            "git", "problem", f"{version} is old", f"install git {'.'.join(map(str, OLDEST_GIT))} or newer"
        )
    return Finding("git", "problem", f"{path} does not work", "reinstall git")


def _check_repository(database: GitDatabase, client: Client) -> Iterator[Finding]:
    yield Finding("repository", "ok", f"{client.folder()} ({_kind_of(database)})")
    refs = database.read_config("extensions", "refstorage") or "files"
    yield Finding("format", "ok", f"objects {database.hash_name}, refs {refs}")
    commit, branch = database.read_head()
    if commit is None:
        detail = "no commit yet, so runs do not know their code"
        yield Finding("code", "note", detail, "make a first commit: `git commit`")
    else:
        yield Finding("code", "ok", f"{commit[:12]} on {branch or 'a detached HEAD'}")
    tip = client.head()
    yield Finding("runs", "ok", f"{RUNS_REF} at {tip[:12]}" if tip else "none recorded yet")


def _kind_of(database: GitDatabase) -> str:
    if database.top is None:
        kind = "bare"
    elif (database.top / ".git").is_file():
        kind = "linked work tree or submodule"
    else:
        kind = "work tree"
    return f"{kind}, shallow" if (database.common_dir / "shallow").exists() else kind


def _check_disk(common_dir: Path, layout: Layout) -> Iterator[Finding]:
    folder = layout.root if layout.root.is_dir() else common_dir
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            yield Finding("writable", "ok", str(folder))
            if try_flock(file.fileno()) is None:
                detail = "this file system has none; lease files stand in"
                yield Finding("flock", "note", detail, "a local disk is faster and safer")
            else:
                yield Finding("flock", "ok", "works")
    except OSError as error:
        hint = "runs can be read here, not recorded; check owner and permissions"
        yield Finding("writable", "problem", f"{folder}: {error.strerror}", hint)
    with suppress(OSError):
        free = shutil.disk_usage(common_dir).free
        if free < 1 << 30:
            yield Finding("disk", "problem", f"{free >> 20} MiB free", "free some space before the next run")


def _check_settings(database: GitDatabase) -> Iterator[Finding]:
    missing = [key for key in ("name", "email") if not database.read_config("user", key)]
    if missing:
        keys = " and ".join(f"user.{key}" for key in missing)
        hint = 'git config --global user.name "…"; the same for user.email'
        yield Finding("settings", "note", f"git's {keys} not set; commits of runs name the login", hint)
    for key in ("GIT_DIR", "GITTRACK_REPO"):
        if value := os.environ.get(key):
            yield Finding("settings", "note", f"{key} is {value!r}")
    for remote, refspec in _read_fetches(database):
        if refspec.lstrip("+").startswith(("refs/*:refs/*", "refs/gittrack/*:refs/gittrack/*")):
            detail = f"fetching {remote!r} with --prune deletes {RUNS_REF}: it mirrors all refs"
            hint = f"git config remote.{remote}.fetch '+refs/heads/*:refs/remotes/{remote}/*'"
            yield Finding("settings", "problem", detail, hint)


def _read_fetches(database: GitDatabase) -> list[tuple[str, str]]:
    """Return remote and refspec of everything that a plain ``git fetch`` brings."""
    found = []
    remote = ""
    with suppress(OSError):
        for line in (database.common_dir / "config").read_text("utf-8", "replace").splitlines():
            text = line.strip()
            if text.startswith("["):
                kind, _, name = text.strip("[]").partition(" ")
                remote = name.strip('"') if kind == "remote" else ""
            elif remote and text.partition("=")[0].strip() == "fetch":
                found.append((remote, text.partition("=")[2].strip()))
    return found


def _check_leftovers(client: Client, layout: Layout) -> Iterator[Finding]:
    running = [run.name for run in client.list_runs() if run.status == RunStatus.RUNNING]
    if running:
        yield Finding(
            "running",
            "ok",
            f"{len(running)}: {', '.join(running[:SHOWN])}{', …' if len(running) > SHOWN else ''}",
        )
    spooled = _files(layout.spool)
    waiting = [path for path in spooled if path.suffix != DAMAGED]
    damaged = [path for path in spooled if path.suffix == DAMAGED]
    if damaged:
        shown = (
            f"{len(damaged)} changes were damaged before they were committed: {', '.join(map(str, damaged))}"
        )
        yield Finding("damaged", "problem", shown, "make them again, remove these files, and check the disk")
    if waiting:
        hint = "the next command that can write commits them"
        yield Finding("unfinished", "note", f"{len(waiting)} changes wait to be committed", hint)
    now = time.time()
    stale = [path for path in _files(layout.temporary) if now - path.stat().st_mtime > STALE_S]
    lock = layout.root.parent / f"{RUNS_REF}.lock"
    if lock.exists():
        stale.append(lock)
    if stale:
        shown = ", ".join(map(str, stale[:3]))
        yield Finding(
            "leftovers", "note", f"{len(stale)} files: {shown}", "remove them when nothing is running"
        )
    else:
        yield Finding("leftovers", "ok", "none")


def _check_site(site: Path) -> Finding:
    index = site / "index.html"
    if not index.is_file():
        return Finding("site", "ok", "none built yet; `gittrack site build` writes it")
    built = time.strftime("%Y-%m-%d %H:%M", time.localtime(index.stat().st_mtime))
    return Finding("site", "ok", f"{index}, built {built}")


def _git_store(client: Client) -> GitStore:
    if not isinstance(client.store, GitStore):
        message = "this store is no Git repository"
        raise StoreError(message)
    return client.store


def _own_packs(store: GitStore) -> list[Path]:
    with suppress(OSError):
        names = store.layout.packs.read_text("utf-8").split()
        folder = store.objects.pack_folder
        packs = [folder / Path(name).with_suffix(".pack").name for name in names]
        return [path for path in packs if path.exists()]
    return []


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith(".")]


def _size(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        with suppress(OSError):
            total += path.stat().st_size
    return total


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
