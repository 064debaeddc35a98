"""Plain values as bytes: equal ones as equal bytes, and in a tenth of the time that JSON takes."""

from __future__ import annotations

import marshal
from typing import Any

_FORMAT = 2
"""The last without references, which depend on more than the value, and take longer to read."""

unpack_plain = marshal.loads
"""Returns the value that was packed; bytes that `pack_plain` did not make must not come here."""


def pack_plain(value: Any) -> bytes:  # noqa: ANN401  (whatever is plain)
    """Return a value as bytes: texts, bytes, numbers, None, and tuples, lists and dicts of these.

    Raises:
        ValueError: Something in it is no plain value.
    """
    return marshal.dumps(value, _FORMAT)
