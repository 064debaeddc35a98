"""The notebook or interactive session that starts a run: which one it is, and what was executed in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_CELLS_CHARACTERS = 500_000
"""Of what was executed the end is kept."""
_PATHS = ("JPY_SESSION_NAME", "NOTEBOOK_PATH")
"""Variables in which Jupyter's servers say which notebook a kernel is for."""


def find_notebook(variables: Mapping[str, str]) -> str | None:
    """Return the path of the notebook whose kernel this process is, None if it does not say or is none."""
    shell = _shell()
    if shell is None:
        return None
    names = [shell.user_ns.get("__vsc_ipynb_file__"), *(variables.get(name) for name in _PATHS)]
    return next((name for name in names if isinstance(name, str) and name.endswith(".ipynb")), None)


def read_cells() -> str | None:
    """Return what was executed so far in an IPython session, cell by cell, None outside of one."""
    shell = _shell()
    if shell is None:
        return None
    history = getattr(shell, "history_manager", None)
    inputs = getattr(history, "input_hist_raw", None) or shell.user_ns.get("In")  # raw: as they were typed
    if not isinstance(inputs, list):
        return None
    cells = [
        f"# %% In [{number}]\n{cell.rstrip()}\n"
        for number, cell in enumerate(inputs)
        if isinstance(cell, str) and cell.strip()
    ]
    return "\n".join(cells)[-MAX_CELLS_CHARACTERS:] or None


def is_kernel() -> bool:
    """Whether this process is the kernel of a notebook."""
    return _shell() is not None and "ipykernel" in sys.modules


def _shell() -> Any:  # noqa: ANN401  (IPython's own, which is never imported for this)
    ipython = sys.modules.get("IPython")
    get = getattr(ipython, "get_ipython", None)
    return None if get is None else get()
