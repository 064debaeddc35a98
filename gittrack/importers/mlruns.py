"""Reads the folder ``mlruns``, in which MLflow kept runs as files, without MLflow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from gittrack.core.logged_model import LoggedModel, ModelMetric, check_status
from gittrack.core.model import TAG_RUN_NAME, TAG_USER, Metric, RunStatus
from gittrack.core.registry import READY, ModelVersion, RegisteredModel
from gittrack.errors import CorruptDataError, NotFoundError
from gittrack.importers.foreign import walk_files
from gittrack.importers.records import FoundExperiment, FoundLoggedModel, FoundRegisteredModel, FoundRun
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

META = "meta.yaml"
TRASH = ".trash"
STATUSES: dict[Any, Any] = {1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}
"""MLflow's numbers in these files."""
MODEL_STATUSES: dict[Any, Any] = {1: "PENDING", 2: "READY", 3: "FAILED"}
RESERVED = {"models", "datasets", "tags", "traces", TRASH}
"""Folders that hold no run, or no experiment."""


class MlrunsReader:
    """The experiments and runs in one ``mlruns`` folder."""

    def __init__(self, folder: Path) -> None:
        """Read ``folder``.

        Raises:
            NotFoundError: It is no ``mlruns`` folder.
            UserError: PyYAML is missing.
        """
        self._folder = folder
        self._yaml = import_optional("yaml", "importing mlruns folders", "pyyaml")
        if not any(self._experiment_folders()):
            message = f"no experiments in {str(folder)!r}"
            raise NotFoundError(message, hint="name the folder that holds 0/meta.yaml, usually ./mlruns")

    def experiments(self) -> Iterator[FoundExperiment]:
        """Yield all experiments, deleted ones too."""
        for folder in self._experiment_folders():
            meta = self._read_meta(folder)
            yield FoundExperiment(
                experiment_id=str(meta["experiment_id"]),
                name=str(meta["name"]),
                creation_time=int(meta.get("creation_time") or folder.stat().st_mtime * 1000),
                is_deleted=meta.get("lifecycle_stage") == "deleted",
                tags=_read_values(folder / "tags"),
            )

    def runs(self, experiment: FoundExperiment) -> Iterator[FoundRun]:
        """Yield all runs of an experiment, deleted ones too, oldest first."""
        for folder in self._experiment_folders():
            if str(self._read_meta(folder)["experiment_id"]) == experiment.experiment_id:
                runs = [
                    one for one in _folders(folder) if one.name not in RESERVED and (one / META).is_file()
                ]
                for _, run in sorted((int(self._read_meta(run)["start_time"]), run) for run in runs):
                    yield self._read_run(folder, run)

    def logged_models(self, experiment: FoundExperiment) -> Iterator[FoundLoggedModel]:
        """Yield the logged models of an experiment."""
        for top in self._experiment_folders():
            if str(self._read_meta(top)["experiment_id"]) == experiment.experiment_id:
                for folder in _folders(top / "models"):
                    if (folder / META).is_file():
                        yield self._read_logged_model(folder)

    def registered_models(self) -> Iterator[FoundRegisteredModel]:
        """Yield all registered models, prompts too."""
        for folder in _folders(self._folder / "models"):
            if not (folder / META).is_file():
                continue
            meta = self._read_meta(folder)
            aliases = {alias: int(text) for alias, text in _read_values(folder / "aliases").items()}
            model = RegisteredModel(
                name=str(meta["name"]),
                creation_timestamp=int(meta["creation_timestamp"]),
                last_updated_timestamp=int(meta["last_updated_timestamp"]),
                description=meta.get("description"),
                tags=_read_values(folder / "tags"),
                aliases=aliases,
            )
            yield FoundRegisteredModel(model, tuple(self._read_versions(folder)))

    def _read_logged_model(self, folder: Path) -> FoundLoggedModel:
        meta = self._read_meta(folder)
        model_id = str(meta["model_id"])
        model = LoggedModel(
            experiment_id=str(meta["experiment_id"]),
            model_id=model_id,
            name=str(meta["name"]),
            artifact_location="",
            creation_timestamp=int(meta["creation_timestamp"]),
            last_updated_timestamp=int(meta["last_updated_timestamp"]),
            model_type=meta.get("model_type"),
            source_run_id=meta.get("source_run_id"),
            status=check_status(MODEL_STATUSES.get(meta["status"], meta["status"])),
            tags=_read_values(folder / "tags"),
            params=_read_values(folder / "params"),
            metrics=list(_read_model_metrics(folder / "metrics", model_id)) or None,
        )
        return FoundLoggedModel(model, lambda: walk_files(folder / "artifacts"))

    def _read_versions(self, folder: Path) -> Iterator[ModelVersion]:
        for one in _folders(folder):
            if one.name.startswith("version-"):
                meta = self._read_meta(one)
                yield ModelVersion(
                    name=str(meta["name"]),
                    version=int(meta["version"]),
                    creation_timestamp=int(meta["creation_timestamp"]),
                    last_updated_timestamp=int(meta["last_updated_timestamp"]),
                    description=meta.get("description"),
                    user_id=meta.get("user_id"),
                    current_stage=meta.get("current_stage") or "None",
                    source=meta.get("source"),
                    run_id=meta.get("run_id"),
                    run_link=meta.get("run_link"),
                    status=meta.get("status") or READY,
                    tags=_read_values(one / "tags"),
                    model_id=meta.get("model_id"),
                )

    def _experiment_folders(self) -> Iterator[Path]:
        for top in (self._folder, self._folder / TRASH):
            for folder in _folders(top):
                if folder.name not in RESERVED and (folder / META).is_file():
                    yield folder

    def _read_run(self, experiment: Path, folder: Path) -> FoundRun:
        meta = self._read_meta(folder)
        tags = _read_values(folder / "tags")
        run_id = str(meta.get("run_id") or meta["run_uuid"])
        end_time = meta.get("end_time")
        return FoundRun(
            run_id=run_id,
            experiment_id=str(meta["experiment_id"]),
            name=tags.get(TAG_RUN_NAME) or meta.get("run_name") or run_id[:12],
            start_time=int(meta["start_time"]),
            end_time=None if end_time is None else int(end_time),
            status=RunStatus(STATUSES.get(meta["status"], meta["status"])),
            user=tags.get(TAG_USER) or str(meta.get("user_id") or ""),
            is_deleted=meta.get("lifecycle_stage") == "deleted",
            params=_read_values(folder / "params"),
            tags=tags,
            datasets=tuple(self._read_inputs(experiment, folder)),
            model_inputs=tuple(self._linked(folder / "inputs", "MODEL_INPUT")),
            model_outputs=self._linked(folder / "outputs", "MODEL_OUTPUT"),
            read_metrics=lambda: _read_metrics(folder / "metrics"),
            read_artifacts=lambda: walk_files(folder / "artifacts"),
        )

    def _read_inputs(self, experiment: Path, run: Path) -> Iterator[DatasetInput]:
        for folder in _folders(run / "inputs"):
            link = self._read_meta(folder)
            if link.get("source_type") != "DATASET":
                continue
            about = self._read_meta(experiment / "datasets" / link["source_id"])
            texts = (about.get(key) for key in ("schema", "profile"))
            dataset = Dataset(about["name"], about["digest"], about["source_type"], about["source"], *texts)
            tags = (InputTag(str(key), str(value)) for key, value in (link.get("tags") or {}).items())
            yield DatasetInput(dataset, tuple(tags))

    def _linked(self, folder: Path, kind: str) -> dict[str, int]:
        """Return the ids of the logged models a run used or made, each with its step."""
        links = [self._read_meta(one) for one in _folders(folder)]
        wanted = [one for one in links if kind in {one.get("source_type"), one.get("destination_type")}]
        return {str(one["destination_id"]): int(one.get("step") or 0) for one in wanted}

    def _read_meta(self, folder: Path) -> dict[str, Any]:
        path = folder / META
        try:
            content = self._yaml.safe_load(path.read_text("utf-8"))
        except (OSError, ValueError, self._yaml.YAMLError) as error:
            message = f"cannot read {str(path)!r}: {' '.join(str(error).split())}"
            raise CorruptDataError(message, hint="mend the file, or move its folder away") from error
        if not isinstance(content, dict):
            message = f"{str(path)!r} is damaged: it says nothing"
            raise CorruptDataError(message, hint="mend the file, or move its folder away")
        return content


