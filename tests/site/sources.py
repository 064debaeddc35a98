"""A store of invented runs, the same every time."""

from __future__ import annotations

import hashlib
import json
import math
import random
import struct
import zlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from gittrack.core.inputs import Dataset, DatasetInput, InputTag
from gittrack.core.model import Artifact, Code, Experiment, MetricSummary, Run, RunStatus
from gittrack.core.registry import ModelVersion, RegisteredModel
from gittrack.core.series import Series
from gittrack.core.views import VIEWS_FILE, encode_views
from gittrack.errors import ArtifactNotFoundError, NotFoundError

if TYPE_CHECKING:
    from gittrack.tracking.verify import Verification

DAY_MS = 86_400_000
NEWEST = 1_760_150_100_000
"""2025-10-11, when the newest invented run started."""

ADJECTIVES = """
    happy swift quick tidy icy bold rapid noble brave gentle eager wise sharp zesty amber shy jolly
    spry fancy calm
    """.split()
ANIMALS = (
    "vole swan toad bat zebu orca puma lark owl jay fox deer cat hare mole crab moth koi frog quail"
).split()
HIGHER = ("train/acc", "val/acc", "val/f1", "val/precision", "val/recall", "val/auc", "test/acc", "test/f1")
LOWER = ("train/loss", "val/loss", "test/loss", "ece", "brier")
SYSTEM = ("lr", "grad_norm", "epoch_time", "gpu_util", "gpu_mem", "cpu_util", "throughput")
HOSTILE = "</script><img src=x onerror=alert(1)>\u2028'\"`\\ ${x} {{ 7*7 }} 🦊 مرحبا 漢字"


@dataclass
class MemorySource:
    """A `gittrack.site.source.Source` that is a few dictionaries."""

    runs: list[Run] = field(default_factory=list)
    experiments: list[Experiment] = field(default_factory=list)
    series: dict[str, dict[str, Series]] = field(default_factory=dict)
    content: dict[tuple[str, str], bytes] = field(default_factory=dict)
    side_files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    verifications: dict[str, Verification] = field(default_factory=dict)
    models: list[RegisteredModel] = field(default_factory=list)
    versions: list[ModelVersion] = field(default_factory=list)
    environments: dict[str, str] = field(default_factory=dict)
    trees: dict[str, str] = field(default_factory=dict)
    folders: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    code: dict[str, bytes] = field(default_factory=dict)
    commit: str | None = "4c0ffee1deadbeef4c0ffee1deadbeef4c0ffee1"
    name: str = "vision/cifar"
    committed: dict[str, bytes] = field(default_factory=dict)
    """Path → content of files of the commit that is checked out."""
    pasts: dict[str, MemorySource] = field(default_factory=dict)
    """Commit of the hidden branch → what there was."""
    reads: list[str] = field(default_factory=list)
    """Run ids whose series were asked for."""

    def head(self) -> str | None:
        """Return the invented commit."""
        return self.commit

    def repository_name(self) -> str:
        """Return the invented name."""
        return self.name

    def list_experiments(self) -> list[Experiment]:
        """Return the experiments."""
        return list(self.experiments)

    def list_runs(self) -> list[Run]:
        """Return the runs, newest first."""
        return sorted(self.runs, key=lambda run: -run.start_time)

    def list_late_runs(self) -> list[Run]:
        """Return the same."""
        return self.list_runs()

    def get_series(self, run_id: str) -> dict[str, Series]:
        """Return a run's histories."""
        self.reads.append(run_id)
        return self.series.get(run_id, {})

    def open_past(self, commit: str) -> MemorySource:
        """Return the runs of a commit.

        Raises:
            NotFoundError: There is no such commit.
        """
        if commit not in self.pasts:
            message = f"no commit {commit[:12]} of refs/gittrack/runs in this clone"
            raise NotFoundError(message, hint="`gittrack pull` brings it")
        return self.pasts[commit]

    def list_committed(self, folder: str) -> list[str]:
        """Return the paths of the files right in a folder."""
        return sorted(path for path in self.committed if path.rpartition("/")[0] == folder)

    def read_committed(self, path: str) -> bytes | None:
        """Return a file's content."""
        return self.committed.get(path)

    def find_side_file(self, run_id: str, name: str) -> bytes | None:
        """Return a file that lies beside a run."""
        return self.side_files.get((run_id, name))

    def list_side_files(self, run_id: str) -> list[str]:
        """Return the names of the files that lie beside a run."""
        return sorted(name for owner, name in self.side_files if owner == run_id)

    def list_registered_models(self) -> list[RegisteredModel]:
        """Return the models."""
        return list(self.models)

    def list_model_versions(self) -> list[ModelVersion]:
        """Return their versions."""
        return list(self.versions)

    def read_artifact(self, run_id: str, path: str, *, fetch: bool = True) -> bytes:  # noqa: ARG002  (nothing is elsewhere)
        """Return an artifact's content.

        Raises:
            ArtifactNotFoundError: It is not here.
        """
        try:
            return self.content[run_id, path]
        except KeyError:
            message = f"no artifact {path!r}"
            raise ArtifactNotFoundError(message) from None

    def find_environment(self, digest: str) -> str | None:
        """Return an environment."""
        return self.environments.get(digest)

    def find_code_tree(self, commit: str) -> str | None:
        """Return a commit's tree."""
        return self.trees.get(commit)

    def find_code_folder(self, tree: str) -> dict[str, tuple[int, str]] | None:
        """Return a folder of code."""
        return self.folders.get(tree)

    def find_code_file(self, blob: str) -> bytes | None:
        """Return a file of code."""
        return self.code.get(blob)

    def verify_run(self, run_id: str) -> Verification:
        """Return what was said of the run.

        Raises:
            KeyError: Nothing was.
        """
        return self.verifications[run_id]

    def add(
        self, run: Run, series: dict[str, Series] | None = None, files: dict[str, bytes] | None = None
    ) -> None:
        """Add a run; its summaries and manifest are computed from what it holds."""
        series = series or {}
        artifacts = dict(run.artifacts)
        for path, content in (files or {}).items():
            artifacts[path] = Artifact(
                path, hashlib.blake2b(content, digest_size=32).hexdigest(), len(content), inline=True
            )
            self.content[run.run_id, path] = content
        metrics = {key: summarise(column) for key, column in series.items() if column.steps}
        self.runs.append(replace(run, metrics=metrics, artifacts=artifacts))
        self.series[run.run_id] = series


