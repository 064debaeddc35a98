"""Builds of a site, each killed before it renames or removes one more file than the one before.

Called with the folder of a site, a folder for copies of it, and a name for the runs. It says how many there
are: the last one is not killed any more.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import sys
from dataclasses import replace
from pathlib import Path

from gittrack.site.build import build
from tests.site.sources import MemorySource, make_source

RUNS = 3


def make_site_source(name: str) -> MemorySource:
    """Return runs of which pages, data and index differ from name to name."""
    source = make_source(RUNS, points=5)
    source.runs = [replace(run, user=name, name=f"{name} {run.name}") for run in source.runs]
    return source


def build_and_die(folder: Path, name: str, most: int) -> None:
    """Build, and die before file number ``most`` gets its name or is removed."""
    done = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal done
        if event in {"os.rename", "os.remove"} and str(arguments[0]).startswith(str(folder)):
            done += 1
            if done == most:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    build(make_site_source(name), folder)


def main(before: Path, copies: Path, name: str) -> None:
    """Die at every moment there is."""
    for most in itertools.count(1):
        folder = copies / str(most)
        shutil.copytree(before, folder)
        child = os.fork()
        if child == 0:
            build_and_die(folder, name, most)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            assert status == 0
            print(most)
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
