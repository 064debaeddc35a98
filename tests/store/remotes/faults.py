"""A proxy on loopback that lets requests fail in the ways in which servers do."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


@dataclass(slots=True)
class Faults:
    """What goes wrong, as long as it is set; a test changes it at will."""

    port: int
    """Where the proxy listens."""
    methods: frozenset[str] = frozenset({"GET", "PUT"})
    """What fails: reading and writing content, unless a test says otherwise."""
    status: int | None = None
    """Answer with this status instead of asking the server."""
    cut: int | None = None
    """Break off after so many bytes of an answer, or of what is sent."""
    silent: bool = False
    """Take the request, and never answer."""
    left: int | None = None
    """So many requests fail, then all is well; None: all of them."""
    failed: int = 0
    """Requests that did."""
    closing: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def strikes(self, method: str) -> bool:
        """Whether this request fails."""
        with self._lock:
            is_set = self.status is not None or self.cut is not None or self.silent
            if not is_set or method not in self.methods or self.left == 0:
                return False
            self.left = None if self.left is None else self.left - 1
            self.failed += 1
            return True


@contextlib.contextmanager
def proxy(upstream: int) -> Iterator[Faults]:
    """Run a proxy before the server at a port of loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    faults = Faults(server.server_address[1])
    server.faults, server.upstream = faults, upstream  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield faults
    finally:
        faults.closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_one_request(self) -> None:
        """Answer one request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        faults: Faults = self.server.faults  # type: ignore[attr-defined]
        strikes = faults.strikes(self.command)
        size = int(self.headers.get("Content-Length") or 0)
        if strikes and faults.cut is not None and self.command == "PUT":
            self.rfile.read(min(faults.cut, size))
            self._hang_up()
            return
        body = self._read_chunks() if self.headers.get("Transfer-Encoding") else self.rfile.read(size)
        if strikes and faults.silent:
            faults.closing.wait(60)
            self._hang_up()
        elif strikes and faults.status is not None:
            self._answer(faults.status, {}, b"so it is")
        else:
            self._pass_on(body, faults.cut if strikes else None)

    def _read_chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _pass_on(self, body: bytes, cut: int | None) -> None:
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)  # type: ignore[attr-defined]
        with contextlib.closing(upstream):
            headers = {key: value for key, value in self.headers.items() if key.lower() not in HOP_BY_HOP}
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
            self._answer(answer.status, dict(answer.getheaders()), answer.read(), cut)

    def _answer(self, status: int, headers: dict[str, str], data: bytes, cut: int | None = None) -> None:
        self.send_response_only(status)
        for key, value in headers.items():
            if key.lower() not in HOP_BY_HOP:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data if cut is None else data[:cut])
        self.wfile.flush()
        if cut is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)
