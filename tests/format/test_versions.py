"""Repositories written by each version of the format stay readable, and need no gittrack to be read."""

from __future__ import annotations

import json
import struct
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from gittrack.core.model import RunStatus
from gittrack.core.stamped import DocumentChange, encode_stamped
from gittrack.store.git_fsck import check_store
from tests.format.make_version_1 import EXPECTED, EXPORT, LONG, describe
from tests.repositories import RUNS_REF, check_repository, git, git_bytes, make_repository, open_store
from tests.store.suite import FIRST, SECOND, finish

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT_ID = "5d41402abc4b2a76b9719d911017c592"
DOCUMENT_PATH = f"documents/models/9/2/{DOCUMENT_ID}.json"
DOCUMENT = """\
{
 "edits": {
  "aliases.champion": "0197a8c10000-000000-1a2b3c4d",
  "tags.gone": "0197a8c0fff1-000001-1a2b3c4d"
 },
 "fields": {
  "aliases.champion": "0197a8c0ffee00000000000000000abc",
  "n": [1, {"deep": null}],
  "name": "größe"
 },
 "id": "5d41402abc4b2a76b9719d911017c592",
 "kind": "models",
 "removed": "0197a8c0ff00-000000-1a2b3c4d",
 "stamp": "0197a8c0fff0-000000-1a2b3c4d"
}
"""
SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@pytest.fixture(params=["sha1", "sha256"])
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Return a repository with the hidden branch of version 1, its objects named by either hash."""
    made = make_repository(tmp_path / "repo", "sha256" if request.param == "sha256" else "unborn")
    git_bytes(made, "fast-import", "--quiet", data=EXPORT.read_bytes())
    return made


@pytest.fixture
def expected() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(EXPECTED.read_text("utf-8"))
    return loaded


def test_version_1_says_so(repository: Path) -> None:
    assert json.loads(git_bytes(repository, "cat-file", "blob", f"{RUNS_REF}:format.json"))["version"] == 1


def test_version_1_is_read_exactly(repository: Path, expected: dict[str, Any]) -> None:
    with closing(open_store(repository)) as store:
        assert json.loads(json.dumps(describe(store))) == expected


def test_version_1_can_be_written_to(repository: Path, expected: dict[str, Any]) -> None:
    with closing(open_store(repository)) as store:
        finish(store, "0197a8c0ffff00000000000000000fed", time=1)
        found = json.loads(json.dumps(describe(store)))
        assert found["order"] == [*expected["order"], "0197a8c0ffff00000000000000000fed"]
        assert {run_id: found["runs"][run_id] for run_id in expected["runs"]} == expected["runs"]
    check_repository(repository)


def read_points(document: dict[str, Any]) -> dict[str, set[tuple[int, int, str]]]:
    """Return the points of a metrics document, by what FORMAT.md says and nothing else."""
    points: dict[str, set[tuple[int, int, str]]] = {}
    for block in document["blocks"]:
        steps = [start + delta * i for start, delta, count in block["steps"] for i in range(count)]
        times, time = [], 0
        for difference in block["times"]:
            time += difference
            times.append(time)
        for key, column in block["metrics"].items():
            numbers = [SPECIAL[value] if isinstance(value, str) else float(value) for value in column]
            if key in block.get("f32", ()):
                numbers = [struct.unpack("f", struct.pack("f", number))[0] for number in numbers]
            points.setdefault(key, set()).update(zip(steps, times, map(repr, numbers), strict=True))
    return points


class Reader:
    """A reader of the format with nothing but ``git cat-file`` and JSON."""

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        names = git(repository, "ls-tree", "-r", "-z", "--name-only", RUNS_REF).split("\0")
        self.files = [name for name in names if name]

    def read(self, path: str) -> bytes:
        return git_bytes(self._repository, "cat-file", "blob", f"{RUNS_REF}:{path}")

    def points(self, folder: str) -> dict[str, set[tuple[int, int, str]]]:
        points: dict[str, set[tuple[int, int, str]]] = {}
        for path in self.files:
            if path == f"{folder}/metrics.json" or path.startswith(f"{folder}/metrics/"):
                for key, found in read_points(json.loads(self.read(path))).items():
                    points.setdefault(key, set()).update(found)
        return points


def test_git_and_json_are_enough_to_read_every_run(repository: Path, expected: dict[str, Any]) -> None:
    reader = Reader(repository)
    folders = [path.removesuffix("/run.json") for path in reader.files if path.endswith("/run.json")]
    assert len(folders) == len(expected["runs"])
    for folder in folders:
        run = json.loads(reader.read(f"{folder}/run.json"))
        run_id = run["run_id"]
        known = expected["runs"][run_id]
        assert folder.startswith("runs/")
        assert folder.endswith(f"/{run_id}")
        if run_id in {FIRST, SECOND, LONG}:
            assert folder == f"runs/{'/'.join(run_id[-3:])}/{run_id}"
        if f"{folder}/artifacts.json" in reader.files:
            run["artifacts"] = json.loads(reader.read(f"{folder}/artifacts.json"))
        assert run == known["run"]
        points = reader.points(folder)
        assert points == read_points(known["series"])
        for key, summary in run.get("metrics", {}).items():
            assert summary["count"] == len(points[key])
            last = max(points[key], key=lambda point: (point[0], point[1]))
            assert (summary["last_step"], summary["last_time"]) == last[:2]
        for path, content in known["contents"].items():
            assert reader.read(f"{folder}/files/{run['artifacts'][path]['blake3']}") == content.encode()
    experiments = [json.loads(reader.read(p)) for p in reader.files if p.startswith("experiments/")]
    assert [one["name"] for one in experiments] == ["renamed"]


def test_the_fixture_holds_something_of_everything(repository: Path, expected: dict[str, Any]) -> None:
    files = Reader(repository).files
    for part in ("/metrics.json", "/metrics/", "/artifacts.json", "/files/", "experiments/", "format.json"):
        assert any(part in f"/{path}" or path.startswith(part) for path in files), part
    runs = [known["run"] for known in expected["runs"].values()]
    assert {run["status"] for run in runs} == {RunStatus.FINISHED, RunStatus.FAILED, RunStatus.RUNNING}
    assert {run["lifecycle_stage"] for run in runs} == {"active", "deleted"}
    assert any("edits" in run for run in runs)
    assert "f32" in json.dumps(expected)


def test_a_document_of_version_1_is_read_exactly_and_written_as_it_was(repository: Path) -> None:
    with closing(open_store(repository)) as store:
        store.change_documents([DocumentChange("models", "0" * 32, 1, {"name": "made"})], "made")
    head = git(repository, "rev-parse", RUNS_REF).strip()
    stream = (
        f"commit {RUNS_REF}\ncommitter A <a@b> 1900000000 +0000\ndata 1\nx\nfrom {head}\n"
        f"M 100644 inline {DOCUMENT_PATH}\ndata {len(DOCUMENT.encode())}\n{DOCUMENT}\n"
    )
    git_bytes(repository, "fast-import", "--quiet", data=stream.encode())
    with closing(open_store(repository)) as store:
        found = store.find_document("models", DOCUMENT_ID)
        assert found is not None
        assert found.fields == {
            "aliases.champion": "0197a8c0ffee00000000000000000abc",
            "name": "größe",
            "n": [1, {"deep": None}],
        }
        assert sorted(found.stamps) == ["aliases.champion", "n", "name", "tags.gone"]
        assert found.latest_time == 0x0197A8C10000
        assert encode_stamped(found).decode() == DOCUMENT
        assert [one.document_id for one in store.list_documents("models")] == ["0" * 32, DOCUMENT_ID]
        assert check_store(store) == []


def test_the_log_of_the_hidden_branch_reads_well(repository: Path) -> None:
    subjects = git(repository, "log", "--format=%s", RUNS_REF).splitlines()
    assert subjects[0] == "still-running running"
    assert "tidy-otter-412 finished: val/acc 0.7451, 9.0s" in subjects
    assert "better-name" in " ".join(subjects)
    assert "many-files deleted" in subjects