def summarise(series: Series) -> MetricSummary:
    """Return a history's summary."""
    last = max(range(len(series.steps)), key=lambda i: (series.steps[i], series.times[i]))
    real = [i for i, value in enumerate(series.values) if not math.isnan(value)]
    low = min(real, key=series.values.__getitem__, default=last)
    high = max(real, key=series.values.__getitem__, default=last)
    return MetricSummary(
        last=series.values[last],
        last_step=series.steps[last],
        last_time=series.times[last],
        min=series.values[low],
        min_step=series.steps[low],
        max=series.values[high],
        max_step=series.steps[high],
        count=len(series.steps),
    )


def make_series(values: list[float], *, start: int = NEWEST) -> Series:
    """Return a history with steps from 0."""
    return Series(list(range(len(values))), [start + 1000 * i for i in range(len(values))], values)


def make_run(number: int, **changes: object) -> Run:
    """Return the run of that number, with some fields changed."""
    start = NEWEST - 13 * 60_000 * number
    identity = hashlib.sha256(str(number).encode()).hexdigest()
    name = f"{ADJECTIVES[number * 7 % 20]}-{ANIMALS[number * 11 % 20]}-{number}"
    run = Run(
        run_id=f"{start:012x}{identity[:20]}",
        name=name,
        experiment_id="0" if number % 4 == 3 else "e" * 32,
        status=RunStatus.FINISHED,
        start_time=start,
        end_time=start + 3_600_000 + 21_000 * (number % 17),
        user=("ada", "grace", "linus")[number % 3],
        code=Code(
            identity[:40],
            "main",
            dirty=number % 5 == 0,
            remote="https://example.org/vision/cifar.git",
            entry="train.py",
        ),
    )
    return replace(run, **changes)  # type: ignore[arg-type]


def make_source(count: int, *, points: int = 200, files: int = 1_000_000) -> MemorySource:
    """Return a store of ``count`` runs of a sweep, the first ``files`` of them with artifacts."""
    source = MemorySource(experiments=[Experiment("0", "Default"), Experiment("e" * 32, "cifar-sweep")])
    for number in range(count):
        add_sweep_run(source, number, points=points, with_files=number < files)
    return source


