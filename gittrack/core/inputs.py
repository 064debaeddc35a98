"""What a run read and made: dataset inputs, model inputs and model outputs, in MLflow's shapes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gittrack.core.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

TAG_CONTEXT = "mlflow.data.context"
"""The tag of an input that says what it was for: ``training``, ``validation`` …"""


@dataclass(frozen=True, slots=True)
class Dataset:
    """One state of some data; name and digest say which."""

    name: str
    digest: str
    source_type: str
    """``local``, ``http``, ``hugging_face``, ``git``, ``code`` …"""
    source: str
    """JSON that says where the data are."""
    schema: str | None = None
    """JSON that says what their columns or arrays are."""
    profile: str | None = None
    """JSON that sums them up: number of rows …"""

    @property
    def place(self) -> str:
        """Where the data are, in short; empty if only their code is known."""
        try:
            about = json.loads(self.source)
        except ValueError:
            return self.source
        places = [about.get(name) for name in ("uri", "url", "path")] if isinstance(about, dict) else []
        return next((place for place in places if isinstance(place, str)), "")


@dataclass(frozen=True, slots=True)
class InputTag:
    """One tag of an input."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class DatasetInput:
    """A dataset that a run read."""

    dataset: Dataset
    tags: tuple[InputTag, ...] = ()
    details: str | None = None
    """The side file of the run that holds source, schema and profile, if they are too large for it."""

    @property
    def key(self) -> str:
        """Name and digest, by which a run knows its inputs apart."""
        return f"{self.dataset.name}@{self.dataset.digest}"

    @property
    def context(self) -> str | None:
        """What it was for, None if nobody said."""
        return next((tag.value for tag in self.tags if tag.key == TAG_CONTEXT), None)


@dataclass(frozen=True, slots=True)
class LoggedModelInput:
    """A logged model that a run used."""

    model_id: str


@dataclass(frozen=True, slots=True)
class LoggedModelOutput:
    """A logged model that a run made, and at which step."""

    model_id: str
    step: int = 0


@dataclass(frozen=True, slots=True)
class RunInputs:
    """MLflow's ``run.inputs``."""

    dataset_inputs: list[DatasetInput]
    model_inputs: list[LoggedModelInput]


@dataclass(frozen=True, slots=True)
class RunOutputs:
    """MLflow's ``run.outputs``."""

    model_outputs: list[LoggedModelOutput]


def encode_input(one: DatasetInput) -> dict[str, object]:
    """Return a dataset input as JSON can hold it."""
    about = {
        "name": one.dataset.name,
        "digest": one.dataset.digest,
        "source_type": one.dataset.source_type,
        "source": one.dataset.source,
        "schema": one.dataset.schema,
        "profile": one.dataset.profile,
        "tags": {tag.key: tag.value for tag in one.tags} or None,
        "details": one.details,
    }
    return {key: value for key, value in about.items() if value is not None}


def decode_input(about: Mapping[str, Any]) -> DatasetInput:
    """Return the dataset input `encode_input` wrote.

    Raises:
        KeyError: A part that every dataset has is missing.
        TypeError: A part is no text.
    """
    texts = ("name", "digest", "source_type", "source", "schema", "profile", "details")
    for name in texts:
        if not isinstance(about.get(name, ""), str):
            message = f"the {name} of a dataset is {about[name]!r}"
            raise TypeError(message)
    tags = tuple(InputTag(str(key), str(value)) for key, value in about.get("tags", {}).items())
    dataset = Dataset(
        about["name"],
        about["digest"],
        about["source_type"],
        about["source"],
        about.get("schema"),
        about.get("profile"),
    )
    return DatasetInput(dataset, tags, about.get("details"))
