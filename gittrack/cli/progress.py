"""A progress bar on the standard error, for what takes longer than a second on a terminal."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeVar

    from rich.progress import Progress, TaskID

    T = TypeVar("T")

PATIENCE_S = 1.0


class Bar:
    """Shows nothing until a second has passed."""

    def __init__(self, title: str, unit: str) -> None:
        """Name what is done, and what is counted."""
        self._title = title
        self._unit = unit
        self._started = time.monotonic()
        self._bar: tuple[Progress, TaskID] | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` parts are done; the bar goes when all are."""
        if self._bar is None:
            if time.monotonic() - self._started < PATIENCE_S or done >= total:
                return
            self._bar = self._open(total)
        progress, task = self._bar
        progress.update(task, completed=done, total=total)
        if done >= total:
            self.close()

    def _open(self, total: int) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        count = (
            (DownloadColumn(), TransferSpeedColumn()) if self._unit == "bytes" else (MofNCompleteColumn(),)
        )
        columns = (TextColumn("{task.description}"), BarColumn(), *count, TimeRemainingColumn())
        progress = Progress(*columns, console=Console(stderr=True), transient=True)
        progress.start()
        return progress, progress.add_task(self._title, total=total)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar[0].stop()
            self._bar = None


@contextmanager
def show_progress(title: str, unit: str = "items") -> Iterator[Callable[[int, int], None] | None]:
    """Yield what to call with the parts done and all parts; None if nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    bar = Bar(title, unit)
    try:
        yield bar
    finally:
        bar.close()


def track(title: str, items: Sequence[T]) -> Iterable[T]:
    """Yield the items, showing how many are done."""
    with show_progress(title) as progress:
        for done, item in enumerate(items):
            if progress is not None:
                progress(done, len(items))
            yield item
