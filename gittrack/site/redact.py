"""Runs without what their site shall not tell: who, on which machine, in which folders."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from gittrack.core.model import ParamValue, Run

USER, HOST, PATHS, ENV, CODE = "user", "host", "paths", "env", "code"
KINDS = (USER, HOST, PATHS, ENV, CODE)
"""What can be left out."""

HIDDEN = "redacted"
_HOST_KEY = re.compile(r"(^|[._/-])(host|hostname|node|nodename|machine)($|[._/-])", re.IGNORECASE)
_ENV_KEY = re.compile(
    r"(^|[._/-])(env|environ|environment|python|cuda|conda|requirements|packages)($|[._/-])", re.IGNORECASE
)
_ADDRESS = re.compile(r"\b\w[\w+.-]*://(?:[^\s/@]+@)?(?P<host>[\w.-]+)")
# Two folders at least: `/` and `train/loss` are no paths of anybody's.
_PATH = re.compile(r"(?<![\w./:-])(?:~|[A-Za-z]:)?[\\/](?:[\w.@+ -]+[\\/])+(?P<name>[\w.@+-]*)")


def redact_run(run: Run, what: AbstractSet[str]) -> Run:
    """Return the run with everything of the kinds in ``what`` hidden or cut."""
    if not what:
        return run
    tags = {key: _text(value, run, what) for key, value in run.tags.items() if not _is_hidden(key, what)}
    params = {key: _param(key, value, run, what) for key, value in run.params.items()}
    code = run.code
    if code is not None:
        remote = None if HOST in what or USER in what else code.remote
        entry, reason = _optional(code.entry, run, what), _optional(code.reason, run, what)
        code = replace(code, remote=remote, entry=entry, reason=reason)
    return replace(
        run,
        user=HIDDEN if USER in what else run.user,
        source=_optional(run.source, run, what),
        reason=_optional(run.reason, run, what),
        name=_text(run.name, run, what),
        tags=tags,
        params=params,
        code=code,
        environment=None if ENV in what else run.environment,
        datasets={
            key: replace(one, dataset=replace(one.dataset, source=_text(one.dataset.source, run, what)))
            for key, one in run.datasets.items()
        },
    )


def redact_text(text: str, user: str, what: AbstractSet[str]) -> str:
    """Return a text without the paths, hosts or the name of the user in it."""
    if PATHS in what:
        text = _PATH.sub(lambda match: f"…/{match['name']}", text)
    if HOST in what:
        text = _ADDRESS.sub(lambda match: match.group().replace(match["host"], HIDDEN), text)
    if USER in what and user and user != "unknown":
        text = re.sub(rf"(?<!\w){re.escape(user)}(?!\w)", HIDDEN, text)
    return text


def _text(text: str, run: Run, what: AbstractSet[str]) -> str:
    return redact_text(text, run.user, what)


def _optional(text: str | None, run: Run, what: AbstractSet[str]) -> str | None:
    return None if text is None else _text(text, run, what)


def _is_hidden(key: str, what: AbstractSet[str]) -> bool:
    """Return whether a key says that its value is of a hidden kind."""
    return (
        (HOST in what and _HOST_KEY.search(key) is not None)
        or (ENV in what and _ENV_KEY.search(key) is not None)
        or (USER in what and key.rpartition(".")[2].lower() in {"user", "username", "author"})
    )


def _param(key: str, value: ParamValue, run: Run, what: AbstractSet[str]) -> ParamValue:
    if _is_hidden(key, what):
        return HIDDEN
    match value:
        case str():
            return _text(value, run, what)
        case dict():
            return {inner: _param(inner, one, run, what) for inner, one in value.items()}
        case list():
            return [_param("", one, run, what) for one in value]
        case _:
            return value
