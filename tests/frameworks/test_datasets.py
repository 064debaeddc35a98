"""Datasets of Hugging Face and polars, made here: nothing is downloaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

import gittrack
from gittrack import data
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of packages that others outran
]


def test_a_dataset_of_hugging_face_is_known_by_path_split_and_revision(repo: Path) -> None:
    import datasets

    rows = datasets.Dataset.from_dict({"text": ["good", "bad"], "label": [1, 0]})
    made = data.from_huggingface(rows, path="somebody/films", targets="label", name="films", revision="abc")
    with gittrack.start_run() as run:
        gittrack.log_input(made, context="training")
    (found,) = gittrack.get_run(run.run_id).inputs.dataset_inputs
    about = json.loads(found.dataset.source)
    assert (found.dataset.source_type, about["path"], about["revision"]) == (
        "hugging_face",
        "somebody/films",
        "abc",
    )
    assert json.loads(str(found.dataset.schema)) == {
        "mlflow_colspec": [
            {"type": "string", "name": "text", "required": True},
            {"type": "long", "name": "label", "required": True},
        ]
    }
    assert json.loads(str(found.dataset.profile))["num_rows"] == 2
    assert data.from_huggingface(rows.select([0])).digest != made.digest
    assert data.from_huggingface(rows).source.source_type == "code"
    with pytest.raises(InvalidValueError, match="column"):
        data.from_huggingface(rows, targets="none")
    with pytest.raises(InvalidValueError, match="one split"):
        data.from_huggingface(datasets.DatasetDict({"train": rows}))
    with pytest.raises(InvalidValueError, match="the same"):
        data.from_huggingface(rows, path="a/b", source="s3://bucket/rows")


def test_a_frame_of_polars_is_known_as_one_of_pandas(repo: Path) -> None:
    import polars as pl

    frame = pl.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    made = data.from_polars(frame, source="s3://bucket/a.parquet", targets="a")
    assert made.digest == data.from_pandas(frame.to_pandas()).digest
    assert made.profile == {"num_rows": 2, "num_elements": 4}
    assert gittrack.infer_signature(frame).inputs == made.schema
    with pytest.raises(InvalidValueError):
        data.from_polars(frame.to_pandas())
