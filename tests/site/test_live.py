"""The live site lets in its owner only, and does what pages of its own ask for."""

from __future__ import annotations

import http.client
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.errors import InvalidValueError
from gittrack.site.actions import act
from gittrack.site.build import build
from gittrack.site.live import LiveSite, serve_live
from gittrack.site.options import SiteOptions
from tests.site.sources import make_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

TOKEN = "the-secret"


class Asked:
    """Remembers what pages asked for."""

    def __init__(self) -> None:
        self.actions: list[Mapping[str, Any]] = []
        self.calls: list[tuple[object, ...]] = []

    def __call__(self, action: Mapping[str, Any]) -> None:
        self.actions.append(action)
        act(self, action)

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        del status
        self.calls.append(("rename", run_id, name))

    def set_tag(self, run_id: str, key: str, value: object) -> None:
        self.calls.append(("tag", run_id, key, value))

    def delete_tag(self, run_id: str, key: str) -> None:
        self.calls.append(("untag", run_id, key))

    def save_view(self, name: str, address: str) -> None:
        self.calls.append(("view", name, address))

    def delete_run(self, run_id: str) -> None:
        self.calls.append(("delete", run_id))


@contextmanager
def open_live(folder: Path, asked: Asked) -> Iterator[tuple[LiveSite, int]]:
    build(make_source(2, points=3), folder, options=SiteOptions(live=True))
    live = LiveSite(TOKEN, asked)
    with serve_live(folder, live) as served:
        yield live, served.port


def request(
    port: int, path: str, *, method: str = "GET", body: object = None, **headers: str
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    data = None if body is None else json.dumps(body)
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, data, {"Host": f"127.0.0.1:{port}", **names})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


def cookie(port: int) -> str:
    return f"gittrack_{port}={TOKEN}"


def test_without_the_token_nothing_is_shown(tmp_path: Path) -> None:
    with open_live(tmp_path, Asked()) as (_, port):
        for path in ("/", "/index.html", "/data/manifest.js", "/~events", "/?token=guessed"):
            assert request(port, path)[0] == 403, path
        assert request(port, "/", Cookie=f"gittrack_{port}=guessed")[0] == 403
        status, _, headers = request(port, f"/runs.html?token={TOKEN}")
        assert (status, headers["Location"]) == (303, "/runs.html")
        assert "HttpOnly; SameSite=Strict" in headers["Set-Cookie"]
        status, content, _ = request(port, "/index.html", Cookie=cookie(port))
        assert status == 200
        assert b"connect-src 'self'" in content


def test_another_host_name_gets_nothing_even_with_the_cookie(tmp_path: Path) -> None:
    with open_live(tmp_path, Asked()) as (_, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/", headers={"Host": "evil.example.org", "Cookie": cookie(port)})
        assert connection.getresponse().status == 403
        connection.close()


def test_only_a_page_of_this_server_may_change_a_run(tmp_path: Path) -> None:
    asked = Asked()
    with open_live(tmp_path, asked) as (_, port):
        action = {"do": "rename", "run": "abc", "name": "better"}
        own = {"Cookie": cookie(port), "Origin": f"http://127.0.0.1:{port}"}
        for headers in (
            {"Origin": own["Origin"]},
            {"Cookie": own["Cookie"]},
            {**own, "Origin": "https://example.org"},
        ):
            assert request(port, "/~actions", method="POST", body=action, **headers)[0] == 403
        assert asked.calls == []
        assert request(port, "/~actions", method="POST", body=action, **own)[0] == 200
        for more in (
            {"do": "tag", "run": "abc", "key": "k", "value": "v"},
            {"do": "untag", "run": "abc", "key": "k"},
            {"do": "note", "run": "abc", "text": "why"},
            {"do": "view", "name": "good", "address": "runs.html#q=x"},
            {"do": "delete", "run": "abc"},
        ):
            assert request(port, "/~actions", method="POST", body=more, **own)[0] == 200
        assert asked.calls == [
            ("rename", "abc", "better"),
            ("tag", "abc", "k", "v"),
            ("untag", "abc", "k"),
            ("tag", "abc", "mlflow.note.content", "why"),
            ("view", "good", "runs.html#q=x"),
            ("delete", "abc"),
        ]


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"do": "erase", "run": "abc"},
        {"do": "rename", "run": "abc"},
        {"do": "delete", "run": 7},
        {"do": "view"},
        [1],
    ],
)
def test_what_is_no_action_is_refused_with_its_reason(tmp_path: Path, action: object) -> None:
    with open_live(tmp_path, Asked()) as (_, port):
        own = {"Cookie": cookie(port), "Origin": f"http://127.0.0.1:{port}"}
        status, content, _ = request(port, "/~actions", method="POST", body=action, **own)
        assert status == 400
        assert json.loads(content)["error"]


def test_pages_are_told_of_every_build(tmp_path: Path) -> None:
    with open_live(tmp_path, Asked()) as (live, port):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        connection.request("GET", "/~events", headers={"Host": f"127.0.0.1:{port}", "Cookie": cookie(port)})
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.readline() == b"retry: 1000\n"
        live.announce()
        assert answer.readline() == b"\n"
        assert answer.readline() == b"data: changed\n"
        connection.close()


def test_a_page_is_told_of_what_was_built_before_it_listens(tmp_path: Path) -> None:
    with open_live(tmp_path, Asked()) as (live, port):
        own = {"Cookie": cookie(port)}
        later = "Fri, 31 Dec 2100 23:59:59 GMT"
        status, _, headers = request(port, "/index.html", If_Modified_Since=later, **own)
        assert (status, headers["Server-Timing"]) == (200, 'build;desc="0"')
        live.announce()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("GET", "/~events?since=0", headers={"Host": f"127.0.0.1:{port}", **own})
        answer = connection.getresponse()
        lines = [answer.readline() for _ in range(3)]
        assert lines == [b"retry: 1000\n", b"\n", b"data: changed\n"]
        connection.close()
        with live.listening("1") as listener:
            assert listener.empty()


def test_an_action_without_a_run_is_an_error() -> None:
    with pytest.raises(InvalidValueError):
        act(Asked(), {"do": "delete"})
