"""Logged models: what the document of one says, in MLflow's shape."""

from __future__ import annotations

import re
from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.core.jsonform import decode_float, encode_float
from gittrack.errors import InvalidNameError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.core.facts import Fact
    from gittrack.core.model import ParamValue
    from gittrack.core.stamped import Document

LOGGED_MODELS = "logged-models"
"""Kind of the documents."""
_ID = re.compile(r"m-[0-9a-f]{32}")
_BAD_NAME = re.compile(r"[/:.%\"']")


class LoggedModelStatus(StrEnum):
    """Where a logged model is in its life, in MLflow's words."""

    PENDING = "PENDING"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class ModelMetric:
    """The latest value of a metric of a logged model, as one run measured it on one dataset."""

    key: str
    value: float
    timestamp: int
    """Milliseconds since the epoch."""
    step: int
    model_id: str
    run_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None


@dataclass(frozen=True, slots=True)
class LoggedModel:
    """A model as it was logged; versions of registered models may point to it."""

    experiment_id: str
    model_id: str
    name: str
    artifact_location: str
    """URI of its files; empty as long as there are none."""
    creation_timestamp: int
    """Milliseconds since the epoch."""
    last_updated_timestamp: int
    """Milliseconds since the epoch."""
    model_type: str | None = None
    source_run_id: str | None = None
    """The run that made it."""
    status: LoggedModelStatus = LoggedModelStatus.READY
    status_message: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: list[ModelMetric] | None = None
    files_run_id: str | None = None
    """The run that holds its files."""
    files_path: str = ""
    """The folder they are in there."""

    @property
    def model_uri(self) -> str:
        """What `load_model` takes."""
        return f"models:/{self.model_id}"

    def facts(self, metrics: Iterable[ModelMetric]) -> dict[str, Fact]:
        """Return what a search looks at; of its metrics only the given ones."""
        values: dict[str, tuple[float, ...]] = {}
        for one in sorted(metrics, key=lambda one: (one.timestamp, one.step)):
            values[f"metrics.{one.key}"] = (*values.get(f"metrics.{one.key}", ()), one.value)
        return {
            "name": self.name,
            "model_id": self.model_id,
            "model_type": self.model_type,
            "status": self.status.value,
            "source_run_id": self.source_run_id,
            "experiment_id": self.experiment_id,
            "creation_timestamp": self.creation_timestamp,
            "last_updated_timestamp": self.last_updated_timestamp,
            **{f"tags.{key}": value for key, value in self.tags.items()},
            **{f"params.{key}": value for key, value in self.params.items()},
            **values,
        }


def read_logged_model(document: Document) -> LoggedModel:
    """Return the logged model a document says."""
    fields = document.fields

    def text(name: str) -> str | None:
        value = fields.get(name)
        return None if value is None else str(value)

    def whole(name: str) -> int:
        value = fields.get(name)
        return value if type(value) is int else 0

    model_id = document.document_id
    metrics = [read_metric(model_id, one) for one in document.group("metrics").values()]
    run_id, path = text("files_run_id"), text("files_path") or ""
    return LoggedModel(
        experiment_id=text("experiment_id") or "0",
        model_id=model_id,
        name=text("name") or model_id,
        artifact_location=f"runs:/{run_id}/{path}" if run_id else "",
        creation_timestamp=whole("creation_timestamp"),
        last_updated_timestamp=whole("last_updated_timestamp"),
        model_type=text("model_type"),
        source_run_id=text("source_run_id"),
        status=check_status(text("status") or LoggedModelStatus.READY),
        status_message=text("status_message"),
        tags={key: str(value) for key, value in document.group("tags").items()},
        params={key: str(value) for key, value in document.group("params").items()},
        metrics=sorted(metrics, key=lambda one: (one.key, one.timestamp, one.step)) or None,
        files_run_id=run_id,
        files_path=path,
    )


def metric_field(metric: ModelMetric) -> str:
    """Return the field of the document that holds a metric."""
    return f"metrics.{metric.run_id or ''}.{metric.dataset_digest or ''}.{metric.key}"


def metric_row(metric: ModelMetric) -> ParamValue:
    """Return a metric as the field holds it."""
    row: dict[str, ParamValue] = {
        "key": metric.key,
        "value": encode_float(metric.value),
        "timestamp": metric.timestamp,
        "step": metric.step,
        "run_id": metric.run_id,
        "dataset_name": metric.dataset_name,
        "dataset_digest": metric.dataset_digest,
    }
    return {name: value for name, value in row.items() if value is not None}


def read_metric(model_id: str, row: Mapping[str, object]) -> ModelMetric:
    """Return the metric `metric_row` wrote.

    Raises:
        ValueError: It is none.
    """
    try:
        texts = [None if (one := row.get(name)) is None else str(one) for name in _TEXTS]
        step, timestamp = row["step"], row["timestamp"]
        if not isinstance(step, int) or not isinstance(timestamp, int):
            message = f"not a metric of a logged model: {row!r}"
            raise ValueError(message)  # noqa: TRY004  (what documents that cannot be read raise)
        return ModelMetric(str(row["key"]), decode_float(row["value"]), timestamp, step, model_id, *texts)
    except (KeyError, AttributeError) as error:
        message = f"not a metric of a logged model: {error!r}"
        raise ValueError(message) from error


_TEXTS = ("run_id", "dataset_name", "dataset_digest")


def is_model_id(text: str) -> bool:
    """Whether a text is the id of a logged model."""
    return _ID.fullmatch(text) is not None


def check_logged_model_name(name: object) -> str:
    """Return ``name`` if a logged model may have it.

    Raises:
        InvalidNameError: It is empty, or has characters that URIs and paths need for themselves.
    """
    from gittrack.core.names import check_name

    text = check_name("model", name)
    if _BAD_NAME.search(text):
        message = f"invalid model name {text!r}: names cannot contain any of / : . % \\" + "\" '"
        raise InvalidNameError(message, hint="use '-' or '_' instead")
    return text


def check_status(status: object) -> LoggedModelStatus:
    """Return a status.

    Raises:
        InvalidValueError: It is none.
    """
    try:
        return LoggedModelStatus(str(getattr(status, "value", status)))
    except ValueError:
        message = f"{status!r} is no status of a logged model"
        raise InvalidValueError(message, hint=f"one of {', '.join(LoggedModelStatus)}") from None
