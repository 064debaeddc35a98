"""How ``version_1.fast-export`` and ``version_1.json`` were made: run by hand, once for each format version.

python -m tests.format.make_version_1
"""

from __future__ import annotations

import json
import math
import struct
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from gittrack.core.documents import encode_experiment, encode_run
from gittrack.core.event_lines import (
    encode_event,
)
from gittrack.core.events import (
    ArtifactLogged,
    LifecycleChanged,
    ParamsLogged,
    Renamed,
    StatusChanged,
    TagsSet,
)
from gittrack.core.experiments import ExperimentChange
from gittrack.core.model import Artifact, LifecycleStage, RunStatus
from gittrack.core.series import encode_series, normalize
from gittrack.store import git_draft
from gittrack.store.digests import digest_bytes
from tests.repositories import git_bytes, make_repository, open_store
from tests.store.suite import FIRST, FOREIGN, SECOND, START, end, inline, log, start, write

if TYPE_CHECKING:
    from gittrack.core.model import ParamValue
    from gittrack.store.git_store import GitStore

HERE = Path(__file__).parent
EXPORT = HERE / "version_1.fast-export"
EXPECTED = HERE / "version_1.json"
LONG = "0197a8c0ffff00000000000000000def"
SMALL = 2000
"""Histories beyond this go into segments, so that the fixture stays small."""


def describe(store: GitStore) -> dict[str, object]:
    """Return everything a store holds, as JSON can hold it."""
    runs = {}
    for run in store.list_runs():
        found = store.find_run(run.run_id)
        assert found == run or repr(found) == repr(run)
        contents = {}
        for path, artifact in run.artifacts.items():
            if artifact.inline:
                with store.open_content(run.run_id, artifact) as file:
                    contents[path] = file.read().decode()
        series = normalize(store.read_series(run.run_id))
        runs[run.run_id] = {
            "run": json.loads(encode_run(run)),
            "series": json.loads(encode_series(series)),
            "contents": contents,
        }
    experiments = [json.loads(encode_experiment(one)) for one in store.list_experiments()]
    return {"order": list(runs), "runs": runs, "experiments": experiments}


def fill(store: GitStore) -> None:
    """Store something of everything."""
    store.change_experiment(
        "e" * 32, [ExperimentChange(START, created_name="größe", set_tags={"team": "nlp"})]
    )
    store.change_experiment("e" * 32, [ExperimentChange(START + 5, name="renamed", stage="deleted")])
    params: dict[str, ParamValue] = {
        "lr": 0.1,
        "layers": [1, {"b": None, "a": True}],
        "name": "x\u2028y",
        "big": 10**30,
    }
    sink = write(store, FIRST, start(), ParamsLogged(params, START), inline("notes/a.txt", b"alpha\n"))
    for step in range(0, 50, 10):
        narrow = struct.unpack("f", struct.pack("f", math.sin(step)))[0]
        log(sink, {"loss": 1 / (step + 1), "val/acc": narrow}, step)
    for step, value in enumerate((math.nan, math.inf, -math.inf, -0.0, 5e-324)):
        log(sink, {"special": value}, -(2**63) + step, START + step)
    model = Artifact("model.pt", digest_bytes(b"elsewhere"), 5_000_000_000)
    sink.append(encode_event(ArtifactLogged(model, START + 1)))
    sink.append(encode_event(end()))
    store.end_journal(sink)
    store.append_events(FIRST, [TagsSet({"mlflow.note.content": "# A note"}, START + 10_000)])
    store.append_events(FIRST, [Renamed("better-name", START + 10_001)])
    many = (inline(f"images/{i:03}.txt", b"%d" % (i % 3)) for i in range(150))
    store.end_journal(write(store, SECOND, start(SECOND, "many-files"), *many, end(RunStatus.FAILED)))
    store.append_events(SECOND, [LifecycleChanged(LifecycleStage.DELETED, START + 10_002)])
    sink = write(store, LONG, start(LONG, "long-history"))
    for piece in range(3):
        for step in range(piece * 50, piece * 50 + 50):
            log(sink, {"loss": math.sin(step)}, step)
        store.checkpoint(sink)
    sink.append(encode_event(StatusChanged(RunStatus.FAILED, START + 9, START + 9, "killed")))
    store.end_journal(sink)
    store.end_journal(write(store, FOREIGN, start(FOREIGN, "still-running", START + 1)))


def main() -> None:
    """Write both files."""
    git_draft.SMALL_HISTORY_BYTES = SMALL
    with tempfile.TemporaryDirectory() as folder:
        repository = make_repository(Path(folder) / "repo", "unborn")
        with closing(open_store(repository, lambda: START // 1000)) as store:
            fill(store)
            EXPECTED.write_text(
                json.dumps(describe(store), indent=1, sort_keys=True, ensure_ascii=False), "utf-8"
            )
        EXPORT.write_bytes(git_bytes(repository, "fast-export", "refs/gittrack/runs"))


if __name__ == "__main__":
    main()
