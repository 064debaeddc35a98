"""The client: everything one can do with experiments and runs, with the store passed in."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from gittrack.core.events import (
    LifecycleChanged,
    Renamed,
    RunResumed,
    RunStarted,
    SideFileSet,
    StatusChanged,
    TagDeleted,
    TagsSet,
)
from gittrack.core.fold import is_active, latest_edit
from gittrack.core.model import (
    DEFAULT_EXPERIMENT_ID,
    TAG_PARENT,
    TAG_RERUN,
    TAG_RUN_NAME,
    TAG_SOURCE_NAME,
    TAG_USER,
    LifecycleStage,
    Run,
    RunStatus,
)
from gittrack.core.names import (
    check_name,
    check_run_id,
    make_run_id,
    make_run_name,
)
from gittrack.core.values import coerce_timestamp
from gittrack.errors import (
    InvalidValueError,
    ParamOverwriteError,
    RunNotFoundError,
    RunStateError,
    StoreError,
    TagNotFoundError,
)
from gittrack.tracking import experiments, side_files
from gittrack.tracking.checkpoints import Checkpoints
from gittrack.tracking.code import CODE_FILE, Capture, CodeSource
from gittrack.tracking.context import current_source, current_user
from gittrack.tracking.lazy import lazy_methods
from gittrack.tracking.live import LiveRun, RunOperations, check_metric, check_tags, now_ms
from gittrack.tracking.open import (
    checkpoint_interval,
    close_at_exit,
    code_settings,
    keep_while_writing,
    open_store,
    rerun_origin,
)
from gittrack.tracking.views import ViewType, shows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gittrack.core.alerts import Alert
    from gittrack.core.events import Event
    from gittrack.core.model import Code, Metric, Param, RunTag
    from gittrack.core.series import Series
    from gittrack.store.interface import Store
    from gittrack.tracking import (
        catalog,
        code_files,
        committed,
        definitions,
        diff,
        histories,
        in_place,
        inputs,
        lineage,
        logged_model_search,
        logged_models,
        model_versions,
        named_views,
        past,
        promotion,
        references,
        registry,
        rerun,
        run_code,
        run_files,
        search,
        verify,
    )


class Client:
    """Reads and writes the runs of one repository; the methods have MlflowClient's names.

    It may be used from many threads. Runs it writes stay open until `set_terminated`, `close`, or the end of
    the process; what was logged is on disk all the time.
    """

    def __init__(
        self,
        tracking_uri: str | os.PathLike[str] | None = None,
        *,
        store: Store | None = None,
        clock_ms: Callable[[], int] = now_ms,
    ) -> None:
        """Open the repository at a path or ``gittrack:`` URI (default: ``GITTRACK_REPO``, else here).

        Args:
            tracking_uri: Of the repository; runs that dead processes left in it are finished on the way.
            store: An open store to use instead.
            clock_ms: Tells the time, in milliseconds since the epoch.

        Raises:
            RepositoryNotFoundError: There is no Git repository.
            StoreError: It cannot be read.
        """
        self.store = open_store(tracking_uri) if store is None else store
        """Where runs are kept."""
        self.code = CodeSource(self.store, code_settings)
        """Tells the code of new runs."""
        self._clock_ms = clock_ms
        self._live: dict[str, LiveRun] = {}
        self._idle_sizes: dict[str, int] = {}
        self._checkpoints = Checkpoints(self._make_checkpoint, lambda: list(self._live))
        if (interval_s := checkpoint_interval()) is not None:
            self.set_checkpoint_interval(interval_s)
        self.recover()
        close_at_exit(self)

    # Repository

    def head(self) -> str | None:
        """Return the commit of the hidden branch, None when there is none yet."""
        return self.store.head()

    def repository_name(self) -> str:
        """Return the name to show for the repository: the remote's last two parts, else the folder's name."""
        if self.store.database is None:
            return "memory"
        url = (self.store.database.remote_url() or "").rstrip("/").removesuffix(".git")
        if "://" in url or ":" in url:
            parts = [part for part in url.replace(":", "/").split("/") if part]
            return "/".join(parts[-2:])
        return self.folder().name

    def folder(self) -> Path:
        """Return the top of the work tree, or the Git directory of a bare repository.

        Raises:
            StoreError: The store is in no folder.
        """
        if self.store.database is None:
            message = "this store is in no folder"
            raise StoreError(message)
        return self.store.database.top or self.store.database.common_dir

    def work_tree(self) -> Path | None:
        """Return the top of the work tree, None where there is none."""
        return None if self.store.database is None else self.store.database.top

    def own_folder(self, name: str) -> Path:
        """Return a folder of gittrack's own in the repository, for what can be made again; it may be missing.

        Raises:
            StoreError: The store is in no folder.
        """
        return self._common_dir() / "gittrack" / name

    def watched_folders(self) -> list[Path]:
        """Return the folders in which something changes whenever a run does.

        Raises:
            StoreError: The store is in no folder.
        """
        common = self._common_dir()
        folders = [common / "refs", common / "gittrack" / "journal"]
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
        return folders

    def _common_dir(self) -> Path:
        if self.store.database is None:
            message = "this store is in no folder"
            raise StoreError(message)
        return self.store.database.common_dir

    @property
    def tracking_uri(self) -> str:
        """The store as ``gittrack:`` URI, ``memory:`` where nothing is recorded."""
        return "memory:" if self.store.database is None else f"gittrack:{self.folder()}"

    def recover(self) -> list[str]:
        """Finish runs whose process died; return their ids. A store that is read-only stays as it is."""
        with suppress(StoreError):
            return [*self.store.recover(), *self._adopt_outputs()]
        return []

    def release(self, run_id: str) -> None:
        """Commit what this client wrote to a run that others answer for, and let go of it."""
        if (live := self._live.get(run_id)) is not None:
            self._release(live)

    def close(self) -> None:
        """Fold and commit what was written to runs that others own, and let go of all files."""
        self._checkpoints.wait()
        for live in list(self._live.values()):
            self._release(live)
        self.store.close()

    # Experiments

    create_experiment = experiments.create_experiment
    get_experiment = experiments.get_experiment
    get_experiment_by_name = experiments.get_experiment_by_name
    list_experiments = experiments.list_experiments
    search_experiments = experiments.search_experiments
    rename_experiment = experiments.rename_experiment
    delete_experiment = experiments.delete_experiment
    restore_experiment = experiments.restore_experiment
    set_experiment_tag = experiments.set_experiment_tag
    delete_experiment_tag = experiments.delete_experiment_tag

    # Runs

    def create_run(
        self,
        experiment_id: str = DEFAULT_EXPERIMENT_ID,
        start_time: int | None = None,
        tags: Mapping[str, object] | None = None,
        run_name: str | None = None,
        *,
        code: Code | None = None,
        run_id: str | None = None,
    ) -> Run:
        """Begin a run; it is live until `set_terminated`, or the end of the process.

        Args:
            experiment_id: An active experiment.
            start_time: Milliseconds since the epoch, now if None.
            tags: ``mlflow.parentRunId`` makes it a child run.
            run_name: A readable one is made up if None.
            code: Which code runs; read from the repository if None.
            run_id: One that was made for it already, by `make_run_id`.

        Raises:
            ExperimentNotFoundError: There is no such experiment.
            RunStateError: The experiment is deleted.
            UserError: A name or value cannot be stored.
            StoreError: The disk is full, or failed.
        """
        values = check_tags(tags or {})
        name = self._choose_name(values.pop(TAG_RUN_NAME, ""), run_name)
        experiments.get_active_experiment(self, experiment_id)
        time_ms = self._clock_ms() if start_time is None else coerce_timestamp(start_time)
        run_id = run_id or make_run_id(time_ms, os.urandom(10))
        if TAG_PARENT not in values and (origin := rerun_origin()):
            values.setdefault(TAG_RERUN, origin)
        found = Capture(code) if code else self.code.capture()
        started = RunStarted(
            run_id=run_id,
            experiment_id=str(experiment_id),
            name=name,
            time=time_ms,
            user=values.pop(TAG_USER, "") or current_user(),
            source=values.pop(TAG_SOURCE_NAME, "") or current_source(),
            parent=values.pop(TAG_PARENT, "") or None,
            code=found.code,
            tags=values,
        )
        sink = self.store.open_journal(run_id)
        run = Run(
            run_id, name, started.experiment_id, RunStatus.RUNNING, time_ms,
            user=started.user, source=started.source, parent=started.parent, code=started.code, tags=values,
        )  # fmt: skip
        live = LiveRun(run, sink, clock_ms=self._clock_ms)
        self._hold(live)
        try:
            live.write(started)
            if found.details is not None:
                live.write(SideFileSet(CODE_FILE, time_ms, found.details))
        except StoreError:
            self._release(live)
            raise
        live.owns = True
        return run

    def resume_run(self, run_id: str) -> Run:
        """Go on with a run: it is live again.

        Raises:
            RunNotFoundError: There is none with this id.
            RunStateError: It is deleted.
        """
        run = self._writable_run(run_id)
        live = self._open_live(run)
        live.write(RunResumed(live.event_time()))
        live.owns = True
        return replace(run, status=RunStatus.RUNNING, end_time=None)

    def get_run(self, run_id: str) -> Run:
        """Return a run as it is now, deleted or not, what living processes logged included.

        Raises:
            RunNotFoundError: There is none with this id.
        """
        run = self.store.find_run(check_run_id(run_id))
        if run is None:
            message = f"no run with id {run_id!r}"
            raise RunNotFoundError(
                message, hint="`gittrack log` lists runs; `gittrack fetch` brings those of others"
            )
        run = self._with_experiment(run)
        if all(one.details is None for one in run.datasets.values()):
            return run
        from gittrack.tracking.inputs import complete

        return complete(self, run)

    def get_parent_run(self, run_id: str) -> Run | None:
        """Return the parent of a run, None if it has none.

        Raises:
            RunNotFoundError: There is no run with this id, or its parent is not here.
        """
        parent = self.get_run(run_id).parent
        return None if parent is None else self.get_run(parent)

    def iter_runs(
        self, experiment_ids: Iterable[str] | None = None, view_type: int = ViewType.ACTIVE_ONLY
    ) -> Iterator[Run]:
        """Yield runs, newest first; the first come at once, however many there are.

        Args:
            experiment_ids: Of these experiments only; of all active ones if None.
            view_type: Active ones, deleted ones, or all: one of `ViewType`.
        """
        yield from self._show_runs(self.store.list_runs(), experiment_ids, view_type)

    def _show_runs(
        self, runs: Iterable[Run], experiment_ids: Iterable[str] | None, view_type: int
    ) -> Iterator[Run]:
        wanted = None if experiment_ids is None else set(experiment_ids)
        deleted = self._deleted_experiments()
        shown_stages = {stage for stage in LifecycleStage if shows(view_type, stage)}
        for run in runs:
            if wanted is not None and run.experiment_id not in wanted:
                continue
            shown = _deleted(run) if run.experiment_id in deleted else run
            if shown.lifecycle_stage in shown_stages:
                yield shown

    def list_runs(
        self, experiment_ids: Iterable[str] | None = None, view_type: int = ViewType.ACTIVE_ONLY
    ) -> list[Run]:
        """Return runs, newest first; see `iter_runs`."""
        return list(self.iter_runs(experiment_ids, view_type))

    def list_late_runs(self) -> list[Run]:
        """Return all active runs, newest first; their params and tags may be mappings that are no dicts.

        For whoever looks at all of them: it takes a quarter less time and memory.
        """
        return list(self._show_runs(self.store.list_runs(is_late=True), None, ViewType.ACTIVE_ONLY))

    def update_run(self, run_id: str, status: str | None = None, name: str | None = None) -> None:
        """Change the status or the name of a run.

        Raises:
            RunNotFoundError: There is none with this id.
            RunStateError: It is deleted.
            UserError: The status or name is none.
        """
        run = self._writable_run(run_id)
        if name is not None:
            self._edit(run, Renamed(check_name("run", name), self._edit_time(run)))
        if status is not None:
            checked = _check_status(status)
            if checked.is_terminated:
                self.set_terminated(run_id, status)
            else:
                after_end = (run.end_time or 0) + 1
                self._edit(run, StatusChanged(checked, max(self._edit_time(run), after_end)))

    def set_terminated(
        self,
        run_id: str,
        status: str | None = None,
        end_time: int | None = None,
        *,
        reason: str | None = None,
    ) -> Run:
        """End a run; when this returns, it is committed. Return it, with what this process knew of it.

        Args:
            run_id: The run.
            status: ``FINISHED`` (default), ``FAILED`` or ``KILLED``.
            end_time: Milliseconds since the epoch, now if None.
            reason: Why it ended so, if that is not its own doing.

        Raises:
            RunNotFoundError: There is none with this id.
            UserError: The status is none.
            StoreError: The disk is full, or failed; what was logged is committed by the next command.
        """
        checked = _check_status(status or RunStatus.FINISHED.value)
        time_ms = self._clock_ms() if end_time is None else coerce_timestamp(end_time)
        live = self._live.get(run_id) or self._open_live(self._writable_run(run_id))
        live.write(StatusChanged(checked, live.event_time(), time_ms, reason))
        live.close()
        self._let_go(run_id)
        self.store.end_journal(live.sink)
        return replace(live.run, status=checked, end_time=time_ms, reason=reason)

    def delete_run(self, run_id: str) -> None:
        """Delete a run; `restore_run` brings it back.

        Raises:
            RunNotFoundError: There is none with this id.
        """
        self._set_stage(run_id, LifecycleStage.DELETED)

    def restore_run(self, run_id: str) -> None:
        """Bring back a deleted run.

        Raises:
            RunNotFoundError: There is none with this id.
        """
        self._set_stage(run_id, LifecycleStage.ACTIVE)

    # Logging

    def live(self, run_id: str) -> LiveRun:
        """Return what this process writes of a run with, opening it if need be.

        Raises:
            RunNotFoundError: There is none with this id.
            RunStateError: It is deleted.
        """
        live = self._live.get(run_id)
        if live is None:
            live = self._open_live(self._writable_run(run_id))
        return live

    def log_metric(
        self, run_id: str, key: str, value: float, timestamp: int | None = None, step: int | None = None
    ) -> None:
        """Log one point of a metric; see `LiveRun.log_metric`.

        Raises:
            RunNotFoundError: There is no run with this id.
            UserError: Key, value, step or timestamp cannot be stored.
            StoreError: The disk is full, or failed.
        """
        self.live(run_id).log_metric(key, value, step, timestamp)

    def log_series(
        self,
        run_id: str,
        key: str,
        values: Iterable[float],
        steps: Iterable[int] | int = 0,
        timestamps: Iterable[int] | int | None = None,
    ) -> None:
        """Log many points of a metric at once; see `LiveRun.log_series`.

        Raises:
            RunNotFoundError: There is no run with this id.
            UserError: The key or a value cannot be stored; then none is logged.
            StoreError: The disk is full, or failed.
        """
        self.live(run_id).log_series(key, values, steps, timestamps)

    def log_param(self, run_id: str, key: str, value: object) -> object:
        """Log one param; return its value. Logging an equal value again is no error.

        Raises:
            RunNotFoundError: There is no run with this id.
            ParamOverwriteError: It has another value already.
            UserError: Key or value cannot be stored.
        """
        self.live(run_id).log_params({key: value})
        return value

    def log_batch(
        self,
        run_id: str,
        metrics: Sequence[Metric] = (),
        params: Sequence[Param] = (),
        tags: Sequence[RunTag] = (),
        synchronous: bool | None = None,  # noqa: FBT001
    ) -> RunOperations | None:
        """Log many metrics, params and tags at once, or none of them if one cannot be stored.

        Args:
            run_id: The run.
            metrics: Points; an equal one that is there already is no second one.
            params: Each with one value.
            tags: The last value of a key wins.
            synchronous: Accepted for MLflow's sake: logging is always done when the call returns.

        Raises:
            RunNotFoundError: There is no run with this id.
            ParamOverwriteError: A param has another value already, here or earlier in the batch.
            UserError: A key or value cannot be stored.
        """
        live = self.live(run_id)
        values: dict[str, object] = {}
        for param in params:
            if str(values.setdefault(param.key, param.value)) != str(param.value):
                message = f"param {param.key!r} has two values in one batch"
                raise ParamOverwriteError(message, hint="log each param once")
        texts = check_tags({tag.key: tag.value for tag in tags})
        points = [check_metric(metric) for metric in metrics]
        live.log_params(values)  # which checks them all before it writes any
        for point in points:
            live.log_metric(point.key, point.value, point.step, point.timestamp)
        live.set_tags(texts)
        return RunOperations() if synchronous is False else None

    def set_tag(self, run_id: str, key: str, value: object) -> None:
        """Set a tag; the last value wins. ``mlflow.runName`` renames the run.

        Raises:
            RunNotFoundError: There is no run with this id.
            RunStateError: It is deleted.
            UserError: Key or value cannot be stored.
        """
        values = check_tags({key: value})
        live = self._live.get(run_id)
        if live is not None:
            live.set_tags(values)
        else:
            run = self._writable_run(run_id)
            self._edit(run, TagsSet(values, self._edit_time(run)))

    def delete_tag(self, run_id: str, key: str) -> None:
        """Remove a tag.

        Raises:
            RunNotFoundError: There is no run with this id.
            TagNotFoundError: It has no such tag.
        """
        run = self._writable_run(run_id)
        if key not in run.data.tags:
            message = f"no tag with name {key!r} in run {run.name!r}"
            raise TagNotFoundError(message, hint=f"its tags: {', '.join(sorted(run.tags)) or 'none'}")
        live = self._live.get(run_id)
        if live is not None:
            live.delete_tag(key)
        else:
            self._edit(run, TagDeleted(key, self._edit_time(run)))

    def checkpoint(self, run_id: str) -> None:
        """Commit what was logged to a live run so far, in the background, so that others can fetch it.

        Raises:
            RunNotFoundError: There is no run with this id.
            RunStateError: It is deleted.
        """
        self._checkpoints.ask(self.live(run_id).run_id)

    def set_checkpoint_interval(self, interval_s: float | None) -> None:
        """Make a checkpoint of every live run of this client each ``interval_s`` seconds; None: never.

        Raises:
            InvalidValueError: It is no positive number.
        """
        if interval_s is not None and not interval_s > 0:
            message = f"the interval of checkpoints must be positive seconds, not {interval_s!r}"
            raise InvalidValueError(message, hint="None switches checkpoints off")
        self._checkpoints.set_interval(interval_s)

    def release_idle(self) -> None:
        """Let go of every run to which nothing was logged since this was called last."""
        sizes = {run_id: live.sink.size() for run_id, live in list(self._live.items())}
        for run_id in [one for one, size in sizes.items() if self._idle_sizes.get(one) == size]:
            self.release(run_id)
        self._idle_sizes = sizes

    def wait_for_checkpoints(self) -> None:
        """Return when every checkpoint that was asked for is committed."""
        self._checkpoints.wait()

    def define_metric(
        self, experiment_id: str, key: str, *, direction: str | None = None, x: str | None = None
    ) -> None:
        """Declare which way a metric of an experiment is better, or what it is drawn over.

        Raises:
            ExperimentNotFoundError: There is no such experiment.
            UserError: A name or direction is none, or neither is given.
        """
        from gittrack.tracking import definitions

        definitions.define_metric(self, experiment_id, key, direction=direction, x=x)

    def alert(
        self, run_id: str, title: str, text: str = "", *, level: str = "INFO", webhook: str | None = None
    ) -> Alert:
        """Call attention to a run; see `alerts.alert`.

        Raises:
            RunNotFoundError: There is none with this id.
            InvalidValueError: The title, level or address is none.
            StoreError: The disk is full, or failed.
        """
        from gittrack.tracking import alerts

        return alerts.alert(self, run_id, title, text, level=level, webhook=webhook)

    # Reading

    def get_series(self, run_id: str) -> dict[str, Series]:
        """Return the whole history of every metric of a run, in the order of time, step and value."""
        return self.store.read_series(check_run_id(run_id))

    # Side files

    set_side_file = side_files.set_side_file
    delete_side_file = side_files.delete_side_file
    find_side_file = side_files.find_side_file
    list_side_files = side_files.list_side_files

    # What lives in modules of its own

    if TYPE_CHECKING:
        search_runs = search.search_runs
        search_all_runs = search.search_all_runs
        search_table = search.search_table
        log_artifact = run_files.log_artifact
        log_artifacts = run_files.log_artifacts
        log_content = run_files.log_content
        log_text = run_files.log_text
        log_dict = run_files.log_dict
        log_figure = run_files.log_figure
        log_image = run_files.log_image
        log_table = run_files.log_table
        load_table = run_files.load_table
        log_stream = run_files.log_stream
        list_artifacts = run_files.list_artifacts
        read_artifact = run_files.read_artifact
        download_artifacts = run_files.download_artifacts
        get_metric_direction = definitions.get_metric_direction
        get_metric_history = histories.get_metric_history
        get_metric_history_bulk = histories.get_metric_history_bulk
        find_previous_run = diff.find_previous_run
        diff_runs = diff.diff_runs
        restore_in_place = in_place.restore_in_place
        apply_changes = in_place.apply_changes
        undo_in_place = in_place.undo_in_place
        rerun = rerun.rerun
        checkout_run = run_code.checkout_run
        branch_run = run_code.branch_run
        list_runs_of_code = run_code.list_runs_of_code
        sign_run = verify.sign_run
        verify_run = verify.verify_run
        find_code_tree = code_files.find_code_tree
        find_code_folder = code_files.find_code_folder
        find_code_file = code_files.find_code_file
        find_environment = code_files.find_environment
        list_committed = committed.list_committed
        read_committed = committed.read_committed
        open_past = past.open_past
        list_views = named_views.list_views
        save_view = named_views.save_view
        remove_view = named_views.remove_view
        use_artifact = lineage.use_artifact
        log_reference = references.log_reference
        remove_artifacts = references.remove_artifacts
        log_inputs = inputs.log_inputs
        log_outputs = inputs.log_outputs
        search_datasets = inputs.search_datasets
        create_registered_model = registry.create_registered_model
        get_registered_model = registry.get_registered_model
        rename_registered_model = registry.rename_registered_model
        update_registered_model = registry.update_registered_model
        delete_registered_model = registry.delete_registered_model
        search_registered_models = registry.search_registered_models
        list_registered_models = catalog.list_registered_models
        list_model_versions = catalog.list_model_versions
        set_registered_model_tag = registry.set_registered_model_tag
        delete_registered_model_tag = registry.delete_registered_model_tag
        create_model_version = model_versions.create_model_version
        copy_model_version = model_versions.copy_model_version
        get_model_version = model_versions.get_model_version
        get_model_version_download_uri = model_versions.get_model_version_download_uri
        update_model_version = model_versions.update_model_version
        delete_model_version = model_versions.delete_model_version
        search_model_versions = model_versions.search_model_versions
        set_model_version_tag = model_versions.set_model_version_tag
        delete_model_version_tag = model_versions.delete_model_version_tag
        get_latest_versions = promotion.get_latest_versions
        get_model_version_stages = promotion.get_model_version_stages
        transition_model_version_stage = promotion.transition_model_version_stage
        set_registered_model_alias = promotion.set_registered_model_alias
        delete_registered_model_alias = promotion.delete_registered_model_alias
        get_model_version_by_alias = promotion.get_model_version_by_alias
        create_logged_model = logged_models.create_logged_model
        get_logged_model = logged_models.get_logged_model
        finalize_logged_model = logged_models.finalize_logged_model
        delete_logged_model = logged_models.delete_logged_model
        search_logged_models = logged_model_search.search_logged_models
        set_logged_model_tags = logged_models.set_logged_model_tags
        delete_logged_model_tag = logged_models.delete_logged_model_tag
        log_model_params = logged_models.log_model_params
        log_model_metrics = logged_models.log_model_metrics
        log_model_artifact = logged_models.log_model_artifact
        log_model_artifacts = logged_models.log_model_artifacts
        list_logged_model_artifacts = logged_models.list_logged_model_artifacts
    else:
        locals().update(lazy_methods())

    def time_ms(self) -> int:
        """Return the present time in milliseconds since the epoch, as this client tells it."""
        return self._clock_ms()

    # Inner

    def edit(self, run_id: str, make_event: Callable[[int], Event]) -> None:
        """Write an event that ``make_event`` makes for a time, ms, to a run, be it live here or not.

        Raises:
            RunNotFoundError: There is none with this id.
            RunStateError: It is deleted.
            StoreError: The disk is full, or failed.
        """
        live = self._live.get(run_id)
        if live is not None:
            live.write(make_event(live.event_time()))
        else:
            run = self._writable_run(run_id)
            self._edit(run, make_event(self._edit_time(run)))

    def _adopt_outputs(self) -> list[str]:
        """Put into their runs what commands printed whose recorder was killed."""
        database = self.store.database
        if database is None or not (database.common_dir / "gittrack" / "console").is_dir():
            return []
        from gittrack.tracking.command.output import adopt

        return adopt(self)

    def _open_live(self, run: Run) -> LiveRun:
        live = LiveRun(run, self.store.open_journal(run.run_id), clock_ms=self._clock_ms)
        self._hold(live)
        return live

    def _hold(self, live: LiveRun) -> None:
        self._live[live.run_id] = live
        keep_while_writing(self, is_writing=True)

    def _let_go(self, run_id: str) -> None:
        self._live.pop(run_id, None)
        keep_while_writing(self, is_writing=bool(self._live))

    def _make_checkpoint(self, run_id: str) -> None:
        live = self._live.get(run_id)
        if live is not None and live.is_open:
            if (interval_s := self._checkpoints.interval_s) is not None:
                from gittrack.tracking.heartbeat import beat

                beat(live, interval_s)
            self.store.checkpoint(live.sink)

    def after_fork(self) -> None:
        """Go on in a forked child, where no other thread of the parent lives."""
        self._checkpoints.forget_after_fork()

    def _release(self, live: LiveRun) -> None:
        live.close()
        self._let_go(live.run_id)
        with suppress(StoreError):
            self.store.end_journal(live.sink)

    def _writable_run(self, run_id: str) -> Run:
        run = self.get_run(run_id)
        if not is_active(run):
            message = f"run {run.name!r} is deleted"
            raise RunStateError(message, hint=f"bring it back: `gittrack restore {run_id[:12]}`")
        return run

    def _edit(self, run: Run, event: Event) -> None:
        live = self._live.get(run.run_id)
        if live is not None:
            live.write(event)
        else:
            self.store.append_events(run.run_id, [event])

    def _edit_time(self, run: Run) -> int:
        """Return the present, but later than any edit this run has seen, whatever other clocks say."""
        return max(self._clock_ms(), latest_edit(run) + 1)

    def _set_stage(self, run_id: str, stage: LifecycleStage) -> None:
        run = self.get_run(run_id)
        self._edit(run, LifecycleChanged(stage, self._edit_time(run)))

    def _deleted_experiments(self) -> set[str]:
        return {
            one.experiment_id
            for one in self.store.list_experiments()
            if one.lifecycle_stage == LifecycleStage.DELETED
        }

    def _with_experiment(self, run: Run) -> Run:
        experiment = self.store.find_experiment(run.experiment_id)
        if experiment is not None and experiment.lifecycle_stage == LifecycleStage.DELETED:
            return _deleted(run)
        return run

    def _choose_name(self, tagged: str, given: str | None) -> str:
        if tagged and given and tagged != given:
            message = f"run_name is {given!r} but the tag {TAG_RUN_NAME!r} is {tagged!r}"
            raise InvalidValueError(message, hint="give one of them only")
        name = given or tagged
        return check_name("run", name) if name else make_run_name(int.from_bytes(os.urandom(6)))


def _deleted(run: Run) -> Run:
    """Return a run as its deleted experiment makes it look."""
    return replace(run, lifecycle_stage=LifecycleStage.DELETED)


def _check_status(status: str) -> RunStatus:
    try:
        return RunStatus(str(status))
    except ValueError:
        message = f"{status!r} is no status of a run"
        raise InvalidValueError(message, hint=f"one of {', '.join(one.value for one in RunStatus)}") from None