def add_sweep_run(source: MemorySource, number: int, *, points: int = 200, with_files: bool = True) -> Run:
    """Add the run of that number with all a run of a sweep has."""
    chance = random.Random(number)
    params = invent_params(chance)
    status = {5: RunStatus.FAILED, 11: RunStatus.KILLED, 0: RunStatus.RUNNING}.get(
        number % 41, RunStatus.FINISHED
    )
    changes: dict[str, object] = {
        "params": params,
        "tags": {"team": "vision", "gpu": "H200"},
        "status": status,
    }
    if status is RunStatus.RUNNING:
        changes["end_time"] = None
    elif status is not RunStatus.FINISHED:
        changes["reason"] = "CUDA out of memory" if status is RunStatus.FAILED else "killed"
    if number % 9 == 0:
        changes["tags"] = {
            "team": "vision",
            "gpu": "H200",
            "mlflow.note.content": "Second try.\n\nLonger *warmup* helps.",
        }
    run = make_run(number, **changes)
    source.add(
        run,
        invent_series(chance, params, points, run.start_time),
        invent_files(chance) if with_files else None,
    )
    return run


def add_models_and_data(source: MemorySource, run: Run) -> None:
    """Register a model that a run made, and say which data all runs read."""
    source.models = [RegisteredModel("digits <b>", 1, 2, aliases={"champion": 2}, tags={"task": "vision"})]
    source.versions = [
        ModelVersion("digits <b>", 1, 1, 2, run_id="gone", source="runs:/gone/model"),
        ModelVersion("digits <b>", 2, 3, 4, run_id=run.run_id, description="the good one"),
    ]
    schema = json.dumps({"mlflow_colspec": [{"name": "pixel", "type": "double"}]})
    dataset = Dataset(
        "mnist", "abc123", "http", '{"url": "https://example.org/mnist"}', schema, '{"num_rows": 9}'
    )
    one = DatasetInput(dataset, (InputTag("mlflow.data.context", "training"),))
    source.runs = [replace(run, datasets={one.key: one}) for run in source.runs]


PAST = "a" * 40
REPORT = f"""---
runs: {PAST}
---
# Sizes

![A plot](plots/a.png) and [another](other.md), [the code](../train.py), [the web](https://example.org).

```gittrack table
columns: val/acc, params.lr
```

```gittrack curves
metric: val/loss
```

```gittrack scatter
x: params.lr
y: val/acc
```
"""
EVERYTHING = """# Everything

Text, *emphasis*, `code`, a [link](sizes.md).

> A quotation.

1. one
2. two

| a | b |
|---|--:|
| c | 2 |

## Blocks

```gittrack compare
filter: params.model = 'vit-b'
limit: 3
```

```gittrack bar
x: params.model
y: val/acc.best
title: By model
```

```gittrack curves
metric: val/acc, val/loss
limit: 12
```

```gittrack table
group: params.model
columns: val/acc
```

```python
print("text")
```

```gittrack table
filtr: x
```
"""


def add_reports(source: MemorySource, past: MemorySource) -> MemorySource:
    """Give a store reports, one of them about the runs of another one, as those of the past; return it."""
    source.pasts[PAST] = past
    source.committed |= {
        "reports/everything.md": EVERYTHING.encode(),
        "reports/sizes.md": REPORT.encode(),
        "reports/other.md": b"No heading\n\n```gittrack table\n```\n",
        "reports/plots/a.png": make_png(7),
        "reports/notes.txt": b"no report",
        VIEWS_FILE: encode_views(
            {"Good & quick": "runs.html#q=metrics.val/acc+%3E+0.8", "First": "charts.html#q=a"}
        ),
    }
    return source


def invent_params(chance: random.Random) -> dict[str, object]:
    """Return twenty params, nested ones among them."""
    rate = 10 ** chance.uniform(-4.5, -1)
    return {
        "lr": float(f"{rate:.3g}"),
        "batch_size": chance.choice([16, 32, 64, 128, 256, 512]),
        "weight_decay": float(f"{10 ** chance.uniform(-6, -2):.3g}"),
        "dropout": round(chance.uniform(0, 0.5), 2),
        "optimizer": {"name": chance.choice(["adam", "adamw", "lion", "sgd"]), "betas": [0.9, 0.999]},
        "scheduler": chance.choice(["cosine", "linear", "step", "constant"]),
        "warmup_steps": chance.choice([0, 100, 200, 300, 400]),
        "model": chance.choice(["convnext-t", "resnet18", "resnet50", "vit-b", "vit-s"]),
        "depth": chance.randint(8, 24),
        "width": chance.choice([128, 192, 256, 512, 576]),
        "seed": chance.randint(0, 6),
        "dataset": chance.choice(["cifar10", "cifar100", "tiny-imagenet"]),
        "augment": chance.choice(["none", "mixup", "randaug"]),
        "label_smoothing": chance.choice([0, 0.05, 0.1]),
        "ema": chance.random() < 0.5,
        "clip": 1.0,
        "epochs": 200,
        "amp": "bf16",
        "init": {"gain": 1.0, "mode": "fan_in"},
    }


