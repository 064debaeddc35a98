"""Where content goes, as a repository's ``.gittrack.toml`` says: remotes, and rules by size."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from gittrack.errors import NotFoundError, UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTINGS_FILE = ".gittrack.toml"
GIT = "git"
"""The name of the remote that needs no settings: the Git remote that runs are pushed to."""
UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "tib": 1 << 40}
SECRET_OPTIONS = re.compile(r"pass|secret|token|credential|^key$|account_key|access_key", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-zA-Z]*)\s*")


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """One place for content."""

    name: str
    url: str
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the file system of the URL takes beside it; never a secret."""


@dataclass(frozen=True, slots=True)
class Retention:
    """Which runs of an experiment keep their artifacts; a run that any of these speaks for keeps them."""

    experiment: str
    """A name, or ``*`` for all that have no rule of their own."""
    best: int = 0
    metric: str | None = None
    """What ``best`` ranks by."""
    newest: int = 0
    days: float = 0.0
    """Runs that ended within so many days."""


@dataclass(frozen=True, slots=True)
class ContentSettings:
    """Everything a repository says of its content."""

    default: str = GIT
    large_from: int | None = None
    """Bytes from which content goes to `large` instead."""
    large: str = GIT
    remotes: Mapping[str, RemoteSettings] = field(default_factory=dict)
    retention: tuple[Retention, ...] = ()

    def choose(self, size: int) -> str:
        """Return the name of the remote for content of ``size`` bytes."""
        is_large = self.large_from is not None and size >= self.large_from
        return self.large if is_large else self.default

    def find(self, name: str) -> RemoteSettings | None:
        """Return the settings of a remote, None for the Git remote.

        Raises:
            NotFoundError: There is no such remote.
        """
        if name == GIT:
            return None
        if name not in self.remotes:
            message = f"content is at the remote {name!r}, which has no settings here"
            hint = (
                f'add [artifacts.remotes.{name}] with url = "…" to {SETTINGS_FILE}, or set '
                + url_variable(name)
            )
            raise NotFoundError(message, hint=hint)
        return self.remotes[name]


def url_variable(name: str) -> str:
    """Return the environment variable that says where a remote is on this machine."""
    return f"GITTRACK_ARTIFACTS_URL_{name.upper().replace('-', '_')}"


