"""Registered models and their versions: what the documents of the two kinds say, in MLflow's shapes.

Two clones may register the same number of one model, or give the same name to two models, before they hear of
each other. Then the earlier one keeps it, and the later one gets the next that is free: a function of all
documents, so that whoever has the same documents sees the same numbers and names.
"""

from __future__ import annotations

import re
from dataclasses import field
from typing import TYPE_CHECKING

from gittrack.core.frozen import dataclass
from gittrack.errors import InvalidNameError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittrack.core.query_match import Cell
    from gittrack.core.stamped import Document

MODELS = "models"
"""Kind of the documents of registered models."""
VERSIONS = "model-versions"
"""Kind above those of the versions of each: ``model-versions/<model id>``."""

STAGES = ("None", "Staging", "Production", "Archived")
ACTIVE_STAGES = ("Staging", "Production")
LATEST = "latest"
"""The alias that always means the highest version."""
MAX_ALIAS_LENGTH = 255
READY = "READY"

_ALIAS = re.compile(r"[\w\-]+")
_RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of a registered model."""

    name: str
    version: int
    creation_timestamp: int
    """Milliseconds since the epoch."""
    last_updated_timestamp: int
    """Milliseconds since the epoch."""
    description: str | None = None
    user_id: str | None = None
    """Who registered it."""
    current_stage: str = STAGES[0]
    source: str | None = None
    """URI of the model: ``models:/m-…``, ``runs:/RUN/PATH`` or elsewhere."""
    run_id: str | None = None
    run_link: str | None = None
    status: str = READY
    status_message: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    model_id: str | None = None
    """The logged model."""
    registered_as: int | None = None
    """The number it was registered as, if another clone had registered that before."""
    document_id: str = ""

    @property
    def facts(self) -> dict[str, Cell | None]:
        """What a search looks at."""
        return {
            "name": self.name,
            "version_number": self.version,
            "run_id": self.run_id,
            "source_path": self.source,
            "creation_timestamp": self.creation_timestamp,
            "last_updated_timestamp": self.last_updated_timestamp,
            "current_stage": self.current_stage,
            "model_id": self.model_id,
            **{f"tags.{key}": value for key, value in self.tags.items()},
        }


@dataclass(frozen=True, slots=True)
class RegisteredModel:
    """A name under which versions of a model are known."""

    name: str
    creation_timestamp: int
    """Milliseconds since the epoch."""
    last_updated_timestamp: int
    """Milliseconds since the epoch."""
    description: str | None = None
    latest_versions: list[ModelVersion] = field(default_factory=list)
    """The highest version at each stage."""
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    """Alias → version."""
    document_id: str = ""

    @property
    def facts(self) -> dict[str, Cell | None]:
        """What a search looks at."""
        return {
            "name": self.name,
            "creation_timestamp": self.creation_timestamp,
            "last_updated_timestamp": self.last_updated_timestamp,
            **{f"tags.{key}": value for key, value in self.tags.items()},
        }


def name_models(documents: Iterable[Document]) -> dict[str, Document]:
    """Return the documents of registered models by name; of two with one name the later one gets another."""
    named: dict[str, Document] = {}
    for document in sorted((one for one in documents if "name" in one.fields), key=_by_creation):
        name = str(document.fields["name"])
        named[name if name not in named else f"{name}-{document.document_id[:8]}"] = document
    return named


def number_versions(documents: Iterable[Document]) -> dict[int, Document]:
    """Return the versions of one model by number, deleted ones too.

    Of two that were registered under one number the earlier keeps it; the others get the next numbers nobody
    else has, in the order in which they were registered.
    """
    numbered: dict[int, Document] = {}
    others = []
    for document in sorted((one for one in documents if "version" in one.fields), key=_by_creation):
        claimed = claimed_version(document)
        if claimed in numbered:
            others.append(document)
        else:
            numbered[claimed] = document
    for document in others:
        number = claimed_version(document)
        while number in numbered:
            number += 1
        numbered[number] = document
    return dict(sorted(numbered.items()))


def claimed_version(document: Document) -> int:
    """Return the number a version was registered under."""
    number = document.fields["version"]
    return number if type(number) is int and number > 0 else 1


def read_version(document: Document, number: int, model: Document, name: str) -> ModelVersion:
    """Return the version a document says, with the aliases its model's document has for it."""
    fields = document.fields
    start = "aliases."
    aliases = [
        field.removeprefix(start)
        for field, target in model.fields.items()
        if target == document.document_id and field.startswith(start)
    ]
    return ModelVersion(
        name=name,
        version=number,
        creation_timestamp=_whole(document, "creation_timestamp"),
        last_updated_timestamp=max(
            _whole(document, "last_updated_timestamp"), _whole(model, "renamed_timestamp")
        ),
        description=_text(document, "description"),
        user_id=_text(document, "user_id"),
        current_stage=_text(document, "current_stage") or STAGES[0],
        source=_text(document, "source"),
        run_id=_text(document, "run_id"),
        run_link=_text(document, "run_link"),
        status=_text(document, "status") or READY,
        tags={key: str(value) for key, value in document.group("tags").items()},
        aliases=sorted(aliases),
        model_id=_text(document, "model_id"),
        registered_as=_whole(document, "registered_as")
        or (claimed_version(document) if fields["version"] != number else None),
        document_id=document.document_id,
    )


