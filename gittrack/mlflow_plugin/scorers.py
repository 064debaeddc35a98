"""Scorers of an experiment, each in versions, in a stamped document of its own."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from mlflow.entities.scorer import ScorerVersion
from mlflow.genai.scorers.online.entities import OnlineScorer, OnlineScoringConfig

from gittrack.core.stamped import DocumentChange
from gittrack.errors import InvalidNameError, InvalidValueError, NotFoundError
from gittrack.tracking.live import now_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittrack.core.stamped import Document
    from gittrack.mlflow_plugin.tracking_store import GittrackTrackingStore

KIND = "scorers"


class _Version(ScorerVersion):  # type: ignore[misc, unused-ignore]
    """A version that can be sent although MLflow's message has room for a number only, not for our ids."""

    def to_proto(self) -> Any:  # noqa: ANN401  (MLflow's message)
        """Return the message, with 0 for the experiment the receiver asked for anyway."""
        text = self._serialized_scorer
        twin = ScorerVersion(
            "0", self.scorer_name, self.scorer_version, text, self.creation_time, self.scorer_id
        )
        return twin.to_proto()


def register_scorer(
    store: GittrackTrackingStore, experiment_id: str, name: str, serialized_scorer: str
) -> ScorerVersion:
    """Add a version of a scorer; the first one makes the scorer."""
    experiment = store.client.get_experiment(str(experiment_id))
    if not name.strip():
        message = f"the name of a scorer must be a text, not {name!r}"
        raise InvalidNameError(message)
    json.loads(serialized_scorer)  # what cannot be read back is refused now
    known = _find(store, experiment.experiment_id, name)
    # Versions have ids of their own, so that two clones which add one each both keep theirs; the number of a
    # version is its place in the order of their creation.
    version = {"serialized": serialized_scorer, "creation_time": now_ms()}
    values: dict[str, Any] = {f"versions.{uuid.uuid4().hex}": version}
    document_id = known.document_id if known else uuid.uuid4().hex
    if known is None:
        values |= {"experiment_id": experiment.experiment_id, "name": name}
    _change(store, document_id, values, f"scorer {name}: registered")
    return get_scorer(store, experiment.experiment_id, name)


def list_scorers(store: GittrackTrackingStore, experiment_id: str) -> list[ScorerVersion]:
    """Return the newest version of each scorer of an experiment, in the order of names."""
    return list_scorers_across_experiments(
        store, [store.client.get_experiment(str(experiment_id)).experiment_id]
    )


def list_scorers_across_experiments(
    store: GittrackTrackingStore, experiment_ids: Sequence[str]
) -> list[ScorerVersion]:
    """Return the newest version of each scorer of some experiments."""
    wanted = {str(one) for one in experiment_ids}
    documents = [one for one in store.client.store.list_documents(KIND) if _experiment(one) in wanted]
    versions = [found[-1] for one in documents if (found := _versions(one))]
    return sorted(versions, key=lambda one: (one.experiment_id, one.scorer_name))


def get_scorer(
    store: GittrackTrackingStore, experiment_id: str, name: str, version: int | None = None
) -> ScorerVersion:
    """Return a version of a scorer, the newest if none is named."""
    found = list_scorer_versions(store, experiment_id, name)
    if version is None:
        return found[-1]
    for one in found:
        if one.scorer_version == int(version):
            return one
    message = f"scorer with name {name!r} and version {version} not found for experiment {experiment_id}"
    raise NotFoundError(message)


def list_scorer_versions(store: GittrackTrackingStore, experiment_id: str, name: str) -> list[ScorerVersion]:
    """Return all versions of a scorer, oldest first."""
    document = _find(store, str(experiment_id), name)
    found = _versions(document) if document else []
    if not found:
        message = f"scorer with name {name!r} not found for experiment {experiment_id}"
        raise NotFoundError(message)
    return found


