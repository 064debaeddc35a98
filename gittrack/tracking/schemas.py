"""Schemas inferred from data: pandas, numpy, scipy, lists, dicts and scalars, by MLflow's rules."""

from __future__ import annotations

import sys
import warnings
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gittrack.core.schema import (
    AnyType,
    Array,
    ColSpec,
    DataType,
    ModelSignature,
    Object,
    ParamSchema,
    ParamSpec,
    Property,
    Schema,
    TensorSpec,
    merge_types,
)
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittrack.core.schema import ColumnType

_SCALARS = {
    bool: DataType.boolean, int: DataType.long, float: DataType.double, str: DataType.string,
    bytes: DataType.binary, bytearray: DataType.binary, object: DataType.string,
}  # fmt: skip
_BYTES_32, _BYTES_64 = 4, 8


def infer_signature(
    model_input: Any = None,  # noqa: ANN401  (any data)
    model_output: Any = None,  # noqa: ANN401
    params: Mapping[str, Any] | None = None,
) -> ModelSignature:
    """Return the signature of a model from examples of what it takes and gives.

    Args:
        model_input: E.g. the training data.
        model_output: E.g. predictions for it.
        params: Defaults of what may be given when it is used.

    Data whose type no signature can hold count as anything, with a warning.

    Raises:
        InvalidValueError: A param has no type that a signature can hold, or there is nothing at all.
    """
    return ModelSignature(
        None if model_input is None else _infer_or_any("inputs", model_input),
        None if model_output is None else _infer_or_any("outputs", model_output),
        None if not params else infer_params(params),
    )


def _infer_or_any(what: str, data: Any) -> Schema:  # noqa: ANN401
    try:
        return infer_schema(data)
    except InvalidValueError as error:
        warnings.warn(f"the signature takes any {what}: {error.message}", stacklevel=3)
        return Schema((ColSpec(AnyType()),))


def infer_schema(data: Any) -> Schema:  # noqa: ANN401  (any data)
    """Return the schema of data.

    Raises:
        InvalidValueError: It has none.
    """
    if is_a(data, "pandas", "DataFrame"):
        columns = (ColSpec(_column_type(data[name]), name, _is_full(data[name])) for name in data.columns)
        return Schema(tuple(columns))
    if is_a(data, "pandas", "Series"):
        return Schema((ColSpec(_column_type(data), data.name, _is_full(data)),))
    if is_a(data, "polars", "DataFrame"):
        return infer_schema(data.to_pandas())
    if is_array(data) or is_sparse(data):
        return Schema((_tensor(data, None),))
    if isinstance(data, dict):
        if data and all(is_array(one) for one in data.values()):
            return Schema(tuple(_tensor(one, str(name)) for name, one in data.items()))
        if any(not isinstance(name, str) for name in data):
            message = "the keys of the dict are not all text"
            raise InvalidValueError(message, hint="use str(key)")
        return Schema(tuple(ColSpec(_type_of(one), name, _is_full(one)) for name, one in data.items()))
    if isinstance(data, list) and not data:
        return Schema((ColSpec(DataType.string),))
    if isinstance(data, list) and all(isinstance(one, dict) for one in data):
        names = dict.fromkeys(name for one in data for name in one)
        columns = (
            ColSpec(
                _element_type([one[name] for one in data if name in one]),
                name,
                all(one.get(name) is not None for one in data),
            )
            for name in names
        )
        return Schema(tuple(columns))
    if isinstance(data, list):
        return Schema((ColSpec(_element_type(data)),))
    return Schema((ColSpec(_type_of(data)),))


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Return the schema of params from their defaults.

    Raises:
        InvalidValueError: One is neither a scalar nor a list of scalars nor a dict.
    """
    specs = []
    for name, value in params.items():
        is_list = isinstance(value, (list, tuple)) or is_array(value)
        plain = value.tolist() if is_array(value) else value
        if is_list and any(isinstance(one, (list, dict, tuple)) for one in plain):
            message = f"param {name!r} must be a scalar or a flat list"
            raise InvalidValueError(message, hint="give it as several params")
        dtype = _element_type(list(value)) if is_list else _type_of(value)
        default = list(plain) if is_list else value.item() if hasattr(value, "item") else value
        specs.append(ParamSpec(str(name), dtype, default, (-1,) if is_list else None))
    return ParamSchema(tuple(specs))


def is_a(value: object, module: str, *names: str) -> bool:
    """Whether a value is of one of a module's classes; the module is not loaded for that."""
    loaded = sys.modules.get(module)
    return loaded is not None and any(
        isinstance(value, kind) for name in names if (kind := getattr(loaded, name, None)) is not None
    )


