"""Text, dicts, figures and images as the bytes of artifacts.

What is written is what MLflow writes. Packages that make figures, images and YAML are never required: an
object made by one of them brings it along, and what else is needed is asked for by name.
"""

from __future__ import annotations

import importlib
import io
import json
import posixpath
import re
import struct
import sys
import warnings
import zlib
from typing import TYPE_CHECKING, Any

from gittrack.core.names import check_artifact_path, shorten
from gittrack.core.values import coerce_step, coerce_timestamp
from gittrack.errors import InvalidNameError, InvalidValueError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

PREVIEW_PIXELS = 256
"""The longer side of the small copy of an image that listings show."""
TAG_IMAGES = "mlflow.loggedImages"

EXTRAS = {
    "fsspec": "remotes",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "pandas": "pandas",
    "pyarrow": "parquet",
    "scikit-learn": "sklearn",
    "skops": "sklearn",
    "transformers": "transformers",
    "vl-convert-python": "plot",
    "xgboost": "xgboost",
}
"""Packages that an extra of gittrack brings in a version that works."""

_IMAGE_KEY = re.compile(r"[a-zA-Z0-9_\-./ ]+")
_PICTURE_ENDINGS = {".png", ".jpg", ".jpeg", ".webp", ".svg", ".pdf"}
_CHART_ENDINGS = {".png", ".svg", ".pdf"}
_PNG_COLORS = {1: 0, 3: 2, 4: 6}
"""Channels to PNG's own number for grey, RGB and RGBA."""


def check_file(artifact_file: object) -> str:
    """Return the path of an artifact without ``.`` parts and double slashes, as MLflow writes it.

    Raises:
        InvalidNameError: It cannot be one of an artifact.
    """
    if isinstance(artifact_file, str) and ".." not in artifact_file.split("/"):
        plain = [part for part in artifact_file.split("/")[1:] if part not in {"", "."}]
        first = artifact_file.partition("/")[0]
        artifact_file = "/".join(plain if first == "." else [first, *plain])
    return check_artifact_path(artifact_file)


