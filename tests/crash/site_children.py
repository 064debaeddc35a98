"""A child that builds a site and is killed when it has renamed or removed so many files.

Called with the folder of the site, the name of whom runs belong to, and how many files (0: never die). It
says how many it renamed or removed.
"""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from gittrack.site.build import build
from tests.site.sources import MemorySource, make_source

RUNS = 5


def make_site_source(user: str) -> MemorySource:
    """Return runs of which all pages and data differ from user to user, and the newest one's curves too."""
    source = make_source(RUNS, points=5)
    source.runs = [replace(run, user=user, name=f"{user} {run.name}") for run in source.runs]
    return source


def main(folder: str, user: str, most: int) -> None:
    """Build, and die on the way."""
    done = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        if event in {"os.rename", "os.remove"} and str(arguments[0]).startswith(folder):
            done += 1
            if done == most:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    build(make_site_source(user), Path(folder))
    print(done)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
