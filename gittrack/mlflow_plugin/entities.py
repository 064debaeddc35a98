"""Our values as MLflow's entities."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlflow import entities

if TYPE_CHECKING:
    from gittrack.core.model import Experiment, Metric, Run


def to_experiment(experiment: Experiment, artifact_location: str) -> entities.Experiment:
    """Return an experiment as MLflow's."""
    return entities.Experiment(
        experiment_id=experiment.experiment_id,
        name=experiment.name,
        artifact_location=artifact_location,
        lifecycle_stage=experiment.lifecycle_stage,
        tags=[entities.ExperimentTag(key, value) for key, value in experiment.tags.items()],
        creation_time=experiment.creation_time,
        last_update_time=experiment.last_update_time,
    )


def to_run(run: Run, artifact_uri: str) -> entities.Run:
    """Return a run as MLflow's, with the latest value of each metric."""
    data = run.data
    metrics = [
        entities.Metric(key, one.last, one.last_time, one.last_step, run_id=run.run_id)
        for key, one in run.metrics.items()
    ]
    return entities.Run(
        to_run_info(run, artifact_uri),
        entities.RunData(
            metrics,
            [entities.Param(key, value) for key, value in data.params.items()],
            [entities.RunTag(key, value) for key, value in data.tags.items()],
        ),
        to_inputs(run),
        to_outputs(run),
    )


def to_run_info(run: Run, artifact_uri: str) -> entities.RunInfo:
    """Return what MLflow keeps of a run beside its data."""
    return entities.RunInfo(
        run_id=run.run_id,
        experiment_id=run.experiment_id,
        user_id=run.user,
        status=run.status.value,
        start_time=run.start_time,
        end_time=run.end_time,
        lifecycle_stage=run.lifecycle_stage.value,
        artifact_uri=artifact_uri,
        run_name=run.name,
    )


def to_metric(point: Metric, run_id: str) -> entities.Metric:
    """Return one point of a metric as MLflow's."""
    return entities.Metric(point.key, point.value, point.timestamp, point.step, run_id=run_id)


def to_inputs(run: Run) -> entities.RunInputs:
    """Return what a run read and used as MLflow's."""
    inputs = [
        entities.DatasetInput(
            entities.Dataset(
                one.dataset.name,
                one.dataset.digest,
                one.dataset.source_type,
                one.dataset.source,
                one.dataset.schema,
                one.dataset.profile,
            ),
            [entities.InputTag(tag.key, tag.value) for tag in one.tags],
        )
        for one in run.datasets.values()
    ]
    return entities.RunInputs(inputs, [entities.LoggedModelInput(one) for one in run.model_inputs])


def to_outputs(run: Run) -> entities.RunOutputs:
    """Return what a run made as MLflow's."""
    return entities.RunOutputs(
        [entities.LoggedModelOutput(model_id, step) for model_id, step in run.model_outputs.items()]
    )


def to_assessment_document(assessment: entities.Assessment) -> dict[str, Any]:
    """Return an assessment as it is stored: MLflow's dictionary, but for its number.

    MLflow makes the dictionary by Protocol Buffers, whose numbers are finite floats only.
    """
    for kind in ("feedback", "expectation"):
        held = getattr(assessment, kind, None)
        if held is not None and (kind == "feedback" or isinstance(held.value, int | float)):
            stand_in = copy(assessment)
            setattr(stand_in, kind, replace(held, value=0.0))
            document: dict[str, Any] = stand_in.to_dictionary()
            document[kind]["value"] = held.value
            return document
    return dict(assessment.to_dictionary())
