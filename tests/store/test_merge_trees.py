"""Merging whole trees: in any order, from any side, however often: the same bytes with every point."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack, closing
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gittrack.core.event_lines import (
    encode_event,
)
from gittrack.core.events import (
    ArtifactLogged,
    ArtifactRemoved,
    LifecycleChanged,
    Renamed,
    RunResumed,
    RunStarted,
    StatusChanged,
    TagDeleted,
    TagsSet,
)
from gittrack.core.experiments import ExperimentChange
from gittrack.core.journal import encode_metrics
from gittrack.core.model import Artifact, LifecycleStage, RunStatus
from gittrack.core.paths import tombstone_path
from gittrack.store.digests import digest_bytes
from gittrack.store.git_commit import encode_commit
from gittrack.store.git_merge import TreeMerge
from gittrack.store.git_neighbour import copy_objects, write_pack
from gittrack.store.git_pack import make_object
from tests.exchanging import TIME
from tests.repositories import IDENTITY, RUNS_REF, make_repository, open_store
from tests.strategies import to_points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittrack.core.events import Event
    from gittrack.store.git_pack import GitObject
    from gittrack.store.git_store import GitStore

RUNS = [f"{number:032x}" for number in (1, 2, 0x1001)]
"""Two of them lie in one folder of the tree."""
LONG = 16_000
"""Points enough for a history of many segments."""

KINDS = "start points many tag untag rename stage file unfile end bury group".split()
Action: TypeAlias = tuple[str, int, int]
actions = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, len(RUNS) - 1), st.integers(0, 5)), max_size=6
)


def act(store: GitStore, action: Action, time: int) -> None:
    """Do one thing to a run."""
    kind, number = action[0], action[2]
    run_id = RUNS[action[1]]
    content = b"content %d" % (number % 3)
    artifact = Artifact(f"file{number % 2}", digest_bytes(content), len(content), inline=True)
    events: dict[str, list[Event]] = {
        "start": [RunStarted(run_id, "0", f"run {number}", TIME + number, tags={"by": str(number)})],
        "tag": [TagsSet({f"tag{number % 2}": str(number)}, time)],
        "untag": [TagDeleted(f"tag{number % 2}", time)],
        "rename": [Renamed(f"name {number}", time)],
        "stage": [LifecycleChanged(list(LifecycleStage)[number % 2], time)],
        "file": [ArtifactLogged(artifact, time, content)],
        "unfile": [ArtifactRemoved(artifact.path, time)],
        "end": [RunResumed(time), StatusChanged(RunStatus.FINISHED, time + 1, time + 1)],
    }
    if kind == "bury":
        store.bury_runs([run_id], TIME)
    elif kind == "group":
        change = ExperimentChange(time, created_name="group", set_tags={f"tag{number % 2}": str(number)})
        store.change_experiment("7" * 32, [change])
    else:
        sink = store.open_journal(run_id)
        for event in events.get(kind, ()):
            sink.append(encode_event(event))
        for step in range({"many": LONG, "points": 1 + number}.get(kind, 0)):
            sink.append(encode_metrics({"loss": step / 7 + number}, step, TIME + number))
        store.end_journal(sink)


@pytest.mark.timeout(900)  # each example writes four repositories, some with tens of thousands of points
@settings(max_examples=20)
@given(shared=actions, sides=st.tuples(actions, actions, actions))
def test_trees_merge_to_the_same_bytes_in_any_order(
    shared: list[Action], sides: tuple[list[Action], ...]
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="gittrack-merge-"))
    try:
        with ExitStack() as stack:
            check(folder, stack, [("start", 0, 0), *shared], sides)
    finally:
        shutil.rmtree(folder)


def check(folder: Path, stack: ExitStack, shared: list[Action], sides: Sequence[list[Action]]) -> None:
    with closing(open_store(make_repository(folder / "base"))) as store:
        for place, action in enumerate(shared):
            act(store, action, TIME + 10 + place)
    stores = []
    for side, todo in enumerate(sides):
        shutil.copytree(folder / "base", folder / str(side))
        stores.append(stack.enter_context(closing(open_store(folder / str(side)))))
        for place, action in enumerate(todo):
            act(stores[-1], action, TIME + 1000 + 10 * side + place * 100)
    home = stores[0].objects
    for store in stores[1:]:
        write_pack(home, copy_objects(store.objects, [store.head() or ""], [stores[0].head() or ""]))
    a, b, c = trees = [store.objects.read_commit(store.head() or "").tree for store in stores]
    known: dict[str, GitObject] = {}

    def merge(ours: str, theirs: str) -> str:
        merging = TreeMerge(home)
        merging.new.update(known)
        merged = merging.merge(ours, theirs)
        known.update(merging.new)
        return merged

    assert merge(a, a) == a
    assert merge(a, b) == merge(b, a)
    results = {merge(merge(*order[:2]), order[2]) for order in permutations((a, b, c))}
    results |= {merge(order[0], merge(*order[1:])) for order in permutations((a, b, c))}
    assert len(results) == 1
    (merged,) = results
    assert merge(merged, a) == merged
    points = {run_id: {point for one in stores for point in points_of(one, run_id)} for run_id in RUNS}
    buried = {run_id for run_id in RUNS for tree in trees if home.find(tree, tombstone_path(run_id))}
    take_up(stores[0], merged, list(known.values()))
    for run_id in RUNS:
        assert points_of(stores[0], run_id) == (set() if run_id in buried else points[run_id])
        run = stores[0].find_run(run_id)
        if run is not None and "loss" in run.metrics:
            assert run.metrics["loss"].count == len(points[run_id])


def points_of(store: GitStore, run_id: str) -> set[tuple[str, int, int, str]]:
    return set(to_points(store.read_series(run_id)))


def take_up(store: GitStore, tree: str, new: list[GitObject]) -> None:
    """Move a store to a tree."""
    tip = store.head()
    text = encode_commit(tree, [tip or ""], IDENTITY, TIME // 1000 + 10**6, "merged")
    commit = make_object("commit", text, store.objects.hash_name)
    write_pack(store.objects, [*new, commit])
    assert store.objects.swap_ref(RUNS_REF, tip, commit.oid, "merged")
