"""Where each file of the site lives."""

from __future__ import annotations

import hashlib
import json
import re
from struct import unpack
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLAIN_ID = re.compile(r"[0-9a-z][0-9a-z-]{0,63}")
_FNV_OFFSET = 0x811C9DC5
_FNV_PRIME = 0x01000193
_LANE = 8
"""Bytes of each text in `buckets_of`."""
_SEGMENT_TARGET = 256

INDEX = "index.html"
RUNS = "runs.html"
CHARTS = "charts.html"
COMPARE = "compare.html"
EMBED = "embed.html"
HISTORY = "history.html"
MODELS, DATA, REPORTS = "models.html", "data.html", "reports.html"
ABOUT = "about.html"
NOT_FOUND = "404.html"
MANIFEST = "data/manifest.js"
RUNS_CSV, RUNS_JSON = "runs.csv", "runs.json"
FEED = "feed.xml"
BADGE, BADGE_JSON = "badge.svg", "badge.json"
GUIDE = "llms.txt"
NO_JEKYLL = ".nojekyll"
_FOR_MACHINES = (RUNS_CSV, RUNS_JSON, FEED, BADGE, BADGE_JSON, GUIDE)
FIXED = (
    INDEX,
    RUNS,
    CHARTS,
    COMPARE,
    EMBED,
    HISTORY,
    MODELS,
    DATA,
    REPORTS,
    ABOUT,
    NOT_FOUND,
    MANIFEST,
    *_FOR_MACHINES,
)
"""Files whose names do not depend on their content."""


def digest_of(content: bytes) -> str:
    """Return the part of a content's SHA-256 that names its file."""
    return hashlib.sha256(content).hexdigest()[:20]


def digest_of_parts(parts: object) -> str:
    """Return a digest of something that JSON can say; equal parts have equal ones."""
    return digest_of(json.dumps(parts, sort_keys=True).encode())


def run_slug(run_id: str) -> str:
    """Return the name of a run's page without folder and suffix, safe on every file system."""
    if _PLAIN_ID.fullmatch(run_id):
        return run_id
    return "x" + hashlib.sha256(run_id.encode("utf-8", "surrogatepass")).hexdigest()[:31]


def run_page(run_id: str) -> str:
    """Return the path of a run's page."""
    return f"runs/{run_slug(run_id)}.html"


def report_page(slug: str) -> str:
    """Return the path of a report's page."""
    return f"reports/{slug}.html"


def link_runs(query: str, *, experiment: str = "") -> str:
    """Return the address of the runs page with a query in its bar."""
    parts = {"q": query, "experiment": experiment}
    state = "&".join(f"{key}={quote(value, safe='')}" for key, value in parts.items() if value)
    return f"{RUNS}#{state}" if state else RUNS


def data_path(content: bytes, suffix: str = ".js") -> str:
    """Return the path of a chunk of data, named by its content and spread over folders."""
    digest = digest_of(content)
    return f"data/{digest[:2]}/{digest[2:]}{suffix}"


def asset_path(name: str, digest: str) -> str:
    """Return the path of an asset, named by the digest of its content."""
    stem, _, suffix = name.rpartition("/")[2].rpartition(".")
    return f"assets/{stem}.{digest[:12]}.{suffix}"


def count_segments(runs: int) -> int:
    """Return into how many segments the index of so many runs is cut: a power of two."""
    count = 1
    while count * _SEGMENT_TARGET < runs:
        count *= 2
    return count


def bucket_of(text: str, count: int) -> int:
    """Return which of ``count`` buckets ``text`` falls into, by FNV-1a as `index.js` computes it too."""
    value = _FNV_OFFSET
    for byte in text.encode("utf-8", "surrogatepass"):
        value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    # The low bits of FNV-1a alone mix badly.
    return (value ^ (value >> 16)) % count


def buckets_of(texts: Sequence[str], count: int) -> list[int]:
    """Return `bucket_of` each text: texts of one length side by side in one long integer, 64 bits for each.

    For thousands of run ids that is many times as quick as one after the other.
    """
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    alike: dict[int, list[int]] = {}
    for place, text in enumerate(encoded):
        alike.setdefault(len(text), []).append(place)
    buckets = [0] * len(texts)
    for length, places in alike.items():
        lanes = len(places)
        columns = b"".join([encoded[place] for place in places])
        value = int.from_bytes(_FNV_OFFSET.to_bytes(_LANE, "little") * lanes, "little")
        mask = int.from_bytes((0xFFFFFFFF).to_bytes(_LANE, "little") * lanes, "little")
        column = bytearray(_LANE * lanes)
        for i in range(length):
            column[::_LANE] = columns[i::length]
            # A product needs 57 bits, so that no lane runs over into the next.
            value = ((value ^ int.from_bytes(column, "little")) * _FNV_PRIME) & mask
        value ^= (value >> 16) & mask
        for place, mixed in zip(
            places, unpack(f"<{lanes}Q", value.to_bytes(_LANE * lanes, "little")), strict=True
        ):
            buckets[place] = mixed % count
    return buckets
