"""Which keys the search language knows, and what their values may be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, TypeAlias

from gittrack.core.query_tokens import syntax_error, tokenize, unquote
from gittrack.core.query_tree import METRIC_VALUES, Key, Kind

if TYPE_CHECKING:
    from gittrack.core.query_tokens import Token
    from gittrack.errors import QuerySyntaxError

ValueKind: TypeAlias = Literal["number", "time", "span", "flag", "text"]

KINDS: dict[str, Kind] = {
    "metrics": "metrics",
    "metric": "metrics",
    "params": "params",
    "param": "params",
    "parameters": "params",
    "parameter": "params",
    "tags": "tags",
    "tag": "tags",
    "attributes": "attributes",
    "attribute": "attributes",
    "attr": "attributes",
    "run": "attributes",
    "code": "code",
    "dataset": "datasets",
    "datasets": "datasets",
    "inputs": "datasets",
    "input": "datasets",
}
ATTRIBUTES = {
    "run_id": "run_id",
    "id": "run_id",
    "name": "name",
    "run_name": "name",
    "run name": "name",
    "status": "status",
    "user": "user",
    "user_id": "user",
    "start_time": "start_time",
    "started": "start_time",
    "created": "start_time",
    "end_time": "end_time",
    "ended": "end_time",
    "duration": "duration",
    "experiment_id": "experiment_id",
    "experiment": "experiment",
    "experiment_name": "experiment",
    "artifact_uri": "artifact_uri",
    "parent": "parent",
    "parent_run_id": "parent",
    "source": "source",
    "lifecycle_stage": "lifecycle_stage",
}
"""Attributes by each of their names; ``experiment`` is the name of the experiment."""
CODE = ("commit", "branch", "dirty", "remote", "entry", "snapshot", "tree", "changed", "skipped", "reason")

DATASETS = ("name", "digest", "context")
"""Facts of each dataset that a run read."""

_QUOTED = re.compile(r"(`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\")(?:\.(\w+))?")


def parse_key(token: Token, text: str) -> Key:
    """Return the key a token names.

    ``metrics.loss.min`` is the least value of ``loss``, unless a run has a metric that is itself called
    ``loss.min``: then, for that run, its last value. Between quotes a name is just that: a metric called
    ``loss.min`` is ``metrics.`loss.min```, the least value of ``loss`` is ``metrics.`loss`.min``.

    Raises:
        QuerySyntaxError: There is no such key.
    """
    written = token.text
    if token.kind == "string" or written.startswith("`"):
        return _attribute(unquote(written), token, text)
    prefix, dot, rest = written.partition(".")
    kind = KINDS.get(prefix.lower()) if dot else None
    if kind is None:
        return _attribute(written, token, text)
    start = token.position + len(prefix) + 1
    if not rest:
        raise syntax_error(f"expected a name after {written!r}", text, start, _example(kind))
    name, value = _split_quoted(rest, start, text)
    match kind:
        case "attributes":
            return _attribute(name if value is None else rest, token, text)
        case "code":
            if name.lower() not in CODE or value is not None:
                raise syntax_error(f"code has no {rest!r}", text, start, f"it has {', '.join(CODE)}")
            return Key(kind, name.lower())
        case "datasets":
            if name.lower() not in DATASETS or value is not None:
                raise syntax_error(f"a dataset has no {rest!r}", text, start, f"it has {', '.join(DATASETS)}")
            return Key(kind, name.lower())
        case "metrics":
            return _metric(name, value, text, start, is_quoted=rest[0] in '`"')
        case _:
            if value is not None:
                raise syntax_error("a quoted name goes on after its quotes", text, start, _QUOTE_HINT)
            return Key(kind, name)


def read_key(text: str) -> Key:
    """Return the key that a text names, all of it.

    Raises:
        QuerySyntaxError: It names none.
    """
    first, *rest = tokenize(text)
    if rest and rest[0].kind != "end":
        raise syntax_error(f"unexpected {rest[0].shown}", text, rest[0].position, _QUOTE_HINT)
    if first.kind in {"end", "operator"} or first.text.startswith("'"):
        raise syntax_error(f"expected a name, not {first.shown}", text, first.position, "e.g. metrics.loss")
    return parse_key(first, text)


_QUOTE_HINT = "put the whole name between the quotes, e.g. params.`a.b c`"


_TIMES = frozenset(
    """
    start_time end_time creation_time last_update_time creation_timestamp last_updated_timestamp
    """.split()
)


def value_kind(key: Key) -> ValueKind:
    """Return what the values of a key are; params and tags are text that may read as numbers."""
    if key.kind == "metrics":
        return "number"
    match key.kind, key.name:
        case "attributes", name if name in _TIMES:
            return "time"
        case "attributes", "duration":
            return "span"
        case "code", "dirty":
            return "flag"
        case "code", "changed" | "skipped":
            return "number"
        case _:
            return "text"


def _split_quoted(rest: str, start: int, text: str) -> tuple[str, str | None]:
    if "`" not in rest and '"' not in rest:
        return rest, None
    match = _QUOTED.fullmatch(rest)
    if match is None:
        raise syntax_error("a name is quoted in part", text, start, _QUOTE_HINT)
    return unquote(match[1]), match[2]


def _metric(name: str, value: str | None, text: str, start: int, *, is_quoted: bool) -> Key:
    if is_quoted:
        if value is not None and value not in METRIC_VALUES:
            message = f"a metric has no {value!r}"
            raise syntax_error(message, text, start, f"it has {', '.join(METRIC_VALUES)}")
        return Key("metrics", name, value)
    base, dot, last = name.rpartition(".")
    if dot and base and last in METRIC_VALUES:
        return Key("metrics", base, last, or_whole=True)
    return Key("metrics", name)


def _attribute(name: str, token: Token, text: str) -> Key:
    known = ATTRIBUTES.get(name.lower())
    if known is None:
        raise _unknown_attribute(name, token, text)
    return Key("attributes", known)


def _unknown_attribute(name: str, token: Token, text: str) -> QuerySyntaxError:
    from difflib import get_close_matches

    shown = name if len(name) <= 40 else f"{name[:40]}…"  # noqa: PLR2004
    close = get_close_matches(name.lower(), ATTRIBUTES, 1, 0.75) if len(name) <= 40 else []  # noqa: PLR2004
    hint = f"did you mean {close[0]}?" if close else f"write metrics.{shown}, params.{shown} or tags.{shown}"
    return syntax_error(f"a run has no attribute {shown!r}", text, token.position, hint)


def _example(kind: Kind) -> str:
    first = {"attributes": "start_time", "code": "commit"}.get(kind, "name")
    return f"e.g. {kind}.{first}"
