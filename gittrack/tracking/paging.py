"""Lists cut into pages, as MLflow's searches return them, and the tokens that get the next ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypeVar

from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittrack.core.query import Rank

_VERSION = 1
_T = TypeVar("_T")


class PagedList(list[_T]):
    """A page of results, which is a list as in MLflow; ``token`` gets the next page."""

    def __init__(self, items: Iterable[_T] = (), token: str | None = None) -> None:
        """Hold ``items``, and what to ask for the next ones with; None after the last page."""
        super().__init__(items)
        self.token = token

    def _repr_html_(self) -> str | None:
        """Return a table for notebooks, None where these are no runs."""
        from gittrack.core.model import Run
        from gittrack.core.notebook import show_runs

        runs = [one for one in self if isinstance(one, Run)]
        return show_runs(runs) if len(runs) == len(self) else None

    def to_list(self) -> list[_T]:
        """Return a plain list."""
        return list(self)


def cut_page(rows: Sequence[_T], max_results: int, page_token: str | None, query: object) -> PagedList[_T]:
    """Return the page of ``rows`` that a token begins.

    Args:
        rows: All that was found.
        max_results: Size of a page.
        page_token: Of the page before; None for the first one.
        query: What was searched for, as JSON can hold it; a token of another query is refused.

    Raises:
        InvalidValueError: The token is none, or that of another query.
    """
    begin = decode_token(page_token, query) if page_token else 0
    if type(begin) is not int or begin < 0:
        raise foreign_token()
    end = begin + max_results
    if end >= len(rows):
        return PagedList(rows[begin:])
    return PagedList(rows[begin:end], encode_token(end, query))


def check_page_size(max_results: object, most: int) -> int:
    """Return the size of a page.

    Raises:
        InvalidValueError: It is no number from 1 to ``most``.
    """
    if type(max_results) is not int or not 0 < max_results <= most:
        message = f"max_results must be from 1 to {most:,}, not {max_results!r}"
        raise InvalidValueError(message, hint="ask for the next page with page_token")
    return max_results


def encode_token(place: object, query: object) -> str:
    """Return the token of what follows ``place`` in a query; both as JSON can hold them."""
    import base64

    text = json.dumps([_VERSION, _digest(query), place], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode_token(token: str, query: object) -> object:
    """Return the place a token says.

    Raises:
        InvalidValueError: It is no token, or that of another query.
    """
    import base64

    try:
        version, made_for, place = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise _no_token() from None
    if not isinstance(made_for, str):
        raise _no_token()
    if version != _VERSION or made_for != _digest(query):
        raise foreign_token()
    return place


def decode_rank(token: str, query: object, *, length: int) -> Rank:
    """Return the rank that a token says; see `decode_token`.

    Raises:
        InvalidValueError: It is no token, or that of another query.
    """
    place = decode_token(token, query)
    try:
        rank = tuple((int(group), bool(is_text), value) for group, is_text, value in place)  # type: ignore[attr-defined]
    except (ValueError, TypeError):
        raise _no_token() from None
    are_typed = all(isinstance(value, str if is_text else (int, float)) for _, is_text, value in rank)
    if len(rank) != length or not are_typed:
        raise foreign_token()
    return rank


def _no_token() -> InvalidValueError:
    message = "this is no page token"
    return InvalidValueError(message, hint="pass the token of the page before, as it is")


def foreign_token() -> InvalidValueError:
    """Return the error for a token of another query."""
    message = "this page token belongs to another query"
    return InvalidValueError(message, hint="keep filter, order, experiments and view, or begin again")


def _digest(query: object) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(query, sort_keys=True, default=str).encode()).hexdigest()[:16]
