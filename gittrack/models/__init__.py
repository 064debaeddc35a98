"""Models: saved by their own frameworks, with signature, example and requirements, and loaded again."""

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
)
from gittrack.models.load import Predictor, get_model_info, load_model, load_predictor
from gittrack.models.model_file import ModelInfo
from gittrack.models.save import log_model, save_model
from gittrack.tracking.schemas import infer_signature

__all__ = [
    "AnyType",
    "Array",
    "ColSpec",
    "DataType",
    "ModelInfo",
    "ModelSignature",
    "Object",
    "ParamSchema",
    "ParamSpec",
    "Predictor",
    "Property",
    "Schema",
    "TensorSpec",
    "get_model_info",
    "infer_signature",
    "load_model",
    "load_predictor",
    "log_model",
    "save_model",
]
