"""Models loaded again: found by URI, verified against digests, and only then given to their framework."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.model_uri import parse_model_uri
from gittrack.errors import InvalidValueError
from gittrack.fluent import client
from gittrack.models.enforce import enforce_params, enforce_schema
from gittrack.models.examples import read_example
from gittrack.models.flavors import NAMES, get_flavor
from gittrack.models.flavors.options import LoadOptions
from gittrack.models.model_file import ModelInfo, read_model_file, verify_files
from gittrack.tracking.model_versions import get_version_of
from gittrack.tracking.open import read_setting
from gittrack.tracking.registering import download_model

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Predictor:
    """A model behind its signature: what does not fit is refused before the model sees it."""

    model: Any
    """As its framework has it."""
    info: ModelInfo
    input_example: Any = None

    def predict(self, data: Any, params: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """Return what the model predicts.

        Args:
            data: A data frame, an array, or what else the signature says.
            params: Those the signature knows.

        Raises:
            InvalidValueError: The data or params do not fit the signature.
        """
        signature = self.info.signature
        given = dict(params or {})
        if signature is not None:
            data = enforce_schema(data, signature.inputs) if signature.inputs is not None else data
            given = enforce_params(given, signature.params)
        return get_flavor(self.info.flavor).predict(self.model, data, given)


def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    flavor: str | None = None,
    trusted: Sequence[str] = (),
    allow_pickle: bool | None = None,
    device: str | None = None,
) -> Any:  # noqa: ANN401
    """Load a model as its framework has it.

    Every file is verified against its digest before anything of it is loaded. A model saved by skops runs no
    code; a pickle does, and is only loaded if its content is what was logged.

    Args:
        model_uri: ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``models:/m-…``, ``runs:/RUN/PATH``, or a
            folder that `save_model` or MLflow wrote.
        dst_path: Folder to write the files to; a temporary one, removed again, if None.
        flavor: Which framework loads it; the one that saved it if None.
        trusted: Names of types that skops may load beyond those known to be harmless.
        allow_pickle: True loads any pickle, False none; None those whose content is what was logged.
        device: Where tensors go: ``cpu``, ``cuda`` …

    Raises:
        ModelNotFoundError: There is no model there.
        CorruptDataError: A file is not what was logged.
        UserError: It would run code, and must not; or a package is missing.
        InvalidValueError: The URI names no model, or it cannot be loaded here.
    """
    with _fetch(model_uri, dst_path) as (folder, info, is_verified):
        options = LoadOptions(
            _may_unpickle(allow_pickle=allow_pickle, is_verified=is_verified), tuple(trusted), device
        )
        return _load(folder, info, flavor, options)


def load_predictor(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    flavor: str | None = None,
    trusted: Sequence[str] = (),
    allow_pickle: bool | None = None,
    device: str | None = None,
) -> Predictor:
    """Load a model behind its signature, MLflow's ``pyfunc.load_model``; see `load_model`.

    Raises:
        ModelNotFoundError: There is no model there.
        CorruptDataError: A file is not what was logged.
        UserError: It would run code, and must not; or a package is missing.
        InvalidValueError: The URI names no model, or it cannot be loaded here.
    """
    with _fetch(model_uri, dst_path) as (folder, info, is_verified):
        options = LoadOptions(
            _may_unpickle(allow_pickle=allow_pickle, is_verified=is_verified), tuple(trusted), device
        )
        inputs = info.signature.inputs if info.signature else None
        example = read_example(folder, info.example, inputs) if info.example else None
        model = _load(folder, info, flavor, options)
        chosen = info if flavor is None else replace(info, flavors={flavor: info.flavors[flavor]})
        return Predictor(model, chosen, example)


def get_model_info(model_uri: str | os.PathLike[str]) -> ModelInfo:
    """Return what is known of a model, without loading it; see `load_model`.

    Raises:
        ModelNotFoundError: There is no model there.
        CorruptDataError: A file is not what was logged.
        InvalidValueError: The URI names no model.
    """
    with _fetch(model_uri, None) as (_, info, _):
        return info


def _load(folder: Path, info: ModelInfo, flavor: str | None, options: LoadOptions) -> Any:  # noqa: ANN401
    name = flavor or info.flavor
    if name not in info.flavors or name not in NAMES:
        known = ", ".join(info.flavors)
        message = f"this model has the flavors {known}, and {name!r} cannot be loaded here"
        raise InvalidValueError(message, hint="mlflow.pyfunc.load_model(path) loads what only MLflow knows")
    return get_flavor(name).load(folder, info.flavors[name], options)


def _may_unpickle(*, allow_pickle: bool | None, is_verified: bool) -> bool:
    if allow_pickle is not None:
        return allow_pickle
    forbids = (read_setting("ALLOW_PICKLE_DESERIALIZATION") or "true").lower() in {"false", "0"}
    return is_verified and not forbids


@contextlib.contextmanager
def _fetch(
    model_uri: str | os.PathLike[str], dst_path: str | os.PathLike[str] | None
) -> Iterator[tuple[Path, ModelInfo, bool]]:
    """Yield the folder of a model, what it is, and whether its files are what was logged."""
    text = str(model_uri)
    with contextlib.ExitStack() as stack:
        if dst_path is None:
            target = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="gittrack-")))
        else:
            target = Path(dst_path)
        folder, is_ours = _download(text, target)
        info = replace(read_model_file(folder), model_uri=text)
        yield folder, info, verify_files(folder, info) or is_ours


def _download(uri: str, target: Path) -> tuple[Path, bool]:
    """Return the folder of a model, and whether its files were logged here; those are verified on the way."""
    parsed = parse_model_uri(uri)
    if parsed is not None and parsed.name is not None:
        version = get_version_of(client(), uri)
        return _download(f"models:/{version.model_id}" if version.model_id else version.source or "", target)
    if parsed is not None:
        return download_model(client(), uri, target), True
    if "://" in uri:
        message = f"models cannot be loaded from {uri!r}"
        raise InvalidValueError(message, hint="download it, then load_model(folder)")
    return Path(uri), False