def invent_series(
    chance: random.Random, params: dict[str, object], points: int, start: int
) -> dict[str, Series]:
    """Return twenty histories that look like training."""
    rate = params["lr"]
    assert isinstance(rate, float)
    fit = math.exp(-((math.log10(rate) + 2.6) ** 2) / 1.6)
    top = min(0.985, 0.6 + 0.3 * fit + chance.uniform(-0.05, 0.1))
    speed = chance.uniform(8, 60)
    floor = 0.2 + (1 - top) * 0.5
    made: dict[str, list[float]] = {}
    for key in HIGHER:
        goal = top - chance.uniform(0, 0.04)
        made[key] = [goal * (1 - math.exp(-i / speed)) + chance.gauss(0, 0.014) for i in range(points)]
    for key in LOWER:
        begin = chance.uniform(0.9, 1.8)
        made[key] = [floor + begin * math.exp(-i / speed) + chance.gauss(0, 0.025) for i in range(points)]
    made["lr"] = [rate * (1 + math.cos(math.pi * i / points)) / 2 for i in range(points)]
    for key, middle, width in (
        ("grad_norm", 0.4, 0.1),
        ("epoch_time", 62, 3),
        ("gpu_util", 88, 4),
        ("gpu_mem", 61, 0.5),
        ("cpu_util", 35, 8),
        ("throughput", 2400, 90),
    ):
        made[key] = [chance.gauss(middle, width) for _ in range(points)]
    return {key: make_series(values, start=start) for key, values in made.items()}


def invent_files(chance: random.Random) -> dict[str, bytes]:
    """Return small artifacts of every kind that has a preview."""
    rows = "".join(f"{i},{chance.random():.4f},{chance.choice(['cat', 'dog'])}\n" for i in range(80))
    return {
        "model/config.json": b'{"depth": 12, "width": 384, "name": "vit-b"}',
        "plots/confusion_matrix.png": make_png(chance.randrange(256)),
        "predictions/test.csv": b"id,score,label\n" + rows.encode(),
        "README.md": b"# Notes\n\n<script>alert(1)</script> stays text.\n",
        "requirements.lock": b"numpy==2.4.6\ntorch==2.9.0\n",
        "model/best.safetensors": bytes(4096),
    }


def make_png(shade: int, size: int = 64) -> bytes:
    """Return a small picture."""
    rows = b"".join(
        b"\0" + b"".join(bytes((shade, (x * 4) % 256, (y * 4) % 256)) for x in range(size))
        for y in range(size)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def make_odd_source() -> MemorySource:
    """Return runs with everything that is unusual."""
    source = MemorySource(experiments=[Experiment("0", HOSTILE)], name=HOSTILE)
    source.add(make_run(0, experiment_id="0", name="nothing at all", metrics={}))
    source.add(make_run(1, experiment_id="0", name="one point"), {"val/acc": make_series([0.5])})
    diverged = [1.0, math.nan, math.inf, -math.inf, 2.0, math.nan]
    source.add(make_run(2, experiment_id="0", name="diverged"), {"val/acc": make_series(diverged)})
    source.add(make_run(3, experiment_id="0", name="all NaN"), {"val/acc": make_series([math.nan] * 3)})
    for number in (4, 5):
        source.add(
            make_run(number, experiment_id="0", name="same name"), {"val/acc": make_series([0.1, 0.2])}
        )
    hostile = make_run(
        6,
        experiment_id="0",
        name=HOSTILE,
        user=HOSTILE,
        reason=HOSTILE,
        params={HOSTILE: HOSTILE, "a.b": 1, "a": {"b": 2, "c[0]": None}, "lr": "1e-3"},
        tags={HOSTILE: HOSTILE, "mlflow.note.content": HOSTILE},
    )
    hostile_files = {
        "<b>.md": HOSTILE.encode(),
        "x.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "bad.png": b"no picture",
    }
    source.add(
        hostile, {HOSTILE: make_series([1.0, 2.0]), "a.b[0]\\'": make_series([3.0, 4.0])}, hostile_files
    )
    source.add(make_run(7, experiment_id="0", run_id="../../up & away?#%", name="", parent=hostile.run_id))
    huge = {"val/acc": make_series([1e308, -1e308]), "steps": Series([2**62, -(2**62)], [1, 2], [0.0, 1.0])}
    source.add(make_run(8, experiment_id="0", name="huge", parent=hostile.run_id), huge)
    return source
