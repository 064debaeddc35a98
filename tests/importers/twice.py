"""What has to be true of every importer: nothing is missing, and a second time nothing is new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittrack.importers.write import Outcome, import_runs, verify_runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.importers.records import Reader
    from gittrack.tracking.client import Client


def import_twice(client: Client, open_reader: Callable[[], Reader], runs: int) -> None:
    """Look, import, verify, and import again; some ``runs`` must be found each time."""
    head = client.head()
    assert import_runs(client, open_reader(), dry_run=True).outcomes == {Outcome.IMPORTED: runs}
    assert client.head() == head
    report = import_runs(client, open_reader())
    assert (report.outcomes, report.problems) == ({Outcome.IMPORTED: runs}, [])
    report = verify_runs(client, open_reader())
    assert (report.outcomes, report.problems) == ({Outcome.WAS_THERE: runs}, [])
    head = client.head()
    assert import_runs(client, open_reader()).outcomes == {Outcome.WAS_THERE: runs}
    assert client.head() == head
