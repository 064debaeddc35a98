"""Pages from templates: the one home of Jinja2."""

from __future__ import annotations

import base64
import contextlib
import hashlib
from typing import TYPE_CHECKING

import jinja2
from jinja2 import BytecodeCache, Environment, FileSystemLoader, StrictUndefined, TemplateError

from gittrack.errors import UserError
from gittrack.site import formats
from gittrack.site.syntax import to_html
from gittrack.site.write import replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from jinja2.bccache import Bucket

    from gittrack.site.templates import Templates


_DIGEST = hashlib.sha256().digest_size


class Trusted(str):
    """Text of our own that is not escaped, as Jinja2 asks for it."""

    __slots__ = ()

    def __html__(self) -> str:
        """Return the text."""
        return str(self)


def hash_of(script: bytes) -> str:
    """Return how a policy names an inline script or style."""
    return f"sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}"


class Compiled(BytecodeCache):
    """Templates as Python compiled them, kept between builds: to compile them takes as long as a small build.

    A file is used only if it is whole, and of the very gittrack and Jinja2 that asks: both have a part in
    what a template becomes.
    """

    def __init__(self, folder: Path, maker: str) -> None:
        """Keep them in ``folder``, where nobody else may write: what is there is run.

        ``maker`` is a digest of gittrack's part.
        """
        self._folder = folder
        self._maker = f"{jinja2.__version__} {maker}".encode()

    def load_bytecode(self, bucket: Bucket) -> None:
        """Fill in what is known of a template, if anything is."""
        with contextlib.suppress(OSError):
            content = (self._folder / bucket.key).read_bytes()
            digest, code = content[:_DIGEST], content[_DIGEST:]
            if digest == self._digest(code):
                bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep a template; where that cannot be, the next build compiles it again."""
        code = bucket.bytecode_to_string()
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            replace_file(self._folder / bucket.key, self._digest(code) + code)

    def _digest(self, code: bytes) -> bytes:
        return hashlib.sha256(self._maker + b"\0" + code).digest()


class Renderer:
    """Turns view models into pages; everything is escaped unless a template says otherwise."""

    def __init__(self, templates: Templates, cache: Path | None = None) -> None:
        """Prepare the templates of one build; see `Compiled` for ``cache``."""
        self._environment = Environment(
            loader=FileSystemLoader([folder / "pages" for folder in templates.folders]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            bytecode_cache=None if cache is None else Compiled(cache, templates.digest),
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
