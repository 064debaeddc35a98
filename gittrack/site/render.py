"""Pages from templates: the one home of Jinja2."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError

from gittrack.errors import UserError
from gittrack.site import formats
from gittrack.site.syntax import to_html

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.site.templates import Templates


class Trusted(str):
    """Text of our own that is not escaped, as Jinja2 asks for it."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return the text."""
        return str(self)


def hash_of(script: bytes) -> str:
    """Return how a policy names an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}"


class Renderer:
    """Turns view models into pages; everything is escaped unless a template says otherwise."""

    def __init__(self, templates: Templates) -> None:
        """Prepare the templates of one build."""
        self._environment = Environment(
            loader=FileSystemLoader([folder / "pages" for folder in templates.folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        filters: dict[str, Callable[..., str]] = {
            "number": formats.format_number,
            "value": formats.format_value,
            "time": formats.format_time,
            "clock": formats.format_clock,
            "duration": formats.format_duration,
            "size": formats.format_size,
            "pieces": lambda pieces: Trusted(to_html(pieces)),
        }
        self._environment.filters.update(filters)
        self._environment.globals["asset"] = templates.path_of

    def render(self, name: str, values: Mapping[str, object]) -> bytes:
        """Return the page that the template ``name`` makes of ``values``.

        Raises:
            UserError: The template is missing or wrong, as one of your own may be.
        """
        try:
            text = self._environment.get_template(name).render(values)
        except TemplateError as error:
            message = f"template {name!r} cannot be rendered: {error}"
            raise UserError(message) from error
        return text.encode("utf-8", "backslashreplace")
