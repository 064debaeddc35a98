"""Digests of data in memory, by MLflow's rules: the same data have the same digest in both tools.

See ``mlflow/data/digest_utils.py``: eight hex digits of MD5 over pandas' hashes of the first 10,000 rows, the
number of rows and the names of columns. It tells states of a dataset apart; it proves nothing.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from gittrack.errors import InvalidValueError
from gittrack.tracking.media import import_optional

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ROWS = 10_000


def digest_frame(frame: Any) -> str:  # noqa: ANN401  (a data frame)
    """Return the digest of a data frame.

    Raises:
        UserError: pandas is missing.
    """
    numpy = import_optional("numpy", "a digest", "numpy")
    pandas = import_optional("pandas", "a digest", "pandas")
    trimmed = frame.head(MAX_ROWS)
    text = trimmed.columns[trimmed.map(lambda value: type(value) is str).all(axis=0)]
    numbers = trimmed.select_dtypes(include=[numpy.number]).columns
    trimmed = trimmed[text.union(numbers)]
    hashed = pandas.util.hash_pandas_object(trimmed).to_numpy()
    return _md5([hashed, numpy.int64(len(frame)), *(str(name).encode() for name in frame.columns)])


def digest_arrays(features: Any, targets: Any = None) -> str:  # noqa: ANN401  (arrays, or dicts of them)
    """Return the digest of arrays.

    Raises:
        InvalidValueError: There is none.
        UserError: pandas is missing.
    """
    numpy = import_optional("numpy", "a digest", "numpy")
    pandas = import_optional("pandas", "a digest", "pandas")
    elements: list[Any] = []
    for item in (features, targets):
        arrays = [item[key] for key in sorted(item)] if isinstance(item, dict) else [item]
        for array in arrays:
            if array is None:
                continue
            first = array.flatten()[:MAX_ROWS]
            try:
                elements.append(pandas.util.hash_array(first))
            except TypeError:
                elements.append(numpy.int64(first.size))
            elements.extend(numpy.int64(size) for size in array.shape)
    if not elements:
        message = "there is nothing to make a digest of"
        raise InvalidValueError(message, hint="pass digest= yourself")
    return _md5(elements)


def _md5(elements: Iterable[Any]) -> str:
    md5 = hashlib.md5(usedforsecurity=False)
    for element in elements:
        md5.update(element)
    return md5.hexdigest()[:8]
