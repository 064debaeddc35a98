"""Datasets of records to evaluate against: a stamped document each, and one for every record."""

from __future__ import annotations

import hashlib
import json
import operator
import uuid
from typing import TYPE_CHECKING, Any

from mlflow.entities import EvaluationDataset
from mlflow.entities.dataset_record import DatasetRecord
from mlflow.entities.dataset_record_source import DatasetRecordSource
from mlflow.store.tracking import SEARCH_MAX_RESULTS_THRESHOLD
from mlflow.utils.mlflow_tags import MLFLOW_USER
from mlflow.utils.search_utils import SearchEvaluationDatasetsUtils, SearchUtils

from gittrack.core.stamped import DocumentChange
from gittrack.errors import NotFoundError
from gittrack.mlflow_plugin.search import check_page_size, cut_page
from gittrack.tracking.live import now_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mlflow.store.entities import PagedList

    from gittrack.core.stamped import Document
    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

KIND = "evaluation-datasets"
RECORDS = "evaluation-records"
PARTS = ("inputs", "outputs", "expectations")
_TYPES = {type(None): "null", bool: "boolean", int: "integer", float: "float", str: "string"} | {
    list: "array",
    dict: "object",
}


def create_dataset(
    store: GittrackTrackingStore,
    name: str,
    tags: Mapping[str, str] | None = None,
    experiment_ids: Sequence[str] | None = None,
) -> EvaluationDataset:
    """Make a dataset without records."""
    dataset_id = f"d-{uuid.uuid4().hex}"
    values: dict[str, Any] = {"name": name, "created_time": now_ms()}
    values |= {"created_by": (tags or {}).get(MLFLOW_USER)}
    values |= {f"tags.{key}": value for key, value in (tags or {}).items()}
    values |= {f"experiments.{one}": True for one in experiment_ids or ()}
    _change(store, dataset_id, values, f"evaluation dataset {name}: created")
    dataset = get_dataset(store, dataset_id)
    dataset.experiment_ids = [str(one) for one in experiment_ids or ()]
    return dataset


def get_dataset(store: GittrackTrackingStore, dataset_id: str) -> EvaluationDataset:
    """Return a dataset; its records are read when they are asked for."""
    return _to_dataset(store, _get(store, dataset_id))


def delete_dataset(store: GittrackTrackingStore, dataset_id: str) -> None:
    """Delete a dataset with its records; nothing happens if there is none."""
    doomed = [
        (KIND, dataset_id),
        *((_kind(dataset_id), one.document_id) for one in _records(store, dataset_id)),
    ]
    if store.client.store.find_document(KIND, dataset_id) is not None:
        now = now_ms()
        changes = [DocumentChange(kind, one, now, removes=True) for kind, one in doomed]
        store.client.store.change_documents(changes, f"evaluation dataset {dataset_id}: deleted")


def search_datasets(
    store: GittrackTrackingStore,
    experiment_ids: Sequence[str] | None = None,
    filter_string: str | None = None,
    max_results: int = 1000,
    order_by: Sequence[str] | None = None,
    page_token: str | None = None,
) -> PagedList[EvaluationDataset]:
    """Return a page of the datasets that a filter means, newest first."""
    check_page_size(max_results, SEARCH_MAX_RESULTS_THRESHOLD)
    clauses = SearchEvaluationDatasetsUtils.parse_search_filter(filter_string) if filter_string else []
    wanted = {str(one) for one in experiment_ids or ()}
    datasets = [
        _to_dataset(store, one)
        for one in store.client.store.list_documents(KIND)
        if not wanted or wanted & one.group("experiments").keys()
    ]
    found = [one for one in datasets if all(_matches(one, clause) for clause in clauses)]
    found.sort(key=lambda one: one.dataset_id)
    for clause in reversed(list(order_by or ["created_time DESC"])):
        _, key, is_ascending = SearchEvaluationDatasetsUtils.parse_order_by_for_search_evaluation_datasets(
            clause
        )
        found.sort(key=operator.attrgetter(key), reverse=not is_ascending)
    return cut_page(found, page_token, max_results)


