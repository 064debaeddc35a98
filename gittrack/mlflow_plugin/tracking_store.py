"""MLflow's tracking store on a repository's runs: a translation of `gittrack.tracking.client.Client`."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from mlflow.entities import RunStatus, ViewType
from mlflow.store.tracking import SEARCH_MAX_RESULTS_DEFAULT
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.utils.uri import append_to_uri_path
from mlflow.utils.validation import (
    _validate_batch_log_data,
    _validate_batch_log_limits,
    _validate_experiment_artifact_location,
    _validate_param_keys_unique,
    _validate_run_id,
)

from gittrack.core.model import TAG_COMMIT, TAG_REPO_URL, Code
from gittrack.errors import RunStateError
from gittrack.mlflow_plugin import (
    assessments,
    entities,
    evaluation_datasets,
    logged_models,
    metrics,
    removal,
    scorers,
    spans,
    trace_metrics,
    trace_search,
    traces,
    traces_v2,
)
from gittrack.mlflow_plugin.border import at_the_border
from gittrack.mlflow_plugin.clients import is_server, open_client
from gittrack.mlflow_plugin.uris import FOLDER, artifact_root, experiment_location

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import mlflow.entities as theirs
    from mlflow.store.entities import PagedList

    from gittrack.core.model import Experiment, Run

_T = TypeVar("_T")


@at_the_border
class GittrackTrackingStore(AbstractStore):
    """Experiments, runs, metrics and what belongs to them, in a Git repository."""

    def __init__(self, store_uri: str, artifact_uri: str | None = None) -> None:
        """Open the repository that a ``gittrack:`` URI names.

        Args:
            store_uri: Names the repository.
            artifact_uri: Under which experiments keep artifacts, None for the repository itself.
        """
        super().__init__()
        self.client = open_client(store_uri)
        self.artifact_root_uri = artifact_uri or artifact_root(self.client.tracking_uri)

    # Experiments

    def search_experiments(
        self,
        view_type: int = ViewType.ACTIVE_ONLY,
        max_results: int = SEARCH_MAX_RESULTS_DEFAULT,
        filter_string: str | None = None,
        order_by: list[str] | None = None,
        page_token: str | None = None,
    ) -> PagedList[theirs.Experiment]:
        """Return a page of the experiments that a filter means."""
        from gittrack.mlflow_plugin.search import search_experiments

        return search_experiments(self, view_type, max_results, filter_string, order_by, page_token)

    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        tags: Sequence[theirs.ExperimentTag] | None = None,
    ) -> str:
        """Create an experiment; return its id."""
        _validate_experiment_artifact_location(artifact_location)
        values = {tag.key: tag.value for tag in tags or ()}
        return self.client.create_experiment(name, artifact_location or None, values)

    def get_experiment(self, experiment_id: str) -> theirs.Experiment:
        """Return an experiment, deleted or not."""
        return self.to_experiment(self.client.get_experiment(str(experiment_id)))

    def get_experiment_by_name(self, experiment_name: str) -> theirs.Experiment | None:
        """Return the experiment of a name, deleted or not."""
        found = self.client.get_experiment_by_name(experiment_name)
        return None if found is None else self.to_experiment(found)

    def delete_experiment(self, experiment_id: str) -> None:
        """Delete an experiment and, with it, its runs."""
        self.client.delete_experiment(str(experiment_id))

    def restore_experiment(self, experiment_id: str) -> None:
        """Bring back a deleted experiment."""
        self.client.restore_experiment(str(experiment_id))

    def rename_experiment(self, experiment_id: str, new_name: str) -> None:
        """Give an experiment another name."""
        self.client.rename_experiment(str(experiment_id), new_name)

    def set_experiment_tag(self, experiment_id: str, tag: theirs.ExperimentTag) -> None:
        """Set a tag of an experiment."""
        self.client.set_experiment_tag(str(experiment_id), tag.key, tag.value)

    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        """Remove a tag of an experiment."""
        self.client.delete_experiment_tag(str(experiment_id), key)

    def artifact_location(self, experiment: Experiment) -> str:
        """Return where an experiment keeps artifacts; no path of this machine is ever stored."""
        return experiment_location(self.artifact_root_uri, experiment)

    def to_experiment(self, experiment: Experiment) -> theirs.Experiment:
        """Return an experiment as MLflow's."""
        return entities.to_experiment(experiment, self.artifact_location(experiment))

    # Runs

    def create_run(
        self,
        experiment_id: str,
        user_id: str | None,
        start_time: int | None,
        tags: Sequence[theirs.RunTag],
        run_name: str | None,
    ) -> theirs.Run:
        """Begin a run."""
        values = {tag.key: tag.value for tag in tags or ()}
        if user_id:
            values.setdefault("mlflow.user", user_id)
        # A server's own code is not the code of the run.
        code = Code(commit=values.get(TAG_COMMIT), remote=values.get(TAG_REPO_URL)) if is_server() else None
        run = self.client.create_run(str(experiment_id), start_time, values, run_name or None, code=code)
        if is_server():  # its end, and what else is logged, may come to another process
            self.client.release(run.run_id)
        return self.to_run(run)

    def get_run(self, run_id: str) -> theirs.Run:
        """Return a run, deleted or not."""
        _validate_run_id(run_id)
        return self.to_run(self.client.get_run(run_id))

    def update_run_info(
        self, run_id: str, run_status: int | None, end_time: int | None, run_name: str | None
    ) -> theirs.RunInfo:
        """Change status, end and name of a run."""
        _validate_run_id(run_id)
        if run_name:
            self.client.update_run(run_id, name=run_name)
        if run_status is not None:
            status = RunStatus.to_string(run_status)
            if RunStatus.is_terminated(run_status):
                self.client.set_terminated(run_id, status, end_time)
            else:
                self.client.update_run(run_id, status)
        return self.get_run(run_id).info

    def delete_run(self, run_id: str) -> None:
        """Delete a run."""
        self.client.delete_run(run_id)

    def restore_run(self, run_id: str) -> None:
        """Bring back a deleted run."""
        self.client.restore_run(run_id)

    def to_run(self, run: Run) -> theirs.Run:
        """Return a run as MLflow's."""
        experiment = self.client.get_experiment(run.experiment_id)
        location = append_to_uri_path(self.artifact_location(experiment), run.run_id, FOLDER)
        return entities.to_run(run, str(location))

    # Logging

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[theirs.Metric],
        params: Sequence[theirs.Param],
        tags: Sequence[theirs.RunTag],
    ) -> None:
        """Log many metrics, params and tags at once."""
        _validate_run_id(run_id)
        metrics, params, tags = _validate_batch_log_data(metrics, params, tags)
        _validate_batch_log_limits(metrics, params, tags)
        _validate_param_keys_unique(params)
        self._write(lambda: self.client.log_batch(run_id, metrics, params, tags))
        logged_models.log_model_metrics(self, run_id, metrics)

    def log_metric(self, run_id: str, metric: theirs.Metric) -> None:
        """Log one point of a metric."""
        self._write(
            lambda: self.client.log_metric(run_id, metric.key, metric.value, metric.timestamp, metric.step)
        )

        logged_models.log_model_metrics(self, run_id, [metric])

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag of a run."""
        self._write(lambda: self.client.delete_tag(run_id, key))

    def _write(self, write: Callable[[], _T]) -> _T:
        """Write, once more if the run's journal was given back for idleness at this very moment."""
        try:
            return write()
        except RunStateError:
            return write()

    # Reading

    def _search_runs(
        self,
        experiment_ids: Sequence[str],
        filter_string: str | None,
        run_view_type: int,
        max_results: int,
        order_by: Sequence[str] | None,
        page_token: str | None,
    ) -> tuple[list[theirs.Run], str | None]:
        found = self.client.search_runs(
            [str(one) for one in experiment_ids or ()],
            filter_string or "",
            run_view_type,
            max_results,
            order_by,
            page_token,
        )
        return [self.to_run(run) for run in found], found.token

    get_metric_history = metrics.get_metric_history
    get_metric_history_bulk = metrics.get_metric_history_bulk
    get_metric_history_bulk_interval_from_steps = metrics.get_history_at_steps

    # Models and datasets

    create_logged_model = logged_models.create_logged_model
    get_logged_model = logged_models.get_logged_model
    finalize_logged_model = logged_models.finalize_logged_model
    set_logged_model_tags = logged_models.set_logged_model_tags
    delete_logged_model_tag = logged_models.delete_logged_model_tag
    log_logged_model_params = logged_models.log_logged_model_params
    delete_logged_model = logged_models.delete_logged_model
    search_logged_models = logged_models.search_logged_models
    log_inputs = logged_models.log_inputs
    log_outputs = logged_models.log_outputs
    _search_datasets = logged_models.search_datasets

    # Traces

    start_trace = traces.start_trace
    get_trace_info = traces.get_trace_info
    batch_get_trace_infos = traces.batch_get_trace_infos
    set_trace_tag = traces.set_trace_tag
    delete_trace_tag = traces.delete_trace_tag
    _delete_traces = traces.delete_traces
    link_traces_to_run = traces.link_traces_to_run
    unlink_traces_from_run = traces.unlink_traces_from_run
    link_prompts_to_trace = traces.link_prompts_to_trace
    deprecated_start_trace_v2 = traces_v2.start_trace
    deprecated_end_trace_v2 = traces_v2.end_trace
    log_spans = spans.log_spans
    get_trace = spans.get_trace
    batch_get_traces = spans.batch_get_traces
    search_traces = trace_search.search_traces
    query_trace_metrics = trace_metrics.query_trace_metrics
    get_assessment = assessments.get_assessment
    create_assessment = assessments.create_assessment
    update_assessment = assessments.update_assessment
    delete_assessment = assessments.delete_assessment

    # Evaluation

    create_dataset = evaluation_datasets.create_dataset
    get_dataset = evaluation_datasets.get_dataset
    delete_dataset = evaluation_datasets.delete_dataset
    search_datasets = evaluation_datasets.search_datasets
    upsert_dataset_records = evaluation_datasets.upsert_dataset_records
    delete_dataset_records = evaluation_datasets.delete_dataset_records
    _load_dataset_records = evaluation_datasets.load_dataset_records
    set_dataset_tags = evaluation_datasets.set_dataset_tags
    delete_dataset_tag = evaluation_datasets.delete_dataset_tag
    get_dataset_experiment_ids = evaluation_datasets.get_dataset_experiment_ids
    add_dataset_to_experiments = evaluation_datasets.add_dataset_to_experiments
    remove_dataset_from_experiments = evaluation_datasets.remove_dataset_from_experiments
    register_scorer = scorers.register_scorer
    list_scorers = scorers.list_scorers
    list_scorers_across_experiments = scorers.list_scorers_across_experiments
    get_scorer = scorers.get_scorer
    list_scorer_versions = scorers.list_scorer_versions
    delete_scorer = scorers.delete_scorer
    upsert_online_scoring_config = scorers.upsert_online_scoring_config
    get_online_scoring_configs = scorers.get_online_scoring_configs
    get_active_online_scorers = scorers.get_active_online_scorers

    # Removal, for `mlflow gc`

    _get_deleted_runs = removal.list_deleted_runs
    _hard_delete_run = removal.remove_run
    _get_deleted_logged_models = removal.list_deleted_models
    _hard_delete_logged_model = removal.remove_model
