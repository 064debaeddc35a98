"""Refs exchanged by dulwich, where there is no git program."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dulwich.client import (
    BundleClient,
    HTTPUnauthorized,
    LocalGitClient,
    SSHGitClient,
    TraditionalGitClient,
    TransportNotAllowed,
    check_transport_allowed,
    default_urllib3_manager,
    get_transport_and_path,
)
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository, SendPackError
from dulwich.object_format import get_object_format
from dulwich.objects import ObjectID
from dulwich.pack import PackData, UnpackedObject
from dulwich.refs import Ref

from gittrack.errors import RemoteError
from gittrack.store.disk import disk_errors
from gittrack.store.git_bundle import decode_bundle, encode_bundle
from gittrack.store.git_credentials import find_credentials
from gittrack.store.git_neighbour import copy_objects, may_move, open_neighbour, push_to_neighbour, write_pack
from gittrack.store.git_objects import Objects
from gittrack.store.git_offer import Offer
from gittrack.store.git_pack import (
    KIND_NUMBERS,
    PackedObject,
    encode_index,
    encode_pack,
    install_pack,
)
from gittrack.store.git_walk import missing_commits, missing_objects
from gittrack.store.layout import RUNS_REF
from gittrack.store.patience import Heartbeat, wait_for
from gittrack.store.transport import STALL_S, PushOutcome, judge_refusal, remote_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dulwich.client import GitClient
    from dulwich.protocol import Protocol

    from gittrack.store.git_dulwich import DulwichDatabase
    from gittrack.store.transport import Progress, RefUpdate

    Work = Callable[["GitClient", str], "Answer"]

Answer = TypeVar("Answer")

FAILURES = (
    AssertionError, EOFError, GitProtocolError, HangupException, KeyError, NotGitRepository, OSError,
    SendPackError, TransportNotAllowed, TypeError, ValueError,
)  # fmt: skip
"""What dulwich raises when a server is not there, or does not speak as it should."""
PACK_HEADER_BYTES = 12


@dataclass(frozen=True, slots=True)
class Wire:
    """Exchanges refs of one repository by dulwich."""

    database: DulwichDatabase
    may_prompt: bool = False
    """Whether ssh may ask for a password."""
    stall_s: float = STALL_S
    """Give up when nothing was heard for so long."""
    objects: Objects = field(init=False)

    def __post_init__(self) -> None:
        """Read objects through the database."""
        object.__setattr__(self, "objects", Objects(self.database))

    def fetch(self, remote: str, refs: Mapping[str, str], *, progress: Progress | None = None) -> None:
        """Bring refs here to where refs are at a remote; see `Transport.fetch`."""
        del progress  # servers say how much they send only in words
        client, path = self._open(remote, "fetch from")
        found: Mapping[str, str]
        if isinstance(client, LocalGitClient):
            there = open_neighbour(path, self.database.hash_name, remote, "fetch from")
            found = {ref: oid for ref in refs if (oid := there.read_ref(ref))}
            keep = write_pack(self.objects, copy_objects(there, found.values(), self._tips(refs)))
        elif isinstance(client, BundleClient):
            found, keep = self._read_bundle(Path(path))
        else:
            found, keep = self._call("fetch from", remote, lambda one, at: self._receive(one, at, refs))
        for there_ref, here in refs.items():
            self._move(here, found.get(there_ref), f"fetch from {remote}")
        if keep:
            keep.unlink(missing_ok=True)

    def push(
        self, remote: str, updates: Sequence[RefUpdate], *, progress: Progress | None = None
    ) -> PushOutcome:
        """Move refs at a remote; see `Transport.push`."""
        client, path = self._open(remote, "push to")
        if isinstance(client, LocalGitClient):
            there = open_neighbour(path, self.database.hash_name, remote, "push to")
            return push_to_neighbour(self.objects, there, updates)
        if self.database.hash_name != "sha1":
            message = f"cannot push to {remote}: dulwich sends no {self.database.hash_name} objects"
            raise RemoteError(message, hint="install git: it does")
        answer = self._call("push to", remote, lambda one, at: self._send(one, at, updates, progress))
        if isinstance(answer, PushOutcome):
            return answer
        for ref, reason in answer.items():
            if reason is not None and "atomic" not in reason:
                return judge_refusal(remote, ref.decode(errors="replace"), reason)
        # All for one, and none says what its own trouble was: somebody holds a lock there.
        return PushOutcome.OVERTAKEN if any(answer.values()) else PushOutcome.DONE

    def create_bundle(self, path: Path, ref: str) -> None:
        """Write everything that ``ref`` reaches into one file; see `Transport.create_bundle`."""
        tip = self.objects.read_ref(ref)
        pack, _, _ = encode_pack(
            copy_objects(self.objects, [tip] if tip else [], []), self.database.hash_name
        )
        with disk_errors(f"write the bundle {str(path)!r}"):
            path.write_bytes(encode_bundle({ref: tip} if tip else {}, pack, self.database.hash_name))

    def follow(self, remote: str) -> bool:
        """Let the user's own ``git fetch`` bring what a remote has: there is none; see `Transport.follow`."""
        message = f"cannot let `git fetch {remote}` bring runs: there is no git program"
        raise RemoteError(message, hint="install git, or use `gittrack pull`")

    # Servers

    def _open(self, remote: str, action: str, login: tuple[str, str] | None = None) -> tuple[GitClient, str]:
        config = self.database.config_stack()
        location = remote
        for key in (b"pushurl", b"url") if action == "push to" else (b"url",):
            try:
                location = config.get((b"remote", remote.encode()), key).decode()
                break
            except KeyError:
                continue
        options: dict[str, Any] = {"thin_packs": False, "quiet": True}
        if location.startswith(("http://", "https://")):
            # Its own time limit: over HTTP nothing reports what arrives.
            manager = default_urllib3_manager(config, base_url=location, timeout=self.stall_s)
            options["pool_manager"] = _Pool(manager)
            if login:
                options["username"], options["password"] = login
        elif "://" not in location and not Path(location).is_absolute() and ":" not in location:
            location = str((self.database.top or self.database.common_dir) / location)
        try:
            client, path = get_transport_and_path(
                location, config=config, operation="push" if action == "push to" else "pull", **options
            )
            check_transport_allowed(client, config)
        except FAILURES as error:
            raise remote_error(action, remote, str(error)) from error
        if isinstance(client, SSHGitClient) and not client.ssh_command and not self.may_prompt:
            client.ssh_command = "ssh -o BatchMode=yes"
        return client, path

    def _call(self, action: str, remote: str, work: Work[Answer]) -> Answer:
        """Do some work with a server; if it asks who we are, ask the user's helpers, once."""
        client, path = self._open(remote, action)
        try:
            try:
                return self._watch(client, lambda: work(client, path))
            except HTTPUnauthorized as refused:
                login = find_credentials(self.database.config_stack(), refused.url)
                if login is None:
                    raise remote_error(action, remote, "Authentication failed") from refused
                _close(client)
                client, path = self._open(remote, action, login)
                return self._watch(client, lambda: work(client, path))
        except HTTPUnauthorized as refused:
            raise remote_error(action, remote, "Authentication failed") from refused
        except FAILURES as error:
            report = str(error) or type(error).__name__
            if isinstance(error, NotGitRepository):
                report = "fatal: it does not appear to be a git repository"
            elif isinstance(error, HangupException) and error.stderr_lines:
                report = b"\n".join(error.stderr_lines).decode(errors="replace")
            raise remote_error(action, remote, report) from error
        finally:
            _close(client)

    def _watch(self, client: GitClient, work: Callable[[], Answer]) -> Answer:
        """Do some work with a server; give up when nothing is heard of it."""
        if not isinstance(client, TraditionalGitClient):
            return work()  # urllib3 has the time limit
        heard = Heartbeat()
        opened: list[Protocol] = []
        connect = client._connect  # noqa: SLF001  (dulwich leaves connections open that say nothing)

        def remember(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  (dulwich's own)
            answer = connect(*arguments, **options)
            opened.append(answer[0])
            return answer

        def work_and_close() -> Answer:
            try:
                return work()
            finally:
                for connection in opened:
                    with contextlib.suppress(*FAILURES):
                        connection.close()

        client._connect = remember  # type: ignore[method-assign]  # noqa: SLF001
        client._report_activity = heard  # noqa: SLF001  (it is taken only when a client is made)
        return wait_for(work_and_close, heard, self.stall_s)

    def _receive(
        self, client: GitClient, path: str, wanted: Mapping[str, str]
    ) -> tuple[Mapping[str, str], Path | None]:
        pack = BytesIO()

        def choose(refs: Mapping[Ref, ObjectID], depth: int | None = None) -> list[ObjectID]:
            del depth
            found = {oid for ref, oid in refs.items() if ref.decode(errors="replace") in wanted}
            return sorted(oid for oid in found if not self.objects.has(oid.decode()))

        result = client.fetch_pack(
            path,
            choose,
            Offer(self.objects, self._tips(wanted)),
            pack.write,
            ref_prefix=[ref.encode() for ref in wanted],
        )
        there = {ref.decode(errors="replace"): oid for ref, oid in result.refs.items()}
        found = {ref: oid.decode() for ref in wanted if (oid := there.get(ref))}
        return found, self._install_pack(pack.getvalue())

    def _send(
        self, client: GitClient, path: str, updates: Sequence[RefUpdate], progress: Progress | None
    ) -> dict[bytes, str | None] | PushOutcome:
        outcome: list[PushOutcome] = []

        def choose(there: dict[Ref, ObjectID]) -> dict[Ref, ObjectID]:
            for update in updates:
                old = there.get(Ref(update.ref.encode()))
                if not may_move(self.objects, update, old.decode() if old else None):
                    outcome.append(PushOutcome.OVERTAKEN)
                    return {}
            return {Ref(one.ref.encode()): ObjectID(one.new.encode()) for one in updates}

        def generate(
            have: Iterable[bytes], want: Iterable[bytes], **_options: object
        ) -> tuple[int, Iterator[UnpackedObject]]:
            known = [oid.decode() for oid in have]
            commits = missing_commits(
                self.objects, [oid.decode() for oid in want], filter(self.objects.has, known)
            )
            found = list(missing_objects(self.objects, commits))
            return len(found), self._unpack(found, progress)

        result = client.send_pack(
            path.encode(),
            choose,
            generate,
            atomic=len(updates) > 1,
        )
        return outcome[0] if outcome else dict(result.ref_status or {})

    def _unpack(self, found: Sequence[Any], progress: Progress | None) -> Iterator[UnpackedObject]:
        for done, one in enumerate(found, 1):
            data = self.objects.read(one.oid)
            yield UnpackedObject(
                KIND_NUMBERS[one.kind], decomp_len=len(data), sha=bytes.fromhex(one.oid), decomp_chunks=[data]
            )
            if progress is not None:
                progress(done, len(found))

    # Here

    def _read_bundle(self, path: Path) -> tuple[Mapping[str, str], Path | None]:
        try:
            bundle = decode_bundle(path.read_bytes(), self.database.hash_name)
            return bundle.refs, self._install_pack(bundle.pack)
        except FAILURES as error:
            raise remote_error("read", str(path), str(error)) from error

    def _install_pack(self, pack: bytes) -> Path | None:
        """Keep a pack as it came; return its ``.keep``, to be removed once a ref reaches it."""
        if len(pack) <= PACK_HEADER_BYTES:
            return None
        kind = get_object_format(self.database.hash_name)
        with contextlib.closing(PackData.from_file(BytesIO(pack), kind, len(pack))) as file:
            file.check()
            packed = [PackedObject(oid, crc or 0, offset) for oid, offset, crc in file.sorted_entries()]
            checksum = file.get_stored_checksum()
        name = f"pack-{checksum.hex()}"
        with disk_errors("write a pack"):
            install_pack(
                self.objects.pack_folder, pack, encode_index(packed, checksum, self.database.hash_name), name
            )
        return self.objects.pack_folder / f"{name}.keep"

    def _move(self, ref: str, new: str | None, message: str) -> None:
        old = self.objects.read_ref(ref)
        if new is None and old is not None:
            self.database.remove_ref(ref, old)
        elif new is not None and new != old:
            self.objects.swap_ref(ref, old, new, message)

    def _tips(self, refs: Mapping[str, str]) -> list[str]:
        """Return commits here that a remote may have."""
        tips = (self.objects.read_ref(ref) for ref in (*refs.values(), RUNS_REF))
        return list(dict.fromkeys(tip for tip in tips if tip))


class _Pool:
    """Connections of urllib3 that can be closed: dulwich forgets an answer that it does not like."""

    def __init__(self, manager: Any) -> None:  # noqa: ANN401  (urllib3's)
        self._manager = manager
        self._answers: list[Any] = []

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  (urllib3's)
        return getattr(self._manager, name)

    def request(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  (urllib3's)
        """Ask a server."""
        answer = self._manager.request(*arguments, **options)
        self._answers.append(answer)
        return answer

    def close(self) -> None:
        """Close all connections."""
        for answer in self._answers:
            answer.close()
        self._manager.clear()


def _close(client: GitClient) -> None:
    client.close()
    pool = getattr(client, "pool_manager", None)
    if isinstance(pool, _Pool):
        pool.close()
