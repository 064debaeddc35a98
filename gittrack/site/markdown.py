"""Markdown as safe HTML, and cut where a report has its blocks: the one home of markdown-it."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt

from gittrack.core.frozen import dataclass
from gittrack.site.syntax import LANGUAGES, cut_pieces, language_of, to_html

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from markdown_it.token import Token

    Draw = Callable[["Fence"], str]
    """Returns the HTML that stands for a block."""
    Address = Callable[[str], str | None]
    """Returns where an address leads on the page, None where it leads nowhere."""


_ELSEWHERE = re.compile(r"https?://|mailto:", re.IGNORECASE)
_LOWEST = 6


@dataclass(frozen=True, slots=True)
class Fence:
    """A fenced block whose first word is the one that was asked for."""

    info: str
    text: str
    first_line: int
    """Of its text in the whole, from 0."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of Markdown as it was written, or a fenced block."""

    markdown: str = ""
    fence: Fence | None = None


def render_alone(text: str, *, level: int) -> str:
    """Return Markdown that belongs to no repository as HTML: a note, a file a run logged.

    Args:
        text: See `render`.
        level: Of the heading it stands below, 1 for that of the page.
    """
    return render(text, language="", draw=lambda _: "", link=_link_out, picture=lambda _: None, level=level)


def _link_out(address: str) -> str | None:
    return address if _ELSEWHERE.match(address) else None


def render(text: str, *, language: str, draw: Draw, link: Address, picture: Address, level: int = 0) -> str:
    """Return Markdown as HTML.

    HTML in it is text, and no address runs a script.

    Args:
        text: CommonMark, with tables and strikethrough.
        language: First word behind the fence of blocks that ``draw`` draws.
        draw: Of each such block.
        link: Of what links lead to.
        picture: Of pictures; one that is nowhere is shown as its text.
        level: By so much headings are lower than they say.
    """
    reader = _make_reader()
    drawn = {"language": language, "draw": draw, "link": link, "picture": picture, "level": level}
    return str(reader.renderer.render(reader.parse(text), reader.options, drawn))


def cut(text: str, language: str) -> list[Piece]:
    """Return Markdown in pieces: its outermost elements, each as written, and the blocks of a language."""
    lines = text.split("\n")
    pieces: list[Piece] = []
    done = 0
    for token in _make_reader().parse(text):
        if token.level or token.map is None or token.nesting < 0:
            continue
        start, end = token.map
        if start > done:
            pieces += _as_written(lines[done:start])
        if _is_block(token, language):
            pieces.append(Piece(fence=_fence_of(token)))
        else:
            pieces += _as_written(lines[max(start, done) : end])
        done = end
    return pieces + _as_written(lines[done:])


def list_pictures(text: str) -> list[str]:
    """Return the addresses of all pictures, each once, in their order."""
    found: dict[str, None] = {}
    for token in _make_reader().parse(text):
        for child in token.children or ():
            if child.type == "image":
                found[str(child.attrs.get("src", ""))] = None
    return list(found)


def _as_written(lines: Sequence[str]) -> list[Piece]:
    text = "\n".join(lines).strip("\n")
    return [Piece(text)] if text.strip() else []


def _is_block(token: Token, language: str) -> bool:
    return token.type == "fence" and token.info.split()[:1] == [language]


def _fence_of(token: Token) -> Fence:
    start = token.map[0] if token.map else 0
    return Fence(token.info.strip(), token.content, start + 1)


def _make_reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.add_render_rule("fence", _render_fence)
    reader.add_render_rule("image", _render_picture)
    reader.add_render_rule("link_open", _render_link)
    reader.add_render_rule(
        "table_open", lambda *_: '<div class="scroll-x card"><table class="plain prose-table">\n'
    )
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    # A style of its own is what the pages' policy forbids: columns are aligned by classes.
    for name in ("heading_open", "heading_close"):
        reader.add_render_rule(name, _render_heading)
    for name in ("th_open", "td_open"):
        reader.add_render_rule(name, _render_cell)
    return reader


def _render_fence(_: Any, tokens: Sequence[Token], place: int, _options: Any, drawn: Any) -> str:  # noqa: ANN401
    token = tokens[place]
    if _is_block(token, drawn["language"]):
        return str(drawn["draw"](_fence_of(token)))
    language = (
        language_of(f"x.{token.info.split()[0]}") or token.info.split()[0] if token.info.split() else ""
    )
    pieces = cut_pieces(token.content, language) if language in LANGUAGES else [(0, token.content)]
    return f"<pre><code>{to_html(pieces)}</code></pre>\n"


def _render_heading(renderer: Any, tokens: Sequence[Token], place: int, options: Any, drawn: Any) -> str:  # noqa: ANN401
    # A copy: a token that is rendered twice would sink twice.
    token = tokens[place].copy(tag=f"h{min(_LOWEST, int(tokens[place].tag[1]) + drawn['level'])}")
    return str(renderer.renderToken([*tokens[:place], token, *tokens[place + 1 :]], place, options, drawn))


def _render_picture(_: Any, tokens: Sequence[Token], place: int, _options: Any, drawn: Any) -> str:  # noqa: ANN401
    token = tokens[place]
    source = str(token.attrs.get("src", ""))
    found = drawn["picture"](source)
    text = escape(token.content)
    if found is None:
        return (
            f'<span class="no-picture">{text or "picture"} ({escape(source)} is not part of this site)</span>'
        )
    return f'<img src="{escape(found)}" alt="{text}" loading="lazy">'


def _render_link(renderer: Any, tokens: Sequence[Token], place: int, options: Any, drawn: Any) -> str:  # noqa: ANN401
    token = tokens[place]
    found = drawn["link"](str(token.attrs.get("href", "")))
    token.attrs = {} if found is None else {**token.attrs, "href": found, "rel": "noopener noreferrer"}
    return str(renderer.renderToken(tokens, place, options, drawn))


def _render_cell(_: Any, tokens: Sequence[Token], place: int, _options: Any, _drawn: Any) -> str:  # noqa: ANN401
    token = tokens[place]
    is_right = "right" in str(token.attrs.get("style", ""))
    return f'<{token.tag} class="num">' if is_right else f"<{token.tag}>"
