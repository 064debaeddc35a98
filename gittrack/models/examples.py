"""The input example of a model: written as JSON that MLflow reads, and read back as what it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.store.disk import disk_errors
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a, is_array

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gittrack.core.schema import Schema

EXAMPLE_FILE = "input_example.json"


def write_example(folder: Path, example: Any) -> dict[str, str]:  # noqa: ANN401
    """Write an example into a model's folder; return what ``MLmodel`` says of it.

    Raises:
        InvalidValueError: JSON cannot hold it.
        StoreError: The disk is full, or failed.
    """
    about = {"artifact_path": EXAMPLE_FILE}
    content: Any
    if is_a(example, "pandas", "DataFrame"):
        content = json.loads(example.to_json(orient="split", date_format="iso", default_handler=str))
        content.pop("index", None)
        about |= {"type": "dataframe", "pandas_orient": "split"}
    elif is_array(example) or (
        isinstance(example, dict) and example and all(map(is_array, example.values()))
    ):
        lists = (
            {key: one.tolist() for key, one in example.items()}
            if isinstance(example, dict)
            else example.tolist()
        )
        content = {"inputs": lists}
        about |= {"type": "ndarray", "format": "tf-serving"}
    else:
        content = example
        about |= {"type": "json_object"}
    try:
        text = json.dumps(content)
    except (TypeError, ValueError, RecursionError) as error:
        message = f"JSON cannot hold the input example: {error}"
        hint = "use a data frame, an array, or text, numbers, lists and dicts of them"
        raise InvalidValueError(message, hint=hint) from error
    with disk_errors("write a model"):
        (folder / EXAMPLE_FILE).write_text(text, "utf-8")
    return about


def read_example(folder: Path, about: Mapping[str, Any], schema: Schema | None) -> Any:  # noqa: ANN401
    """Return the example of a model's folder, with the types its signature says.

    Raises:
        UserError: pandas or numpy is missing.
        StoreError: It cannot be read.
    """
    with disk_errors("read a model"):
        content = json.loads((folder / str(about["artifact_path"])).read_text("utf-8"))
    match about.get("type"):
        case "dataframe":
            pandas = import_optional("pandas", "this example", "pandas")
            frame = pandas.DataFrame(content["data"], columns=content.get("columns"))
            from gittrack.models.enforce import enforce_schema

            return frame if schema is None or schema.is_tensor_spec() else enforce_schema(frame, schema)
        case "ndarray":
            numpy = import_optional("numpy", "this example", "numpy")
            specs = {one.name: one.type for one in schema or ()} if schema and schema.is_tensor_spec() else {}
            inputs = content.get("inputs", content) if isinstance(content, dict) else content
            if isinstance(inputs, dict):
                return {key: numpy.asarray(one, dtype=specs.get(key)) for key, one in inputs.items()}
            return numpy.asarray(inputs, dtype=specs.get(None))
        case _:
            return content
