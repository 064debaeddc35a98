"""The colours of code: which letters are keywords, texts, comments. The one home of Pygments."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Piece: TypeAlias = "tuple[int, str]"
"""A kind and its text; the style sheets give the kinds their colours, 0 has none."""
_LANGUAGES = {
    "bash": "bash sh",
    "c": "c h",
    "cpp": "cc cpp cu cuh cxx hpp",
    "go": "go",
    "ini": "cfg conf ini",
    "java": "java",
    "javascript": "js jsx mjs",
    "json": "ipynb json",
    "julia": "jl",
    "python": "py pyi",
    "r": "r",
    "rust": "rs",
    "sql": "sql",
    "toml": "toml",
    "typescript": "ts tsx",
    "yaml": "yaml yml",
}
LANGUAGES = frozenset(_LANGUAGES)
"""As Pygments calls them."""
_BY_SUFFIX = {suffix: language for language, names in _LANGUAGES.items() for suffix in names.split()}
_KINDS = (
    ("Token.Comment", 3),
    ("Token.Literal.String.Doc", 3),
    ("Token.Literal.String", 2),
    ("Token.Literal.Number", 4),
    ("Token.Keyword", 1),
    ("Token.Operator.Word", 1),
    ("Token.Name.Function", 5),
    ("Token.Name.Class", 5),
    ("Token.Name.Decorator", 5),
    ("Token.Name.Tag", 5),
    ("Token.Name.Builtin", 5),
)


def language_of(path: str) -> str | None:
    """Return the language of a file by its name, None if it gets no colours."""
    name = path.rpartition("/")[2].lower()
    return _BY_SUFFIX.get(name.rpartition(".")[2]) if "." in name else None


def cut_pieces(text: str, language: str) -> Iterator[Piece]:
    """Yield a text in pieces of one kind each; together they are the text."""
    from pygments.lexers import get_lexer_by_name  # it takes as long to load as a small site to build

    lexer = get_lexer_by_name(language)
    last, held = 0, ""
    # Not `get_tokens`, which puts other line ends in place of those that are there.
    for _, token, piece in lexer.get_tokens_unprocessed(text):
        if not piece:  # some lexers find nothing of a kind
            continue
        kind = _kind_of(str(token))
        if kind != last and held:
            yield last, held
            held = ""
        last = kind
        held += piece
    if held:
        yield last, held


def mark(text: str, language: str) -> list[int]:
    """Return the pieces as lengths and kinds in turn; a script counts letters beyond U+FFFF twice."""
    return [
        number for kind, piece in cut_pieces(text, language) for number in (_length_in_script(piece), kind)
    ]


def cut_lines(text: str, language: str | None) -> list[list[Piece]]:
    """Return each line of a text, as `str.splitlines` has them, in its pieces."""
    lines = text.splitlines()
    if language is None:
        return [[(0, line)] for line in lines]
    pieces = cut_pieces(text, language)
    kind, rest = 0, ""
    found = []
    for line, whole in zip(lines, text.splitlines(keepends=True), strict=True):
        cut: list[Piece] = []
        at = 0
        while at < len(whole):
            if not rest:
                kind, rest = next(pieces)
            piece, rest = rest[: len(whole) - at], rest[len(whole) - at :]
            if shown := piece[: max(len(line) - at, 0)]:
                cut.append((kind, shown))
            at += len(piece)
        found.append(cut)
    return found


def to_html(pieces: Iterable[Piece]) -> str:
    """Return pieces as HTML of an element, not of an attribute."""
    escaped = ((kind, escape(text, quote=False)) for kind, text in pieces)
    return "".join(f'<i class="t{kind}">{text}</i>' if kind else text for kind, text in escaped)


def _kind_of(token: str) -> int:
    return next((kind for name, kind in _KINDS if token.startswith(name)), 0)


def _length_in_script(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
