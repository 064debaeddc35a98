"""A static web server on loopback, for looking at a built site."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.errors import NotFoundError, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NAMED_BY_CONTENT = ("/assets/", "/data/")


@dataclass(frozen=True, slots=True)
class Served:
    """A site while it is served."""

    url: str
    port: int


class SiteHandler(SimpleHTTPRequestHandler):
    """Files of one folder, without listings and without logging."""

    extensions_map = {  # noqa: RUF012 - the base class reads it, nobody changes it
        **SimpleHTTPRequestHandler.extensions_map,
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".html": "text/html; charset=utf-8",
        ".txt": "text/plain; charset=utf-8",
        ".json": "application/json",
        ".svg": "image/svg+xml",
        ".webp": "image/webp",
    }
    protocol_version = "HTTP/1.1"
    # Head and body go out together: a page is dozens of small files.
    wbufsize = -1

    def end_headers(self) -> None:
        """Let browsers keep what is named by its content, and ask again for all else."""
        path = self.path.partition("?")[0]
        lasting = path.startswith(_NAMED_BY_CONTENT) and not path.endswith("/manifest.js")
        self.send_header("Cache-Control", "max-age=31536000, immutable" if lasting else "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def list_directory(self, path: object) -> None:
        """Refuse to list a folder."""
        del path
        self.send_error(404, "File not found")

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class SiteServer(ThreadingHTTPServer):
    """Answers each request in a thread that ends with the program."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a page that was left or loaded anew before it had its answer."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextmanager
def serve(folder: Path, *, port: int = 0, host: str = "127.0.0.1") -> Iterator[Served]:
    """Serve a built site until the context ends; port 0 takes any free one.

    Raises:
        NotFoundError: There is no site in the folder.
        StoreError: The port is taken or not allowed.
    """
    if not (folder / "index.html").is_file():
        message = f"no site in {str(folder)!r}"
        raise NotFoundError(message, hint="build it first: `gittrack site build`")
    try:
        server = SiteServer((host, port), partial(SiteHandler, directory=str(folder)))
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}"
        raise StoreError(message, hint="choose another port, or 0 for any free one") from error
    bound = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, name="gittrack-site", daemon=True)
    thread.start()
    try:
        shown = f"[{host}]" if ":" in host else host
        yield Served(url=f"http://{shown}:{bound}/", port=bound)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
