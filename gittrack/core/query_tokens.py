"""Text of the search language cut into tokens, and errors that point at the character."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from gittrack.core.frozen import dataclass
from gittrack.errors import QuerySyntaxError

SHOWN_BEFORE, SHOWN_AFTER = 48, 24
"""Characters shown around the one an error points at."""

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
    | (?P<string>'(?:[^']|'')*' | "(?:[^"]|"")*")
    | (?P<operator><=|>=|!=|<>|==|[=<>(),])
    | (?P<word>(?:[^\s'"`<>=!(),] | `(?:[^`]|``)*` | (?<=\.)"(?:[^"]|"")*")+)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word, operator or quoted text, as it was written."""

    kind: Literal["string", "operator", "word", "end"]
    text: str
    position: int
    """Index of its first character."""

    @property
    def shown(self) -> str:
        """What an error calls it."""
        if self.kind == "end":
            return "the end"
        return repr(self.text if len(self.text) <= SHOWN_AFTER else f"{self.text[:SHOWN_AFTER]}…")


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a text, and one for its end.

    Raises:
        QuerySyntaxError: A quote is never closed, or a character belongs nowhere.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _bad_character(text, position)
        token = match.group()
        match match.lastgroup:
            case "string" | "operator" | "word" as kind:
                tokens.append(Token(kind, token, position))
            case _:  # space
                pass
        position = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def unquote(text: str) -> str:
    """Return what is between quotes of any kind; a quote written twice is one."""
    return text[1:-1].replace(text[0] * 2, text[0])


def syntax_error(message: str, text: str, position: int, hint: str | None = None) -> QuerySyntaxError:
    """Return an error that shows the text and, below it, a caret under the character at ``position``."""
    begin, end = text.rfind("\n", 0, position) + 1, text.find("\n", position)
    end = len(text) if end < 0 else end
    before, after = text[begin:position], text[position:end]
    if len(before) > SHOWN_BEFORE:
        before = "…" + before[-SHOWN_BEFORE:]
    if len(after) > SHOWN_AFTER:
        after = after[:SHOWN_AFTER] + "…"
    before = _printable(before)
    caret = " " * _width(before) + "^"
    message = f"{message}\n  {before}{_printable(after)}\n  {caret}"
    return QuerySyntaxError(message, hint=hint, position=position)


def _bad_character(text: str, position: int) -> QuerySyntaxError:
    character = text[position]
    if character in "'\"`":
        hint = f"close it; a {character} inside is written twice"
        return syntax_error(f"the quote {character} is never closed", text, position, hint)
    return syntax_error(f"unexpected {character!r}", text, position, "write NOT, or !=")


def _printable(text: str) -> str:
    # One cell for what would move a cursor, so that the caret stays where it belongs.
    return "".join("·" if unicodedata.category(one) in {"Cc", "Cs", "Zl", "Zp"} else one for one in text)


def _width(text: str) -> int:
    return sum(
        0
        if unicodedata.combining(one) or unicodedata.category(one) == "Cf"
        else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )
