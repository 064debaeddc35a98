"""Real servers on loopback that keep artifact content: S3, SFTP, WebDAV, Git LFS, Git."""

from __future__ import annotations

import contextlib
import getpass
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.store.remotes.fsspec_remote import FsspecRemote, open_fsspec_remote
from gittrack.store.remotes.git_remote import GitRemote
from gittrack.store.remotes.lfs_remote import open_lfs_remote
from tests.exchanging import connect
from tests.repositories import make_repository
from tests.servers import Server, free_port, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittrack.store.remotes.interface import Remote

KINDS = ("git file", "git http", "git ssh", "folder", "s3", "sftp", "webdav", "lfs")
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
WEBDAV = """
import sys
from cheroot.wsgi import Server
from wsgidav.wsgidav_app import WsgiDAVApp
app = WsgiDAVApp({
    "provider_mapping": {"/": sys.argv[2]}, "simple_dc": {"user_mapping": {"*": True}}, "verbose": 0,
    "logging": {"enable": False},
})
Server(("127.0.0.1", int(sys.argv[1])), app).start()
"""
LFS = """
import sys, warnings
warnings.simplefilter("ignore")
from cheroot.wsgi import Server
from giftless.app import init_app
allow = "giftless.auth.allow_anon:read_write"
app = init_app(additional_config={
    "AUTH_PROVIDERS": [allow],
    "TRANSFER_ADAPTERS": {"basic": {
        "factory": "giftless.transfer.basic_streaming:factory",
        "options": {
            "storage_class": "giftless.storage.local_storage:LocalStorage",
            "storage_options": {"path": sys.argv[2]},
        },
    }},
})
Server(("127.0.0.1", int(sys.argv[1])), app, numthreads=1).start()  # giftless writes in place
"""
S3 = """
import sys
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=int(sys.argv[1]), verbose=False)
server._server_entry()
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A running server, and how to open a remote on it."""

    kind: str
    open: Callable[[Path], Remote]
    """Given an empty folder to work in, return a remote that holds nothing yet."""
    find_file: Callable[[Remote, str], Path | None]
    """Return where the server keeps a part on its own disk, if it is a file of its own there."""

    @property
    def can_list(self) -> bool:
        """Whether it can say what it has."""
        return self.kind != "lfs"


@contextlib.contextmanager
def run_place(kind: str, folder: Path) -> Iterator[Place]:
    """Run what a kind of remote needs."""
    if kind.startswith("git "):
        with serve(kind.removeprefix("git ")) as server:
            yield Place(kind, lambda work: open_git(server, work), lambda _, __: None)
        return
    if kind == "folder":
        yield Place(kind, lambda work: open_fsspec_remote("it", (work / "shared").as_uri(), {}), _in_folder)
        return
    if kind == "sftp":
        with serve("ssh") as server:
            yield Place(kind, lambda work: open_sftp(server, work), _in_folder)
        return
    served = folder / kind
    served.mkdir()
    with run_server(kind, served) as port:
        if kind == "s3":
            with pytest.MonkeyPatch.context() as patch:
                for key, value in KEYS.items():
                    patch.setenv(key, value)
                yield Place(kind, lambda work: open_s3(port, work), lambda _, __: None)
        elif kind == "webdav":
            yield Place(
                kind,
                lambda work: open_webdav(port, served, work),
                lambda remote, name: _in_folder(remote, name, served),
            )
        else:
            url = f"lfs+http://127.0.0.1:{port}"
            yield Place(
                kind,
                lambda work: open_lfs_remote("it", f"{url}/team/{work.name}.git/info/lfs", _git_dir(work)),
                lambda _, name: next(served.rglob(name), None),
            )


@contextlib.contextmanager
def run_server(kind: str, served: Path, *, largest_file: int | None = None) -> Iterator[int]:
    """Run a server of a kind that is a process of its own; yield its port.

    Args:
        kind: ``s3``, ``webdav`` or ``lfs``.
        served: The folder where it keeps what it gets.
        largest_file: It cannot write files of more bytes, as if its disk were full.
    """
    port = free_port()
    limit = () if largest_file is None else ("prlimit", f"--fsize={largest_file}")
    script = {"s3": S3, "webdav": WEBDAV, "lfs": LFS}[kind]
    process = subprocess.Popen(
        [*limit, sys.executable, "-c", script, str(port), str(served)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def open_git(server: Server, work: Path) -> GitRemote:
    """Return the parts in a new repository of a Git server."""
    remote = server.make(f"{work.name}.git")
    store = connect(make_repository(work / "clone"), server.url(remote), server.settings)
    store.layout.temporary.mkdir(parents=True, exist_ok=True)
    return GitRemote("it", "origin", store.program(), store.layout.temporary, store.objects.hash_name)


def open_s3(port: int, work: Path) -> FsspecRemote:
    """Return the parts in a new bucket."""
    options = {"endpoint_url": f"http://127.0.0.1:{port}", "use_listings_cache": False}
    remote = open_fsspec_remote("it", f"s3://{work.name.replace('_', '-').lower()}/models", options)
    remote.file_system.mkdir(work.name.replace("_", "-").lower())
    return remote


def open_sftp(server: Server, work: Path) -> FsspecRemote:
    """Return the parts in a folder behind sshd."""
    folder = work / "served"
    folder.mkdir()
    options: dict[str, Any] = {
        "port": server.port,
        "username": getpass.getuser(),
        "client_keys": [str(server.folder / "client_key")],
        "known_hosts": None,
    }
    return open_fsspec_remote("it", f"sftp://127.0.0.1{folder}", options)


def open_webdav(port: int, served: Path, work: Path) -> FsspecRemote:
    """Return the parts in a folder of a WebDAV server."""
    (served / work.name).mkdir()
    return open_fsspec_remote("it", f"webdav+http://127.0.0.1:{port}/{work.name}", {})


def _in_folder(remote: Remote, name: str, served: Path | None = None) -> Path | None:
    assert isinstance(remote, FsspecRemote)
    top = Path(remote.root) if served is None else served
    return next(top.rglob(name), None)


def _git_dir(work: Path) -> Path:
    return make_repository(work / "clone") / ".git"


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(os.strerror(110))
