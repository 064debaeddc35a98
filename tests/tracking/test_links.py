"""References, lineage, folders as one artifact, and artifacts that are taken out again."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gittrack
from gittrack import artifacts
from gittrack.core.artifact_uri import ContentDigest, RunPath, digest_of, parse_uri
from gittrack.core.model import Artifact
from gittrack.errors import (
    ArtifactNotFoundError,
    CorruptDataError,
    GittrackError,
    InvalidNameError,
    InvalidValueError,
    RunNotFoundError,
    UserError,
)
from gittrack.store.digests import digest_bytes
from gittrack.tracking.client import Client
from gittrack.tracking.downloads import download, select_artifacts
from gittrack.tracking.lineage import list_inputs, list_users
from gittrack.tracking.sync import git_store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def client(repo: Path) -> Iterator[Client]:
    made = Client(repo)
    yield made
    made.close()


def log(client: Client, name: str, **files: str) -> str:
    run_id = client.create_run(run_name=name).run_id
    for path, text in files.items():
        client.log_text(run_id, text, path.replace("__", "/").replace("_", "."))
    client.set_terminated(run_id)
    return run_id


def test_lineage_links_both_ways_before_and_after_runs_end(client: Client) -> None:
    maker = log(client, "maker", data__a_csv="1", data__b_csv="2")
    user = client.create_run(run_name="user").run_id
    folder = client.use_artifact(user, f"runs:/{maker}/data")
    single = client.use_artifact(user, "gittrack:/maker/data/a.csv")
    assert single.digest == digest_bytes(b"1")
    for _ in range(2):
        inputs = list_inputs(client, client.get_run(user))
        assert [(one.name, one.path, one.is_current) for one in inputs] == [
            ("maker", "data", True),
            ("maker", "data/a.csv", True),
        ]
        users = list_users(client, client.get_run(maker))
        assert [(one.name, one.path, one.digest) for one in users] == [
            ("user", "data", folder.digest),
            ("user", "data/a.csv", single.digest),
        ]
        client.set_terminated(user)
    assert list_users(client, client.get_run(user)) == []


def test_what_changed_since_it_was_used_is_said_to_have_changed(client: Client) -> None:
    maker = log(client, "maker", data__a_csv="1")
    user = log(client, "user")
    client.use_artifact(user, f"runs:/{maker}/data")
    client.log_text(maker, "another", "data/b.csv")
    assert [one.is_current for one in list_inputs(client, client.get_run(user))] == [False]
    assert [one.is_current for one in list_users(client, client.get_run(maker))] == [False]
    client.close()
    again = Client(client.folder())
    git_store(again).bury_runs([maker], 0)
    [lost] = list_inputs(again, again.get_run(user))
    assert (lost.name, lost.is_current) == (maker, None)
    again.close()


def test_a_run_is_no_input_of_itself_and_what_is_not_there_cannot_be_used(client: Client) -> None:
    run_id = log(client, "only", a_txt="1")
    other = log(client, "other")
    with pytest.raises(UserError, match="own input"):
        client.use_artifact(run_id, f"runs:/{run_id}/a.txt")
    with pytest.raises(ArtifactNotFoundError):
        client.use_artifact(other, f"runs:/{run_id}/nothing")
    with pytest.raises(RunNotFoundError):
        client.use_artifact(other, f"runs:/{'f' * 32}/a.txt")
    with pytest.raises(UserError):
        client.use_artifact(other, f"gittrack:blake3/{'0a' * 32}")
    assert client.get_run(other).used == {}


def test_using_an_artifact_of_the_active_run_brings_it(repo: Path, tmp_path: Path) -> None:
    with gittrack.start_run(run_name="first") as first:
        gittrack.log_text("weights", "model/w.txt")
    with gittrack.start_run() as second:
        where = gittrack.use_artifact(f"runs:/{first.info.run_id}/model", tmp_path / "in")
    assert (Path(where) / "w.txt").read_text("utf-8") == "weights"
    assert list(gittrack.get_run(second.info.run_id).used) == [f"runs:/{first.info.run_id}/model"]


def test_a_reference_is_kept_without_its_content_and_fetched_where_it_is(
    client: Client, tmp_path: Path
) -> None:
    file = tmp_path / "train.csv"
    file.write_bytes(b"a,b\n1,2\n")
    digest = f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    run_id = client.create_run().run_id
    client.log_reference(run_id, file.as_uri(), digest=digest, size=8)
    client.set_terminated(run_id)
    run = client.get_run(run_id)
    assert run.artifacts["train.csv"] == Artifact("train.csv", digest, 8, uri=file.as_uri())
    assert client.read_artifact(run_id, "train.csv") == b"a,b\n1,2\n"
    got = client.download_artifacts(run_id, "train.csv", tmp_path / "out")
    assert Path(got).read_bytes() == b"a,b\n1,2\n"
    file.write_bytes(b"a,b\n1,3\n")
    with pytest.raises(CorruptDataError, match="sha256"):
        client.download_artifacts(run_id, "train.csv", tmp_path / "again")
    assert list((tmp_path / "again").iterdir()) == []
    file.unlink()
    with pytest.raises(ArtifactNotFoundError):
        client.read_artifact(run_id, "train.csv")


def test_a_reference_never_holds_a_password(client: Client) -> None:
    run_id = log(client, "it")
    kept = client.log_reference(run_id, "https://me:hunter2@example.org/data.bin")
    assert kept.uri == "https://example.org/data.bin"


@pytest.mark.parametrize(
    ("uri", "path", "digest", "size"),
    [
        ("data.csv", None, None, None),
        ("/data/train.csv", None, None, None),
        ("", None, None, None),
        (7, None, None, None),
        ("C:\\data\\x", None, None, None),
        ("s3://bucket/a b", None, None, None),
        ("s3://bucket/\x1b[0m", None, None, None),
        ("s3://bucket/", "../x", None, None),
        ("s3://bucket/x", None, "0a", None),
        ("s3://bucket/x", None, "sha256:", None),
        ("s3://bucket/x", None, "", None),
        ("s3://bucket/x", None, None, -1),
        ("s3://bucket/x", None, None, True),
        ("http://[bad", None, None, None),
    ],
)
def test_references_that_make_no_sense_are_refused(
    client: Client, uri: str, path: str | None, digest: str | None, size: int | None
) -> None:
    run_id = log(client, "it")
    with pytest.raises((InvalidValueError, InvalidNameError)) as failure:
        client.log_reference(run_id, uri, path, digest=digest, size=size)
    assert failure.value.hint
    assert client.get_run(run_id).artifacts == {}


def test_what_is_taken_out_is_gone_and_stays_gone(client: Client) -> None:
    run_id = log(client, "it", a__x_txt="1", a__y_txt="2", b_txt="3")
    assert [one.path for one in client.remove_artifacts(run_id, "a/*.txt")] == ["a/x.txt", "a/y.txt"]
    assert list(client.get_run(run_id).artifacts) == ["b.txt"]
    client.close()
    again = Client(client.folder())
    assert list(again.get_run(run_id).artifacts) == ["b.txt"]
    for path in ("a", "", "nothing", "*.png"):
        with pytest.raises(ArtifactNotFoundError):
            again.remove_artifacts(run_id, path)
    again.log_text(run_id, "new", "a/x.txt")
    assert sorted(again.get_run(run_id).artifacts) == ["a/x.txt", "b.txt"]
    again.close()


def test_a_folder_has_one_digest_whatever_its_name_and_order(client: Client) -> None:
    one = client.get_run(log(client, "one", data__a="1", data__b="2"))
    two = client.get_run(log(client, "two", else__where__b="2", else__where__a="1", other="3"))
    digest = digest_of(one.artifacts, "data", digest_bytes)
    assert digest is not None
    assert digest == digest_of(two.artifacts, "else/where", digest_bytes)
    assert digest != digest_of(two.artifacts, "else", digest_bytes)
    assert digest_of(one.artifacts, "nothing", digest_bytes) is None


@pytest.mark.parametrize(
    ("pattern", "chosen"),
    [
        ("", ["a.png", "p/b.png", "p/q/c.png", "p/q/d[1].txt", "x*y"]),
        ("*.png", ["a.png"]),
        ("p/*.png", ["p/b.png"]),
        ("**/*.png", ["a.png", "p/b.png", "p/q/c.png"]),
        ("p/**", ["p/b.png", "p/q/c.png", "p/q/d[1].txt"]),
        ("?.png", ["a.png"]),
        ("p/q/[!d]*", ["p/q/c.png"]),
        ("p/q/d[1].txt", ["p/q/d[1].txt"]),
        ("x*y", ["x*y"]),
        ("p", ["p/b.png", "p/q/c.png", "p/q/d[1].txt"]),
        ("p/", ["p/b.png", "p/q/c.png", "p/q/d[1].txt"]),
        ("[", []),
        ("(.*)", []),
    ],
)
def test_globs_mean_what_a_shell_would(client: Client, pattern: str, chosen: list[str]) -> None:
    run_id = client.create_run().run_id
    for path in ("a.png", "p/b.png", "p/q/c.png", "p/q/d[1].txt", "x*y"):
        client.log_text(run_id, path, path)
    assert [one.path for one in select_artifacts(client.get_run(run_id), pattern)] == chosen


def test_what_a_glob_means_is_written_under_its_own_paths(client: Client, tmp_path: Path) -> None:
    run_id = log(client, "it", plots__a_png="1", plots__b_txt="2", c_png="3")
    where = client.download_artifacts(run_id, "**/*.png", tmp_path / "out")
    assert where == str(tmp_path / "out")
    assert sorted(path.relative_to(where).as_posix() for path in Path(where).rglob("*.*")) == [
        "c.png",
        "plots/a.png",
    ]


def test_no_partial_file_is_left_in_a_folder_when_content_is_damaged(client: Client, tmp_path: Path) -> None:
    run_id = client.create_run().run_id
    client.log_stream(run_id, __import__("io").BytesIO(b"x" * 100_000), "big.bin")
    client.set_terminated(run_id)
    run = client.get_run(run_id)
    digest = run.artifacts["big.bin"].digest
    blob = git_store(client).layout.objects / digest[:2] / digest[2:]
    blob.chmod(0o644)
    blob.write_bytes(b"y" * 100_000)
    with pytest.raises(CorruptDataError):
        download(client.store, run, "", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("runs:/ab12/x/y.pt", RunPath("ab12", "x/y.pt")),
        ("runs:/ab12", RunPath("ab12", "")),
        ("gittrack:/best:val%2Facc/model.pt", RunPath("best:val/acc", "model.pt")),
        (f"gittrack:blake3/{'0a' * 32}", ContentDigest("0a" * 32)),
    ],
)
def test_uris_of_artifacts_are_understood(uri: str, target: object) -> None:
    assert parse_uri(uri) == target


@pytest.mark.parametrize(
    "uri", ["", "runs:/", "gittrack:/", "gittrack:blake3/0a", "s3://x/y", "/etc/passwd", "runs:"]
)
def test_other_uris_are_refused(uri: str) -> None:
    with pytest.raises(UserError):
        parse_uri(uri)


def test_content_is_loaded_by_every_kind_of_uri(client: Client, repo: Path) -> None:
    run_id = log(client, "maker", t_txt="hello", d_json='{"a": 1}')
    gittrack.log_table({"x": [1, 2]}, "t.json", run_id=run_id)
    uris = [f"runs:/{run_id}/t.txt", "gittrack:/maker/t.txt", f"gittrack:blake3/{digest_bytes(b'hello')}"]
    assert [artifacts.load_text(uri) for uri in uris] == ["hello"] * 3
    assert artifacts.load_dict("gittrack:/maker/d.json") == {"a": 1}
    assert list(artifacts.load_table("gittrack:/maker/t.json")["x"]) == [1, 2]
    client.log_text(run_id, "a\tb\n1\t2\n", "t.tsv")
    assert list(artifacts.load_table(f"runs:/{run_id}/t.tsv").columns) == ["a", "b"]
    with pytest.raises(GittrackError):
        artifacts.load_table("gittrack:/maker/t.png")
    with pytest.raises(InvalidValueError):
        artifacts.load_table("gittrack:/maker/d.json")
    with pytest.raises(ArtifactNotFoundError):
        artifacts.load_text(f"gittrack:blake3/{'0a' * 32}")
