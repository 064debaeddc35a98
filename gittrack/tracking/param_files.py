"""Params read from the configuration files that trainings already have: YAML, TOML, JSON, Hydra's folders."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gittrack.core.names import check_key, shorten
from gittrack.core.values import coerce_param
from gittrack.errors import InvalidValueError, NotFoundError, StoreError
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from gittrack.core.model import ParamValue

HYDRA_FOLDER = ".hydra"
HYDRA_CONFIG = f"{HYDRA_FOLDER}/config.yaml"
MAX_BYTES = 4 << 20
"""A configuration that is larger is data."""
KINDS = {".yaml": "YAML", ".yml": "YAML", ".toml": "TOML", ".json": "JSON"}


def read_params(path: Path) -> dict[str, ParamValue]:
    """Return the params of a configuration file, or of a folder that Hydra wrote.

    References such as ``${model.width}`` are resolved where OmegaConf is installed.

    Raises:
        NotFoundError: There is nothing at the path.
        InvalidValueError: It cannot be read as what its name says, or is no table of params.
        InvalidNameError: A name cannot be a param's.
        UserError: PyYAML is missing.
        StoreError: It cannot be read.
    """
    file = path / HYDRA_CONFIG if (path / HYDRA_CONFIG).is_file() else path
    kind = KINDS.get(file.suffix.lower())
    if kind is None or file.is_dir():
        message = f"{str(path)!r} is no file of params"
        raise InvalidValueError(message, hint="its name must end in .yaml, .yml, .toml or .json")
    text = _read(file)
    try:
        values = _parse(kind, text)
    except (ValueError, RecursionError) as error:
        message = f"{str(file)!r} is no valid {kind}: {' '.join(str(error).split())}"
        raise InvalidValueError(message, hint="correct it, or give the params by -p") from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        message = f"{str(file)!r} holds no table of params, but {shorten(json.dumps(values, default=str))}"
        raise InvalidValueError(message, hint="write `lr: 0.1`, one param a line")
    return {
        check_key("param", str(key)): coerce_param(str(key), _plain(value)) for key, value in values.items()
    }


def _read(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_BYTES:
            message = f"{str(file)!r} has more than {MAX_BYTES >> 20} MiB"
            raise InvalidValueError(message, hint="log it as an artifact: -a PATH")
        return file.read_text("utf-8")
    except FileNotFoundError:
        message = f"there is no file {str(file)!r}"
        raise NotFoundError(message, hint=f"paths are relative to {str(Path.cwd())!r}") from None
    except UnicodeDecodeError:
        message = f"{str(file)!r} is no text in UTF-8"
        raise InvalidValueError(message, hint="save it as UTF-8") from None
    except OSError as error:
        message = f"cannot read {str(file)!r}: {(error.strerror or str(error)).lower()}"
        raise StoreError(message, hint="check its permissions") from error


def _parse(kind: str, text: str) -> Any:  # noqa: ANN401  (whatever the file holds)
    match kind:
        case "JSON":
            return json.loads(text)
        case "TOML":
            return tomllib.loads(text)
        case _:
            return _parse_yaml(text)


def _parse_yaml(text: str) -> Any:  # noqa: ANN401  (whatever the file holds)
    yaml = import_optional("yaml", "reading YAML", "PyYAML")
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(error) from error
    return _resolve(values) if "${" in text and isinstance(values, dict) else values


def _resolve(values: dict[Any, Any]) -> Any:  # noqa: ANN401  (as it was)
    """Return values with OmegaConf's references in them resolved; as they are where that fails."""
    try:
        conf = import_optional("omegaconf", "resolving references", "omegaconf").OmegaConf
        return conf.to_container(conf.create(values), resolve=True)
    except Exception:  # noqa: BLE001  (a reference to what only the program knows stays as it is)
        return values


def _plain(value: object) -> object:
    """Return a value with the keys as text and what JSON does not know (dates) as text."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return str(value)
