"""What a run learns of how its process was started; whatever goes wrong there, training goes on."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import TYPE_CHECKING

from gittrack.errors import StoreError
from gittrack.tracking.open import read_variable_names

if TYPE_CHECKING:
    from gittrack.tracking.client import Client
    from gittrack.tracking.live import LiveRun
    from gittrack.tracking.provenance import ProvenanceReader


class _Process:
    reader: ProvenanceReader | None = None
    cells: bytes | None = None
    has_warned = False


def record(client: Client, live: LiveRun) -> None:
    """Write into a new run how this process was started.

    Raises:
        StoreError: The disk is full, or failed.
    """
    from gittrack.tracking.provenance import ProvenanceReader, record_provenance

    try:
        reader = _Process.reader = _Process.reader or ProvenanceReader()
        launch = reader.read(client.code.top, os.environ, read_variable_names())
        _Process.cells = launch.cells
        record_provenance(client.store, live, launch)
    except StoreError:
        raise
    except Exception as error:  # noqa: BLE001  (a system that tells strange things must not stop a training)
        _warn(error)


def update(live: LiveRun) -> None:
    """Write into a run that ends what was executed in the notebook since it started.

    Raises:
        StoreError: The disk is full, or failed.
    """
    if "IPython" not in sys.modules:
        return
    from gittrack.core.events import SideFileSet
    from gittrack.core.secrets import secret_values
    from gittrack.tracking.provenance import CELLS_FILE, encode_cells

    try:
        cells = encode_cells(secret_values(os.environ))
    except Exception as error:  # noqa: BLE001  (see above)
        _warn(error)
        return
    if cells is not None and cells != _Process.cells:
        live.write(SideFileSet(CELLS_FILE, live.event_time(), cells))


def _warn(error: Exception) -> None:
    if not _Process.has_warned:
        _Process.has_warned = True
        with contextlib.suppress(Warning):  # not even where warnings are errors
            warnings.warn(f"how this run was started is not recorded: {error!r}", stacklevel=4)
