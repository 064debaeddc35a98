"""A signature held against what a model is given, by MLflow's rules: only safe conversions are made.

See ``mlflow/models/utils.py``. Columns are put into the order of the signature, unknown ones are left out
with a warning, a missing one is an error; integers become wider ones, 32-bit integers and floats doubles.
"""

from __future__ import annotations

import warnings
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gittrack.core.schema import (
    AnyType,
    Array,
    ColSpec,
    DataType,
    Object,
    ParamSchema,
    ParamSpec,
    Schema,
    TensorSpec,
    describe_type,
)
from gittrack.errors import InvalidValueError
from gittrack.tracking.media import import_optional
from gittrack.tracking.schemas import is_a, is_array, is_sparse, tensor_type

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittrack.core.schema import ColumnType

NUMPY = {
    DataType.boolean: "bool",
    DataType.integer: "int32",
    DataType.long: "int64",
    DataType.float: "float32",
    DataType.double: "float64",
    DataType.datetime: "datetime64[ns]",
}
EXACT_IN_DOUBLE_BYTES = 6
"""Integers up to this size are exact in a double."""
_HINT = "give it what its signature says: load_predictor(uri).info.signature"
_WIDER_PARAMS = {
    DataType.long: (DataType.integer,),
    DataType.float: (DataType.integer, DataType.long),
    DataType.double: (DataType.integer, DataType.long, DataType.float),
}
_PYTHON: dict[DataType, type] = {
    DataType.boolean: bool, DataType.integer: int, DataType.long: int, DataType.float: float,
    DataType.double: float, DataType.string: str, DataType.binary: bytes,
}  # fmt: skip


def enforce_schema(data: Any, schema: Schema) -> Any:  # noqa: ANN401
    """Return data as a schema wants them.

    Raises:
        InvalidValueError: They are not that, and cannot safely become it.
    """
    if schema.is_tensor_spec():
        return _enforce_tensors(data, schema)
    pandas = import_optional("pandas", "a signature of columns", "pandas")
    frame = _as_frame(data, schema, pandas)
    named = schema.has_input_names()
    if not named and len(frame.columns) < len(schema):
        message = f"the model takes {len(schema)} inputs, and was given {len(frame.columns)}"
        raise InvalidValueError(message, hint=_HINT)
    columns = {}
    names = schema.input_names() if named else list(frame.columns[: len(schema)])
    _check_names(frame, schema, names) if named else None
    for name, spec in zip(names, schema, strict=True):
        if isinstance(spec, ColSpec) and name in frame:
            columns[name] = _enforce_column(name, frame[name], spec, pandas)
    return pandas.DataFrame(columns)


def enforce_params(params: Mapping[str, Any] | None, schema: ParamSchema | None) -> dict[str, Any]:
    """Return params as a schema wants them, with defaults for those not given.

    Raises:
        InvalidValueError: One is not of its type.
    """
    given = dict(params or {})
    if schema is None:
        if given:
            warnings.warn(f"the signature knows no params: {', '.join(given)} left out", stacklevel=3)
        return {}
    known = {one.name: one for one in schema.params}
    if unknown := [name for name in given if name not in known]:
        warnings.warn(f"the signature does not know {', '.join(unknown)}: left out", stacklevel=3)
    return {
        name: _enforce_param(given[name], spec) if name in given else spec.default
        for name, spec in known.items()
    }


def _as_frame(data: Any, schema: Schema, pandas: Any) -> Any:  # noqa: ANN401
    if isinstance(data, pandas.DataFrame):
        return data
    if isinstance(data, pandas.Series):
        return pandas.DataFrame(data)
    if is_a(data, "polars", "DataFrame"):
        return data.to_pandas()
    try:
        if isinstance(data, dict):
            is_row = any(isinstance(one.type, (Array, Object)) for one in schema) or not any(
                isinstance(value, (list, tuple)) or is_array(value) for value in data.values()
            )
            return pandas.DataFrame([data] if is_row else data)
        if isinstance(data, (list, tuple)) or is_array(data):
            return pandas.DataFrame(data)
        return pandas.DataFrame([data])
    except (ValueError, TypeError) as error:
        message = f"{type(data).__name__} cannot be read as a table: {error}"
        raise InvalidValueError(message, hint=_HINT) from error


