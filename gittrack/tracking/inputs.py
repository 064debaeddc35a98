"""What runs read and made: dataset inputs, model inputs and model outputs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gittrack.core.events import InputsLogged, OutputsLogged, SideFileSet
from gittrack.core.inputs import TAG_CONTEXT, Dataset, DatasetInput, InputTag
from gittrack.core.jsonform import decode, encode_document
from gittrack.core.names import check_key
from gittrack.core.values import coerce_step, coerce_tag
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.core.model import Run
    from gittrack.tracking.client import Client

LARGE_BYTES = 8 * 1024
"""Above this source, schema and profile go into a side file of the run."""
MAX_DATASETS = 1000
"""In one call, as in MLflow."""
MAX_NAME_LENGTH = 500
MAX_DIGEST_LENGTH = 36
MAX_SCHEMA_LENGTH = (1 << 20) - 1
MAX_SOURCE_LENGTH = (1 << 16) - 1
MAX_PROFILE_LENGTH = (1 << 24) - 1


def log_inputs(
    client: Client, run_id: str, datasets: Sequence[Any] | None = None, models: Sequence[Any] | None = None
) -> None:
    """Log what a run reads. A dataset it has read already, by name and digest, stays as it is.

    Args:
        client: Of the store.
        run_id: The run.
        datasets: Each a `DatasetInput`, or MLflow's.
        models: Logged models it uses: each a `LoggedModelInput`, or the id of one.

    Raises:
        RunNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        InvalidValueError: A part of a dataset is too long, or there are more than 1,000.
        StoreError: The disk is full, or failed.
    """
    listed = list(datasets or ())
    if len(listed) > MAX_DATASETS:
        message = f"{len(listed):,} datasets are more than {MAX_DATASETS:,} in one call"
        raise InvalidValueError(message, hint="log them in several calls")
    checked = [check_input(one) for one in listed]
    ids = tuple(str(getattr(one, "model_id", one)) for one in models or ())
    known = client.get_run(run_id).datasets
    first: dict[str, DatasetInput] = {}
    for one in checked:
        first.setdefault(one.key, one)
    fresh = tuple(_spill(client, run_id, one) for key, one in first.items() if key not in known)
    if fresh or ids:
        client.edit(run_id, lambda time: InputsLogged(fresh, ids, time))


def make_input(
    dataset: Any,  # noqa: ANN401  (ours, or MLflow's)
    context: str | None = None,
    tags: Mapping[str, object] | None = None,
) -> DatasetInput:
    """Return a dataset as an input of a run.

    Raises:
        InvalidValueError: It is no dataset.
    """
    if not hasattr(dataset, "to_dict"):
        message = f"{type(dataset).__name__} is no dataset"
        raise InvalidValueError(message, hint="make one: gittrack.data.from_pandas(df), from_numpy(array) …")
    about = dataset.to_dict()
    texts = {**({TAG_CONTEXT: context} if context else {}), **(tags or {})}
    record = Dataset(
        about["name"],
        about["digest"],
        about["source_type"],
        about["source"],
        about.get("schema"),
        about.get("profile"),
    )
    return DatasetInput(record, tuple(InputTag(key, str(value)) for key, value in texts.items()))


def log_outputs(client: Client, run_id: str, models: Iterable[Any]) -> None:
    """Log the logged models a run made, each a `LoggedModelOutput`, or MLflow's.

    Raises:
        RunNotFoundError: There is none with this id.
        RunStateError: It is deleted.
        StoreError: The disk is full, or failed.
    """
    steps = {str(one.model_id): coerce_step(getattr(one, "step", 0)) for one in models}
    if steps:
        client.edit(run_id, lambda time: OutputsLogged(steps, time))


def complete(client: Client, run: Run) -> Run:
    """Return a run with what its side files say of its datasets."""
    datasets = {}
    for key, one in run.datasets.items():
        content = client.find_side_file(run.run_id, one.details) if one.details else None
        details: Any = decode(content) if content else {}
        datasets[key] = replace(one, dataset=replace(one.dataset, **details)) if details else one
    return replace(run, datasets=datasets)


def search_datasets(client: Client, experiment_ids: Iterable[str]) -> list[DatasetInput]:
    """Return the datasets that runs of experiments read, each with the tags of its first use here."""
    found: dict[tuple[str, str | None], DatasetInput] = {}
    for run in client.iter_runs(experiment_ids):
        for one in run.datasets.values():
            found.setdefault((one.key, one.context), one)
    return sorted(found.values(), key=lambda one: (one.dataset.name, one.dataset.digest, one.context or ""))


def check_input(one: Any) -> DatasetInput:  # noqa: ANN401  (ours, or MLflow's)
    """Return a dataset input of ours if it can be stored.

    Raises:
        InvalidValueError: It is none, or a part of it is too long.
        InvalidNameError: The key of a tag cannot be stored.
    """
    about = getattr(one, "dataset", None)
    parts = {name: getattr(about, name, None) for name in _LIMITS}
    for name, value in parts.items():
        if value is None and name in {"schema", "profile"}:
            continue
        if not isinstance(value, str) or (not value and name in {"name", "digest"}):
            message = f"the {name} of a dataset must be text, not {value!r}"
            raise InvalidValueError(message, hint="gittrack.data.from_pandas() and others make datasets")
        if len(value) > _LIMITS[name]:
            message = f"the {name} of dataset {parts['name']!r} has more than {_LIMITS[name]:,} characters"
            raise InvalidValueError(message, hint="log it as an artifact")
        try:
            value.encode()
        except UnicodeEncodeError:
            message = f"the {name} of a dataset is not valid Unicode"
            raise InvalidValueError(message, hint="decode it with errors='replace' first") from None
    tags = {check_key("tag", tag.key): coerce_tag(tag.key, tag.value) for tag in one.tags or ()}
    return DatasetInput(Dataset(**parts), tuple(InputTag(key, value) for key, value in tags.items()))  # type: ignore[arg-type]


_LIMITS = {
    "name": MAX_NAME_LENGTH,
    "digest": MAX_DIGEST_LENGTH,
    "source_type": MAX_DIGEST_LENGTH,
    "source": MAX_SOURCE_LENGTH,
    "schema": MAX_SCHEMA_LENGTH,
    "profile": MAX_PROFILE_LENGTH,
}


def _spill(client: Client, run_id: str, one: DatasetInput) -> DatasetInput:
    """Put what is large into a side file of the run; return what is left for its document."""
    dataset = one.dataset
    large = {"source": dataset.source, "schema": dataset.schema, "profile": dataset.profile}
    details = {name: text for name, text in large.items() if text is not None}
    if sum(map(len, details.values())) <= LARGE_BYTES:
        return one
    content = encode_document(details)
    name = f"dataset-{hashlib.sha256(content).hexdigest()[:12]}.json"
    client.edit(run_id, lambda time: SideFileSet(name, time, content))
    return replace(one, dataset=replace(dataset, source="{}", schema=None, profile=None), details=name)