def is_array(value: object) -> bool:
    """Whether a value is a numpy array."""
    return is_a(value, "numpy", "ndarray")


def is_sparse(value: object) -> bool:
    """Whether a value is a sparse matrix of scipy."""
    return is_a(value, "scipy.sparse", "csr_matrix", "csc_matrix", "csr_array", "csc_array")


def tensor_type(dtype: Any) -> str:  # noqa: ANN401  (numpy's)
    """Return the name of a tensor's type; text and bytes without their length."""
    return {"U": "str", "S": "bytes"}.get(dtype.char, str(dtype.name))


def _tensor(data: Any, name: str | None) -> TensorSpec:  # noqa: ANN401
    if not data.shape:
        message = "an array without dimensions has no schema"
        raise InvalidValueError(message, hint="give a batch: array[None]")
    return TensorSpec(tensor_type(data.dtype), (-1, *data.shape[1:]), name)


def _column_type(column: Any) -> ColumnType:  # noqa: ANN401  (a series)
    dtype = column.dtype
    if dtype.kind == "O":
        column = column.infer_objects()
        dtype = column.dtype
    if is_a(dtype, "pandas", "StringDtype"):
        return DataType.string
    if dtype.kind == "O":
        return _element_type(column.to_list())
    return _numpy_type(dtype)


def _numpy_type(dtype: Any) -> DataType:  # noqa: ANN401
    size = getattr(dtype, "itemsize", 0)
    match dtype.kind:
        case "b":
            return DataType.boolean
        case "i" | "u" if size < _BYTES_32 or (dtype.kind == "i" and size == _BYTES_32):
            return DataType.integer
        case "i" | "u" if size < _BYTES_64 or (dtype.kind == "i" and size == _BYTES_64):
            return DataType.long
        case "f" if size <= _BYTES_64:
            return DataType.float if size <= _BYTES_32 else DataType.double
        case "U":
            return DataType.string
        case "S":
            return DataType.binary
        case "M":
            return DataType.datetime
        case _:
            message = f"values of type {dtype} have no place in a schema"
            raise InvalidValueError(message, hint="convert them first")


def _element_type(values: Iterable[Any]) -> ColumnType:
    found: ColumnType | None = None
    for value in values:
        dtype = _type_of(value)
        found = dtype if found is None else merge_types(found, dtype)
    return AnyType() if found is None else found


def _type_of(value: Any) -> ColumnType:  # noqa: ANN401
    if _is_nothing(value) or (isinstance(value, (list, dict)) and not value):
        return AnyType()
    if isinstance(value, dict):
        properties = []
        for name, one in sorted(value.items(), key=lambda item: str(item[0])):
            dtype = _type_of(one)
            properties.append(Property(str(name), dtype, not isinstance(dtype, AnyType)))
        return Object(tuple(properties))
    if isinstance(value, (list, tuple)):
        return Array(_element_type(value))
    if is_array(value):
        return Array(_element_type(list(value)) if value.ndim != 1 else _numpy_elements(value))
    if type(value) in _SCALARS:
        return _SCALARS[type(value)]
    if isinstance(value, (datetime, date)):
        return DataType.datetime
    if is_a(value, "numpy", "generic"):
        return _numpy_type(value.dtype)
    message = f"{type(value).__name__} has no place in a schema"
    raise InvalidValueError(message, hint="use numbers, text, bytes, times, lists, dicts, arrays or tables")


def _numpy_elements(array: Any) -> ColumnType:  # noqa: ANN401
    return _element_type(array.tolist()) if array.dtype.kind == "O" else _numpy_type(array.dtype)


def _is_full(values: Any) -> bool:  # noqa: ANN401
    if isinstance(values, list) or is_a(values, "pandas", "Series"):
        return not any(_is_nothing(value) for value in values)
    return not _is_nothing(values)


def _is_nothing(value: object) -> bool:
    if isinstance(value, float):
        return value != value  # noqa: PLR0124  (NaN)
    pandas = sys.modules.get("pandas")
    return value is None or (pandas is not None and (value is pandas.NA or value is pandas.NaT))
