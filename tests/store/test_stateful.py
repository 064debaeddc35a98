"""Random histories of runs, with Git's own housekeeping in between, against dicts."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    precondition,
    rule,
)

from gittrack.core.event_lines import (
    encode_event,
)
from gittrack.core.events import (
    ArtifactLogged,
    LifecycleChanged,
    ParamsLogged,
    Renamed,
    RunResumed,
    RunStarted,
    SideFileSet,
    StatusChanged,
    TagDeleted,
    TagsSet,
)
from gittrack.core.experiments import ExperimentChange
from gittrack.core.journal import encode_metrics
from gittrack.core.model import Artifact, LifecycleStage, RunStatus
from gittrack.core.stamped import DocumentChange
from gittrack.store.digests import digest_bytes
from tests import strategies
from tests.repositories import KINDS, check_repository, git, leftovers, make_repository, open_store

if TYPE_CHECKING:
    from gittrack.core.events import Event
    from gittrack.store.git_store import GitStore
    from gittrack.store.interface import EventSink

keys = st.sampled_from(["loss", "val/acc", "lr"])
tag_keys = st.sampled_from(["team", "note", "größe"])
small_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


class Expected:
    """A run as plain dicts."""

    def __init__(self, run_id: str, name: str, time: int) -> None:
        self.run_id, self.name, self.start_time = run_id, name, time
        self.status, self.stage = "RUNNING", "active"
        self.end_time: int | None = None
        self.params: dict[str, Any] = {}
        self.tags: dict[str, str] = {}
        self.points: set[tuple[str, int, int, str]] = set()
        self.files: dict[str, bytes] = {}
        self.side_files: dict[str, bytes] = {}


class Histories(RuleBasedStateMachine):
    """What users and Git do to a repository, in any order."""

    ended = Bundle("ended")
    live = Bundle("live")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="gittrack-stateful-"))
        self.runs: dict[str, Expected] = {}
        self.experiments: dict[str, dict[str, str]] = {}
        self.documents: dict[tuple[str, str], dict[str, Any]] = {}
        self.sinks: dict[str, EventSink] = {}
        self.time = 1_750_000_000_000
        self.commit_time = 1_800_000_000
        self.written = False

    @initialize(kind=st.sampled_from(KINDS))
    def create(self, kind: str) -> None:
        self.repository = make_repository(self.folder / "repo", kind)
        self.stores = [open_store(self.repository, lambda: self.commit_time)]

    @property
    def store(self) -> GitStore:
        return self.stores[-1]

    def tick(self) -> int:
        self.time += 1
        return self.time

    def write(self, run: Expected, event: Event) -> None:
        """Write to the open journal of a run, or edit the run."""
        if run.run_id in self.sinks:
            self.sinks[run.run_id].append(encode_event(event))
        else:
            self.store.append_events(run.run_id, [event])
            self.written = True

    @rule(target=live, name=small_texts, tail=st.text("0123456789abcdef", min_size=4, max_size=4))
    def start(self, name: str, tail: str) -> Expected:
        time = self.tick()
        run = Expected(f"{time:012x}{'0' * 16}{tail}", name, time)
        self.runs[run.run_id] = run
        self.sinks[run.run_id] = self.store.open_journal(run.run_id)
        self.write(run, RunStarted(run.run_id, "0", name, time))
        return run

    @rule(run=live, values=st.dictionaries(keys, strategies.values, min_size=1), step=strategies.steps)
    def log_metrics(self, run: Expected, values: dict[str, float], step: int) -> None:
        time = self.tick()
        self.sinks[run.run_id].append(encode_metrics(values, step, time))
        run.points |= {(key, step, time, repr(value)) for key, value in values.items()}

    @rule(run=live, size=st.sampled_from([100, 3000, 12_000]), step=st.integers(0, 10**6))
    def log_many(self, run: Expected, size: int, step: int) -> None:
        time = self.tick()
        for place in range(size):
            value = place / 7
            self.sinks[run.run_id].append(encode_metrics({"many": value}, step + place, time))
            run.points.add(("many", step + place, time, repr(value)))

    @rule(run=st.one_of(live, ended), values=st.dictionaries(keys, strategies.params, min_size=1, max_size=2))
    def log_params(self, run: Expected, values: dict[str, Any]) -> None:
        self.write(run, ParamsLogged(values, self.tick()))
        run.params = {**values, **run.params}

    @rule(run=st.one_of(live, ended), key=tag_keys, value=small_texts)
    def set_tag(self, run: Expected, key: str, value: str) -> None:
        self.write(run, TagsSet({key: value}, self.tick()))
        run.tags[key] = value

    @rule(run=st.one_of(live, ended), key=tag_keys)
    def delete_tag(self, run: Expected, key: str) -> None:
        self.write(run, TagDeleted(key, self.tick()))
        run.tags.pop(key, None)

    @rule(run=st.one_of(live, ended), name=small_texts)
    def rename(self, run: Expected, name: str) -> None:
        self.write(run, Renamed(name, self.tick()))
        run.name = name

    @rule(run=st.one_of(live, ended), stage=st.sampled_from(LifecycleStage))
    def change_stage(self, run: Expected, stage: LifecycleStage) -> None:
        self.write(run, LifecycleChanged(stage, self.tick()))
        run.stage = stage.value

    @rule(
        run=st.one_of(live, ended),
        path=strategies.paths,
        content=st.binary(max_size=20),
        inline=st.booleans(),
    )
    def log_artifact(self, run: Expected, path: str, content: bytes, inline: bool) -> None:
        if not inline:
            self.store.store_content(content)
        artifact = Artifact(path, digest_bytes(content), len(content), inline)
        self.write(run, ArtifactLogged(artifact, self.tick(), content if inline else None))
        run.files[path] = content

    @rule(
        run=st.one_of(live, ended),
        name=strategies.side_names,
        content=st.none() | st.binary(max_size=20),
    )
    def set_side_file(self, run: Expected, name: str, content: bytes | None) -> None:
        self.write(run, SideFileSet(name, self.tick(), content))
        run.side_files.pop(name, None)
        if content is not None:
            run.side_files[name] = content

    @rule(run=live)
    def checkpoint(self, run: Expected) -> None:
        self.store.checkpoint(self.sinks[run.run_id])
        self.written = True

    @rule(target=ended, run=consumes(live), status=st.sampled_from([RunStatus.FINISHED, RunStatus.FAILED]))
    def end(self, run: Expected, status: RunStatus) -> Expected:
        time = self.tick()
        self.write(run, StatusChanged(status, time, time))
        self.store.end_journal(self.sinks.pop(run.run_id))
        run.status, run.end_time, self.written = status.value, time, True
        return run

    @rule(target=live, run=consumes(ended))
    def resume(self, run: Expected) -> Expected:
        self.sinks[run.run_id] = self.store.open_journal(run.run_id)
        self.write(run, RunResumed(self.tick()))
        run.status, run.end_time = "RUNNING", None
        return run

    @rule(number=st.integers(1, 3), name=small_texts)
    def change_experiment(self, number: int, name: str) -> None:
        experiment_id = f"{number}" * 32
        known = self.experiments.setdefault(experiment_id, {})
        created = ExperimentChange(self.tick(), created_name=name)
        self.store.change_experiment(
            experiment_id, [created, ExperimentChange(self.tick(), set_tags={"last": name})]
        )
        known.setdefault("name", name or experiment_id)
        known["last"] = name
        self.written = True

    @rule(
        kind=st.sampled_from(["models", "models/deep"]),
        number=st.integers(1, 4),
        values=st.dictionaries(tag_keys, strategies.params, min_size=1, max_size=2),
        time=st.integers(0, 10**6),
    )
    def change_document(self, kind: str, number: int, values: dict[str, Any], time: int) -> None:
        change = DocumentChange(kind, f"{number:03x}", time, values)
        self.store.change_documents([change], f"document {number}")
        known = self.documents.setdefault((kind, f"{number:03x}"), {})
        known |= values
        for key in [key for key, value in known.items() if value is None]:
            del known[key]
        self.written = True

    @rule(kind=st.sampled_from(["models", "models/deep"]), number=st.integers(1, 4))
    def remove_document(self, kind: str, number: int) -> None:
        self.store.change_documents([DocumentChange(kind, f"{number:03x}", 0, removes=True)], "removed")
        self.documents.pop((kind, f"{number:03x}"), None)
        self.written = True

    @rule(seconds=st.integers(-(10**8), 10))
    def move_the_clock(self, seconds: int) -> None:
        self.commit_time = max(self.commit_time + seconds, 10**9)

    @rule()
    def reopen(self) -> None:
        self.stores.append(open_store(self.repository, lambda: self.commit_time))

    @rule()
    def recover(self) -> None:
        assert self.store.recover() == []

    @rule(
        command=st.sampled_from(
            [("gc", "--quiet", "--prune=now"), ("repack", "-q", "-a", "-d"), ("pack-refs", "--all"),
             ("prune", "--expire=now")]
        )
    )  # fmt: skip
    def keep_house(self, command: tuple[str, ...]) -> None:
        git(self.repository, *command)

    @precondition(lambda self: self.written)
    @rule()
    def judge(self) -> None:
        check_repository(self.repository)
        times = [
            int(line) for line in git(self.repository, "log", "--format=%ct", "refs/gittrack/runs").split()
        ]
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == len(times)

    @rule()
    def read_everything(self) -> None:
        for store in (self.store, self.stores[0]):
            listed = {run.run_id: run for run in store.list_runs()}
            assert set(listed) == set(self.runs)
            listing = store.list_documents("models")
            documents = {(one.kind, one.document_id): dict(one.fields) for one in listing}
            assert documents == {key: fields for key, fields in self.documents.items() if fields}
            for run_id, run in self.runs.items():
                found = store.find_run(run_id)
                assert found is not None
                assert repr(found.metrics) == repr(listed[run_id].metrics)
                assert (found.name, found.status, found.start_time) == (run.name, run.status, run.start_time)
                assert (found.end_time, found.lifecycle_stage) == (run.end_time, run.stage)
                assert repr(dict(sorted(found.params.items()))) == repr(dict(sorted(run.params.items())))
                assert found.tags == run.tags
                points = strategies.to_points(store.read_series(run_id))
                assert len(points) == len(set(points)), "a point is there twice"
                assert set(points) == run.points
                counts = {key: one.count for key, one in found.metrics.items()}
                assert counts == {
                    key: sum(p[0] == key for p in run.points) for key in {p[0] for p in run.points}
                }
                assert store.list_side_files(run_id) == sorted(run.side_files)
                for name in run.side_files:
                    assert store.find_side_file(run_id, name) == run.side_files[name]
                assert set(found.artifacts) == set(run.files)
                for path, content in run.files.items():
                    with store.open_content(run_id, found.artifacts[path]) as file:
                        assert file.read() == content
            experiments = {one.experiment_id: one for one in store.list_experiments()}
            assert set(experiments) == {"0", *self.experiments}
            for experiment_id, known in self.experiments.items():
                one = experiments[experiment_id]
                assert (one.name, one.tags["last"]) == (known["name"], known["last"])

    @invariant()
    def no_half_written_files(self) -> None:
        if hasattr(self, "repository"):
            waiting = [path for path in leftovers(self.repository) if "journal" not in path]
            assert waiting == []

    def teardown(self) -> None:
        if hasattr(self, "repository"):
            for sink in self.sinks.values():
                self.store.end_journal(sink)
            self.sinks = {}
            self.read_everything()
            if self.written or self.runs:
                self.judge()
            assert leftovers(self.repository) == []
            for store in self.stores:
                store.close()
        shutil.rmtree(self.folder)


Histories.TestCase.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
TestHistories = Histories.TestCase
