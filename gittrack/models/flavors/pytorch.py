"""PyTorch's models: modules by ``torch.save``, which pickles; dicts of tensors, which load without code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.models.flavors.options import Saved, check_pickle, version_of
from gittrack.store.disk import disk_errors
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a, is_array

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.models.flavors.options import LoadOptions, SaveOptions

PACKAGE = "torch"
FOLDER = "data"
FILE = "model.pth"


def handles(model: Any) -> bool:  # noqa: ANN401
    """Whether a model is a module, or a dict of tensors (``model.state_dict()``)."""
    is_state = (
        isinstance(model, dict) and model and all(is_a(one, "torch", "Tensor") for one in model.values())
    )
    return bool(is_state) or is_a(model, "torch.nn", "Module")


def save(model: Any, folder: Path, options: SaveOptions) -> Saved:  # noqa: ANN401
    """Save a module, or a dict of tensors.

    Raises:
        InvalidValueError: It cannot be saved.
    """
    torch = import_optional("torch", "this model", PACKAGE)
    del options
    is_state = isinstance(model, dict)
    inner = folder / FOLDER
    with disk_errors("write a model"):
        inner.mkdir()
        try:
            torch.save(dict(model) if is_state else model, inner / FILE)
        except (AttributeError, TypeError, RuntimeError) as error:
            message = f"{type(model).__name__} cannot be saved: {error}"
            raise InvalidValueError(message, hint="log model.state_dict() instead") from error
        if not is_state:
            (inner / "pickle_module_info.txt").write_text("pickle", "utf-8")
    about = {
        "model_data": FOLDER,
        "pytorch_version": version_of(PACKAGE),
        "code": None,
        "state_dict": is_state or None,
    }
    present = {key: value for key, value in about.items() if key == "code" or value is not None}
    loader = None if is_state else "mlflow.pytorch"
    return Saved(present, FOLDER, loader, (PACKAGE,), {"pickle_module_name": "pickle"})


def load(folder: Path, about: Mapping[str, Any], options: LoadOptions) -> Any:  # noqa: ANN401
    """Load a module, or a dict of tensors.

    Raises:
        UserError: PyTorch is missing; or it would run code, and must not.
        InvalidValueError: It cannot be loaded here.
    """
    torch = import_optional("torch", "this model", PACKAGE)
    is_state = bool(about.get("state_dict"))
    if not is_state:
        check_pickle(options)
    file = folder / str(about.get("model_data", FOLDER)) / FILE
    try:
        return torch.load(file, map_location=options.device or "cpu", weights_only=is_state)
    except (AttributeError, ImportError, RuntimeError) as error:
        message = f"the model cannot be loaded here: {error}"
        raise InvalidValueError(message, hint="import the module that defines its class first") from error


def predict(model: Any, data: Any, params: Mapping[str, Any]) -> Any:  # noqa: ANN401
    """Return what a module makes of an array, data frame or tensor, as an array.

    Raises:
        InvalidValueError: The data are none of these.
    """
    torch = import_optional("torch", "this model", PACKAGE)
    if is_a(data, "pandas", "DataFrame"):
        data = data.to_numpy(dtype="float32")
    if is_array(data):
        data = torch.tensor(data)
    if not isinstance(data, torch.Tensor):
        message = f"a module of PyTorch takes arrays and data frames, not {type(data).__name__}"
        raise InvalidValueError(message, hint="numpy.asarray() makes an array")
    model.eval()
    with torch.no_grad():
        found = model(data, **params)
    return found.cpu().numpy() if isinstance(found, torch.Tensor) else found
