"""A built site as parts of one file."""

from __future__ import annotations

import base64
import gzip
import json
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from gittrack.site.build import build
from gittrack.site.pack import pack_site
from gittrack.site.paths import run_page
from gittrack.site.scripts import decode_script, encode_script
from tests.site.sources import HOSTILE, make_odd_source, make_source

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.just(HOSTILE)


@given(key=TEXTS, value=st.dictionaries(TEXTS, st.integers() | TEXTS | st.lists(TEXTS)))
def test_data_scripts_are_read_as_they_were_written(key: str, value: dict[str, object]) -> None:
    found = decode_script(encode_script(key, value))
    assert [json.loads(part) for part in found] == [key, value]


def unpack(text: str) -> str:
    return gzip.decompress(base64.b64decode(text)).decode("utf-8", "surrogatepass")


def test_a_pack_holds_what_its_pages_ask_for_and_no_page_that_was_logged(tmp_path: Path) -> None:
    source = make_odd_source()
    build(source, tmp_path)
    pages = [run_page(run.run_id) for run in source.list_runs()]
    pack = pack_site(tmp_path, pages, room=10**9)
    assert set(pages) <= pack.files.keys()
    assert pack.left_out == 0
    assert not {"404.html", "embed.html"} & pack.files.keys()
    for page in pages:
        assert unpack(pack.files[page]) == (tmp_path / page).read_text("utf-8")
    key, _, value = unpack(pack.files["data/manifest.js"]).partition("\n")
    assert json.loads(key) == "manifest"
    segments = [path for segment in json.loads(value)["segments"] for path in segment if path]
    assert set(segments) <= pack.files.keys()
    assert "<" not in pack.as_json()


def test_the_newest_runs_are_kept_where_there_is_no_room_for_all(tmp_path: Path) -> None:
    source = make_source(12, points=200, files=2)
    build(source, tmp_path)
    pages = [run_page(run.run_id) for run in source.list_runs()]
    whole = pack_site(tmp_path, pages, room=10**9)
    least = pack_site(tmp_path, pages, room=0)
    sizes = [sum(map(len, pack.files.values())) for pack in (whole, least)]
    some = pack_site(tmp_path, pages, room=sum(sizes) // 2)
    kept = [page for page in pages if page in some.files]
    assert kept == pages[: len(kept)]
    assert 0 < len(kept) < len(pages)
    assert some.left_out == len(pages) - len(kept)
    assert least.left_out == len(pages)
    picture = next(path for path in whole.files if path.endswith(".png"))
    assert whole.files[picture].startswith("data:image/png;base64,")
    without = pack_site(tmp_path, pages, known={picture}, room=10**9)
    assert picture not in without.files
