"""The JSON documents of the hidden branch: ``run.json`` and ``experiments/<id>.json``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.core.event_lines import decode_code, encode_code
from gittrack.core.jsonform import decode, decode_float, encode_document, encode_float, encode_text
from gittrack.core.model import Artifact, Experiment, LifecycleStage, MetricSummary, Run, RunStatus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.inputs import DatasetInput


def encode_run(run: Run) -> bytes:
    """Return ``run.json``: fields without a value are left out, equal runs give equal bytes."""
    document: dict[str, object] = {
        "run_id": run.run_id,
        "name": run.name,
        "experiment_id": run.experiment_id,
        "status": run.status.value,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "lifecycle_stage": run.lifecycle_stage.value,
        "reason": run.reason,
        "user": run.user,
        "source": run.source,
        "parent": run.parent,
        "code": encode_code(run.code) if run.code else None,
        "environment": run.environment,
        "params": dict(run.params),
        "metrics": {key: encode_summary(summary) for key, summary in run.metrics.items()},
        "tags": dict(run.tags),
        "artifacts": encode_manifest(run.artifacts),
        "datasets": encode_inputs(run.datasets),
        "used": dict(run.used),
        "model_inputs": list(run.model_inputs) or None,
        "model_outputs": dict(run.model_outputs),
        "edits": dict(run.edits),
    }
    return encode_document({key: value for key, value in document.items() if value not in (None, {})})


def encode_inputs(datasets: Mapping[str, DatasetInput]) -> dict[str, object]:
    """Return the datasets a run read as ``run.json`` holds them."""
    if not datasets:
        return {}
    from gittrack.core.inputs import encode_input  # most runs need none of that

    return {key: encode_input(one) for key, one in datasets.items()}


def decode_inputs(datasets: Mapping[str, Any]) -> dict[str, DatasetInput]:
    """Return the datasets `encode_inputs` wrote."""
    if not datasets:
        return {}
    from gittrack.core.inputs import decode_input

    return {key: decode_input(one) for key, one in datasets.items()}


def encode_manifest(artifacts: Mapping[str, Artifact]) -> dict[str, object]:
    """Return an artifact manifest: path → digest, size and place of the content."""
    return {path: _encode_artifact(one) for path, one in artifacts.items()}


def encode_manifest_document(artifacts: Mapping[str, Artifact]) -> bytes:
    """Return what `encode_document` makes of `encode_manifest`, for many, and faster."""
    lines = [
        f' {encode_text(path)}: {{\n  "blake3": {encode_text(one.digest)},\n  "size": {one.size},\n'
        f'  "where": "{"inline" if one.inline else "store"}"\n }}'
        if one.uri is None
        else encode_document({path: _encode_artifact(one)}).decode()[2:-3]
        for path, one in sorted(artifacts.items())
    ]
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def decode_manifest(manifest: Mapping[str, Any]) -> dict[str, Artifact]:
    """Return the artifacts `encode_manifest` wrote."""
    return {path: _decode_artifact(path, one) for path, one in manifest.items()}


def decode_run(data: bytes | str) -> Run:
    """Return the run of a ``run.json``.

    Raises:
        ValueError: It is none. Fields this version does not know are ignored.
    """
    document: Any = decode(data)
    try:
        code = document.get("code")
        return Run(
            run_id=document["run_id"],
            name=document["name"],
            experiment_id=document["experiment_id"],
            status=RunStatus(document["status"]),
            start_time=document["start_time"],
            end_time=document.get("end_time"),
            lifecycle_stage=LifecycleStage(document.get("lifecycle_stage", "active")),
            reason=document.get("reason"),
            user=document.get("user", "unknown"),
            source=document.get("source"),
            parent=document.get("parent"),
            code=decode_code(code) if code else None,
            environment=document.get("environment"),
            params=document.get("params", {}),
            metrics={key: decode_summary(one) for key, one in document.get("metrics", {}).items()},
            tags=document.get("tags", {}),
            artifacts=decode_manifest(document.get("artifacts", {})),
            datasets=decode_inputs(document.get("datasets", {})),
            used={str(uri): str(digest) for uri, digest in document.get("used", {}).items()},
            model_inputs=tuple(map(str, document.get("model_inputs", ()))),
            model_outputs={str(key): int(step) for key, step in document.get("model_outputs", {}).items()},
            edits=document.get("edits", {}),
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not a run document: {error!r}"
        raise ValueError(message) from error


def encode_experiment(experiment: Experiment) -> bytes:
    """Return ``experiments/<id>.json``."""
    document: dict[str, object] = {
        "experiment_id": experiment.experiment_id,
        "name": experiment.name,
        "lifecycle_stage": experiment.lifecycle_stage,
        "creation_time": experiment.creation_time,
        "last_update_time": experiment.last_update_time,
        "tags": dict(experiment.tags),
        "artifact_location": experiment.artifact_location or None,
        "edits": dict(experiment.edits),
    }
    return encode_document({key: value for key, value in document.items() if value not in (None, {})})


def decode_experiment(data: bytes) -> Experiment:
    """Return the experiment of an ``experiments/<id>.json``.

    Raises:
        ValueError: It is none.
    """
    document: Any = decode(data)
    try:
        return Experiment(
            document["experiment_id"],
            document["name"],
            document.get("lifecycle_stage", "active"),
            document.get("creation_time", 0),
            document.get("last_update_time", 0),
            document.get("tags", {}),
            document.get("artifact_location", ""),
            document.get("edits", {}),
        )
    except (KeyError, TypeError, AttributeError) as error:
        message = f"not an experiment document: {error!r}"
        raise ValueError(message) from error


def encode_summary(summary: MetricSummary) -> dict[str, object]:
    """Return the summary of one metric as ``run.json`` holds it."""
    return {
        "last": encode_float(summary.last),
        "last_step": summary.last_step,
        "last_time": summary.last_time,
        "min": encode_float(summary.min),
        "min_step": summary.min_step,
        "max": encode_float(summary.max),
        "max_step": summary.max_step,
        "count": summary.count,
    }


def decode_summary(one: Mapping[str, Any]) -> MetricSummary:
    """Return the summary of one metric of a ``run.json``."""
    return MetricSummary(
        decode_float(one["last"]),
        one["last_step"],
        one["last_time"],
        decode_float(one["min"]),
        one["min_step"],
        decode_float(one["max"]),
        one["max_step"],
        one["count"],
    )


def _encode_artifact(artifact: Artifact) -> dict[str, object]:
    if artifact.uri is not None:
        about = {"uri": artifact.uri, "size": artifact.size, "where": "reference"}
        return {**about, "digest": artifact.digest} if artifact.digest else about
    where = "inline" if artifact.inline else "store"
    return {"blake3": artifact.digest, "size": artifact.size, "where": where}


def _decode_artifact(path: str, one: Mapping[str, Any]) -> Artifact:
    if one.get("where") == "reference":
        return Artifact(path, one.get("digest", ""), one["size"], uri=one["uri"])
    return Artifact(path, one["blake3"], one["size"], one.get("where") == "inline")