def delete_scorer(
    store: GittrackTrackingStore, experiment_id: str, name: str, version: int | None = None
) -> None:
    """Delete a version of a scorer, or the scorer."""
    doomed = get_scorer(store, experiment_id, name, version)
    document = _find(store, str(experiment_id), name)
    if document is None:
        return
    if version is None:
        change = DocumentChange(KIND, document.document_id, now_ms(), removes=True)
        store.client.store.change_documents([change], f"scorer {name}: deleted")
        return
    field, content = _ordered(document)[doomed.scorer_version - 1]
    # Numbers of later versions stay: a deleted one keeps its place.
    values = {f"versions.{field}": {"deleted": True, "creation_time": content["creation_time"]}}
    _change(store, document.document_id, values, f"scorer {name}: version {version} deleted")


def upsert_online_scoring_config(
    store: GittrackTrackingStore,
    experiment_id: str,
    scorer_name: str,
    sample_rate: float,
    filter_string: str | None = None,
) -> OnlineScoringConfig:
    """Say which share of traces a scorer is to judge as they come."""
    if not 0 <= sample_rate <= 1:
        message = f"the sample rate must be from 0 to 1, not {sample_rate!r}"
        raise InvalidValueError(message)
    scorer = get_scorer(store, experiment_id, scorer_name)
    values = {"online.sample_rate": float(sample_rate), "online.filter": filter_string}
    _change(store, scorer.scorer_id, values, f"scorer {scorer_name}: online scoring")
    (config,) = get_online_scoring_configs(store, [scorer.scorer_id])
    return config


def get_online_scoring_configs(
    store: GittrackTrackingStore, scorer_ids: Sequence[str]
) -> list[OnlineScoringConfig]:
    """Return what was said of online scoring by some scorers."""
    documents = [store.client.store.find_document(KIND, scorer_id) for scorer_id in scorer_ids]
    return [config for one in documents if one is not None and (config := _config(one))]


def get_active_online_scorers(store: GittrackTrackingStore) -> list[OnlineScorer]:
    """Return the scorers that are to judge traces as they come."""
    active = []
    for document in store.client.store.list_documents(KIND):
        config, versions = _config(document), _versions(document)
        if config is not None and config.sample_rate > 0 and versions:
            newest = versions[-1]
            text, number = newest._serialized_scorer, newest.scorer_version  # noqa: SLF001  (it has no other)
            active.append(OnlineScorer(newest.scorer_name, text, config, number))
    return active


def _find(store: GittrackTrackingStore, experiment_id: str, name: str) -> Document | None:
    for document in store.client.store.list_documents(KIND):
        if _experiment(document) == experiment_id and document.fields.get("name") == name:
            return document
    return None


def _experiment(document: Document) -> str:
    return str(document.fields.get("experiment_id"))


def _ordered(document: Document) -> list[tuple[str, Any]]:
    versions = document.group("versions").items()
    return sorted(versions, key=lambda item: (item[1]["creation_time"], item[0]))


def _versions(document: Document) -> list[ScorerVersion]:
    return [
        _Version(
            experiment_id=_experiment(document),
            scorer_name=document.fields["name"],
            scorer_version=number,
            serialized_scorer=content["serialized"],
            creation_time=content["creation_time"],
            scorer_id=document.document_id,
        )
        for number, (_, content) in enumerate(_ordered(document), 1)
        if not content.get("deleted")
    ]


def _config(document: Document) -> OnlineScoringConfig | None:
    about = document.group("online")
    if "sample_rate" not in about:
        return None
    scorer_id = document.document_id
    return OnlineScoringConfig(
        scorer_id, scorer_id, about["sample_rate"], _experiment(document), about.get("filter")
    )


def _change(store: GittrackTrackingStore, document_id: str, values: Mapping[str, Any], subject: str) -> None:
    store.client.store.change_documents([DocumentChange(KIND, document_id, now_ms(), values)], subject)