def _check_names(frame: Any, schema: Schema, names: list[str | int]) -> None:  # noqa: ANN401
    given = list(frame.columns)
    extra = [name for name in given if name not in names]
    missing = [one.name for one in schema if one.required and one.name not in given]
    if missing:
        also = f"; it was given {', '.join(map(str, extra))}, which it does not know" if extra else ""
        message = f"the model lacks the inputs {', '.join(map(str, missing))}{also}"
        raise InvalidValueError(message, hint=_HINT)
    if extra:
        shown = ", ".join(map(str, extra))
        warnings.warn(f"the signature does not know the inputs {shown}: left out", stacklevel=4)


def _enforce_column(name: str | int, column: Any, spec: ColSpec, pandas: Any) -> Any:  # noqa: ANN401
    if isinstance(spec.type, DataType):
        return _enforce_values(str(name), column, spec.type, pandas)
    values = [_enforce_value(f"{name}", one, spec.type, spec.required) for one in column]
    return pandas.Series(values, index=column.index, name=name, dtype=object)


def _enforce_values(name: str, column: Any, wanted: DataType, pandas: Any) -> Any:  # noqa: ANN401
    if column.dtype.kind == "O" and wanted not in {DataType.binary, DataType.string}:
        column = column.infer_objects()
    dtype = column.dtype
    is_text = dtype.kind == "O" or isinstance(dtype, pandas.StringDtype)
    if wanted in {DataType.string, DataType.binary} and is_text:
        return column
    if wanted is DataType.binary and dtype.kind == "S":
        return column
    if wanted is DataType.boolean and dtype.kind == "O":
        return column  # None is no boolean, and stays
    target = NUMPY.get(wanted)
    if target is None:
        raise _refuse(name, dtype, wanted)
    if wanted is DataType.datetime and dtype.kind in "MO":
        try:
            return column.astype(target)
        except (TypeError, ValueError) as error:
            raise _refuse(name, dtype, wanted) from error
    if str(dtype) == target:
        return column
    if _is_safe(column, target, pandas):
        return column.astype(target)
    raise _refuse(name, dtype, wanted, _lost_integers(column, wanted, pandas))


def _is_safe(column: Any, target: str, pandas: Any) -> bool:  # noqa: ANN401
    numpy = import_optional("numpy", "a signature", "numpy")
    dtype, wanted = column.dtype, numpy.dtype(target)
    size = getattr(dtype, "itemsize", 0)
    if dtype.kind == wanted.kind:
        return bool(size <= wanted.itemsize)
    if dtype.kind == "u" and wanted.kind == "i":
        return bool(size < wanted.itemsize)
    if dtype.kind in "iu" and target == "float64" and size <= EXACT_IN_DOUBLE_BYTES:
        return True
    are_flags = dtype.kind in "iu" and wanted.kind == "f"
    return bool(are_flags) and all(pandas.isna(value) or value in {0, 1} for value in column)


def _lost_integers(column: Any, wanted: DataType, pandas: Any) -> str:  # noqa: ANN401
    """Return what to do if a column of integers became one of floats for its missing values."""
    if wanted not in {DataType.integer, DataType.long} or column.dtype.kind != "f":
        return _HINT
    if not column.hasnans or not all(pandas.isna(value) or int(value) == value for value in column):
        return _HINT
    return "integers with missing values become floats: infer the signature from data that has some"


def _refuse(name: str, dtype: object, wanted: ColumnType, hint: str = _HINT) -> InvalidValueError:
    message = f"input {name!r} is {dtype}, which cannot safely become {describe_type(wanted)}"
    return InvalidValueError(message, hint=hint)


def _enforce_value(name: str, value: Any, wanted: ColumnType, required: bool = True) -> Any:  # noqa: ANN401, FBT001, FBT002
    if value is None and (not required or isinstance(wanted, AnyType)):
        return None
    match wanted:
        case AnyType():
            return value
        case Array(inner):
            if not isinstance(value, (list, tuple)) and not is_array(value):
                raise _refuse(name, type(value).__name__, wanted)
            return [
                _enforce_value(f"{name}[{place}]", one, inner, required) for place, one in enumerate(value)
            ]
        case Object(properties):
            if not isinstance(value, dict):
                raise _refuse(name, type(value).__name__, wanted)
            known = {one.name for one in properties}
            if unknown := [key for key in value if key not in known]:
                message = f"input {name!r} has unknown fields: {', '.join(map(str, unknown))}"
                raise InvalidValueError(message, hint=_HINT)
            missing = [one.name for one in properties if one.required and value.get(one.name) is None]
            if missing:
                message = f"input {name!r} lacks {', '.join(missing)}"
                raise InvalidValueError(message, hint=_HINT)
            kinds = {one.name: one for one in properties}
            return {
                key: _enforce_value(f"{name}.{key}", one, kinds[key].dtype, kinds[key].required)
                for key, one in value.items()
            }
        case DataType():
            pandas = import_optional("pandas", "a signature of columns", "pandas")
            return _enforce_values(name, pandas.Series([value]), wanted, pandas).iloc[0]


