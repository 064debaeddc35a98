"""Metrics in lines of output, by a pattern that somebody declared."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gittrack.core.names import check_key, shorten
from gittrack.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Mapping

STEP = "step"
MAX_LINE_BYTES = 16 * 1024
"""A line that is longer holds data, no metrics."""

_HOLE = re.compile(r"\{([^{}]+)\}")
_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?|[nN]a[nN]|[iI]nf(?:inity)?)"
_ENDS = re.compile(rb"[\r\n]+")
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """How metrics look in a line."""

    text: str
    """As it was declared."""
    expression: re.Pattern[str]
    keys: Mapping[str, str]
    """Group of the expression → what it holds: a metric's key, ``step``, or ``key`` and ``value``."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Metrics of one line."""

    metrics: Mapping[str, float]
    step: int | None


def parse_pattern(text: str) -> Pattern:
    """Return the pattern of a template (``loss {loss}, step {step}``) or a regular expression with names.

    In a template each hole stands for a number, spaces for any space, and the rest for itself. A regular
    expression has groups ``(?P<loss>…)``; ``(?P<key>…)`` with ``(?P<value>…)`` takes the name from the line
    too. ``step`` is the step.

    Raises:
        InvalidValueError: It is neither, or names no metric.
        InvalidNameError: A name cannot be a metric's.
    """
    holes = [] if "(?P<" in text else _HOLE.findall(text)
    try:
        if holes:
            expression = re.compile(_expression_of(text))
            keys = {f"g{number}": name for number, name in enumerate(holes)}
        else:
            expression = re.compile(text)
            keys = {name: name for name in expression.groupindex}
    except re.error as error:
        message = f"the pattern {shorten(text)} is no regular expression: {error}"
        raise InvalidValueError(message, hint="a template is easier: 'loss {loss} acc {val/acc}'") from None
    if not set(keys.values()) - {STEP}:
        message = f"the pattern {shorten(text)} names no metric"
        raise InvalidValueError(message, hint="e.g. 'step {step} loss {loss}', or '(?P<loss>[0-9.]+)'")
    for key in keys.values():
        check_key("metric", key)
    return Pattern(text, expression, keys)


@dataclass(slots=True)
class LinePicker:
    """Picks metrics out of a stream of bytes, line by line; a redrawn line counts each time."""

    patterns: tuple[Pattern, ...]
    rest: bytes = b""
    counts: dict[str, int] = field(default_factory=dict)
    """How often each pattern was met: the step where a line says none."""

    def feed(self, data: bytes) -> list[Reading]:
        """Return the metrics of the lines that these bytes complete."""
        *lines, rest = _ENDS.split(self.rest + data)
        self.rest = rest if len(rest) <= MAX_LINE_BYTES else b""
        return [reading for line in lines if line for reading in self._read(line)]

    def finish(self) -> list[Reading]:
        """Return the metrics of a last line without an end."""
        return self.feed(b"\n")

    def _read(self, line: bytes) -> list[Reading]:
        text = _ESCAPES.sub("", line[:MAX_LINE_BYTES].decode("utf-8", "replace"))
        found = (self._match(pattern, text) for pattern in self.patterns)
        return [reading for reading in found if reading is not None]

    def _match(self, pattern: Pattern, text: str) -> Reading | None:
        metrics: dict[str, float] = {}
        step: int | None = None
        for match in pattern.expression.finditer(text):
            found = {pattern.keys[name]: value for name, value in match.groupdict().items() if value}
            step = _whole(found.pop(STEP, None), step)
            if "key" in found and "value" in found:
                found = {found["key"]: found["value"]}
            metrics.update(_numbers(found))
        if not metrics:
            return None
        count = self.counts.get(pattern.text, 0)
        self.counts[pattern.text] = count + 1
        return Reading(metrics, count if step is None else step)


def _expression_of(template: str) -> str:
    parts: list[str] = []
    position = 0
    for number, hole in enumerate(_HOLE.finditer(template)):
        parts += [_literal(template[position : hole.start()]), f"(?P<g{number}>{_NUMBER})"]
        position = hole.end()
    return "".join([*parts, _literal(template[position:])])


def _literal(text: str) -> str:
    return r"\s+".join(map(re.escape, re.split(r"\s+", text)))


def _whole(text: str | None, otherwise: int | None) -> int | None:
    try:
        return otherwise if text is None else int(float(text))
    except (ValueError, OverflowError):
        return otherwise


def _numbers(found: Mapping[str, str]) -> dict[str, float]:
    numbers = {}
    for key, text in found.items():
        try:
            numbers[key] = float(text.rstrip("%,;"))
        except ValueError:
            continue
    return numbers
