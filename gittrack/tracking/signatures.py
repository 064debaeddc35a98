"""Signing and checking signatures by the programs git uses for it: ssh-keygen and gpg."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.errors import NotFoundError, StoreError, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NAMESPACE = "gittrack"
"""An ssh signature is made for one purpose: one of a run is none of a commit."""
FORMS = ("ssh", "openpgp")
HINT_KEY = "say which key: --key PATH_OR_ID, or `git config user.signingKey`"
_TRUSTED = frozenset({"TRUST_MARGINAL", "TRUST_FULLY", "TRUST_ULTIMATE"})


class Trust(Enum):
    """What is known of a signature."""

    GOOD = "good"
    """It fits, and its signer is known."""
    UNKNOWN_SIGNER = "unknown signer"
    """It fits, but nobody says whose key that is."""
    BAD = "bad"
    """It is no signature of this manifest."""
    UNCHECKED = "unchecked"
    """The key or the program that checks it is not here."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a program says of a signature."""

    trust: Trust
    signer: str
    """As the verifier knows them, else as the key is called."""


@dataclass(frozen=True, slots=True)
class Signer:
    """The programs and keys that git's configuration names."""

    git_dir: Path
    """Of the repository whose configuration counts."""

    def choose_form(self, form: str | None = None) -> str:
        """Return ``ssh`` or ``openpgp``: as asked, else as git signs.

        Raises:
            UserError: It is neither.
        """
        chosen = form or self._setting("gpg.format") or ("openpgp" if self._key() else "ssh")
        if chosen not in FORMS:
            message = f"cannot sign by {chosen!r}"
            raise UserError(message, hint="use --format ssh or --format openpgp")
        return chosen

    def sign(self, data: bytes, form: str, key: str | None = None) -> tuple[str, str]:
        """Return an armoured signature of ``data`` and who signed.

        Raises:
            UserError: There is no key.
            StoreError: The program failed, or is not there.
        """
        return self._sign_ssh(data, key) if form == "ssh" else self._sign_gpg(data, key)

    def check(self, data: bytes, form: str, signature: str) -> Opinion:
        """Return what is known of a signature of ``data``."""
        with _written(signature.encode()) as path:
            try:
                return self._check_ssh(data, path) if form == "ssh" else self._check_gpg(data, path)
            except StoreError as error:
                return Opinion(Trust.UNCHECKED, error.message)

    def _sign_ssh(self, data: bytes, key: str | None) -> tuple[str, str]:
        chosen = key or self._key() or _default_ssh_key()
        if chosen is None:
            raise UserError("there is no key to sign with", hint=HINT_KEY)
        literal = chosen.removeprefix("key::")
        is_literal = literal != chosen or re.match(r"(sk-)?(ssh|ecdsa)-\S+ ", chosen) is not None
        with (
            _written(f"{literal}\n".encode()) if is_literal else contextlib.nullcontext(_path(chosen)) as path
        ):
            if not path.exists():
                raise NotFoundError(f"no key at {str(path)!r}", hint=HINT_KEY)
            # A key of the agent is named by its public half.
            agent = ["-U"] if is_literal else []
            done = self._run([self._ssh(), "-Y", "sign", "-n", NAMESPACE, "-f", str(path), *agent], data)
        if done.returncode != 0:
            raise StoreError(f"ssh-keygen could not sign: {_last(done.stderr)}", hint=HINT_KEY)
        return done.stdout.decode(), self._setting("user.email") or "unknown"

    def _sign_gpg(self, data: bytes, key: str | None) -> tuple[str, str]:
        chosen = key or self._key()
        choice = ["--local-user", chosen] if chosen else []
        done = self._run([self._gpg(), "--status-fd=2", "--detach-sign", "--armor", *choice], data)
        created = re.search(rb"\[GNUPG:\] SIG_CREATED .* (\S+)", done.stderr)
        if done.returncode != 0 or created is None:
            raise StoreError(f"gpg could not sign: {_last(done.stderr)}", hint=HINT_KEY)
        return done.stdout.decode(), self._setting("user.email") or created[1].decode()

    def _check_ssh(self, data: bytes, signature: Path) -> Opinion:
        base = [self._ssh(), "-Y"]
        sealed = ["-n", NAMESPACE, "-s", str(signature)]
        novalidate = self._run([*base, "check-novalidate", *sealed], data)
        if novalidate.returncode != 0:
            return Opinion(Trust.BAD, "unknown")
        key = re.search(r"with (.+)", novalidate.stdout.decode(errors="replace"))
        known = self._setting("gpg.ssh.allowedSignersFile")
        if known is not None and _path(known).is_file():
            allowed = ["-f", str(_path(known))]
            found = self._run([*base, "find-principals", *allowed, "-s", str(signature)], b"")
            for principal in found.stdout.decode(errors="replace").split("\n")[0].split(","):
                if (
                    principal
                    and self._run([*base, "verify", *allowed, "-I", principal, *sealed], data).returncode == 0
                ):
                    return Opinion(Trust.GOOD, principal)
        return Opinion(Trust.UNKNOWN_SIGNER, key[1].strip() if key else "unknown")

    def _check_gpg(self, data: bytes, signature: Path) -> Opinion:
        done = self._run([self._gpg(), "--status-fd=1", "--verify", str(signature), "-"], data)
        status = {
            words[1]: words[2:]
            for line in done.stdout.decode(errors="replace").splitlines()
            if len(words := line.split()) > 1 and words[0] == "[GNUPG:]"
        }
        if "BADSIG" in status:
            return Opinion(Trust.BAD, " ".join(status["BADSIG"][1:]))
        if "GOODSIG" in status and "VALIDSIG" in status:
            trust = Trust.GOOD if _TRUSTED & status.keys() else Trust.UNKNOWN_SIGNER
            return Opinion(trust, " ".join(status["GOODSIG"][1:]))
        if "NO_PUBKEY" in status:
            return Opinion(Trust.UNCHECKED, f"key {status['NO_PUBKEY'][0]} is not in your keyring")
        kind = next((word for word in ("EXPKEYSIG", "REVKEYSIG", "EXPSIG") if word in status), None)
        return Opinion(Trust.BAD, f"{kind}: {' '.join(status[kind][1:])}" if kind else "unknown")

    def _setting(self, name: str) -> str | None:
        command = ["git", f"--git-dir={self.git_dir}", "config", "--get", name]
        return self._run(command, b"").stdout.decode(errors="replace").strip() or None

    def _key(self) -> str | None:
        return self._setting("user.signingkey")

    def _ssh(self) -> str:
        return self._setting("gpg.ssh.program") or "ssh-keygen"

    def _gpg(self) -> str:
        return self._setting("gpg.openpgp.program") or self._setting("gpg.program") or "gpg"

    def _run(self, command: Sequence[str], data: bytes) -> subprocess.CompletedProcess[bytes]:
        try:
            environment = {**os.environ, "LC_ALL": "C"}
            return subprocess.run(command, input=data, capture_output=True, check=False, env=environment)
        except OSError as error:
            message = f"{command[0]} cannot be started: {error.strerror}"
            raise StoreError(message, hint="install OpenSSH 8.2 or newer, or GnuPG") from error


@contextlib.contextmanager
def _written(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        path.chmod(0o600)
        yield path


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _default_ssh_key() -> str | None:
    """Return the first of the user's keys that ssh itself would try."""
    folder = Path("~/.ssh").expanduser()
    for name in ("id_ed25519", "id_ecdsa", "id_rsa"):
        if (folder / name).is_file():
            return str(folder / name)
    return None


def _last(report: bytes) -> str:
    lines = [line for line in report.decode(errors="replace").splitlines() if line and "[GNUPG:]" not in line]
    return lines[-1].strip() if lines else "it gave no reason"