def upsert_dataset_records(
    store: GittrackTrackingStore, dataset_id: str, records: Sequence[Mapping[str, Any]]
) -> dict[str, int]:
    """Add records, or add to those that have the same inputs already; return how many of each."""
    _get(store, dataset_id)
    now, known = now_ms(), {one.document_id for one in _records(store, dataset_id)}
    counts = {"inserted": 0, "updated": 0}
    changes = []
    for record in records:
        record_id = _record_id(record.get("inputs", {}))
        counts["updated" if record_id in known else "inserted"] += 1
        values = _record_values(record, now, is_new=record_id not in known)
        known.add(record_id)
        changes.append(DocumentChange(_kind(dataset_id), record_id, now, values))
    if changes:
        subject = f"evaluation dataset {dataset_id}: {len(changes)} records"
        store.client.store.change_documents(changes, subject)
    return counts


def delete_dataset_records(
    store: GittrackTrackingStore, dataset_id: str, dataset_record_ids: Sequence[str]
) -> int:
    """Delete records; return how many there were."""
    _get(store, dataset_id)
    known = {one.document_id for one in _records(store, dataset_id)}
    doomed = [one for one in dataset_record_ids if one in known]
    changes = [DocumentChange(_kind(dataset_id), one, now_ms(), removes=True) for one in doomed]
    if changes:
        store.client.store.change_documents(changes, f"evaluation dataset {dataset_id}: records deleted")
    return len(doomed)


def load_dataset_records(
    store: GittrackTrackingStore,
    dataset_id: str,
    max_results: int | None = None,
    page_token: str | None = None,
) -> tuple[list[DatasetRecord], str | None]:
    """Return records in the order they were added: all, or one page with the token of the next."""
    _get(store, dataset_id)
    records = [_to_record(dataset_id, one) for one in _records(store, dataset_id)]
    records.sort(key=lambda one: (one.created_time, one.dataset_record_id))
    if max_results is None:
        return records, None
    page, token = SearchUtils.paginate(records, page_token, max_results)
    return page, token


def set_dataset_tags(store: GittrackTrackingStore, dataset_id: str, tags: Mapping[str, Any]) -> None:
    """Set tags of a dataset; None removes one."""
    _get(store, dataset_id)
    _change(
        store, dataset_id, {f"tags.{key}": value for key, value in tags.items()}, "evaluation dataset tagged"
    )


def delete_dataset_tag(store: GittrackTrackingStore, dataset_id: str, key: str) -> None:
    """Remove a tag of a dataset, if it has it."""
    if store.client.store.find_document(KIND, dataset_id) is not None:
        _change(store, dataset_id, {f"tags.{key}": None}, "evaluation dataset untagged")


def get_dataset_experiment_ids(store: GittrackTrackingStore, dataset_id: str) -> list[str]:
    """Return the ids of the experiments a dataset belongs to."""
    return sorted(_get(store, dataset_id).group("experiments"))


def add_dataset_to_experiments(
    store: GittrackTrackingStore, dataset_id: str, experiment_ids: Sequence[str]
) -> EvaluationDataset:
    """Make a dataset belong to more experiments."""
    return _set_experiments(store, dataset_id, experiment_ids, belongs=True)


def remove_dataset_from_experiments(
    store: GittrackTrackingStore, dataset_id: str, experiment_ids: Sequence[str]
) -> EvaluationDataset:
    """Make a dataset belong to fewer experiments."""
    return _set_experiments(store, dataset_id, experiment_ids, belongs=None)


def _set_experiments(
    store: GittrackTrackingStore, dataset_id: str, experiment_ids: Iterable[str], *, belongs: bool | None
) -> EvaluationDataset:
    _get(store, dataset_id)
    values = {
        f"experiments.{store.client.get_experiment(str(one)).experiment_id}": belongs
        for one in experiment_ids
    }
    _change(store, dataset_id, values, f"evaluation dataset {dataset_id}: experiments")
    return get_dataset(store, dataset_id)


def _get(store: GittrackTrackingStore, dataset_id: str) -> Document:
    found = store.client.store.find_document(KIND, dataset_id)
    if found is None:
        message = f"evaluation dataset with id {dataset_id!r} not found"
        raise NotFoundError(message)
    return found


