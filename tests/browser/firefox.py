"""Firefox without a driver: its own remote protocol, Marionette, which is length-prefixed JSON."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

START_S = 60.0
SYSTEM_ACCESS = "-remote-allow-system-access"
"""Without it newer ones do not let anybody read their console."""
PREFERENCES = """
user_pref("marionette.port", 0);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("app.update.enabled", false);
user_pref("network.captive-portal-service.enabled", false);
user_pref("network.connectivity-service.enabled", false);
"""
# What pages complained of: script errors and what the policy refused, of this site only.
COMPLAINTS = """
  const found = [];
  for (const message of Services.console.getMessageArray()) {
    const isError = message instanceof Ci.nsIScriptError && message.sourceName.includes(arguments[0]);
    const refused = /Content-Security-Policy/.test(message.message) && message.message.includes(arguments[0]);
    if (isError || refused) {
      found.push(message.message);
    }
  }
  Services.console.reset();
  return found;
"""


def find_firefox() -> str | None:
    """Return the path of Firefox, None where there is none."""
    return os.environ.get("FIREFOX") or shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One window of a running Firefox."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._number = 0
        self._read()
        self.send("WebDriver:NewSession", strictFileInteractability=True)

    def send(self, command: str, **parameters: Any) -> Any:
        """Return what Firefox answers to a command; raise if it says that it failed."""
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._connection.sendall(b"%d:%s" % (len(message), message))
        _, number, error, result = self._read()
        assert number == self._number
        assert error is None, error
        return result

    def open(self, url: str) -> None:
        self.send("WebDriver:Navigate", url=url)

    def evaluate(self, script: str, *arguments: object) -> Any:
        """Return what the body of a function returns in the page."""
        return self.send("WebDriver:ExecuteScript", script=script, args=list(arguments))["value"]

    def wait(self, script: str, *arguments: object, timeout_s: float = 30.0) -> None:
        """Wait until the body of a function returns something true."""
        deadline = time.monotonic() + timeout_s
        while not self.evaluate(script, *arguments):
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.05)

    def complaints(self, place: str) -> list[str]:
        """Return what the console says of files below ``place``, and empty it."""
        self.send("Marionette:SetContext", value="chrome")
        try:
            return list(self.evaluate(COMPLAINTS, place))
        finally:
            self.send("Marionette:SetContext", value="content")

    def _read(self) -> Any:
        digits = b""
        while (digit := self._stream.read(1)) != b":":
            assert digit, "Firefox closed the connection"
            digits += digit
        return json.loads(self._stream.read(int(digits)))


@contextmanager
def open_firefox(program: str) -> Iterator[Firefox]:
    """Run Firefox with an empty profile and no window for the time of a ``with`` block."""
    with tempfile.TemporaryDirectory(prefix="firefox-") as profile:
        (Path(profile) / "user.js").write_text(PREFERENCES, "utf-8")
        process = subprocess.Popen(
            [program, "--headless", "--marionette", "--no-remote", SYSTEM_ACCESS, "--profile", profile],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": profile, "MOZ_HEADLESS_WIDTH": "1440", "MOZ_HEADLESS_HEIGHT": "900"},
        )
        try:
            with socket.create_connection(("127.0.0.1", _find_port(Path(profile))), timeout=60) as connection:
                firefox = Firefox(connection)
                yield firefox
                firefox._stream.close()
        finally:
            process.terminate()
            process.wait(30)


def _find_port(profile: Path) -> int:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        try:
            return int((profile / "MarionetteActivePort").read_text("ascii"))
        except (FileNotFoundError, ValueError):
            time.sleep(0.1)
    message = "Firefox did not start"
    raise AssertionError(message)
