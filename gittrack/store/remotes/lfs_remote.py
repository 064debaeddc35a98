"""Parts as objects of a Git LFS server, by its batch API and the basic transfer.

Source: https://github.com/git-lfs/git-lfs/tree/main/docs/api, "batch.md" and "basic-transfers.md".
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gittrack.errors import ArtifactNotFoundError, RemoteError
from gittrack.store.remotes.interface import map_few
from gittrack.store.remotes.trying import TRANSIENT, persist

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gittrack.store.remotes.interface import Part, PartRange, StoredPart

PART_BYTES = 32 << 20
BATCH_BYTES = 256 << 20
BATCH_OBJECTS = 100
"""Servers take no more in one request."""
WORKERS = 4
TIMEOUT_S = 60.0
MEDIA_TYPE = "application/vnd.git-lfs+json"
NOT_FOUND = 404
UNAUTHORIZED = 401


@dataclass(slots=True)
class LfsRemote:
    """The objects of one LFS server."""

    name: str
    url: str
    """Of the server, without ``/objects/batch``."""
    git_dir: Path
    """Whose configuration knows the user's credentials."""
    part_bytes: int = PART_BYTES
    batch_bytes: int = BATCH_BYTES
    timeout_s: float = TIMEOUT_S
    _authorization: str | None = None

    def find(self, sizes: Mapping[str, int]) -> set[str]:
        """Return which objects the server offers for download."""
        return {
            one["oid"] for one in self._batch("download", sizes) if "download" in (one.get("actions") or {})
        }

    def put(self, parts: Iterable[Part], progress: Callable[[int], None]) -> None:
        """Upload what the server does not have yet."""
        with ThreadPoolExecutor(WORKERS) as pool:
            for size in map_few(pool, self._upload, parts, ahead=WORKERS):
                progress(size)

    def read(self, wanted: Sequence[PartRange]) -> Iterator[bytes]:
        """Download ranges, a few ahead."""
        sizes = {one.part: one.part_size for one in wanted}
        actions = {one["oid"]: one for one in self._batch("download", sizes)}
        with ThreadPoolExecutor(WORKERS) as pool:
            yield from map_few(
                pool, lambda one: self._download(one, actions.get(one.part, {})), wanted, ahead=WORKERS
            )

    def list_parts(self) -> Iterator[StoredPart]:
        """Refuse: the protocol has no way to ask."""
        message = f"the LFS server {self.name!r} cannot say what it has"
        raise RemoteError(message, hint="remove what it no longer needs by its host's own means")

    def remove(self, names: Collection[str]) -> None:
        """Refuse: the protocol has no way to ask for it."""
        del names
        message = f"the LFS server {self.name!r} removes nothing"
        raise RemoteError(message, hint="remove what it no longer needs by its host's own means")

    def _upload(self, part: Part) -> int:
        answer = self._batch("upload", {part.name: part.size})[0]
        self._check(answer, part.name)
        actions = answer.get("actions") or {}
        if upload := actions.get("upload"):
            headers = {"Content-Type": "application/octet-stream", **(upload.get("header") or {})}
            self._ask("PUT", upload["href"], headers, part.data)
        if verify := actions.get("verify"):
            headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE, **(verify.get("header") or {})}
            self._ask(
                "POST", verify["href"], headers, json.dumps({"oid": part.name, "size": part.size}).encode()
            )
        return part.size

    def _download(self, one: PartRange, answer: Mapping[str, Any]) -> bytes:
        self._check(answer, one.part)
        action = (answer.get("actions") or {}).get("download")
        if action is None:
            raise self._missing(one.part)
        headers = dict(action.get("header") or {})
        if one.size < one.part_size:
            headers["Range"] = f"bytes={one.offset}-{one.offset + one.size - 1}"
        data, is_range = self._ask("GET", action["href"], headers)
        return data if is_range else data[one.offset : one.offset + one.size]

    def _batch(self, operation: str, sizes: Mapping[str, int]) -> list[dict[str, Any]]:
        """Return what the server says of each object."""
        answers: list[dict[str, Any]] = []
        names = list(sizes)
        for start in range(0, len(names), BATCH_OBJECTS):
            objects = [{"oid": name, "size": sizes[name]} for name in names[start : start + BATCH_OBJECTS]]
            request = {
                "operation": operation,
                "transfers": ["basic"],
                "objects": objects,
                "hash_algo": "sha256",
            }
            headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
            body = json.dumps(request).encode()
            try:
                data, _ = self._ask("POST", f"{self.url}/objects/batch", headers, body, is_ours=True)
            except ArtifactNotFoundError:
                if operation != "download":
                    raise
                continue  # so some servers say that they have none of the objects
            try:
                answers += json.loads(data)["objects"]
            except (ValueError, KeyError, TypeError) as error:
                message = f"{self.url} does not answer as an LFS server does"
                raise RemoteError(message, hint="the URL ends in …/info/lfs at most hosts") from error
        return answers

    def _check(self, answer: Mapping[str, Any], name: str) -> None:
        error = answer.get("error")
        if error and error.get("code") == NOT_FOUND:
            raise self._missing(name)
        if error:
            message = f"the LFS server {self.name!r} refuses part {name[:12]}: {error.get('message')}"
            raise RemoteError(message, hint="check your rights and quota there")

    def _missing(self, name: str) -> ArtifactNotFoundError:
        message = f"part {name[:12]} is not at the remote {self.name!r}"
        return ArtifactNotFoundError(message, hint="whoever logged it can push it again")

    def _ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        is_ours: bool = False,
    ) -> tuple[bytes, bool]:
        """Return the answer to a request, and whether it is a range; log in if the server asks for it."""
        ask = partial(self._open, method, url, headers, body, is_ours=is_ours)
        with self._errors():
            try:
                return persist(ask, _may_pass)
            except urllib.error.HTTPError as error:
                if error.code != UNAUTHORIZED or not is_ours or self._authorization is not None:
                    raise
            self._authorization = self._log_in()
            return persist(ask, _may_pass)

    def _open(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, is_ours: bool
    ) -> tuple[bytes, bool]:
        known = {"User-Agent": "gittrack", **headers}
        if is_ours and self._authorization is not None:
            known["Authorization"] = self._authorization
        if urlsplit(url).scheme not in {"http", "https"}:
            message = f"the LFS server {self.name!r} points at {url!r}, which is no web address"
            raise RemoteError(message, hint="its configuration is wrong")
        request = urllib.request.Request(url, data=body, headers=known, method=method)  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=self.timeout_s) as answer:  # noqa: S310
                return answer.read(), answer.status == http.client.PARTIAL_CONTENT
        except urllib.error.HTTPError as error:
            error.close()
            raise

    def _log_in(self) -> str:
        """Return what git's own credential helpers say."""
        parts = urlsplit(self.url)
        host, path = parts.netloc.rpartition("@")[2], parts.path.lstrip("/")
        about = f"protocol={parts.scheme}\nhost={host}\npath={path}\n\n"
        done = subprocess.run(
            ["git", f"--git-dir={self.git_dir}", "credential", "fill"],
            input=about,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "LC_ALL": "C"},
        )
        found = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
        if not found.get("username") or "password" not in found:
            message = f"the LFS server {self.name!r} asks for a password, and git knows none for it"
            raise RemoteError(
                message, hint="store one with git's credential helper: see `git help credential`"
            )
        login = base64.b64encode(f"{found['username']}:{found['password']}".encode()).decode()
        return f"Basic {login}"

    @contextmanager
    def _errors(self) -> Iterator[None]:
        hint = "try again when it can be reached; what was logged is safe here"
        try:
            yield
        except urllib.error.HTTPError as error:
            if error.code == NOT_FOUND:
                message = f"the LFS server {self.name!r} has nothing at {error.url}"
                hint = "check the URL; whoever logged it can push it again"
                raise ArtifactNotFoundError(message, hint=hint) from error
            message = f"the LFS server {self.name!r} answers {error.code} {error.reason}"
            forbidden = error.code in {UNAUTHORIZED, http.client.FORBIDDEN}
            raise RemoteError(message, hint="check your rights there" if forbidden else hint) from error
        except (OSError, http.client.HTTPException) as error:
            message = f"cannot reach the LFS server {self.name!r}: {getattr(error, 'reason', None) or error}"
            raise RemoteError(message, hint=hint) from error


def _may_pass(error: Exception) -> bool:
    if isinstance(error, urllib.error.HTTPError):
        return error.code in TRANSIENT
    return isinstance(error, (OSError, http.client.HTTPException))


def open_lfs_remote(name: str, url: str, git_dir: Path) -> LfsRemote:
    """Return the objects of an LFS server, whose URL begins with ``lfs+``."""
    return LfsRemote(name, url.removeprefix("lfs+").rstrip("/"), git_dir)