def _kind(dataset_id: str) -> str:
    return f"{RECORDS}/{dataset_id}"


def _records(store: GittrackTrackingStore, dataset_id: str) -> list[Document]:
    return store.client.store.list_documents(_kind(dataset_id))


def _record_id(inputs: Mapping[str, Any]) -> str:
    """Return the id of the record with these inputs, the same wherever it is added."""
    text = json.dumps(inputs, sort_keys=True)
    return f"dr-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _record_values(record: Mapping[str, Any], now: int, *, is_new: bool) -> dict[str, Any]:
    tags = record.get("tags") or {}
    values: dict[str, Any] = {"last_update_time": now}
    if is_new:
        source = record.get("source")
        source = source.to_dict() if isinstance(source, DatasetRecordSource) else source
        values |= {"inputs": record.get("inputs", {}), "created_time": now, "source": source}
        values |= {"created_by": tags.get(MLFLOW_USER)}
    if MLFLOW_USER in tags:
        values["last_updated_by"] = tags[MLFLOW_USER]
    if record.get("outputs") is not None:
        values["outputs"] = record["outputs"]
    values |= {f"expectations.{key}": value for key, value in (record.get("expectations") or {}).items()}
    return values | {f"tags.{key}": value for key, value in tags.items()}


def _to_record(dataset_id: str, document: Document) -> DatasetRecord:
    fields = document.fields
    source = fields.get("source")
    return DatasetRecord(
        dataset_id=dataset_id,
        dataset_record_id=document.document_id,
        inputs=fields.get("inputs", {}),
        outputs=fields.get("outputs"),
        expectations=document.group("expectations") or None,
        tags=document.group("tags"),
        source=DatasetRecordSource.from_dict(source) if source else None,
        created_time=fields.get("created_time", 0),
        last_update_time=fields.get("last_update_time", 0),
        created_by=fields.get("created_by"),
        last_updated_by=fields.get("last_updated_by"),
    )


def _to_dataset(store: GittrackTrackingStore, document: Document) -> EvaluationDataset:
    """Return a dataset with the digest, schema and profile that its records have now."""
    fields = document.fields
    records = [_to_record(document.document_id, one) for one in _records(store, document.document_id)]
    newest = max((one.last_update_time for one in records), default=0)
    content = [fields.get("name"), sorted((one.dataset_record_id, one.last_update_time) for one in records)]
    dataset = EvaluationDataset(
        dataset_id=document.document_id,
        name=fields.get("name", ""),
        digest=hashlib.sha256(json.dumps(content).encode()).hexdigest()[:8],
        created_time=fields.get("created_time", 0),
        last_update_time=max(newest, document.latest_time),
        tags=document.group("tags"),
        schema=json.dumps(_infer_schema(records)) if records else None,
        profile=json.dumps({"num_records": len(records)}) if records else None,
        created_by=fields.get("created_by"),
        last_updated_by=next((one.last_updated_by for one in records if one.last_updated_by), None),
    )
    dataset._tracking_store = store  # noqa: SLF001  (MLflow's entity reads its records from there)
    return dataset


def _infer_schema(records: Sequence[DatasetRecord]) -> dict[str, Any]:
    schema: dict[str, Any] = {part: {} for part in PARTS} | {"version": "1.0"}
    for record in records:
        for part in PARTS:
            values = getattr(record, part)
            if isinstance(values, dict):
                for key, value in values.items():
                    schema[part].setdefault(key, _TYPES.get(type(value), "unknown"))
            elif values is not None and not schema[part]:
                schema[part] = _TYPES.get(type(values), "unknown")
    return schema


def _matches(dataset: EvaluationDataset, clause: Mapping[str, Any]) -> bool:
    key, comparator = clause["key"], clause["comparator"].upper()
    found = dataset.tags.get(key) if clause["type"] == "tag" else getattr(dataset, key)
    return found is not None and bool(SearchUtils.get_comparison_func(comparator)(found, clause["value"]))


def _change(store: GittrackTrackingStore, dataset_id: str, values: Mapping[str, Any], subject: str) -> None:
    store.client.store.change_documents([DocumentChange(KIND, dataset_id, now_ms(), values)], subject)
