"""Schemas and signatures: what columns and tensors a model takes and gives, in MLflow's JSON.

A schema is a list of columns, or a list of tensors. Types of columns are `DataType`, `Array`, `Object` or
`AnyType`; types of tensors are names of numpy's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class DataType(StrEnum):
    """What one value of a column is, in MLflow's words."""

    boolean = "boolean"
    integer = "integer"
    """32 bits."""
    long = "long"
    """64 bits."""
    float = "float"
    """32 bits."""
    double = "double"
    """64 bits."""
    string = "string"
    binary = "binary"
    datetime = "datetime"


@dataclass(frozen=True, slots=True)
class AnyType:
    """Anything, since only nothing was seen."""


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values of one type."""

    dtype: ColumnType


@dataclass(frozen=True, slots=True)
class Property:
    """One field of an object."""

    name: str
    dtype: ColumnType
    required: bool = True


@dataclass(frozen=True, slots=True)
class Object:
    """A dict with known fields, sorted by name."""

    properties: tuple[Property, ...]


ColumnType: TypeAlias = "DataType | Array | Object | AnyType"


@dataclass(frozen=True, slots=True)
class ColSpec:
    """One column."""

    type: ColumnType
    name: str | int | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor."""

    type: str
    """Name of a numpy dtype."""
    shape: tuple[int, ...]
    """-1 for a dimension that varies."""
    name: str | None = None
    required: bool = True


