"""The loopback server."""

from __future__ import annotations

import socket
import struct
import threading
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from gittrack.errors import NotFoundError, StoreError
from gittrack.site.build import build
from gittrack.site.serve import serve
from tests.site.sources import make_source

if TYPE_CHECKING:
    from pathlib import Path


def test_pages_are_asked_for_again_and_assets_are_kept(tmp_path: Path) -> None:
    build(make_source(1), tmp_path)
    script = next(tmp_path.glob("assets/data.*.js")).name
    with serve(tmp_path) as served:
        for path, kind, cache in (
            ("", "text/html", "no-cache"),
            ("data/manifest.js", "text/javascript", "no-cache"),
            (f"assets/{script}", "text/javascript", "max-age=31536000, immutable"),
        ):
            with urllib.request.urlopen(served.url + path) as answer:
                assert answer.headers["Cache-Control"] == cache
                assert answer.headers["Content-Type"].startswith(kind)


def test_folders_are_not_listed_and_nothing_above_is_served(tmp_path: Path) -> None:
    build(make_source(1), tmp_path / "site")
    (tmp_path / "secret.txt").write_text("secret")
    with serve(tmp_path / "site") as served:
        for path in ("runs/", "../secret.txt", "%2e%2e/secret.txt"):
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(served.url + path)
            assert caught.value.code == 404
            caught.value.close()


def test_a_folder_without_a_site_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="hint"), serve(tmp_path):
        pass


def test_a_taken_port_is_a_store_error(tmp_path: Path) -> None:
    build(make_source(1), tmp_path)
    with (
        serve(tmp_path) as served,
        pytest.raises(StoreError, match="port"),
        serve(tmp_path, port=served.port),
    ):
        pass


def test_a_page_that_is_left_before_its_answer_is_no_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    build(make_source(1), tmp_path)
    (tmp_path / "large").write_bytes(bytes(50_000_000))
    with serve(tmp_path) as served:
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            # Closed at once, without a word to the other side.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: here\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
        while any("process_request_thread" in thread.name for thread in threading.enumerate()):
            threading.Event().wait(0.01)
    assert capsys.readouterr().err == ""
