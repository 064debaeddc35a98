"""What every store promises: each law is a function of a way to open the store, again and again."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

import pytest

from gittrack.core.event_lines import (
    encode_event,
)
from gittrack.core.events import (
    ArtifactLogged,
    EnvironmentRecorded,
    Event,
    LifecycleChanged,
    ParamsLogged,
    Renamed,
    RunResumed,
    RunStarted,
    SideFileSet,
    StatusChanged,
    TagDeleted,
    TagsSet,
    digest_environment,
)
from gittrack.core.experiments import ExperimentChange
from gittrack.core.journal import encode_metrics
from gittrack.core.model import DEFAULT_EXPERIMENT, Artifact, LifecycleStage, Run, RunStatus
from gittrack.core.series import Series
from gittrack.core.stamped import DocumentChange
from gittrack.errors import ArtifactNotFoundError, StoreError, UserError
from gittrack.store.digests import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gittrack.store.interface import EventSink, Store

    Open = Callable[[], Store]
    Law = Callable[[Open], None]

FIRST = "0197a8c0ffee00000000000000000abc"
SECOND = "0197a8c0ffff00000000000000000abd"
FOREIGN = "nightly-job_7"
START = 1_750_000_000_000


def start(run_id: str = FIRST, name: str = "tidy-otter-412", time: int = START) -> RunStarted:
    return RunStarted(run_id, "0", name, time, user="ada", source="train.py", tags={"kind": "test"})


def end(status: RunStatus = RunStatus.FINISHED, time: int = START + 9000) -> StatusChanged:
    return StatusChanged(status, time, time)


def write(store: Store, run_id: str, *events: Event) -> EventSink:
    """Begin a journal with some events; return it for more."""
    sink = store.open_journal(run_id)
    for event in events:
        sink.append(encode_event(event))
    return sink


def log(sink: EventSink, values: Mapping[str, float], step: int, time: int | None = None) -> None:
    sink.append(encode_metrics(values, step, START + step if time is None else time))


def finish(store: Store, run_id: str = FIRST, *events: Event, time: int = START) -> None:
    """Write a whole run."""
    store.end_journal(write(store, run_id, start(run_id, time=time), *events, end(time=time + 9000)))


def inline(path: str, content: bytes) -> ArtifactLogged:
    artifact = Artifact(path, digest_bytes(content), len(content), inline=True)
    return ArtifactLogged(artifact, START + 5, content)


def get(store: Store, run_id: str = FIRST) -> Run:
    run = store.find_run(run_id)
    assert run is not None
    return run


def a_new_store_is_empty(open_: Open) -> None:
    store = open_()
    assert store.head() is None
    assert list(store.list_runs()) == []
    assert store.find_run(FIRST) is None
    assert store.read_series(FIRST) == {}
    assert store.find_experiment("none") is None
    assert store.list_experiments() == [DEFAULT_EXPERIMENT]
    assert store.find_experiment("0") == DEFAULT_EXPERIMENT
    assert store.recover() == []


def a_run_is_what_was_logged(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start(), ParamsLogged({"lr": 0.1, "layers": [1, {"a": None}]}, START + 1))
    log(sink, {"loss": 0.5, "acc": 0.25}, 1)
    log(sink, {"loss": 0.25}, 2)
    sink.append(encode_event(TagsSet({"team": "ünï", "kind": "real"}, START + 3)))
    sink.append(encode_event(TagDeleted("team", START + 4)))
    sink.append(encode_event(end()))
    store.end_journal(sink)
    for run in (get(store), get(open_()), next(iter(open_().list_runs()))):
        assert (run.run_id, run.name, run.user, run.source) == (FIRST, "tidy-otter-412", "ada", "train.py")
        assert (run.status, run.start_time, run.end_time) == (RunStatus.FINISHED, START, START + 9000)
        assert run.params == {"lr": 0.1, "layers": [1, {"a": None}]}
        assert run.tags == {"kind": "real"}
        loss = run.metrics["loss"]
        assert (loss.last, loss.last_step, loss.min, loss.max, loss.max_step, loss.count) == (
            0.25,
            2,
            0.25,
            0.5,
            1,
            2,
        )
        assert run.metrics["acc"].count == 1
        assert run.edits == {}
    assert open_().read_series(FIRST) == {
        "acc": Series([1], [START + 1], [0.25]),
        "loss": Series([1, 2], [START + 1, START + 2], [0.5, 0.25]),
    }


def a_run_is_found_while_it_is_written(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start())
    log(sink, {"loss": 0.5}, 1)
    for reader in (store, open_()):
        assert get(reader).status is RunStatus.RUNNING
        assert [run.run_id for run in reader.list_runs()] == [FIRST]
        assert get(reader).metrics["loss"].last == 0.5
        assert reader.read_series(FIRST) == {"loss": Series([1], [START + 1], [0.5])}
    log(sink, {"loss": 0.75}, 2)
    assert get(store).metrics["loss"].count == 2
    store.end_journal(sink)


def nothing_is_written_to_a_journal_that_was_ended(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start(), end())
    store.end_journal(sink)
    with pytest.raises(StoreError):
        sink.append(encode_event(Renamed("late", START)))
    assert get(store).name == "tidy-otter-412"


def an_empty_journal_leaves_nothing(open_: Open) -> None:
    store = open_()
    store.end_journal(store.open_journal(FIRST))
    assert store.find_run(FIRST) is None
    assert store.head() is None


def checkpoints_keep_everything_once(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start())
    for step in range(20):
        log(sink, {"loss": 1.0 / (step + 1), "lr": 0.1}, step)
        if step % 3 == 0:
            store.checkpoint(sink)
        assert get(store).metrics["loss"].count == step + 1
        assert get(store).status is RunStatus.RUNNING
    sink.append(encode_event(end()))
    store.end_journal(sink)
    run = get(open_())
    assert (run.status, run.metrics["loss"].count, run.metrics["lr"].count) == (RunStatus.FINISHED, 20, 20)
    assert open_().read_series(FIRST)["loss"].steps == list(range(20))


def a_checkpoint_of_nothing_new_changes_nothing(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start())
    store.checkpoint(sink)
    head = store.head()
    store.checkpoint(sink)
    assert store.head() == head
    store.end_journal(sink)
    assert store.head() == head
    assert get(store).status is RunStatus.RUNNING


def a_discarded_journal_leaves_what_was_there_before(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start())
    log(sink, {"loss": 0.5}, 0)
    store.checkpoint(sink)
    log(sink, {"loss": 0.25}, 1)
    store.discard_journal(sink)
    store.discard_journal(write(store, SECOND, start(SECOND)))
    assert open_().read_series(FIRST)["loss"].steps == [0]
    assert open_().find_run(SECOND) is None
    with pytest.raises(StoreError):
        sink.append(encode_event(end()))


def special_values_come_back(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start())
    values = [math.nan, math.inf, -math.inf, 5e-324, 1.7976931348623157e308, 0.1, -0.0]
    for step, value in enumerate(values):
        log(sink, {"loss": value}, -(2**63) + step, START + step)
    log(sink, {"nothing": math.nan}, 2**63 - 1, START)
    sink.append(encode_event(end()))
    store.end_journal(sink)
    series = open_().read_series(FIRST)
    history = open_().read_history(FIRST, "loss")
    assert (
        list(map(repr, series["loss"].values)) == list(map(repr, values)) == list(map(repr, history.values))
    )
    assert (list(history.steps), list(history.times)) == (series["loss"].steps, series["loss"].times)
    assert series["loss"].steps == [-(2**63) + step for step in range(len(values))]
    summary = get(open_()).metrics["loss"]
    assert (summary.min, summary.max, summary.count) == (-math.inf, math.inf, len(values))
    assert math.isnan(get(open_()).metrics["nothing"].min)


def equal_points_are_one(open_: Open) -> None:
    store = open_()
    for _ in range(2):
        sink = write(store, FIRST, start())
        for step in (3, 1, 2, 1):
            log(sink, {"loss": 0.5}, step)
        sink.append(encode_event(end()))
        store.end_journal(sink)
    assert get(open_()).metrics["loss"].count == 3
    assert open_().read_series(FIRST)["loss"].steps == [1, 2, 3]
    assert list(open_().read_history(FIRST, "loss").steps) == [1, 2, 3]
    assert len(open_().read_history(FIRST, "acc")) == 0


def a_long_history_is_kept_whole(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start())
    count, pieces = 9_000, 12
    for piece in range(pieces):
        for step in range(piece * count, (piece + 1) * count):
            log(sink, {"loss": math.sin(step)}, step)
        store.checkpoint(sink)
        assert get(store).metrics["loss"].count == (piece + 1) * count
    sink.append(encode_event(end()))
    store.end_journal(sink)
    series = open_().read_series(FIRST)["loss"]
    history = open_().read_history(FIRST, "loss")
    assert list(zip(history.steps, history.times, history.values, strict=True)) == list(
        zip(series.steps, series.times, series.values, strict=True)
    )
    assert sorted(series.steps) == list(range(count * pieces))
    assert dict(zip(series.steps, series.values, strict=True)) == {
        step: math.sin(step) for step in range(count * pieces)
    }
    summary = get(open_()).metrics["loss"]
    assert (summary.count, summary.last_step) == (count * pieces, count * pieces - 1)
    assert (summary.min, summary.max) == (min(series.values), max(series.values))


def an_ended_run_can_be_edited(open_: Open) -> None:
    store = open_()
    finish(store)
    store.append_events(FIRST, [TagsSet({"team": "vision"}, START + 10_000)])
    store.append_events(FIRST, [Renamed("better-name", START + 10_001)])
    run = get(open_())
    assert (run.name, run.tags["team"], run.status) == ("better-name", "vision", RunStatus.FINISHED)
    assert set(run.edits) == {"tags.team", "name"}
    assert run.edits["name"] > run.edits["tags.team"]


def an_ended_run_can_go_on(open_: Open) -> None:
    store = open_()
    finish(store)
    sink = write(store, FIRST, RunResumed(START + 20_000))
    assert (get(store).status, get(store).end_time) == (RunStatus.RUNNING, None)
    log(sink, {"loss": 0.1}, 99)
    sink.append(encode_event(end(RunStatus.FAILED, START + 30_000)))
    store.end_journal(sink)
    run = get(open_())
    assert (run.status, run.end_time, run.metrics["loss"].count) == (RunStatus.FAILED, START + 30_000, 1)


def a_deleted_run_is_still_there_and_can_be_restored(open_: Open) -> None:
    store = open_()
    finish(store)
    store.append_events(FIRST, [LifecycleChanged(LifecycleStage.DELETED, START + 10_000)])
    assert [run.lifecycle_stage for run in open_().list_runs()] == [LifecycleStage.DELETED]
    store.append_events(FIRST, [LifecycleChanged(LifecycleStage.ACTIVE, START + 10_001)])
    assert get(open_()).lifecycle_stage is LifecycleStage.ACTIVE


def runs_are_listed_newest_first(open_: Open) -> None:
    store = open_()
    ids = [f"{i:012x}{i * 2654435761 % 2**64:020x}" for i in range(40)]
    for place in (7, 3, 30, 0, 39, 12):
        finish(store, ids[place], time=START + place)
    sink = write(store, ids[20], start(ids[20], time=START + 20))
    expected = [ids[place] for place in (39, 30, 20, 12, 7, 3, 0)]
    assert [run.run_id for run in store.list_runs()] == expected
    assert [run.run_id for run in open_().list_runs()] == expected
    store.end_journal(sink)


def ids_of_the_caller_are_fine(open_: Open) -> None:
    store = open_()
    for run_id in (FOREIGN, "a", "RUN", "x" * 255):
        finish(store, run_id)
    assert {run.run_id for run in open_().list_runs()} == {FOREIGN, "a", "RUN", "x" * 255}
    assert get(open_(), "x" * 255).run_id == "x" * 255


def two_writers_of_one_run_lose_nothing(open_: Open) -> None:
    first, second = open_(), open_()
    owner = write(first, FIRST, start())
    helper = second.open_journal(FIRST)
    for step in range(10):
        log(owner, {"loss": 0.5}, step)
        log(helper, {"gpu": 0.9}, step)
    assert {key: one.count for key, one in get(open_()).metrics.items()} == {"loss": 10, "gpu": 10}
    owner.append(encode_event(end()))
    first.end_journal(owner)
    log(helper, {"gpu": 0.9}, 10)
    second.end_journal(helper)
    run = get(open_())
    assert {key: one.count for key, one in run.metrics.items()} == {"loss": 10, "gpu": 11}
    assert run.status is RunStatus.FINISHED


def small_content_rides_along(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start(), inline("a.txt", b"alpha"), inline("b/empty", b""))
    with store.open_content(FIRST, get(store).artifacts["a.txt"]) as file:
        assert file.read() == b"alpha"
    sink.append(encode_event(inline("a.txt", b"beta")))
    store.end_journal(sink)
    run = get(open_())
    assert {path: one.size for path, one in run.artifacts.items()} == {"a.txt": 4, "b/empty": 0}
    with open_().open_content(FIRST, run.artifacts["a.txt"]) as file:
        assert file.read() == b"beta"


def large_content_is_kept_by_its_digest(open_: Open) -> None:
    store = open_()
    content = bytes(range(256)) * 1000
    kept = store.store_content(content)
    assert kept == store.store_content(content)
    assert (kept.digest, kept.size, kept.inline) == (digest_bytes(content), 256_000, False)
    artifact = Artifact("model.pt", kept.digest, kept.size)
    finish(store, FIRST, ArtifactLogged(artifact, START + 1))
    with open_().open_content(FIRST, get(open_()).artifacts["model.pt"]) as file:
        assert file.read() == content


def content_that_is_not_here_says_so(open_: Open) -> None:
    artifact = Artifact("model.pt", digest_bytes(b"elsewhere"), 9)
    finish(open_(), FIRST, ArtifactLogged(artifact, START + 1))
    with pytest.raises(ArtifactNotFoundError, match=r"model\.pt") as caught:
        open_().open_content(FIRST, artifact)
    assert caught.value.hint


def a_thousand_artifacts_are_listed_and_readable(open_: Open) -> None:
    store = open_()
    finish(store, FIRST, *(inline(f"images/{i:04}.png", b"%d" % i) for i in range(1000)))
    store.append_events(FIRST, [inline("images/late.png", b"late")])
    run = get(open_())
    assert len(run.artifacts) == 1001
    assert len(next(iter(open_().list_runs())).artifacts) == 1001
    for path in ("images/0000.png", "images/0999.png", "images/late.png"):
        with open_().open_content(FIRST, run.artifacts[path]) as file:
            assert digest_bytes(file.read()) == run.artifacts[path].digest


def a_side_file_is_what_was_written_last(open_: Open) -> None:
    store = open_()
    sink = write(store, FIRST, start(), SideFileSet("console.txt", START + 1, b"one"))
    sink.append(encode_event(SideFileSet("gone.txt", START + 2, b"soon")))
    for reader in (store, open_()):  # while the run is live
        assert reader.list_side_files(FIRST) == ["console.txt", "gone.txt"]
        assert reader.find_side_file(FIRST, "console.txt") == b"one"
    store.checkpoint(sink)
    sink.append(encode_event(SideFileSet("console.txt", START + 3, bytes(range(256)))))
    sink.append(encode_event(SideFileSet("gone.txt", START + 4, None)))
    assert open_().list_side_files(FIRST) == ["console.txt"]
    sink.append(encode_event(end()))
    store.end_journal(sink)
    assert open_().list_side_files(FIRST) == ["console.txt"]
    assert open_().find_side_file(FIRST, "console.txt") == bytes(range(256))
    assert open_().find_side_file(FIRST, "gone.txt") is None
    assert open_().find_side_file(FIRST, "run.json") is None
    assert open_().list_side_files(SECOND) == []
    assert open_().find_side_file(SECOND, "console.txt") is None


def an_environment_is_stored_once_and_found_by_its_digest(open_: Open) -> None:
    store = open_()
    text = "# python 3.12.4\nnumpy==2.1.0\n"
    digest = digest_environment(text)
    assert not store.has_environment(digest)
    assert store.find_environment(digest) is None
    sink = write(store, FIRST, start(), EnvironmentRecorded(digest, START + 1, text))
    assert open_().find_environment(digest) == text
    assert get(store).environment == digest
    sink.append(encode_event(end()))
    store.end_journal(sink)
    assert open_().has_environment(digest)
    finish(store, SECOND, EnvironmentRecorded(digest, START + 1))
    later = digest_environment("other\n")
    store.append_events(FIRST, [EnvironmentRecorded(later, START + 10_000, "other\n")])
    assert get(open_()).environment == get(open_(), SECOND).environment == digest
    assert open_().find_environment(digest) == text


def a_side_file_of_an_ended_run_can_be_edited_but_not_by_an_older_event(open_: Open) -> None:
    store = open_()
    finish(store, FIRST, SideFileSet("note.md", START + 1, b"first"))
    store.append_events(FIRST, [SideFileSet("note.md", START + 20_000, b"late")])
    store.append_events(FIRST, [SideFileSet("note.md", START + 15_000, b"early")])
    assert open_().find_side_file(FIRST, "note.md") == b"late"
    assert set(get(open_()).edits) == {"side_files.note.md"}
    store.append_events(FIRST, [SideFileSet("note.md", START + 30_000, None)])
    assert open_().list_side_files(FIRST) == []
    assert get(open_()).artifacts == {}


def experiments_are_created_changed_and_listed(open_: Open) -> None:
    store = open_()
    store.change_experiment("b" * 32, [ExperimentChange(START + 1, created_name="second")])
    store.change_experiment(
        "a" * 32,
        [ExperimentChange(START, created_name="first", artifact_location="s3://x", set_tags={"team": "nlp"})],
    )
    store.change_experiment("b" * 32, [ExperimentChange(START + 2, name="renamed")])
    store.change_experiment("b" * 32, [ExperimentChange(START + 3, set_tags={"k": "v"})])
    store.change_experiment("b" * 32, [ExperimentChange(START + 4, stage="deleted", deleted_tag="k")])
    found = open_().list_experiments()
    assert [one.name for one in found] == ["Default", "first", "renamed"]
    assert (found[1].tags, found[1].artifact_location) == ({"team": "nlp"}, "s3://x")
    assert (found[2].lifecycle_stage, found[2].tags, found[2].creation_time) == ("deleted", {}, START + 1)
    assert found[2].last_update_time == START + 4
    assert open_().find_experiment("b" * 32) == found[2]


def creating_an_experiment_twice_leaves_one(open_: Open) -> None:
    store = open_()
    for name in ("first", "again"):
        store.change_experiment("a" * 32, [ExperimentChange(START, created_name=name)])
    assert [one.name for one in open_().list_experiments()] == ["Default", "first"]


def documents_are_created_changed_and_listed(open_: Open) -> None:
    store = open_()
    assert store.find_document("models", "a") is None
    assert store.list_documents("models") == []
    created = [
        DocumentChange("models", "a", START, {"name": "iris", "tags.team": "nlp", "n": [1, {"x": None}]})
    ]
    store.change_documents([*created, DocumentChange("models/deep", "b", START, {"name": "b"})], "two")
    store.change_documents(
        [DocumentChange("models", "a", START + 5, {"tags.team": None, "owner": "ada"})], "one"
    )
    for reader in (store, open_()):
        found = reader.find_document("models", "a")
        assert found is not None
        assert found.fields == {"name": "iris", "n": [1, {"x": None}], "owner": "ada"}
        assert found.latest_time == START + 5
        assert [one.document_id for one in reader.list_documents("models")] == ["a", "b"]
        assert [one.document_id for one in reader.list_documents("models/deep")] == ["b"]
        assert reader.list_documents("model") == []


def a_change_of_a_document_counts_whatever_the_clock_says(open_: Open) -> None:
    store = open_()
    for name, time in (("first", START), ("second", START - 1000), ("third", 0)):
        store.change_documents([DocumentChange("models", "a", time, {"name": name})], name)
        found = open_().find_document("models", "a")
        assert found is not None
        assert found.fields == {"name": name}


def a_removed_document_is_gone_and_may_come_again(open_: Open) -> None:
    store = open_()
    store.change_documents([DocumentChange("models", "a", START, {"name": "old", "tags.a": "1"})], "made")
    store.change_documents([DocumentChange("models", "a", START - 9, removes=True)], "removed")
    assert store.find_document("models", "a") is None
    assert open_().list_documents("models") == []
    store.change_documents([DocumentChange("models", "a", START - 9, {"name": "new"})], "made again")
    assert [one.fields for one in open_().list_documents("models")] == [{"name": "new"}]


def a_change_of_documents_elsewhere_is_seen_at_once(open_: Open) -> None:
    reader, writer = open_(), open_()
    for number in range(40):
        change = DocumentChange("models", f"{number % 30:03x}", START, {"number": number})
        writer.change_documents([change], "numbered")
        found = {one.document_id: one.fields["number"] for one in reader.list_documents("models")}
        assert found[f"{number % 30:03x}"] == number
        assert len(found) == min(number + 1, 30)


def what_no_document_can_hold_is_refused_as_a_whole(open_: Open) -> None:
    store = open_()
    fine = DocumentChange("models", "a", START, {"name": "iris"})
    with pytest.raises(UserError):
        store.change_documents([fine, DocumentChange("models", "b", START, {"name": math.nan})], "both")
    with pytest.raises(UserError):
        store.change_documents([fine, DocumentChange("models", "../b", START, {"name": "b"})], "both")
    assert open_().list_documents("models") == []


def steps_of_one_name_do_not_overlap(open_: Open) -> None:
    stores = [open_() for _ in range(4)]
    change = DocumentChange("counters", "a", START, {"count": 0})
    stores[0].change_documents([change], "begun")

    def count_up(store: Store) -> None:
        for _ in range(5):
            with store.exclusive("counting"):
                found = store.find_document("counters", "a")
                assert found is not None
                count = found.fields["count"]
                assert isinstance(count, int)
                store.change_documents(
                    [DocumentChange("counters", "a", START, {"count": count + 1})], "counted"
                )

    threads = [threading.Thread(target=count_up, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    with stores[0].exclusive("another step"):
        pass
    for thread in threads:
        thread.join()
    found = open_().find_document("counters", "a")
    assert found is not None
    assert found.fields == {"count": 20}


def every_change_moves_the_head(open_: Open) -> None:
    store = open_()
    heads = [store.head()]
    finish(store)
    heads.append(store.head())
    store.append_events(FIRST, [Renamed("other", START)])
    heads.append(store.head())
    store.change_experiment("a" * 32, [ExperimentChange(START, created_name="first")])
    heads.append(store.head())
    store.change_documents([DocumentChange("models", "a", START, {"name": "iris"})], "model iris: created")
    heads.append(store.head())
    assert len(set(heads)) == 5
    assert open_().head() == heads[-1]


def reading_changes_nothing(open_: Open) -> None:
    finish(open_(), FIRST, inline("a.txt", b"alpha"))
    head = open_().head()
    for _ in range(2):
        store = open_()
        list(store.list_runs())
        store.list_experiments()
        store.read_series(FIRST)
        store.open_content(FIRST, get(store).artifacts["a.txt"]).close()
        assert store.recover() == []
    assert open_().head() == head


LAWS: list[Law] = [
    a_new_store_is_empty,
    a_run_is_what_was_logged,
    a_run_is_found_while_it_is_written,
    nothing_is_written_to_a_journal_that_was_ended,
    an_empty_journal_leaves_nothing,
    checkpoints_keep_everything_once,
    a_checkpoint_of_nothing_new_changes_nothing,
    a_discarded_journal_leaves_what_was_there_before,
    special_values_come_back,
    equal_points_are_one,
    a_long_history_is_kept_whole,
    an_ended_run_can_be_edited,
    an_ended_run_can_go_on,
    a_deleted_run_is_still_there_and_can_be_restored,
    runs_are_listed_newest_first,
    ids_of_the_caller_are_fine,
    two_writers_of_one_run_lose_nothing,
    small_content_rides_along,
    large_content_is_kept_by_its_digest,
    content_that_is_not_here_says_so,
    a_thousand_artifacts_are_listed_and_readable,
    a_side_file_is_what_was_written_last,
    an_environment_is_stored_once_and_found_by_its_digest,
    a_side_file_of_an_ended_run_can_be_edited_but_not_by_an_older_event,
    experiments_are_created_changed_and_listed,
    creating_an_experiment_twice_leaves_one,
    documents_are_created_changed_and_listed,
    a_change_of_a_document_counts_whatever_the_clock_says,
    a_removed_document_is_gone_and_may_come_again,
    a_change_of_documents_elsewhere_is_seen_at_once,
    what_no_document_can_hold_is_refused_as_a_whole,
    steps_of_one_name_do_not_overlap,
    every_change_moves_the_head,
    reading_changes_nothing,
]
