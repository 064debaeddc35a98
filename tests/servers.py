"""Real Git servers on loopback: git daemon, http-backend behind Apache, sshd; and a line that can be cut."""

from __future__ import annotations

import base64
import contextlib
import getpass
import hashlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = ("file", "daemon", "http", "ssh")
USER, PASSWORD = "alice", "correct horse"
WEB_USER = "www-data"
APACHE_MODULES = Path("/usr/lib/apache2/modules")
MODULES = """
mpm_prefork authn_core authn_file auth_basic authz_core authz_user alias cgi env setenvif log_config unixd
"""
APACHE = """
ServerName localhost
Listen 127.0.0.1:{port}
{modules}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
LogFormat "%{{begin:usec}}t %r %>s" plain
CustomLog {folder}/access.log plain
{user}
SetEnv GIT_PROJECT_ROOT {served}
SetEnv GIT_HTTP_EXPORT_ALL 1
SetEnv GIT_CONFIG_NOSYSTEM 1
SetEnv GIT_CONFIG_GLOBAL /dev/null
SetEnvIf Git-Protocol "^version=[0-9]$" GIT_PROTOCOL=$0
ScriptAlias / {backend}/
<Location />
    AuthType Basic
    AuthName "git"
    AuthUserFile {folder}/passwords
    Require valid-user
</Location>
"""
SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin yes
AcceptEnv GIT_PROTOCOL
Subsystem sftp internal-sftp
SetEnv GIT_CONFIG_GLOBAL=/dev/null
"""


@dataclass(slots=True)
class Server:
    """One running server; repositories in `served` can be reached through it."""

    kind: str
    port: int
    served: Path
    folder: Path
    """What the server needs of its own."""
    settings: dict[str, str] = field(default_factory=dict)
    """Git configuration that a clone needs to get in."""

    def make(self, name: str) -> Path:
        """Make a bare repository that can be reached."""
        repository = make_repository(self.served / name, "bare")
        git(repository, "config", "http.receivepack", "true")
        self.hand_over(repository)
        return repository

    def hand_over(self, path: Path) -> None:
        """Let the server write what a test made."""
        if self.kind == "http" and os.geteuid() == 0:
            subprocess.run(["chown", "-R", WEB_USER, path], check=True)

    def url(self, repository: Path, port: int | None = None) -> str:
        """Return how to reach a repository, if need be through another port."""
        name = repository.name
        at = f"127.0.0.1:{port or self.port}"
        return {
            "file": repository.as_uri(),
            "daemon": f"git://{at}/{name}",
            "http": f"http://{at}/{name}",
            "ssh": f"ssh://{getpass.getuser()}@{at}{repository}",
        }[self.kind]

    def requests(self, since_s: float) -> list[str]:
        """Return what was asked of the web server since a time, in the order in which it was asked."""
        lines = (self.folder / "access.log").read_text("utf-8").splitlines()
        timed = sorted((int(line.split()[0]), line.partition(" ")[2]) for line in lines)
        return [line for time_us, line in timed if time_us >= since_s * 1e6]


@contextlib.contextmanager
def serve(kind: str, *, largest_file: int | None = None) -> Iterator[Server]:
    """Run a server of one of `KINDS`.

    Args:
        kind: Which.
        largest_file: The server cannot write files of more bytes, as if its disk were full.
    """
    # Not in pytest's own folder: the web server is another user, who may not look into it.
    with tempfile.TemporaryDirectory(prefix="gittrack-server-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        served = folder / "repositories"
        served.mkdir()
        server = Server(kind, free_port(), served, folder)
        command = {"file": lambda _: [], "daemon": _daemon, "http": _apache, "ssh": _sshd}[kind](server)
        if not command:
            yield server
            return

        if largest_file is not None:
            command = ["prlimit", f"--fsize={largest_file}", *command]
        with (folder / "output").open("wb") as output:
            # A session of its own: Apache ends its whole process group.
            process = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
        try:
            _wait_until_open(server.port, process, folder)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _daemon(server: Server) -> list[str]:
    return [
        "git", "daemon", "--reuseaddr", "--listen=127.0.0.1", f"--port={server.port}", "--export-all",
        f"--base-path={server.served}", "--enable=receive-pack", str(server.served),
    ]  # fmt: skip


def _apache(server: Server) -> list[str]:
    digest = base64.b64encode(hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()).decode()
    (server.folder / "passwords").write_text(f"{USER}:{{SHA}}{digest}\n", "utf-8")
    modules = [
        f"<IfModule !mod_{name}.c>\nLoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n</IfModule>"
        for name in MODULES.split()
    ]
    is_root = os.geteuid() == 0
    text = APACHE.format(
        port=server.port,
        folder=server.folder,
        served=server.served,
        backend=Path(git(server.folder, "--exec-path").strip()) / "git-http-backend",
        modules="\n".join(modules),
        user=f"User {WEB_USER}\nGroup {WEB_USER}" if is_root else "",
    )
    (server.folder / "apache.conf").write_text(text, "utf-8")
    if is_root:
        os.chown(server.served, pwd.getpwnam(WEB_USER).pw_uid, -1)
    helper = server.folder / "helper"
    helper.write_text(
        f'#!/bin/sh\n[ "$1" = get ] && printf "username={USER}\\npassword={PASSWORD}\\n"\n', "utf-8"
    )
    helper.chmod(0o755)
    server.settings["credential.helper"] = str(helper)
    return [_program("apache2"), "-DFOREGROUND", "-f", str(server.folder / "apache.conf")]


def _sshd(server: Server) -> list[str]:
    for name in ("host_key", "client_key"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(server.folder / name)]
        subprocess.run(command, check=True)
    (server.folder / "sshd.conf").write_text(SSHD.format(port=server.port, folder=server.folder), "utf-8")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True, mode=0o755)
    server.settings["core.sshCommand"] = (
        f"ssh -F none -i {server.folder / 'client_key'} -o BatchMode=yes -o StrictHostKeyChecking=no "
        "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
    )
    return [_program("sshd"), "-D", "-e", "-f", str(server.folder / "sshd.conf")]


def _program(name: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])
    found = shutil.which(name, path=path)
    assert found, f"{name} is missing: `python3 tests/run.py` installs it"
    return found


def free_port() -> int:
    """Return a port that nobody uses at the moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _wait_until_open(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    raise AssertionError((folder / "output").read_text("utf-8"))


class Line:
    """A connection to a server that stops carrying anything after so many bytes of the client's."""

    def __init__(self, port: int, *, after: int | None = None, hangs_up: bool = True) -> None:
        """Forward to ``port``; then hang up, or fall silent. Without ``after`` it carries all and counts."""
        self.target, self.after, self.hangs_up = port, after, hangs_up
        self.carried = 0
        """Bytes that clients sent."""
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Let everybody go."""
        self._stop.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
                self._start(server, client, None, is_client=False)
                self._start(client, server, self.after, is_client=True)

    def _start(
        self, source: socket.socket, target: socket.socket, left: int | None, *, is_client: bool
    ) -> None:
        options = {"is_client": is_client}
        threading.Thread(target=self._carry, args=(source, target, left), kwargs=options, daemon=True).start()

    def _carry(
        self, source: socket.socket, target: socket.socket, left: int | None, *, is_client: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                self.carried += len(data) if is_client else 0
                if left is not None and len(data) > left:
                    target.sendall(data[:left])
                    if not self.hangs_up:
                        self._stop.wait(60)
                    break
                left = None if left is None else left - len(data)
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
