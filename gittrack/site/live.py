"""A built site on loopback that tells its pages of changes and lets its owner make some.

Only whoever has the token gets in: it comes once in the address and stays in a cookie. What changes
something must come from a page of this very server, so that no other page of the browser can ask for it.
"""

from __future__ import annotations

import hmac
import json
import queue
import threading
from contextlib import contextmanager
from functools import partial
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from gittrack.errors import GittrackError, StoreError
from gittrack.site.serve import Served, SiteHandler, SiteServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

EVENTS, ACTIONS = "/~events", "/~actions"
_HEARTBEAT_S = 15.0
_MAX_BODY = 256 * 1024


class LiveSite:
    """What the requests of one served site share."""

    def __init__(self, token: str, act: Callable[[Mapping[str, Any]], None]) -> None:
        """Let in who has ``token``; ``act`` does what a page asks for."""
        self.token = token
        self.act = act
        self.origins: frozenset[str] = frozenset()
        self.builds = 0
        """How often the site was built again."""
        self._listeners: set[queue.SimpleQueue[str]] = set()
        self._lock = threading.Lock()

    def announce(self) -> None:
        """Tell every open page that the site was built again."""
        with self._lock:
            self.builds += 1
            for listener in self._listeners:
                listener.put("changed")

    @contextmanager
    def listening(self, since: str | None = None) -> Iterator[queue.SimpleQueue[str]]:
        """Return what is announced while the block runs, and at once if there was a build after ``since``."""
        listener: queue.SimpleQueue[str] = queue.SimpleQueue()
        with self._lock:
            self._listeners.add(listener)
            if since is not None and since != str(self.builds):
                listener.put("changed")
        try:
            yield listener
        finally:
            with self._lock:
                self._listeners.discard(listener)


class _LiveHandler(SiteHandler):
    """Files, a stream of events and actions, for who has the token."""

    def __init__(self, *args: Any, live: LiveSite, **options: Any) -> None:  # noqa: ANN401 - the base class's
        self._live = live
        self._build = 0
        super().__init__(*args, **options)

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        """Answer with a file or the stream of events."""
        self._build = self._live.builds
        if not self._admit():
            return
        if urlsplit(self.path).path == EVENTS:
            self._stream()
        else:
            # An answer out of a cache would not say of which build it is.
            del self.headers["If-Modified-Since"]
            super().do_GET()

    def end_headers(self) -> None:
        """Say of which build the answer is: what came after it, before the page listens, is told then."""
        self.send_header("Server-Timing", f'build;desc="{self._build}"')
        super().end_headers()

    def do_HEAD(self) -> None:  # noqa: N802
        """Answer with the head of a file."""
        if self._admit():
            super().do_HEAD()

    def do_POST(self) -> None:  # noqa: N802
        """Do what a page asks for."""
        if not self._admit():
            return
        if urlsplit(self.path).path != ACTIONS or self.headers.get("Origin") not in self._live.origins:
            self._answer(403, {"error": "only a page of this server may do that"})
            return
        size = int(self.headers.get("Content-Length") or 0)
        if size > _MAX_BODY:
            self._answer(413, {"error": "that is too much at once"})
            return
        action = _read_action(self.rfile.read(size))
        if action is None:
            self._answer(400, {"error": "no action could be read"})
            return
        try:
            self._live.act(action)
        except GittrackError as error:
            self._answer(400, {"error": error.message, "hint": error.hint})
        else:
            self._answer(200, {})

    def _admit(self) -> bool:
        """Return whether the request may go on; else it is answered."""
        hosts = {origin.partition("//")[2] for origin in self._live.origins}
        if self.headers.get("Host") not in hosts:
            self._answer(403, {"error": "unknown host"})
            return False
        parts = urlsplit(self.path)
        given = dict(parse_qsl(parts.query)).get("token")
        cookie = f"gittrack_{self.server.server_port}"  # type: ignore[attr-defined]
        if given is not None and hmac.compare_digest(given.encode(), self._live.token.encode()):
            self.send_response(303)
            self.send_header("Location", parts.path)
            self.send_header("Set-Cookie", f"{cookie}={self._live.token}; Path=/; HttpOnly; SameSite=Strict")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return False
        if hmac.compare_digest(self._read_cookie(cookie).encode(), self._live.token.encode()):
            return True
        self._answer(403, {"error": "open the address that `gittrack ui` printed"})
        return False

    def _read_cookie(self, name: str) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(name)
        except CookieError:
            return ""
        return found.value if found else ""

    def _stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        since = dict(parse_qsl(urlsplit(self.path).query)).get("since")
        with self._live.listening(since) as listener:
            try:
                self.wfile.write(b"retry: 1000\n\n")
                while True:
                    self.wfile.flush()
                    try:
                        event = listener.get(timeout=_HEARTBEAT_S)
                    except queue.Empty:
                        self.wfile.write(b": still here\n\n")
                    else:
                        self.wfile.write(b"data: %s\n\n" % event.encode())
            except OSError:
                # The page was closed.
                return

    def _answer(self, status: int, body: Mapping[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        self.wfile.flush()


def _read_action(body: bytes) -> dict[str, Any] | None:
    try:
        action = json.loads(body)
    except ValueError:
        return None
    return action if isinstance(action, dict) else None


@contextmanager
def serve_live(folder: Path, live: LiveSite, *, port: int = 0) -> Iterator[Served]:
    """Serve a built site on loopback until the context ends; the address has the token.

    Raises:
        StoreError: The port is taken or not allowed.
    """
    try:
        server = SiteServer(("127.0.0.1", port), partial(_LiveHandler, live=live, directory=str(folder)))
    except OSError as error:
        message = f"cannot listen on 127.0.0.1:{port}: {error.strerror}"
        raise StoreError(message, hint="choose another port, or 0 for any free one") from error
    bound = server.server_address[1]
    live.origins = frozenset({f"http://127.0.0.1:{bound}", f"http://localhost:{bound}"})
    thread = threading.Thread(target=server.serve_forever, name="gittrack-ui", daemon=True)
    thread.start()
    try:
        yield Served(url=f"http://127.0.0.1:{bound}/?token={live.token}", port=bound)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
