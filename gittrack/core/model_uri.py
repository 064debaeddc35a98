"""URIs of models: ``models:/name/3``, ``models:/name@champion``, ``models:/m-…``, ``runs:/RUN/model``."""

from __future__ import annotations

from urllib.parse import unquote

from gittrack.core.frozen import dataclass
from gittrack.core.logged_model import is_model_id
from gittrack.core.registry import LATEST, STAGES
from gittrack.errors import InvalidValueError


@dataclass(frozen=True, slots=True)
class ModelUri:
    """What a URI of a model says; one of the ways to name it is there."""

    name: str | None = None
    """Of a registered model, with one of the next three."""
    version: int | None = None
    alias: str | None = None
    stage: str | None = None
    model_id: str | None = None
    """Of a logged model."""
    run_id: str | None = None
    """Of a run, with the path in it."""
    path: str = ""


def parse_model_uri(uri: str) -> ModelUri | None:
    """Return what a URI says, None if it has neither the scheme ``models`` nor ``runs``.

    Raises:
        InvalidValueError: It has one of them, and names no model.
    """
    scheme, colon, rest = uri.partition(":/")
    if not colon or scheme not in {"models", "runs"}:
        return None
    rest = rest.strip("/")
    if scheme == "runs":
        run_id, _, path = rest.partition("/")
        if not run_id:
            raise _refuse(uri)
        return ModelUri(run_id=unquote(run_id), path=unquote(path))
    if is_model_id(rest):
        return ModelUri(model_id=rest)
    name, slash, which = rest.rpartition("/")
    if slash:
        name, which = unquote(name), unquote(which)
        if not name or not which:
            raise _refuse(uri)
        if which.isascii() and which.isdecimal():
            return ModelUri(name, version=int(which))
        if which.lower() == LATEST:
            return ModelUri(name, alias=LATEST)
        stages = {one.lower(): one for one in STAGES}
        if which.lower() in stages:
            return ModelUri(name, stage=stages[which.lower()])
        raise _refuse(uri)
    name, at, alias = rest.rpartition("@")
    if not at or not name or not alias:
        raise _refuse(uri)
    return ModelUri(unquote(name), alias=unquote(alias))


def _refuse(uri: str) -> InvalidValueError:
    hint = "write models:/NAME/VERSION, models:/NAME@ALIAS, models:/MODEL_ID or runs:/RUN/PATH"
    return InvalidValueError(f"{uri!r} names no model", hint=hint)
