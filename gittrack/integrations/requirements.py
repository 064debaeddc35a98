"""Frameworks that are nobody's duty to have."""

from __future__ import annotations

import importlib
from typing import Any

from gittrack.errors import UserError


def load(module: str, extra: str, needs: str) -> Any:  # noqa: ANN401  (any module)
    """Return a module of a framework.

    Args:
        module: What to import.
        extra: gittrack's extra that brings it.
        needs: The first attribute that older versions lack, dotted; empty if any version will do.

    Raises:
        UserError: The framework is missing, broken or too old.
    """
    hint = f"pip install 'gittrack[{extra}]'"
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        message = f"this integration needs {extra}, which cannot be imported: {error}"
        raise UserError(message, hint=hint) from error
    part: Any = found
    for name in filter(None, needs.split(".")):
        part = getattr(part, name, None)
        if part is None:
            version = getattr(found, "__version__", "what is installed")
            message = f"this integration needs a newer {extra}: {version} has no {module}.{needs}"
            raise UserError(message, hint=hint)
    return found