def import_optional(module: str, purpose: str, package: str) -> Any:  # noqa: ANN401  (any module)
    """Return a module that is nobody's duty to have.

    Raises:
        UserError: It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        message = f"{purpose} needs {package}, which cannot be imported: {error}"
        wanted = f"'gittrack[{EXTRAS[package]}]'" if package in EXTRAS else package
        raise UserError(message, hint=f"pip install {wanted}") from None


def encode_text(text: object) -> bytes:
    """Return text as UTF-8.

    Raises:
        InvalidValueError: It is no text, or holds lone surrogates.
    """
    if not isinstance(text, str):
        message = f"text must be a string, not {type(text).__name__}"
        raise InvalidValueError(message, hint="log_dict() logs dicts and lists, log_stream() bytes")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        message = f"the text is not valid Unicode at character {error.start}"
        raise InvalidValueError(message, hint="decode it with errors='replace' first") from None


def encode_dict(dictionary: object, artifact_file: str) -> bytes:
    """Return a dict or list as YAML if the path ends so, else as JSON.

    What JSON lacks becomes ``str`` of itself; NaN and infinities are written as Python's ``json`` reads
    them again.

    Raises:
        InvalidValueError: It holds itself, or keys that JSON cannot say.
        UserError: YAML is asked for and PyYAML is not installed.
    """
    try:
        if posixpath.splitext(artifact_file)[1] in {".yml", ".yaml"}:
            yaml = import_optional("yaml", "writing YAML", "pyyaml")
            text: str = yaml.dump(dictionary, indent=2, default_flow_style=False)
        else:
            text = json.dumps(dictionary, indent=2, default=str)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"the {type(dictionary).__name__} cannot be written: {error}"
        raise InvalidValueError(
            message, hint="keys are text or numbers; nothing may contain itself"
        ) from None
    return encode_text(text)


def encode_figure(figure: Any, artifact_file: str, save_kwargs: Mapping[str, Any] | None = None) -> bytes:  # noqa: ANN401
    """Return a figure of matplotlib, plotly or Altair in the format that the path ends in.

    Args:
        figure: Plotly's may become ``.html``, ``.json`` or, with kaleido, a picture; Altair's ``.html``,
            ``.json`` (Vega-Lite) or, with vl-convert, a picture.
        artifact_file: The path.
        save_kwargs: For the figure's own way of saving.

    Raises:
        InvalidValueError: It is no figure, or cannot be saved so.
        UserError: A package for this format is missing.
    """
    options = dict(save_kwargs or {})
    ending = posixpath.splitext(artifact_file)[1].lower()
    try:
        if _is_instance(figure, "matplotlib.figure", "Figure"):
            return _encode_matplotlib(figure, ending, options)
        if _is_instance(figure, "plotly.basedatatypes", "BaseFigure"):
            return _encode_plotly(figure, ending, options)
        if _is_instance(figure, "altair", "TopLevelMixin"):
            return _encode_altair(figure, ending, options)
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        message = f"the figure cannot be saved as {artifact_file!r}: {str(error).strip()}"
        raise InvalidValueError(
            message, hint="try another ending of the path, or other save_kwargs"
        ) from error
    message = f"{type(figure).__name__} is no figure of matplotlib, plotly or altair"
    hint = "log_image() logs images and arrays"
    if _is_instance(getattr(figure, "figure", None), "matplotlib.figure", "Figure"):
        hint = "pass its .figure"
    raise InvalidValueError(message, hint=hint)


def encode_image(image: Any, artifact_file: str) -> bytes:  # noqa: ANN401  (numpy and Pillow are optional)
    """Return an image in the format that the path ends in.

    Args:
        image: A Pillow image, or a numpy array of H x W, H x W x 1, 3 or 4: bool, integers from 0 to 255, or
            floats from 0 to 1.
        artifact_file: The path; arrays become ``.png`` without Pillow.

    Raises:
        InvalidValueError: It is no image, or the format is unknown or cannot hold it.
        UserError: Pillow is missing.
    """
    if _is_array(image):
        pixels = convert_pixels(image)
        if artifact_file.lower().endswith(".png") and not _has_pillow():
            return encode_png(pixels)
        image = import_optional("PIL.Image", "writing this image", "pillow").fromarray(pixels)
    elif callable(getattr(image, "to_pil", None)):
        image = image.to_pil()
    if not _is_instance(image, "PIL.Image", "Image"):
        message = f"{type(image).__name__} is no image"
        raise InvalidValueError(message, hint="pass a numpy array or a Pillow image, e.g. tensor.numpy()")
    return _save_pillow(image, artifact_file)


def encode_keyed_image(image: Any, key: object, step: object, timestamp: object) -> dict[str, bytes]:  # noqa: ANN401
    """Return the files of one image in a series: the PNG, and a small WebP if Pillow is there.

    Args:
        image: See `encode_image`.
        key: The name of the series: letters, digits, spaces and ``_ - . /``.
        step: Any signed 64-bit integer, 0 if None.
        timestamp: Milliseconds since the epoch.

    Returns:
        Path to content; the names are MLflow's, so that its user interface finds them.

    Raises:
        InvalidNameError: The key cannot name images.
        InvalidValueError: It is no image, or step or timestamp are none.
    """
    from uuid import uuid4

    if not isinstance(key, str) or not _IMAGE_KEY.fullmatch(key):
        shown = shorten(key) if isinstance(key, str) else repr(key)
        message = f"image key {shown} has characters that are not allowed"
        raise InvalidNameError(message, hint="use a-z, A-Z, 0-9, spaces and _ - . /")
    stem = (
        f"images/{key.replace('/', '~')}+step+{coerce_step(step)}"
        f"+timestamp+{coerce_timestamp(timestamp)}+{uuid4()}"
    )
    check_artifact_path(f"{stem}+compressed.webp")
    files = {f"{stem}.png": encode_image(image, ".png")}
    if preview := encode_preview(files[f"{stem}.png"]):
        files[f"{stem}+compressed.webp"] = preview
    return files


def encode_preview(png: bytes) -> bytes | None:
    """Return a picture as WebP whose longer side is 256 pixels, None without Pillow."""
    if not _has_pillow():
        return None
    with importlib.import_module("PIL.Image").open(io.BytesIO(png)) as image:
        scale = PREVIEW_PIXELS / max(image.size)
        width, height = (max(1, int(side * scale)) for side in image.size)
        return _save_pillow(image.resize((width, height)), ".webp")


def convert_pixels(array: Any) -> Any:  # noqa: ANN401  (a numpy array, which is optional)
    """Return an array of pixels from 0 to 255, H x W or H x W x 3 or 4.

    Raises:
        InvalidValueError: Its type, shape or values are none of an image.
    """
    hint = "pass H x W, H x W x 1, 3 or 4: bool, integers from 0 to 255, or floats from 0 to 1"
    if array.dtype.kind not in "biuf":
        message = f"an image cannot have pixels of type {array.dtype}"
        raise InvalidValueError(message, hint=hint)
    if array.ndim not in {2, 3} or array.shape[2:] not in {(), (1,), (3,), (4,)} or 0 in array.shape:
        message = f"an array of shape {array.shape} is no image"
        raise InvalidValueError(message, hint=hint)
    if array.shape[2:] == (1,):
        array = array[:, :, 0]
    low, high = array.min(), array.max()
    if array.dtype.kind in "iu":
        if low < 0 or high > 255:  # noqa: PLR2004  (what a byte holds)
            message = f"integer pixels go from 0 to 255, not from {low} to {high}"
            raise InvalidValueError(message, hint=hint)
        return array.astype("uint8")
    if not -float("inf") < low <= high < float("inf"):
        message = f"pixels must be finite, not from {low} to {high}"
        raise InvalidValueError(message, hint="numpy.nan_to_num() replaces NaN and infinities")
    if low < 0 or high > 1:
        warnings.warn(f"float pixels go from {low} to {high}: scaled to 0 to 1", stacklevel=2)
        array = (array - low) / ((high - low) or 1)
    return (array * 255).astype("uint8")


def encode_png(pixels: Any) -> bytes:  # noqa: ANN401  (a numpy array, which is optional)
    """Return pixels as PNG, without Pillow.

    Args:
        pixels: Bytes, H x W or H x W x 3 or 4.
    """
    height, width = pixels.shape[:2]
    color = _PNG_COLORS[pixels.shape[2] if pixels.ndim > 2 else 1]  # noqa: PLR2004  (with channels)
    header = struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _encode_matplotlib(figure: Any, ending: str, options: dict[str, Any]) -> bytes:  # noqa: ANN401
    options.setdefault("format", ending.removeprefix(".") or "png")
    target = io.BytesIO()
    figure.savefig(target, **options)
    return target.getvalue()


def _encode_plotly(figure: Any, ending: str, options: dict[str, Any]) -> bytes:  # noqa: ANN401
    if ending in {".html", ".htm"}:
        page = io.StringIO()
        figure.write_html(page, **{"include_plotlyjs": "cdn", "auto_open": False, **options})
        return page.getvalue().encode()
    if ending == ".json":
        return str(figure.to_json(**options)).encode()
    if ending not in _PICTURE_ENDINGS:
        raise _unknown_ending("plotly", ending, {".html", ".json"} | _PICTURE_ENDINGS)
    import_optional("kaleido", "a picture of a plotly figure", "kaleido")
    target = io.BytesIO()
    figure.write_image(target, **{"format": ending.removeprefix("."), **options})
    return target.getvalue()


def _encode_altair(chart: Any, ending: str, options: dict[str, Any]) -> bytes:  # noqa: ANN401
    if ending == ".json":
        return str(chart.to_json(**options)).encode()
    if ending in {".html", ".htm"}:
        return str(chart.to_html(**options)).encode()
    if ending not in _CHART_ENDINGS:
        raise _unknown_ending("altair", ending, {".html", ".json"} | _CHART_ENDINGS)
    import_optional("vl_convert", "a picture of an Altair chart", "vl-convert-python")
    target = io.BytesIO() if ending != ".svg" else io.StringIO()
    chart.save(target, format=ending.removeprefix("."), **options)
    content = target.getvalue()
    return content.encode() if isinstance(content, str) else content


def _unknown_ending(maker: str, ending: str, known: set[str]) -> InvalidValueError:
    message = f"figures of {maker} cannot be saved as {ending or 'a file without ending'!r}"
    return InvalidValueError(message, hint=f"use {', '.join(sorted(known))}")


def _save_pillow(image: Any, artifact_file: str) -> bytes:  # noqa: ANN401
    pillow = importlib.import_module("PIL.Image")
    ending = posixpath.splitext(f"name{artifact_file}")[1].lower()
    kind = pillow.registered_extensions().get(ending)
    if kind is None:
        message = f"an image cannot be saved as {ending or 'a file without ending'!r}"
        raise InvalidValueError(message, hint="use .png, .jpg or .webp")
    target = io.BytesIO()
    try:
        image.save(target, format=kind)
    except (OSError, ValueError, KeyError) as error:
        message = f"the image cannot be saved as {ending!r}: {error}"
        raise InvalidValueError(message, hint="use .png, or convert it first: image.convert('RGB')") from None
    return target.getvalue()


def _has_pillow() -> bool:
    try:
        importlib.import_module("PIL.Image")
    except ImportError:
        return False
    return True


def _is_array(value: object) -> bool:
    return _is_instance(value, "numpy", "ndarray")


def _is_instance(value: object, module: str, name: str) -> bool:
    """Whether a value is of a class of a module; if nobody has loaded the module, it is not."""
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and isinstance(value, kind)