def _folders(top: Path) -> list[Path]:
    return sorted(one for one in top.iterdir() if one.is_dir()) if top.is_dir() else []


def _read_values(folder: Path) -> dict[str, str]:
    """Return what the files of a folder hold, by their paths: a param or tag is a file each."""
    return {key: _read_text(file) for key, file in walk_files(folder)}


def _read_metrics(folder: Path) -> Iterator[Metric]:
    for key, file in walk_files(folder):
        for number, line in enumerate(_read_text(file).splitlines(), 1):
            parts = line.split(" ")
            try:
                step = int(parts[2]) if len(parts) > 2 else 0  # noqa: PLR2004  (time, value, step)
                yield Metric(key, float(parts[1]), int(parts[0]), step)
            except (ValueError, IndexError):
                message = f"{str(file)!r} is damaged at line {number}: {line[:80]!r}"
                hint = "mend the line `<milliseconds> <value> <step>`, or remove it"
                raise CorruptDataError(message, hint=hint) from None


def _read_model_metrics(folder: Path, model_id: str) -> Iterator[ModelMetric]:
    """Yield the last point of each metric of a logged model, run and dataset."""
    for key, file in walk_files(folder):
        for line in _read_text(file).splitlines():
            time, value, step, run_id, *dataset = line.split(" ")
            name, digest = dataset if len(dataset) == 2 else (None, None)  # noqa: PLR2004  (a pair, or none)
            yield ModelMetric(key, float(value), int(time), int(step), model_id, run_id, name, digest)


def _read_text(file: Path) -> str:
    try:
        # newline="": MLflow wrote values as they are.
        with file.open(encoding="utf-8", newline="") as stream:
            return stream.read()
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read {str(file)!r}: {error}"
        raise CorruptDataError(message, hint="mend the file, or move it away") from error