def _enforce_tensors(data: Any, schema: Schema) -> Any:  # noqa: ANN401
    specs = [one for one in schema if isinstance(one, TensorSpec)]
    if schema.has_input_names():
        if not isinstance(data, dict):
            message = f"the model takes a dict of arrays, not {type(data).__name__}"
            raise InvalidValueError(message, hint=_HINT)
        if missing := [str(one.name) for one in specs if one.name not in data]:
            message = f"the model lacks the inputs {', '.join(missing)}"
            raise InvalidValueError(message, hint=_HINT)
        return {one.name: _enforce_tensor(data[one.name], one) for one in specs}
    if is_a(data, "pandas", "DataFrame"):
        data = data.to_numpy()
    return _enforce_tensor(data, specs[0])


def _enforce_tensor(array: Any, spec: TensorSpec) -> Any:  # noqa: ANN401
    if not is_array(array) and not is_sparse(array):
        message = f"the model takes an array, not {type(array).__name__}"
        raise InvalidValueError(message, hint=_HINT)
    found = tensor_type(array.dtype)
    if spec.type == "object" and spec.shape == (-1,):
        return array
    is_ragged = found == "object" and len(array.shape) == 1 and len(spec.shape) > 1 and -1 in spec.shape[1:]
    if is_ragged:
        return array
    fits = len(array.shape) == len(spec.shape) and all(
        wanted in {-1, size} for wanted, size in zip(spec.shape, array.shape, strict=True)
    )
    if not fits:
        message = f"the model takes arrays of shape {spec.shape}, not {array.shape}"
        raise InvalidValueError(message, hint=_HINT)
    if found != spec.type:
        message = f"the model takes arrays of {spec.type}, not of {found}"
        raise InvalidValueError(message, hint=f"array.astype({spec.type!r})")
    return array


def _enforce_param(value: Any, spec: ParamSpec) -> Any:  # noqa: ANN401
    if spec.shape is not None:
        values = value.tolist() if is_array(value) else value
        if not isinstance(values, (list, tuple)) or any(isinstance(one, (list, tuple)) for one in values):
            message = f"param {spec.name!r} must be a flat list, not {value!r}"
            raise InvalidValueError(message, hint=_HINT)
        return [_enforce_scalar(one, spec) for one in values]
    if isinstance(spec.dtype, Object):
        return _enforce_value(spec.name, value, spec.dtype)
    return _enforce_scalar(value, spec)


def _enforce_scalar(value: Any, spec: ParamSpec) -> Any:  # noqa: ANN401
    if value is None:
        return None
    plain = value.item() if hasattr(value, "item") else value
    wanted = spec.dtype
    if wanted is DataType.datetime:
        if isinstance(plain, (datetime, date)):
            return plain
        if isinstance(plain, str):
            try:
                return datetime.fromisoformat(plain)
            except ValueError:
                pass
    elif isinstance(wanted, DataType) and _param_type(plain) in {wanted, *_alike(wanted)}:
        return _PYTHON[wanted](plain)
    message = f"param {spec.name!r} is {value!r}, which cannot safely become {describe_type(wanted)}"
    raise InvalidValueError(message, hint=_HINT)


def _alike(wanted: DataType) -> tuple[DataType, ...]:
    if wanted is DataType.integer:
        return (DataType.long,)
    if wanted is DataType.float:
        return (*_WIDER_PARAMS[wanted], DataType.double)
    return _WIDER_PARAMS.get(wanted, ())


def _param_type(value: object) -> DataType | None:
    kinds = {
        bool: DataType.boolean, int: DataType.long, float: DataType.double, str: DataType.string,
        bytes: DataType.binary,
    }  # fmt: skip
    return kinds.get(type(value))