@dataclass(frozen=True, slots=True)
class Schema:
    """Columns, or tensors."""

    inputs: tuple[ColSpec | TensorSpec, ...]

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.inputs)

    def __iter__(self) -> Iterator[ColSpec | TensorSpec]:
        """Yield each."""
        return iter(self.inputs)

    def is_tensor_spec(self) -> bool:
        """Whether it is about tensors."""
        return bool(self.inputs) and isinstance(self.inputs[0], TensorSpec)

    def has_input_names(self) -> bool:
        """Whether columns or tensors have names."""
        return any(one.name is not None for one in self)

    def input_names(self) -> list[str | int]:
        """Return the names, or places where there are none."""
        return [place if one.name is None else one.name for place, one in enumerate(self.inputs)]

    def to_dict(self) -> list[dict[str, Any]]:
        """Return what JSON can hold."""
        return [_spec_row(one) for one in self.inputs]

    def to_json(self) -> str:
        """Return MLflow's JSON."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> Schema:
        """Return the schema of MLflow's JSON.

        Raises:
            InvalidValueError: It is none.
        """
        try:
            return cls(tuple(_read_spec(row) for row in json.loads(text)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"not a schema: {error!r}"
            raise InvalidValueError(message, hint="infer_signature() makes one") from error


@dataclass(frozen=True, slots=True)
class ParamSpec:
    """One param that may be given when a model is used."""

    name: str
    dtype: ColumnType
    default: Any
    shape: tuple[int, ...] | None = None
    """``(-1,)`` for a list."""


@dataclass(frozen=True, slots=True)
class ParamSchema:
    """Params that may be given when a model is used."""

    params: tuple[ParamSpec, ...]

    def to_json(self) -> str:
        """Return MLflow's JSON."""
        return json.dumps([_param_row(one) for one in self.params])

    @classmethod
    def from_json(cls, text: str) -> ParamSchema:
        """Return the params of MLflow's JSON.

        Raises:
            InvalidValueError: It is none.
        """
        try:
            return cls(tuple(_read_param(row) for row in json.loads(text)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"not a schema of params: {error!r}"
            raise InvalidValueError(message, hint="infer_signature(params=...) makes one") from error


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """What a model takes and gives."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: ParamSchema | None = None

    def __post_init__(self) -> None:
        """Refuse a signature that says nothing."""
        if self.inputs is None and self.outputs is None and self.params is None:
            message = "a signature needs inputs, outputs or params"
            raise InvalidValueError(message, hint="infer_signature(inputs, outputs)")

    def to_dict(self) -> dict[str, str | None]:
        """Return it as an ``MLmodel`` file holds it."""
        return {
            "inputs": None if self.inputs is None else self.inputs.to_json(),
            "outputs": None if self.outputs is None else self.outputs.to_json(),
            "params": None if self.params is None else self.params.to_json(),
        }

    @classmethod
    def from_dict(cls, about: Mapping[str, str | None]) -> ModelSignature:
        """Return the signature `to_dict` wrote, here or in MLflow.

        Raises:
            InvalidValueError: It is none.
        """
        inputs, outputs, params = (about.get(name) for name in ("inputs", "outputs", "params"))
        return cls(
            None if not inputs else Schema.from_json(inputs),
            None if not outputs else Schema.from_json(outputs),
            None if not params else ParamSchema.from_json(params),
        )


def merge_types(first: ColumnType, second: ColumnType) -> ColumnType:
    """Return the type of values of two types.

    Raises:
        InvalidValueError: There is none.
    """
    if first == second or isinstance(second, AnyType):
        return _optional(first) if isinstance(first, Object) and isinstance(second, AnyType) else first
    match first, second:
        case AnyType(), _:
            return merge_types(second, first)
        case Array(one), Array(other):
            return Array(merge_types(one, other))
        case Object(ours), Object(theirs):
            known: dict[str, Property] = {one.name: one for one in ours}
            other_known: dict[str, Property] = {one.name: one for one in theirs}
            merged = []
            for name in sorted(known.keys() | other_known.keys()):
                if name in known and name in other_known:
                    a, b = known[name], other_known[name]
                    merged.append(Property(name, merge_types(a.dtype, b.dtype), a.required and b.required))
                else:
                    merged.append(
                        Property(name, (known.get(name) or other_known[name]).dtype, required=False)
                    )
            return Object(tuple(merged))
        case _:
            message = f"values of several types: {describe_type(first)} and {describe_type(second)}"
            raise InvalidValueError(message, hint="give all values of a column the same type")


def describe_type(dtype: ColumnType) -> str:
    """Return a type as people read it, such as ``list of string``."""
    match dtype:
        case DataType():
            return dtype.value
        case Array(inner):
            return f"list of {describe_type(inner)}"
        case Object(properties):
            return f"object of {', '.join(one.name for one in properties)}"
        case AnyType():
            return "anything"


def _optional(one: Object) -> Object:
    return Object(tuple(Property(p.name, p.dtype, required=False) for p in one.properties))


def _type_row(dtype: ColumnType) -> dict[str, Any]:
    match dtype:
        case DataType():
            return {"type": dtype.value}
        case Array(inner):
            return {"type": "array", "items": _type_row(inner)}
        case Object(properties):
            rows = {one.name: {**_type_row(one.dtype), "required": one.required} for one in properties}
            return {"type": "object", "properties": rows}
        case AnyType():
            return {"type": "any"}


def _read_type(row: Mapping[str, Any]) -> ColumnType:
    match row["type"]:
        case "array":
            return Array(_read_type(row["items"]))
        case "object":
            properties = (
                Property(name, _read_type(one), one.get("required", True))
                for name, one in row["properties"].items()
            )
            return Object(tuple(sorted(properties, key=lambda one: one.name)))
        case "any":
            return AnyType()
        case other:
            return DataType(other)


def _spec_row(spec: ColSpec | TensorSpec) -> dict[str, Any]:
    match spec:
        case ColSpec():
            name = {} if spec.name is None else {"name": spec.name}
            return {**_type_row(spec.type), **name, "required": spec.required}
        case TensorSpec():
            tensor = {"type": "tensor", "tensor-spec": {"dtype": spec.type, "shape": list(spec.shape)}}
            return tensor if spec.name is None else {"name": spec.name, **tensor}


def _read_spec(row: Mapping[str, Any]) -> Any:  # noqa: ANN401  (either)
    if row["type"] == "tensor":
        about = row["tensor-spec"]
        return TensorSpec(str(about["dtype"]), tuple(map(int, about["shape"])), row.get("name"))
    return ColSpec(_read_type(row), row.get("name"), row.get("required", not row.get("optional", False)))


def _param_row(spec: ParamSpec) -> dict[str, Any]:
    default = spec.default
    if spec.dtype == DataType.datetime:
        default = [one.isoformat() for one in default] if spec.shape else default.isoformat()
    shape = None if spec.shape is None else list(spec.shape)
    return {"name": spec.name, "default": default, "shape": shape, **_type_row(spec.dtype)}


def _read_param(row: Mapping[str, Any]) -> ParamSpec:
    dtype, default = _read_type(row), row.get("default")
    if dtype == DataType.datetime:
        from datetime import datetime

        read = datetime.fromisoformat
        default = [read(one) for one in default or ()] if row.get("shape") else read(str(default))
    shape = row.get("shape")
    return ParamSpec(row["name"], dtype, default, None if shape is None else tuple(shape))