def read_model(document: Document, name: str, numbered: Mapping[int, Document]) -> RegisteredModel:
    """Return the registered model a document says, with what its versions add."""
    numbers = {one.document_id: number for number, one in numbered.items() if not is_deleted(one)}
    latest: dict[str, int] = {}
    for number, one in numbered.items():
        if not is_deleted(one):
            stage = _text(one, "current_stage") or STAGES[0]
            latest[stage] = max(number, latest.get(stage, 0))
    aliases = {
        alias: numbers[target] for alias, target in document.group("aliases").items() if target in numbers
    }
    return RegisteredModel(
        name=name,
        creation_timestamp=_whole(document, "creation_timestamp"),
        last_updated_timestamp=_whole(document, "last_updated_timestamp"),
        description=_text(document, "description"),
        latest_versions=[read_version(numbered[n], n, document, name) for n in sorted(latest.values())],
        tags={key: str(value) for key, value in document.group("tags").items()},
        aliases=dict(sorted(aliases.items())),
        document_id=document.document_id,
    )


def is_deleted(document: Document) -> bool:
    """Whether a version was deleted; its number is not given again."""
    return "deleted" in document.fields


def check_model_name(name: object) -> str:
    """Return ``name`` if a registered model may have it.

    Raises:
        InvalidNameError: It is empty, or holds a slash, a colon or a control character.
    """
    from gittrack.core.names import check_name

    text = check_name("model", name)
    if "/" in text or ":" in text or text in {".", ".."}:
        message = f"invalid model name {text!r}: names cannot contain '/' or ':'"
        raise InvalidNameError(message, hint="use '-' or '.' instead")
    return text


def check_alias(alias: object, *, is_new: bool = True) -> str:
    """Return ``alias`` if it may stand for a version; a new one may not be what gittrack gives itself.

    Raises:
        InvalidNameError: It is empty, too long, has other characters than letters, digits, ``_`` and ``-``,
            or is reserved.
    """
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias) or len(alias) > MAX_ALIAS_LENGTH:
        message = f"invalid alias {alias!r}"
        raise InvalidNameError(message, hint="use up to 255 letters, digits, '_' and '-'")
    if is_new and _RESERVED_ALIAS.fullmatch(alias):
        message = f"the alias {alias!r} is reserved"
        raise InvalidNameError(message, hint="'latest' and 'v1' mean versions already; use e.g. 'champion'")
    return alias


def check_version(version: object) -> int:
    """Return ``version`` as a number.

    Raises:
        InvalidValueError: It is none.
    """
    try:
        return int(version)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        message = f"version must be a number, not {version!r}"
        raise InvalidValueError(message, hint="an alias is written name@alias") from None


def check_stage(stage: object) -> str:
    """Return a stage as MLflow writes it.

    Raises:
        InvalidValueError: It is none.
    """
    known = {one.lower(): one for one in STAGES}.get(str(stage).strip().lower())
    if known is None:
        message = f"invalid model version stage {stage!r}"
        raise InvalidValueError(message, hint=f"one of {', '.join(STAGES)}; aliases say more")
    return known


def next_version(numbered: Mapping[int, Document]) -> int:
    """Return the number of the next version."""
    return max(numbered, default=0) + 1


def renumbered(documents: Sequence[Document]) -> dict[int, Document]:
    """Return the versions that are known by another number than they were registered under."""
    return {
        number: one for number, one in number_versions(documents).items() if claimed_version(one) != number
    }


def _by_creation(document: Document) -> tuple[int, str]:
    return _whole(document, "creation_timestamp"), document.document_id


def _whole(document: Document, name: str) -> int:
    value = document.fields.get(name, 0)
    return value if type(value) is int else 0


def _text(document: Document, name: str) -> str | None:
    value = document.fields.get(name)
    return None if value is None else str(value)
