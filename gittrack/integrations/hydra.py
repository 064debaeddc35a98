"""Hydra: each job is a run with its configuration as params; the jobs of a multirun are child runs.

::

    hydra:
      callbacks:
        gittrack:
          _target_: gittrack.integrations.hydra.GittrackCallback
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.model import RunStatus
from gittrack.fluent import active as fluent
from gittrack.fluent import current
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session

if TYPE_CHECKING:
    from gittrack.fluent.active import ActiveRun

callbacks = load("hydra.experimental.callback", "hydra", "Callback")
omegaconf = load("omegaconf", "hydra", "OmegaConf")

PARENT = "GITTRACK_HYDRA_PARENT"
"""How the jobs of a multirun, be they other processes, know the run of all."""
TAG_JOB = "hydra.job"
TAG_OVERRIDES = "hydra.overrides"


_Base: Any = callbacks.Callback


class GittrackCallback(_Base):  # type: ignore[misc]
    """Starts a run before each job and ends it as the job ended; what the job logs goes there."""

    def __init__(self, run_name: str | None = None) -> None:
        """Name the runs; by Hydra's job name and number otherwise."""
        self._run_name = run_name
        self._session = Session()
        self._job: ActiveRun | None = None

    def on_multirun_start(self, config: Any, **kwargs: Any) -> None:  # noqa: ANN401  (Hydra's)
        """Begin the run of all jobs."""
        del kwargs
        self._session.start(self._run_name or f"{config.hydra.job.name} multirun")
        if self._session.run_id is not None:
            os.environ[PARENT] = self._session.run_id

    def on_multirun_end(self, config: Any, **kwargs: Any) -> None:  # noqa: ANN401  (Hydra's)
        """End the run of all jobs."""
        del config, kwargs
        os.environ.pop(PARENT, None)
        self._session.end(RunStatus.FINISHED)

    def on_job_start(self, config: Any, **kwargs: Any) -> None:  # noqa: ANN401  (Hydra's)
        """Begin the run of a job, with its configuration as params."""
        del kwargs
        job = config.hydra.job
        number = omegaconf.OmegaConf.select(config, "hydra.job.num")
        parent = os.environ.get(PARENT) or None
        name = self._run_name if parent is None else f"{job.name} {number}"
        with self._session.guard():
            is_below = fluent.active_run() is not None
            overrides = " ".join(config.hydra.overrides.task)
            self._job = fluent.start_run(
                run_name=name or job.name,
                nested=is_below,
                parent_run_id=None if is_below else parent,
                tags={TAG_JOB: job.name, TAG_OVERRIDES: overrides},
            )
            self._job.live.log_params(_params(config))

    def on_job_end(self, config: Any, job_return: Any, **kwargs: Any) -> None:  # noqa: ANN401  (Hydra's)
        """End the run of a job as the job ended, with what Hydra wrote of it."""
        del kwargs
        job, self._job = self._job, None
        if job is None:
            return
        with self._session.guard():
            output = Path(config.hydra.runtime.output_dir)
            client = current.client()
            for found in (output / ".hydra", output / f"{config.hydra.job.name}.log"):
                if found.exists():
                    client.log_artifact(job.run_id, found, "hydra")
            try:
                value = job_return.return_value  # raises what the job raised
            except BaseException as error:  # noqa: BLE001  (it goes on its way by itself)
                job.__exit__(type(error), error, error.__traceback__)
                return
            if isinstance(value, float):
                job.live.log_metric("return_value", value)
            job.__exit__(None, None, None)


def _params(config: Any) -> dict[str, Any]:  # noqa: ANN401  (Hydra's)
    """Return the job's own configuration, without Hydra's; references are resolved if that is possible."""
    plain = omegaconf.OmegaConf.masked_copy(config, [key for key in config if key != "hydra"])
    try:
        return dict(omegaconf.OmegaConf.to_container(plain, resolve=True))
    except omegaconf.errors.OmegaConfBaseException:
        return dict(omegaconf.OmegaConf.to_container(plain, resolve=False))