def parse_settings(text: str) -> ContentSettings:
    """Return the settings of a ``.gittrack.toml``; tables that are not about content are left to others.

    ::

        [artifacts]
        remote = "git"                       # the default
        large = { from = "50 MB", remote = "bucket" }
        [artifacts.remotes.bucket]
        url = "s3://team/models"
        options = { endpoint_url = "https://s3.example.org" }
        [retention."resnet"]
        best = 3
        metric = "val/acc"
        newest = 5
        days = 30

    Raises:
        UserError: It is no TOML, says something unknown, or holds a secret.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _bad(f"is no TOML: {error}") from None
    about = _table(document.get("artifacts", {}), "artifacts", {"remote", "large", "remotes"})
    remotes = {
        name: _remote(name, value)
        for name, value in _table(about.get("remotes", {}), "artifacts.remotes").items()
    }
    large = _table(about.get("large", {}), "artifacts.large", {"from", "remote"})
    settings = ContentSettings(
        default=_text(about.get("remote", GIT), "artifacts.remote"),
        large_from=parse_size(large["from"]) if "from" in large else None,
        large=_text(large.get("remote", GIT), "artifacts.large.remote"),
        remotes=remotes,
        retention=tuple(
            _retention(*item) for item in _table(document.get("retention", {}), "retention").items()
        ),
    )
    if large and set(large) != {"from", "remote"}:
        raise _bad("[artifacts] large needs both `from` and `remote`")
    for name in (settings.default, settings.large):
        if name != GIT and name not in remotes:
            raise _bad(f"names the remote {name!r}, but has no [artifacts.remotes.{name}]")
    return settings


def override(settings: ContentSettings, environment: Mapping[str, str]) -> ContentSettings:
    """Return settings as this machine's environment has them.

    ``GITTRACK_ARTIFACTS_REMOTE`` names where everything goes; ``GITTRACK_ARTIFACTS_URL_<NAME>`` says where a
    remote is.

    Raises:
        UserError: A variable says something that cannot be.
    """
    remotes = dict(settings.remotes)
    prefix = "GITTRACK_ARTIFACTS_URL_"
    known = {url_variable(name): name for name in remotes}
    for variable, url in environment.items():
        if variable.startswith(prefix) and url:
            name = known.get(variable, variable.removeprefix(prefix).lower())
            options = remotes[name].options if name in remotes else {}
            remotes[name] = RemoteSettings(name, _url(url, variable), options)
    settings = replace(settings, remotes=remotes)
    chosen = environment.get("GITTRACK_ARTIFACTS_REMOTE")
    if not chosen:
        return settings
    if chosen != GIT and chosen not in remotes:
        message = f"GITTRACK_ARTIFACTS_REMOTE is {chosen!r}, which is no remote"
        raise UserError(
            message, hint=f"known are {', '.join(sorted([GIT, *remotes]))}; {url_variable(chosen)} adds it"
        )
    return replace(settings, default=chosen, large_from=None)


def parse_size(value: object) -> int:
    """Return the bytes of ``"50 MB"``, ``"1.5GiB"`` or a plain number.

    Raises:
        UserError: It is no size.
    """
    found = _SIZE.fullmatch(str(value)) if not isinstance(value, bool) else None
    unit = UNITS.get(found[2].lower()) if found else None
    if found is None or unit is None:
        message = f"{value!r} is no size"
        raise UserError(message, hint="write a number and a unit, e.g. '50 MB' or '1 GiB'")
    return int(float(found[1]) * unit)


def _remote(name: str, value: object) -> RemoteSettings:
    if not _NAME.fullmatch(name) or name == GIT:
        raise _bad(f"the name {name!r} of a remote is not allowed: use small letters, digits, - and _")
    about = _table(value, f"artifacts.remotes.{name}", {"url", "options"})
    url = _url(_text(about.get("url"), f"artifacts.remotes.{name}.url"), f"the remote {name!r}")
    options = _table(about.get("options", {}), f"artifacts.remotes.{name}.options")
    for key in options:
        if SECRET_OPTIONS.search(key):
            raise _secret(f"the option {key!r} of the remote {name!r}")
    return RemoteSettings(name, url, options)


def _url(url: str, where: str) -> str:
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
    except ValueError as error:
        raise _bad(f"{where} has the URL {url!r}: {error}") from None
    if has_password:
        raise _secret(f"the password in the URL of {where}")
    return url


def _retention(experiment: str, value: object) -> Retention:
    name = f"retention.{experiment}"
    about = _table(value, name, {"best", "metric", "newest", "days"})
    for key in ("best", "newest", "days"):
        given = about.get(key, 0)
        if isinstance(given, bool) or not isinstance(given, (int, float)) or given < 0:
            raise _bad(f"{name}.{key} is {given!r}, no number")
    if about.get("best") and "metric" not in about:
        raise _bad(f"{name}.best needs a metric to rank by")
    metric = about.get("metric")
    return Retention(
        experiment,
        int(about.get("best", 0)),
        None if metric is None else _text(metric, f"{name}.metric"),
        int(about.get("newest", 0)),
        float(about.get("days", 0)),
    )


def _table(value: object, name: str, known: set[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(f"{name} is no table")
    unknown = sorted(value.keys() - known) if known is not None else []
    if unknown:
        raise _bad(f"{name} has the unknown key {unknown[0]!r}; known are {', '.join(sorted(known or ()))}")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str) or not value:
        raise _bad(f"{name} has to be a text")
    return value


def _bad(text: str) -> UserError:
    return UserError(f"{SETTINGS_FILE}: {text}", hint="the README shows an example")


def _secret(what: str) -> UserError:
    hint = "leave credentials to their owner: AWS profiles, ssh keys, git's credential helpers, ~/.netrc"
    return UserError(f"{what} is a secret, and {SETTINGS_FILE} is committed with the code", hint=hint)
