"""Text that looks like a token, key or password, told by shape.

Only shapes that hardly anything else has: a scan that cries wolf is switched off. The list follows what
the issuers document and what gitleaks (https://github.com/gitleaks/gitleaks, MIT) looks for; what must not be
found is in ``tests/core/innocent.txt``.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKENS = (
    ("an AWS access key", ("AKIA", "ASIA"), r"(?:AKIA|ASIA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    ("an Anthropic key", ("sk-ant-",), r"sk-ant-[a-z0-9]{2,10}-[\w-]{32,}"),
    ("an Azure storage key", ("AccountKey=",), r"AccountKey=[A-Za-z0-9+/]{86}=="),
    ("a Databricks token", ("dapi",), r"dapi[0-9a-f]{32}(?:-\d)?(?![A-Za-z0-9])"),
    ("a DigitalOcean token", ("_v1_",), r"do[opr]_v1_[0-9a-f]{64}"),
    ("a Discord webhook", ("/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d{17,}/[\w-]{60,}"),
    ("a Docker Hub token", ("dckr_",), r"dckr_[a-z]{3}_[\w-]{27,}"),
    ("a GitHub token", ("ghp_", "gho_", "ghs_", "ghu_", "ghr_"), r"gh[opsur]_[A-Za-z0-9]{36,}"),
    ("a GitHub token", ("github_pat_",), r"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{40,}"),
    ("a GitLab token", ("gl",), r"gl(?:pat|ptt|dt|rt|soat|cbt|agent)-[\w-]{20,}"),
    ("a Google API key", ("AIza",), r"AIza[\w-]{35}(?![\w-])"),
    ("a Google OAuth token", ("ya29.",), r"ya29\.[\w-]{40,}"),
    ("a Groq key", ("gsk_",), r"gsk_[A-Za-z0-9]{48,}"),
    ("a Hugging Face token", ("hf_", "api_org_"), r"(?:hf|api_org)_[A-Za-z]{34}(?![A-Za-z0-9_])"),
    ("a JSON web token", ("eyJ",), r"eyJ[\w-]{14,}\.eyJ[\w-]{14,}\.[\w-]{20,}"),
    ("an npm token", ("npm_",), r"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9_])"),
    ("an OpenAI key", ("sk-proj-", "sk-svcacct-", "sk-admin-"), r"sk-(?:proj|svcacct|admin)-[\w-]{40,}"),
    ("an OpenAI key", ("T3BlbkFJ",), r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}"),
    ("a private key", ("PRIVATE KEY",), r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("a PyPI token", ("pypi-",), r"pypi-AgEIcHlwaS5vcmc[\w-]{40,}"),
    ("a Replicate token", ("r8_",), r"r8_[A-Za-z0-9]{37}(?![A-Za-z0-9_])"),
    ("a SendGrid key", ("SG.",), r"SG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
    ("a Slack token", ("xox",), r"xox[abeoprs]-(?:\d+-)+[A-Za-z0-9]{16,}"),
    ("a Slack token", ("xapp-",), r"xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{40,}"),
    ("a Slack webhook", ("slack.com",), r"hooks\.slack\.com/services/T\w{8,}/B\w{8,}/[A-Za-z0-9]{20,}"),
    ("a Stripe key", ("k_live_",), r"[rs]k_live_[A-Za-z0-9]{20,}"),
    ("a Telegram token", (":AA",), r"\d{8,10}:AA[A-Za-z0-9_-]{33}(?![\w-])"),
)
"""What it is, a part that each has (looking for that is a hundred times faster), its whole shape."""
_SHAPES = tuple(
    # Not within a word: "mask-…" holds "sk-…".
    (rule, parts, re.compile(rf"(?<![A-Za-z0-9_]){shape}"))
    for rule, parts, shape in _TOKENS
)
_PARTS = frozenset(part for _, parts, _ in _TOKENS for part in parts)
_NAMES = tuple(
    first + separator + second
    for first, second in (
        ("api", "key"), ("secret", "key"), ("access", "key"), ("private", "key"), ("auth", "token"),
        ("access", "token"), ("api", "token"), ("client", "secret"), ("pass", "word"), ("pass", "wd"),
    )
    for separator in ("", "_", "-")
)  # fmt: skip
"""What people call what nobody may know."""
_URL = re.compile(
    r"(?<=://)(?P<user>[^\s/:@\"'<>?#]{0,80}):(?P<password>[^\s/:@\"'<>]{3,200})@(?!sha256:)[\w.\[-]"
)
_ASSIGNMENT = re.compile(
    rf"(?P<key>{'|'.join(_NAMES)})"
    r"[\"']?\s{0,3}(?:=>?|:)\s{0,3}[\"']?(?P<value>[A-Za-z0-9+/_.=~-]{16,200})(?![A-Za-z0-9+/_.=~-])",
    re.IGNORECASE,
)
_ESCAPES = re.compile(r"\\[nrt\"]")
"""What stands for a line break in JSON is no letter of the word after it."""
_PLACEHOLDER = re.compile(
    r"^[{<$%]|example|placeholder|your[_-]|changeme|redacted|dummy|xxxx|\*\*\*|\.\.\.|1234567|abcdef|00000",
    re.IGNORECASE,
)
_WORDS = frozenset({"password", "passwd", "pass", "secret", "token", "pwd"})
_SHOWN = 4
_LEAST_BITS = 3.0
"""Below this entropy a character, a value is a word or a repetition."""
_LEAST_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Secret:
    """One thing found in a text."""

    rule: str
    """What it looks like, with its article: ``a GitHub token``."""
    text: str
    """The thing itself; never to be shown or stored."""

    @property
    def shown(self) -> str:
        """The first characters, enough to know it again."""
        return f"{self.text[:_SHOWN]}…" if len(self.text) > 2 * _SHOWN else "…"


def find_secrets(text: str) -> Iterator[Secret]:
    """Yield what looks like a secret in a text."""
    if "\\" in text:
        text = _ESCAPES.sub("  ", text)
    for rule, parts, shape in _SHAPES:
        for match in shape.finditer(text) if any(part in text for part in parts) else ():
            if not _PLACEHOLDER.search(match[0]):
                yield Secret(rule, match[0])
    for match in _URL.finditer(text) if "://" in text else ():
        password = match["password"]
        if password not in {match["user"], *_WORDS} and not _PLACEHOLDER.search(password):
            yield Secret("a URL with a password", password)
    lower = text.lower()
    for match in _ASSIGNMENT.finditer(text) if any(name in lower for name in _NAMES) else ():
        if is_random(match["value"]) and not _PLACEHOLDER.search(match["value"]):
            yield Secret(f"a value for {match['key']!r}", match["value"])


def may_hold_secrets(text: str) -> bool:
    """Whether a closer look is worth it: a quick test that all but rules out what holds none."""
    for part in _PARTS:  # a plain loop: this runs for everything that is pushed
        if part in text:
            return True
    lower = text.lower()
    for name in _NAMES:
        if name in lower:
            return True
    return "://" in text and "@" in text


def is_random(text: str) -> bool:
    """Whether a part of a text reads like dice: long, letters and digits, hardly repeating."""
    part = max(re.split(r"[/._-]", text), key=len)
    has_both = any(map(str.isdigit, part)) and any(map(str.isalpha, part))
    return len(part) >= _LEAST_LENGTH and has_both and entropy(part) >= _LEAST_BITS


def entropy(text: str) -> float:
    """Return Shannon's entropy of the characters of a text, bits a character."""
    counts = Counter(text).values()
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
