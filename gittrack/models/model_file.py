"""The file ``MLmodel`` in a model's folder: which flavor made it, and what it takes.

It is JSON, which is YAML, so that MLflow reads it; those that MLflow wrote are read with PyYAML.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gittrack.core.schema import ModelSignature
from gittrack.errors import CorruptDataError, ModelNotFoundError
from gittrack.store.digests import digest_file
from gittrack.store.disk import disk_errors
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MODEL_FILE = "MLmodel"
DIGESTS = "gittrack_files"
"""The field with the BLAKE3 digest of every other file."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a saved model."""

    flavors: Mapping[str, Mapping[str, Any]]
    """Name → what its loader needs to know."""
    signature: ModelSignature | None = None
    example: Mapping[str, Any] | None = None
    """Where its input example is, and of what kind."""
    model_id: str | None = None
    run_id: str | None = None
    artifact_path: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    model_uri: str = ""
    registered_model_version: int | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    """Path → BLAKE3 of each other file, as it was saved."""

    @property
    def flavor(self) -> str:
        """The framework's flavor: the one beside ``python_function``."""
        return next((name for name in self.flavors if name != "python_function"), "python_function")


def write_model_file(folder: Path, info: ModelInfo) -> None:
    """Write ``MLmodel`` into a folder that holds everything else already.

    Raises:
        StoreError: The disk is full, or failed.
    """
    with disk_errors("write a model"):
        files = sorted(one for one in folder.rglob("*") if one.is_file())
        digests = {one.relative_to(folder).as_posix(): digest_file(one) for one in files}
        size = sum(one.stat().st_size for one in files)
        content: dict[str, Any] = {
            "artifact_path": info.artifact_path,
            "flavors": {name: dict(about) for name, about in info.flavors.items()},
            "model_id": info.model_id,
            "run_id": info.run_id,
            "model_size_bytes": size,
            "signature": info.signature.to_dict() if info.signature else None,
            "saved_input_example_info": dict(info.example) if info.example else None,
            "metadata": dict(info.metadata) or None,
            "utc_time_created": str(datetime.now(UTC).replace(tzinfo=None)),
            DIGESTS: digests,
        }
        present = {key: value for key, value in content.items() if value is not None}
        (folder / MODEL_FILE).write_text(json.dumps(present, indent=1, ensure_ascii=False), "utf-8")


def read_model_file(folder: Path) -> ModelInfo:
    """Return what the ``MLmodel`` of a folder says.

    Raises:
        ModelNotFoundError: There is none.
        CorruptDataError: It cannot be read.
        UserError: MLflow wrote it, and PyYAML is missing.
    """
    file = folder / MODEL_FILE
    if not file.is_file():
        message = f"there is no model in {str(folder)!r}: it has no {MODEL_FILE}"
        raise ModelNotFoundError(message, hint="log_model() and save_model() make folders with one")
    with disk_errors("read a model"):
        text = file.read_text("utf-8")
    try:
        content = json.loads(text)
    except ValueError:
        yaml = import_optional("yaml", "reading what MLflow wrote", "pyyaml")
        try:
            content = yaml.safe_load(text)
        except yaml.YAMLError as error:
            message = f"{MODEL_FILE} is damaged: {error}"
            raise CorruptDataError(message, hint="log the model again") from error
    try:
        signature = content.get("signature")
        return ModelInfo(
            flavors=dict(content["flavors"]),
            signature=ModelSignature.from_dict(signature) if signature else None,
            example=content.get("saved_input_example_info"),
            model_id=content.get("model_id"),
            run_id=content.get("run_id"),
            artifact_path=content.get("artifact_path"),
            metadata=content.get("metadata") or {},
            digests=content.get(DIGESTS) or {},
        )
    except (AttributeError, KeyError, TypeError) as error:
        message = f"{MODEL_FILE} is damaged: {error!r}"
        raise CorruptDataError(message, hint="log the model again") from error


def verify_files(folder: Path, info: ModelInfo) -> bool:
    """Return whether a folder says what its files should be; every one of them then is just that.

    Raises:
        CorruptDataError: A file is missing, another one, or one too many.
    """
    if not info.digests:
        return False
    with disk_errors("read a model"):
        files = {one.relative_to(folder).as_posix(): one for one in folder.rglob("*") if one.is_file()}
        del files[MODEL_FILE]
        for path in sorted(files.keys() | info.digests.keys()):
            if (
                path not in files
                or path not in info.digests
                or digest_file(files[path]) != info.digests[path]
            ):
                message = f"the file {path!r} of the model is not what was saved"
                raise CorruptDataError(message, hint="get the model again from where it was made")
    return True
