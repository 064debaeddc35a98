"""Datasets as inputs of runs: digest, schema, profile and source, in Git or by reference."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

import gittrack
from gittrack import data
from gittrack.errors import ArtifactNotFoundError, InvalidValueError, RemoteError, UserError
from gittrack.store.digests import digest_bytes
from tests.repositories import RUNS_REF, check_repository, git, git_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRAME = pd.DataFrame({"x": [1.5, 2.5, None], "n": [1, 2, 3], "who": ["a", "b", "c"]})


def log_and_read(*datasets: Any, **options: Any) -> list[Any]:
    """Log datasets to a run of its own; return its inputs as another process would read them."""
    with gittrack.start_run() as run:
        for one in datasets:
            gittrack.log_input(one, **options)
    return gittrack.Client().get_run(run.run_id).inputs.dataset_inputs


def test_a_data_frame_is_logged_with_digest_schema_and_profile(repo: Path) -> None:
    dataset = data.from_pandas(FRAME, source="s3://bucket/iris.csv", targets="n", name="iris")
    (found,) = log_and_read(dataset, context="training", tags={"split": 1})
    assert (found.dataset.name, found.dataset.digest, found.dataset.source_type) == (
        "iris",
        dataset.digest,
        "s3",
    )
    assert json.loads(found.dataset.source) == {"uri": "s3://bucket/iris.csv"}
    assert json.loads(str(found.dataset.schema)) == {
        "mlflow_colspec": [
            {"type": "double", "name": "x", "required": False},
            {"type": "long", "name": "n", "required": True},
            {"type": "string", "name": "who", "required": True},
        ]
    }
    assert json.loads(str(found.dataset.profile)) == {"num_rows": 3, "num_elements": 9}
    assert found.context == "training"
    assert {tag.key: tag.value for tag in found.tags} == {"mlflow.data.context": "training", "split": "1"}


def test_inputs_are_seen_while_the_run_is_live_and_by_others(repo: Path) -> None:
    with gittrack.start_run() as run:
        gittrack.log_input(data.from_numpy(np.eye(3), name="eye"), context="test")
        for client in (gittrack.Client(), gittrack.Client()):
            (found,) = client.get_run(run.run_id).inputs.dataset_inputs
            assert (found.dataset.name, found.context) == ("eye", "test")
            assert json.loads(str(found.dataset.profile))["features_shape"] == [3, 3]


def test_a_dataset_that_was_logged_already_keeps_its_first_tags(repo: Path) -> None:
    dataset = data.from_pandas(FRAME)
    with gittrack.start_run() as run:
        gittrack.log_input(dataset, context="training")
        gittrack.log_input(dataset, context="test")
        gittrack.log_inputs([dataset, data.from_pandas(FRAME.head(1))], ["a", "b"], [None, {"k": "v"}])
    found = gittrack.get_run(run.run_id).inputs.dataset_inputs
    assert sorted(str(one.context) for one in found) == ["b", "training"]


def test_what_is_large_goes_into_a_side_file_and_comes_back_whole(repo: Path) -> None:
    wide = data.from_pandas(pd.DataFrame({f"column {i}": [i] for i in range(2000)}), name="wide")
    (found,) = log_and_read(wide)
    assert found.dataset.schema == wide.to_dict()["schema"]
    assert found.dataset.source == wide.to_dict()["source"]
    names = git(repo, "ls-tree", "-r", "--name-only", RUNS_REF).splitlines()
    (document,) = [name for name in names if name.endswith("/run.json")]
    assert len(git_bytes(repo, "cat-file", "blob", f"{RUNS_REF}:{document}")) < 3000
    (listed,) = gittrack.search_runs(output_format="list")
    (short,) = listed.inputs.dataset_inputs
    assert (short.dataset.name, short.dataset.digest) == ("wide", wide.digest)
    check_repository(repo)


def test_a_file_that_git_has_is_known_by_commit_and_path_and_read_from_there(repo: Path) -> None:
    file = repo / "data" / "iris.csv"
    file.parent.mkdir()
    FRAME.to_csv(file, index=False)
    git(repo, "add", "data")
    git(repo, "commit", "-q", "-m", "data")
    dataset = data.from_file(file, targets="n")
    assert dataset.source.source_type == "git"
    assert dataset.digest == digest_bytes(file.read_bytes())[:32]
    assert list(dataset.df.columns) == ["x", "n", "who"]
    (found,) = log_and_read(dataset)
    about = json.loads(found.dataset.source)
    assert about["path"] == "data/iris.csv"
    assert about["commit"] == git(repo, "rev-parse", "HEAD").strip()
    content = file.read_bytes()
    file.write_text("changed", "utf-8")
    assert data.from_file(file, read=False).source.source_type == "local"
    assert data.get_source(found).load().read_bytes() == content


def test_files_folders_and_what_cannot_be_read(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "images" / "deep").mkdir(parents=True)
    (tmp_path / "images" / "a.bin").write_bytes(b"a")
    (tmp_path / "images" / "deep" / "b.bin").write_bytes(b"bb")
    folder = data.from_folder(tmp_path / "images")
    assert (folder.name, folder.profile) == ("images", {"num_files": 2, "num_bytes": 3})
    (tmp_path / "images" / "a.bin").write_bytes(b"A")
    assert data.from_folder(tmp_path / "images").digest != folder.digest
    assert data.from_file(tmp_path / "images" / "a.bin").schema is None
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\n{"a": 2}\n', "utf-8")
    assert data.from_file(tmp_path / "rows.jsonl").profile == {
        "num_rows": 2,
        "num_elements": 2,
        "num_bytes": 18,
    }
    (tmp_path / "bad.csv").write_bytes(b'"' * 3)
    with pytest.raises(InvalidValueError, match="cannot be read"):
        data.from_file(tmp_path / "bad.csv")
    with pytest.raises(ArtifactNotFoundError):
        data.from_file(tmp_path / "none.csv")
    with pytest.raises(ArtifactNotFoundError):
        data.from_folder(tmp_path / "none")
    with pytest.raises(InvalidValueError, match="neither"):
        data.from_file(tmp_path / "images" / "a.bin", read=True)


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_url_is_a_dataset_by_reference(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "iris.csv").write_text("a,b\n1,2\n", "utf-8")
    with serving(tmp_path) as address:
        dataset = data.from_url(f"{address}/iris.csv?version=1")
        assert (dataset.name, dataset.digest) == ("iris.csv", digest_bytes(b"a,b\n1,2\n")[:32])
        (found,) = log_and_read(dataset)
        assert found.dataset.source_type == "http"
        assert data.get_source(found).load(tmp_path / "out").read_text("utf-8") == "a,b\n1,2\n"
        with pytest.raises(RemoteError):
            data.from_url(f"{address}/none.csv")
    assert data.from_url("https://example.org/data.csv", digest="abc").digest == "abc"
    with pytest.raises(InvalidValueError):
        data.from_url("/tmp/data.csv")


def test_without_a_source_the_code_is_the_source(repo: Path) -> None:
    dataset = data.from_pandas(FRAME)
    assert dataset.source.source_type == "code"
    assert dataset.source.about["tags"]["mlflow.user"]
    with pytest.raises(UserError):
        dataset.source.load()


def test_what_is_no_dataset_is_refused_and_nothing_logged(repo: Path) -> None:
    with gittrack.start_run() as run:
        for wrong in (3, "iris", FRAME):
            with pytest.raises((InvalidValueError, KeyError, TypeError)):
                gittrack.log_input(wrong)
        with pytest.raises(InvalidValueError):
            gittrack.log_inputs([data.from_pandas(FRAME)], [], [])
        with pytest.raises(InvalidValueError, match="digest"):
            gittrack.log_input(data.from_pandas(FRAME, digest="x" * 37))
        with pytest.raises(InvalidValueError, match="name"):
            gittrack.log_input(data.from_pandas(FRAME, name="x" * 501))
    with pytest.raises(InvalidValueError, match="column 'y'"):
        data.from_pandas(FRAME, targets="y")
    with pytest.raises(InvalidValueError):
        data.from_pandas([1, 2])
    with pytest.raises(InvalidValueError):
        data.from_numpy([1, 2])
    assert gittrack.get_run(run.run_id).inputs.dataset_inputs == []


def test_models_that_a_run_uses_and_makes_are_its_inputs_and_outputs(repo: Path) -> None:
    model = gittrack.create_external_model("iris")
    with gittrack.start_run() as run:
        gittrack.log_input(model=gittrack.LoggedModelInput(model.model_id))
        gittrack.log_outputs([gittrack.LoggedModelOutput(model.model_id, 3)])
    found = gittrack.get_run(run.run_id)
    assert found.inputs.model_inputs == [gittrack.LoggedModelInput(model.model_id)]
    assert found.outputs.model_outputs == [gittrack.LoggedModelOutput(model.model_id, 3)]


def test_datasets_of_experiments_are_listed_once_for_each_context(repo: Path) -> None:
    dataset = data.from_pandas(FRAME, name="iris")
    for context in ("training", "test", "training"):
        log_and_read(dataset, context=context)
    found = gittrack.Client().search_datasets(["0"])
    assert [(one.dataset.name, one.context) for one in found] == [("iris", "test"), ("iris", "training")]
