"""Hypothesis strategies of everything that can happen to a run."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from hypothesis import strategies as st

from gittrack.core.content import Chunk, Extent, Recipe
from gittrack.core.event_lines import (
    encode_event,
)
from gittrack.core.events import (
    ArtifactLogged,
    ArtifactRemoved,
    ArtifactUsed,
    EnvironmentRecorded,
    Event,
    FolderLogged,
    InputsLogged,
    LifecycleChanged,
    OutputsLogged,
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
from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from gittrack.core.journal import encode_metrics
from gittrack.core.model import (
    TAG_PARENT,
    TAG_RUN_NAME,
    Artifact,
    Code,
    Experiment,
    LifecycleStage,
    MetricSummary,
    Run,
    RunStatus,
)
from gittrack.core.series import Series
from gittrack.store.digests import digest_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN_ID = "0197a8c0ffee00000000000000000abc"

Point: TypeAlias = tuple[str, int, int, float]
"""Key, step, time and value."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of metrics in a journal."""

    values: Mapping[str, float]
    step: int
    time: int

    def encode(self) -> bytes:
        return encode_metrics(self.values, self.step, self.time)


def encode_item(item: Event | Row) -> bytes:
    """Return the line of an event or of metrics."""
    return item.encode() if isinstance(item, Row) else encode_event(item)


