"""Models saved into a folder, and logged: with signature, input example and requirements."""

from __future__ import annotations

import json
import platform
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.inputs import LoggedModelOutput
from gittrack.errors import GittrackError, InvalidValueError
from gittrack.fluent import client
from gittrack.fluent.active import live_run
from gittrack.fluent.registry import finalize_logged_model, initialize_logged_model, register_model
from gittrack.models.examples import write_example
from gittrack.models.flavors import find_flavor, get_flavor
from gittrack.models.flavors.options import SaveOptions, distribution_of, version_of
from gittrack.models.model_file import ModelInfo, write_model_file
from gittrack.store.disk import disk_errors
from gittrack.tracking.schemas import infer_signature

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from gittrack.core.schema import ModelSignature
    from gittrack.models.flavors import Flavor
    from gittrack.models.flavors.options import Saved

REQUIREMENTS_FILE = "requirements.txt"
ENVIRONMENT_FILE = "python_env.yaml"


def log_model(
    model: Any,  # noqa: ANN401
    name: str = "model",
    *,
    flavor: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,  # noqa: ANN401
    registered_model_name: str | None = None,
    pip_requirements: Sequence[str] | None = None,
    extra_pip_requirements: Sequence[str] | None = None,
    params: Mapping[str, object] | None = None,
    tags: Mapping[str, object] | None = None,
    model_type: str | None = None,
    step: int = 0,
    metadata: Mapping[str, Any] | None = None,
    serialization_format: str | None = None,
) -> ModelInfo:
    """Log a model of the active run, starting one if there is none; return what is known of it.

    Args:
        model: Of scikit-learn, XGBoost, LightGBM, PyTorch, Keras or transformers, or anything that pickles.
        name: Also the folder of its files in the run.
        flavor: Which framework saves it; found out if None.
        signature: What it takes and gives; inferred from ``input_example`` if None.
        input_example: A little of what it takes.
        registered_model_name: Register it as a version of this model, too.
        pip_requirements: What to install before it is loaded; found out if None.
        extra_pip_requirements: What to install besides.
        params: Of the logged model.
        tags: Of the logged model.
        model_type: E.g. ``classifier``.
        step: Of the training, if there are several such models in the run.
        metadata: Kept in ``MLmodel``, as JSON can hold it.
        serialization_format: One the flavor knows: for scikit-learn ``skops`` (default), ``joblib``,
            ``cloudpickle`` or ``pickle``.

    Raises:
        UserError: The model cannot be saved, a package is missing, or a name cannot be stored.
        StoreError: The disk is full, or failed.
    """
    run_id = live_run().run_id
    made = initialize_logged_model(
        name, run_id, tags, params, model_type, client().get_run(run_id).experiment_id
    )
    try:
        with tempfile.TemporaryDirectory(prefix="gittrack-") as folder:
            target = Path(folder) / "model"
            info = ModelInfo({}, signature, None, made.model_id, run_id, name, dict(metadata or {}))
            info = _save(
                model,
                target,
                info,
                flavor,
                input_example,
                SaveOptions(serialization_format),
                (pip_requirements, extra_pip_requirements),
            )
            client().log_model_artifacts(made.model_id, target)
    except BaseException:
        finalize_logged_model(made.model_id, "FAILED")
        raise
    finalize_logged_model(made.model_id, "READY")
    client().log_outputs(run_id, [LoggedModelOutput(made.model_id, step)])
    info = replace(info, model_uri=made.model_uri)
    if registered_model_name is None:
        return info
    version = register_model(made.model_uri, registered_model_name)
    return replace(info, registered_model_version=version.version)


def save_model(
    model: Any,  # noqa: ANN401
    path: str | os.PathLike[str],
    *,
    flavor: str | None = None,
    signature: ModelSignature | None = None,
    input_example: Any = None,  # noqa: ANN401
    pip_requirements: Sequence[str] | None = None,
    extra_pip_requirements: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    serialization_format: str | None = None,
) -> ModelInfo:
    """Save a model into a new folder; see `log_model`.

    Raises:
        InvalidValueError: There is something in the folder already, or the model cannot be saved.
        UserError: A package is missing.
        StoreError: The disk is full, or failed.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        message = f"there is something at {str(target)!r} already"
        raise InvalidValueError(message, hint="choose a new folder")
    info = ModelInfo({}, signature, metadata=dict(metadata or {}), model_uri=str(target))
    return _save(
        model,
        target,
        info,
        flavor,
        input_example,
        SaveOptions(serialization_format),
        (pip_requirements, extra_pip_requirements),
    )


def _save(
    model: Any,  # noqa: ANN401
    folder: Path,
    info: ModelInfo,
    flavor: str | None,
    example: Any,  # noqa: ANN401
    options: SaveOptions,
    requirements: tuple[Sequence[str] | None, Sequence[str] | None],
) -> ModelInfo:
    name = flavor or find_flavor(model)
    chosen = get_flavor(name)
    with disk_errors("write a model"):
        folder.mkdir(parents=True, exist_ok=True)
    saved = chosen.save(model, folder, options)
    if example is not None:
        info = replace(info, example=write_example(folder, example))
        if info.signature is None:
            info = replace(info, signature=_infer(chosen, model, example))
    lines = _write_requirements(folder, saved, requirements)
    del lines
    info = replace(info, flavors=_flavors(name, saved))
    write_model_file(folder, info)
    return info


def _infer(flavor: Flavor, model: Any, example: Any) -> ModelSignature:  # noqa: ANN401
    """Return the signature that an example implies; of its outputs only if it can be predicted."""
    try:
        output = flavor.predict(model, example, {})
    except GittrackError:
        return infer_signature(example)
    return infer_signature(example, output)


def _write_requirements(
    folder: Path, saved: Saved, given: tuple[Sequence[str] | None, Sequence[str] | None]
) -> list[str]:
    found = [
        f"{distribution_of(package)}=={version_of(package)}" for package in dict.fromkeys(saved.packages)
    ]
    lines = [*(found if given[0] is None else given[0]), *(given[1] or ())]
    environment = {
        "python": platform.python_version(),
        "build_dependencies": ["pip"],
        "dependencies": [f"-r {REQUIREMENTS_FILE}"],
    }
    with disk_errors("write a model"):
        (folder / REQUIREMENTS_FILE).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        (folder / ENVIRONMENT_FILE).write_text(json.dumps(environment, indent=1), "utf-8")
    return lines


def _flavors(name: str, saved: Saved) -> dict[str, Mapping[str, Any]]:
    flavors: dict[str, Mapping[str, Any]] = {name: saved.about}
    if saved.loader is not None:
        flavors["python_function"] = {
            "loader_module": saved.loader,
            "python_version": platform.python_version(),
            "env": {"virtualenv": ENVIRONMENT_FILE},
            **({"data": saved.data} if saved.data is not None else {}),
            **saved.extra,
        }
    return flavors
