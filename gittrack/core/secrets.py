"""What is kept secret: files by their names, values by what they are called, tokens by their shape."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from gittrack.core.tokens import find_secrets, is_random

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MASK = "***"
MIN_SECRET_LENGTH = 8
"""A shorter value of a variable with a telling name is too common to look for."""
SNIFFED_BYTES = 8192

_DATA = r"(?:\.(?:json|ya?ml|toml|ini|cfg|conf|txt|env|csv|properties|xml|enc|tfvars))?"
_FILES = re.compile(
    rf"""
    \.env(?!\.(?:example|sample|template|dist)$)(?:[.\-_].*)? | \.envrc | .+\.env
    | id_(?:rsa|dsa|ecdsa|ed25519)(?:_sk)?(?:[._\-].*)?(?<!\.pub)
    | .*\.(?:pem|key|p12|pfx|jks|keystore|kdbx|ovpn|ppk|asc|gpg|token)
    | [._]netrc | \.pgpass | \.npmrc | \.pypirc | \.htpasswd | \.git-credentials | \.dockercfg
    | \.s3cfg | \.boto | kaggle\.json | service[_\-]?account.*\.json | client_secret.*\.json
    | (?:.*[._\-])?(?:credentials?|secrets?|passwords?|passwd){_DATA}
    | (?:.*[_\-])?(?:api[_\-]?keys?|access[_\-]?keys?|auth[_\-]?tokens?){_DATA} | tokens?\.(?:txt|json|ya?ml)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_FOLDERS = frozenset({".aws", ".ssh", ".gnupg", ".kube", ".docker", ".azure", ".gcloud"})
_WORDS = frozenset(
    "token secret password passwd passphrase pwd auth credential credentials bearer apikey accesskey "
    "privatekey secretkey authtoken accesstoken".split()
)
_KEYS = frozenset("api access private secret signing encryption".split())
_SEPARATORS = re.compile(r"[_\-.]+")
_NAME = re.compile(r"[-+]*[\w.\-]{1,200}")
_USER_INFO = re.compile(r"(?<=://)[^/\s@'\"]{1,300}@")


def is_secret_file(path: str) -> bool:
    """Whether a file at this POSIX path is usually kept secret, such as ``.env`` or a private key."""
    *folders, name = path.split("/")
    return _FILES.fullmatch(name) is not None or not _FOLDERS.isdisjoint(folders)


def is_secret_name(name: str) -> bool:
    """Whether a variable or option by this name holds a secret: ``WANDB_API_KEY``, ``--auth-token``."""
    parts = [part for part in _SEPARATORS.split(name.lower().strip("-+")) if part]
    return not _WORDS.isdisjoint(parts) or any(
        first in _KEYS and second in {"key", "keys"} for first, second in pairwise(parts)
    )


def secret_values(variables: Mapping[str, str]) -> list[str]:
    """Return the values of variables that are secret by the variable's name, longest first.

    Paths, words and short values are none: they would be found everywhere.
    """
    found = {value for name, value in variables.items() if _is_secret_value(name, value)}
    return sorted(found, key=lambda value: (-len(value), value))


def holds_secret(data: bytes, known: Iterable[bytes] = ()) -> bool:
    """Whether content holds what looks like a token, or one of the values that are ``known`` to be secret."""
    if any(value in data for value in known):
        return True
    is_text = b"\0" not in data[:SNIFFED_BYTES]
    return is_text and any(True for _ in find_secrets(data.decode("utf-8", "replace")))


def list_secret_holders(contents: Mapping[str, bytes], known: Sequence[bytes] = ()) -> set[str]:
    """Return the names of contents that hold a secret; see `holds_secret`."""
    # Hardly ever there is any: one look at all of it is cheaper than one at each.
    texts = b"\n".join(data for data in contents.values() if b"\0" not in data[:SNIFFED_BYTES])
    is_clean = not holds_secret(texts)
    return {
        name
        for name, data in contents.items()
        if (any(value in data for value in known) if is_clean else holds_secret(data, known))
    }


def redact(text: str, known: Iterable[str] = ()) -> str:
    """Return text with tokens, known secrets and the user info of URLs masked."""
    for value in known:
        text = text.replace(value, MASK)
    for secret in list(find_secrets(text)):
        text = text.replace(secret.text, MASK)
    return _USER_INFO.sub(f"{MASK}@", text) if "://" in text else text


def redact_arguments(arguments: Sequence[str], known: Sequence[str] = ()) -> list[str]:
    """Return a command line whose secrets are masked, also those that only their option tells of."""
    masked = []
    is_next = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        is_named = _NAME.fullmatch(name) is not None and is_secret_name(name)
        if is_next and not argument.startswith("--"):
            masked.append(MASK)
        elif equals and is_named:
            masked.append(f"{name}={MASK}")
        else:
            masked.append(redact(argument, known))
        is_next = is_named and not equals and argument.startswith("-") and not is_next
    return masked


def _is_secret_value(name: str, value: str) -> bool:
    if len(value) < MIN_SECRET_LENGTH or value.startswith(("/", "~/", "./")):
        return False
    kinds = sum((any(map(str.islower, value)), any(map(str.isupper, value)), any(map(str.isdigit, value))))
    if is_secret_name(name):
        return kinds > 1
    return name.lower().endswith(("key", "pat")) and is_random(value)