times = st.integers(0, 2**43) | st.integers(0, 5)
steps = st.integers(0, 20) | st.integers(-(2**63), 2**63 - 1)
values = (
    st.floats()
    | st.floats(width=32)
    | st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 1e308, 5e-324])
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
keys = st.sampled_from(["loss", "val/acc", "acc", "größe", "lr.0", "a b:c"]) | st.from_regex(
    r"\A[a-zA-Zäß0-9_\-][/\w.\- :]{0,8}[a-z]\Z"
)
ids = st.text("0123456789abcdef", min_size=32, max_size=32)
plain_params = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
)
params: st.SearchStrategy[Any] = st.recursive(
    plain_params,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
side_names = st.sampled_from(["environment.txt", "console.txt", "signature.json"])
paths = st.sampled_from(["model.pt", "plots/roc.png", "plots/a/b.txt", "README.md"])
tag_keys = keys | st.sampled_from([TAG_RUN_NAME, TAG_PARENT])
codes = st.builds(
    Code,
    st.none() | ids,
    st.none() | texts,
    st.none() | st.booleans(),
    st.none() | texts,
    st.none() | texts,
    st.none() | ids,
    st.none() | ids,
    st.integers(0, 9),
    st.integers(0, 9),
    st.none() | texts,
).filter(lambda code: code != Code())


datasets = st.builds(
    DatasetInput,
    st.builds(
        Dataset,
        st.sampled_from(["iris", "wine"]),
        st.sampled_from(["0a", "0b"]),
        texts,
        texts,
        st.none() | texts,
        st.none() | texts,
    ),
    st.lists(st.builds(InputTag, keys, texts), max_size=2, unique_by=lambda tag: tag.key).map(tuple),
    st.none() | st.just("dataset-0a.json"),
)
model_ids = st.sampled_from(["m-1", "m-2", "m-3"])


@st.composite
def artifacts_logged(draw: st.DrawFn) -> ArtifactLogged:
    content = draw(st.binary(max_size=40))
    inline = draw(st.booleans())
    artifact = Artifact(draw(paths), digest_bytes(content), len(content), inline)
    return ArtifactLogged(artifact, draw(times), content if inline else None)


hex_digests = st.sampled_from(["0a" * 32, "f1" * 32])
uris = st.builds("runs:/{}/{}".format, st.sampled_from(["a1", "b2"]), paths)


@st.composite
def folders_logged(draw: st.DrawFn) -> FolderLogged:
    files = draw(st.lists(st.tuples(paths, st.binary(max_size=9)), min_size=1, max_size=4))
    artifacts = tuple(Artifact(path, digest_bytes(content), len(content)) for path, content in files)
    return FolderLogged(artifacts, draw(times))


@st.composite
def references_logged(draw: st.DrawFn) -> ArtifactLogged:
    digest = draw(st.sampled_from(["", "sha256:00ff", "etag:W/1-2"]))
    uri = draw(st.sampled_from(["s3://data/train", "https://example.org/é.csv"]))
    return ArtifactLogged(Artifact(draw(paths), digest, draw(st.integers(0, 10**12)), uri=uri), draw(times))


def environment_recorded(text: str, time: int, with_text: bool) -> EnvironmentRecorded:
    return EnvironmentRecorded(digest_environment(text), time, text if with_text else None)


starts = st.builds(
    RunStarted,
    run_id=st.just(RUN_ID),
    experiment_id=ids,
    name=texts,
    time=times,
    user=texts,
    source=st.none() | texts,
    parent=st.none() | ids,
    code=st.none() | codes,
    tags=st.dictionaries(tag_keys, texts, max_size=3),
)
edits: st.SearchStrategy[Event] = (
    st.builds(RunResumed, times)
    | st.builds(ParamsLogged, st.dictionaries(keys, params, max_size=3), times)
    | st.builds(TagsSet, st.dictionaries(tag_keys, texts, max_size=3), times)
    | st.builds(TagDeleted, tag_keys, times)
    | artifacts_logged()
    | references_logged()
    | folders_logged()
    | st.builds(ArtifactRemoved, paths, times)
    | st.builds(ArtifactUsed, uris, hex_digests, times)
    | st.builds(environment_recorded, texts, times, st.booleans())
    | st.builds(SideFileSet, side_names, times, st.none() | st.binary(max_size=20))
    | st.builds(StatusChanged, st.sampled_from(RunStatus), times, st.none() | times, st.none() | texts)
    | st.builds(Renamed, texts, times)
    | st.builds(
        InputsLogged,
        st.lists(datasets, max_size=2).map(tuple),
        st.lists(model_ids, max_size=2).map(tuple),
        times,
    )
    | st.builds(OutputsLogged, st.dictionaries(model_ids, steps, max_size=2), times)
    | st.builds(LifecycleChanged, st.sampled_from(LifecycleStage), times)
)
events: st.SearchStrategy[Event] = starts | edits
rows = st.builds(Row, st.dictionaries(keys, values, min_size=1, max_size=4), steps, times)
items: st.SearchStrategy[Event | Row] = events | rows

summaries = st.builds(
    MetricSummary, values, steps, times, values, steps, values, steps, st.integers(1, 10**9)
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    artifacts = draw(st.lists(artifacts_logged() | references_logged(), max_size=3))
    return Run(
        run_id=draw(ids),
        name=draw(texts),
        experiment_id=draw(ids),
        status=draw(st.sampled_from(RunStatus)),
        start_time=draw(times),
        end_time=draw(st.none() | times),
        lifecycle_stage=draw(st.sampled_from(LifecycleStage)),
        reason=draw(st.none() | texts),
        user=draw(texts),
        source=draw(st.none() | texts),
        parent=draw(st.none() | ids),
        code=draw(st.none() | codes),
        environment=draw(st.none() | ids),
        params=draw(st.dictionaries(keys, params, max_size=4)),
        metrics=draw(st.dictionaries(keys, summaries, max_size=4)),
        tags=draw(st.dictionaries(keys, texts, max_size=4)),
        artifacts={one.artifact.path: one.artifact for one in artifacts},
        datasets={one.key: one for one in draw(st.lists(datasets, max_size=2))},
        used=draw(st.dictionaries(uris, hex_digests, max_size=2)),
        model_inputs=tuple(sorted(draw(st.sets(model_ids, max_size=2)))),
        model_outputs=draw(st.dictionaries(model_ids, steps, max_size=2)),
        edits=draw(st.dictionaries(texts, texts, max_size=3)),
    )


experiments = st.builds(
    Experiment,
    experiment_id=ids,
    name=texts,
    lifecycle_stage=st.sampled_from([stage.value for stage in LifecycleStage]),
    creation_time=times,
    last_update_time=times,
    tags=st.dictionaries(keys, texts, max_size=3),
    artifact_location=texts,
    edits=st.dictionaries(texts, texts, max_size=3),
)
changes = st.builds(
    ExperimentChange,
    time=times,
    created_name=st.none() | texts,
    artifact_location=st.none() | texts,
    name=st.none() | texts,
    stage=st.none() | st.sampled_from([stage.value for stage in LifecycleStage]),
    set_tags=st.none() | st.dictionaries(keys, texts, max_size=3),
    deleted_tag=st.none() | keys,
)

points: st.SearchStrategy[Point] = st.tuples(st.sampled_from(["loss", "val/acc", "lr"]), steps, times, values)
few_points: st.SearchStrategy[Point] = st.tuples(
    st.sampled_from(["loss", "lr"]),
    st.integers(-1, 2),
    st.integers(0, 2),
    st.sampled_from([0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf]),
)
"""So few that equal ones, and equal in part, are common."""
point_lists = st.lists(points, max_size=30) | st.lists(few_points, max_size=30)


def to_histories(points: list[Point]) -> dict[str, Series]:
    """Return points as series, in the order in which they come."""
    histories: dict[str, Series] = {}
    for key, step, time, value in points:
        series = histories.setdefault(key, Series())
        series.steps.append(step)
        series.times.append(time)
        series.values.append(value)
    return histories


def to_points(histories: Mapping[str, Series]) -> list[tuple[str, int, int, str]]:
    """Return series as points whose values can be compared: NaN equals NaN, -0.0 is not 0.0."""
    return [
        (key, step, time, repr(value))
        for key, series in histories.items()
        for step, time, value in zip(series.steps, series.times, series.values, strict=True)
    ]


chunks = st.builds(Chunk, st.integers(1, 10**6), hex_digests)


@st.composite
def extents(draw: st.DrawFn) -> Extent:
    inside = tuple(draw(st.lists(chunks, min_size=1, max_size=3)))
    offset, rest = draw(st.integers(0, 100)), draw(st.integers(0, 100))
    size = offset + sum(chunk.size for chunk in inside) + rest
    return Extent(draw(hex_digests), size, offset, inside)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    """Recipes of one and the same content."""
    some = tuple(draw(st.lists(extents(), max_size=3)))
    where = draw(st.sets(st.sampled_from(["git", "bucket", "disk"]), max_size=3))
    return Recipe("0a" * 32, sum(extent.size for extent in some), some, tuple(sorted(where)))
