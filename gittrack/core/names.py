"""What keys, names, ids and paths may be, and how new ones are made."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from gittrack.core.paths import OWN_NAMES, is_side_file_name
from gittrack.errors import InvalidNameError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_KEY_LENGTH = 250
MAX_NAME_LENGTH = 500
MAX_PATH_LENGTH = 1000
_WINDOWS_DEVICES = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{name}{number}" for name in ("COM", "LPT") for number in range(1, 10))}
)
_NOT_ON_WINDOWS = frozenset('<>:"\\|?*')
_NO_PARTS = frozenset({"", ".", ".."})
MAX_PATH_PART_BYTES = 255

_KEY = re.compile(r"[/\w.\- :]+")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,254}", re.ASCII)
_EXPERIMENT_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,63}", re.ASCII)
_PLAIN_PART = r"[A-Za-z0-9_-][A-Za-z0-9_. -]{0,199}"
_PLAIN_PATHS = rf"(?:{_PLAIN_PART}(?:/{_PLAIN_PART})*\n)*"
"""Paths, each with a newline behind it, that nearly all are like; compiled when folders are logged."""
_SHOWN_LENGTH = 60

ADJECTIVES = (
    "amber bold brave brisk calm clever cosmic crisp eager early fair fancy fleet fond gentle glad "
    "golden grand happy hardy icy jolly keen kind lively lucky lunar mellow merry mild neat nimble "
    "noble proud quick quiet rapid rare ready royal sharp shy sleek smart solar spry stoic sunny "
    "swift tame tidy vivid warm wise witty zesty"
).split()
NOUNS = (
    "ant bat bear bee bison boar bug carp cat clam cod colt cow crab crane crow deer dove duck eagle "
    "eel elk finch fish fly foal fowl fox frog goat goose gull hare hawk hen heron horse ibex jay "
    "kite koi lamb lark lion loon lynx mare mink mole moose moth mouse mule newt orca otter owl "
    "panda pony puma quail ram rat raven robin seal shark sheep shrew skink slug snail sow stag "
    "stork swan tapir tern tiger toad trout vole wasp whale wolf wren yak zebu"
).split()


def check_key(kind: str, key: object) -> str:
    """Return ``key`` if it may name a metric, param or tag, by MLflow's rules.

    Args:
        kind: What it names, for the message: ``metric``, ``param`` or ``tag``.
        key: At most 250 letters, digits and ``_ - . : /`` and spaces, without empty or dotted path parts.

    Raises:
        InvalidNameError: It may not.
    """
    if not isinstance(key, str):
        message = f"{kind} key must be a string, not {type(key).__name__}"
        raise InvalidNameError(message, hint="use str(key)")
    if not key:
        message = f"{kind} key is empty"
        raise InvalidNameError(message, hint=f"name every {kind}, e.g. 'val/loss'")
    if len(key) > MAX_KEY_LENGTH:
        message = f"{kind} key {shorten(key)} has {len(key):,} characters, more than {MAX_KEY_LENGTH}"
        raise InvalidNameError(message, hint="keep keys short and put long text into a tag or an artifact")
    if not _KEY.fullmatch(key):
        message = f"{kind} key {shorten(key)} has characters that are not allowed"
        raise InvalidNameError(message, hint="use letters, digits, spaces and _ - . : /")
    if key.startswith("..") or any(part in {"", ".", ".."} for part in key.split("/")):
        message = f"{kind} key {shorten(key)} is not a plain path"
        raise InvalidNameError(message, hint="leave out leading, trailing and double '/', '.' and '..'")
    return key


def clean_key(kind: str, name: str) -> str:
    """Return a name of another program as a key, with what may not be in one replaced by ``_``."""
    clean = "".join(c if c.isalnum() or c in "_-.: /" else "_" for c in name.strip()[:MAX_KEY_LENGTH])
    key = "/".join(part for part in clean.split("/") if part not in {"", ".", ".."})
    return check_key(kind, (key.lstrip("./") if key.startswith("..") else key) or "_")


def check_name(kind: str, name: object) -> str:
    """Return ``name`` if it may name a run or an experiment.

    Raises:
        InvalidNameError: It is no text, empty, longer than 500 characters, or holds control characters.
    """
    if not isinstance(name, str):
        message = f"{kind} name must be a string, not {type(name).__name__}"
        raise InvalidNameError(message, hint="use str(name)")
    if not name.strip():
        message = f"{kind} name is empty"
        raise InvalidNameError(message, hint=f"give the {kind} a name one can read, e.g. 'baseline'")
    if len(name) > MAX_NAME_LENGTH:
        message = f"{kind} name {shorten(name)} has {len(name):,} characters, more than {MAX_NAME_LENGTH}"
        raise InvalidNameError(message, hint="put long text into a note")
    _check_printable(f"{kind} name", name)
    return name


def check_run_id(run_id: object) -> str:
    """Return ``run_id`` if it may be one.

    Raises:
        InvalidNameError: It may not.
    """
    return _check_id("run id", run_id, _RUN_ID)


def check_experiment_id(experiment_id: object) -> str:
    """Return ``experiment_id`` if it may be one.

    Raises:
        InvalidNameError: It may not.
    """
    return _check_id("experiment id", experiment_id, _EXPERIMENT_ID)


def check_side_file_name(name: object) -> str:
    """Return ``name`` if a side file of a run may have it: short, lowercase, without folders.

    Raises:
        InvalidNameError: It may not.
    """
    if not isinstance(name, str) or not is_side_file_name(name):
        reason = "belongs to the run itself" if name in OWN_NAMES else "is no name of a side file"
        message = f"{shorten(str(name))} {reason}"
        raise InvalidNameError(message, hint="use lowercase letters, digits and . _ -, e.g. 'console.txt'")
    return name


def check_artifact_path(path: object) -> str:
    """Return ``path`` if it may be the path of an artifact inside a run: relative, POSIX, without ``..``.

    Raises:
        InvalidNameError: It may not.
    """
    if not isinstance(path, str):
        message = f"artifact path must be a string, not {type(path).__name__}"
        raise InvalidNameError(message, hint="use str(path)")
    hint = "use a relative path with '/' between its parts, e.g. 'plots/roc.png'"
    if not path:
        message = "artifact path is empty"
        raise InvalidNameError(message, hint=hint)
    if len(path) > MAX_PATH_LENGTH:
        message = f"artifact path {shorten(path)} has {len(path):,} characters, more than {MAX_PATH_LENGTH}"
        raise InvalidNameError(message, hint="use a shorter path")
    _check_printable("artifact path", path)
    parts = path.split("/")
    if not _NO_PARTS.isdisjoint(parts):
        message = f"artifact path {shorten(path)} is not a plain relative path"
        raise InvalidNameError(message, hint=hint)
    if len(path) > MAX_PATH_PART_BYTES / 4 and any(len(one.encode()) > MAX_PATH_PART_BYTES for one in parts):
        message = f"artifact path {shorten(path)} has a part of more than {MAX_PATH_PART_BYTES} bytes"
        raise InvalidNameError(message, hint="file systems cannot hold it; use a shorter name")
    return path


def check_artifact_paths(paths: Sequence[str]) -> None:
    """Check many paths as `check_artifact_path` checks one.

    Raises:
        InvalidNameError: One of them may not be the path of an artifact.
    """
    lines = "".join([f"{path}\n" for path in paths])
    are_lines = lines.count("\n") == len(paths) and max(map(len, paths), default=0) <= MAX_PATH_LENGTH
    if not (are_lines and re.fullmatch(_PLAIN_PATHS, lines)):
        for path in paths:
            check_artifact_path(path)


def is_name_for_windows(path: str) -> bool:
    """Whether every part of a POSIX path can be the name of a file on Windows, and not of a device.

    Source: https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
    """
    return not any(
        part.partition(".")[0].rstrip().upper() in _WINDOWS_DEVICES
        or part.endswith((".", " "))
        or not _NOT_ON_WINDOWS.isdisjoint(part)
        for part in path.split("/")
    )


def derive_experiment_id(name: str, attempt: int = 0) -> str:
    """Return the id of an experiment created under ``name``, the same in every clone.

    Args:
        name: The experiment's name when it is created.
        attempt: 0, or how many ids before it were taken by experiments since renamed.
    """
    return derive_id("experiment", name, attempt)


def derive_id(kind: str, name: str, attempt: int = 0) -> str:
    """Return the id of what is created under ``name``, the same in every clone: see `derive_experiment_id`.

    Args:
        kind: What it is, in one word.
        name: Its name when it is created.
        attempt: 0, or how many ids before it were taken.
    """
    import hashlib  # loads OpenSSL, which runs in known experiments do not need

    text = f"gittrack {kind} {attempt} {name}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def make_run_id(timestamp: int, randomness: bytes) -> str:
    """Return a run id: 12 hex digits of ``timestamp`` (ms), then 20 of ``randomness`` (10 bytes)."""
    return f"{max(timestamp, 0) & 0xFFFFFFFFFFFF:012x}{randomness[:10].hex()}"


def make_run_name(randomness: int) -> str:
    """Return a readable name such as ``tidy-otter-412``."""
    rest, number = divmod(randomness, 1000)
    rest, noun = divmod(rest, len(NOUNS))
    return f"{ADJECTIVES[rest % len(ADJECTIVES)]}-{NOUNS[noun]}-{number}"


def shorten(text: str) -> str:
    """Return ``repr(text)``, cut for messages when it is long."""
    return repr(text) if len(text) <= _SHOWN_LENGTH else f"{text[:_SHOWN_LENGTH]!r}…"


def _check_id(kind: str, value: object, pattern: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        shown = shorten(value) if isinstance(value, str) else repr(value)
        message = f"{shown} cannot be a {kind}" if kind[0] not in "ae" else f"{shown} cannot be an {kind}"
        raise InvalidNameError(message, hint="ids are letters, digits, '-' and '_'")
    return value


def _check_printable(kind: str, text: str) -> None:
    if text.isascii() and text.isprintable():  # nearly all are, and it is a hundred times quicker to see
        return
    for character in text:
        category = unicodedata.category(character)
        if category == "Cc":
            message = f"{kind} {shorten(text)} holds the control character {character!r}"
            raise InvalidNameError(message, hint="leave out newlines, tabs and other control characters")
        if category == "Cs":
            message = f"{kind} {shorten(text)} is not valid UTF-8"
            raise InvalidNameError(message, hint="rename it so that its name is UTF-8")
