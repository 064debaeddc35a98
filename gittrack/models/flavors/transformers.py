"""Models and pipelines of transformers, by ``save_pretrained``: weights as safetensors, no remote code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.models.flavors.options import Saved, version_of
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, SaveOptions

PACKAGE = "transformers"
FOLDER = "model"
PARTS = ("tokenizer", "feature_extractor", "image_processor", "processor")
"""What may come with a model in a dict: ``{"model": …, "tokenizer": …}``."""


def handles(model: Any) -> bool:  # noqa: ANN401
    """Whether a model is a model or pipeline of transformers, or a dict with a model."""
    inner = model.get("model") if isinstance(model, dict) else model
    return is_a(inner, "transformers", "PreTrainedModel", "Pipeline")


def save(model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
    """Save a model, with its tokenizer if there is one, or a pipeline."""
    del options
    parts = model if isinstance(model, dict) else {"model": model}
    main = parts["model"]
    main.save_pretrained(folder / FOLDER)
    about: dict[str, Any] = {
        "data": FOLDER,
        "model_class": type(main).__name__,
        "transformers_version": version_of(PACKAGE),
        "task": getattr(main, "task", None),
        "parts": {},
    }
    for name in PARTS:
        if (part := parts.get(name)) is not None:
            part.save_pretrained(folder / FOLDER)
            about["parts"][name] = type(part).__name__
    return Saved(about, FOLDER, None, (PACKAGE, "torch", "safetensors"))


def load(folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
    """Load what was saved: a pipeline, a model, or a dict of both with its tokenizer.

    Raises:
        UserError: transformers is missing.
        InvalidValueError: A class is none of transformers'.
    """
    transformers = import_optional("transformers", "this model", PACKAGE)
    path = folder / str(about["data"])
    if task := about.get("task"):
        return transformers.pipeline(task, model=str(path), device=options.device, trust_remote_code=False)
    model = _class(transformers, str(about["model_class"])).from_pretrained(path)
    parts = {
        name: _class(transformers, kind).from_pretrained(path)
        for name, kind in about.get("parts", {}).items()
    }
    return {"model": model, **parts} if parts else model


def predict(model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what a pipeline makes of text, a list of texts, or the first column of a data frame.

    Raises:
        InvalidValueError: It is no pipeline.
    """
    if not is_a(model, "transformers", "Pipeline"):
        message = "only pipelines of transformers predict"
        raise InvalidValueError(message, hint="load_model() returns the model itself")
    texts = data.iloc[:, 0].tolist() if is_a(data, "pandas", "DataFrame") else data
    return model(texts, **params)


def _class(transformers: Any, name: str) -> Any:  # noqa: ANN401
    kind = getattr(transformers, name, None)
    if not name.isidentifier() or not hasattr(kind, "from_pretrained"):
        message = f"{name!r} is no class of transformers"
        raise InvalidValueError(message, hint="install the version in its requirements.txt")
    return kind
