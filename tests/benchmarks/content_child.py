"""A process of its own that sends or fetches one content, so that its time and memory can be told."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from gittrack.core.content_settings import ContentSettings
from gittrack.core.model import Artifact
from gittrack.store.contents import Contents
from gittrack.store.digests import ignore
from tests.repositories import open_store


def main(role: str, repository: str, digest: str, size: str) -> None:
    """Do it; print how many seconds it took, and the peak memory of this process alone, MB."""
    store = open_store(Path(repository))
    store.layout.temporary.mkdir(parents=True, exist_ok=True)
    contents = Contents(store, ContentSettings(), ("origin",))
    started = time.perf_counter()
    if role == "send":
        contents.send({digest: int(size)}, ignore)
    elif role == "fetch":
        contents.fetch([Artifact("model.bin", digest, int(size))], ignore)
    print(time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)


if __name__ == "__main__":
    main(*sys.argv[1:])
