"""What finding runs costs among very many, each figure next to MLflow's SQLite store where it is installed.

With MLflow: run these in an environment that has it, e.g. ``.venv-mlflow/bin/python -m pytest -m benchmark``.
MLflow's figures are of as many runs as it can be given in reasonable time; ours are taken again at that size.
Times are those of the processor, which others on a shared machine change least, and in brackets by the clock.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from gittrack.tracking.client import Client
from tests.benchmarks.many_runs import log_to_mlflow, make_many
from tests.benchmarks.test_store import short_run
from tests.cli.conftest import environment
from tests.repositories import make_repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.benchmarks.conftest import Report

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore"),  # MLflow's own
]

ROOT = Path(__file__).parents[2]
HAS_MLFLOW = importlib.util.find_spec("mlflow") is not None
OURS = "metrics.metric3 > 0.5 AND params.param2 = 0.1"
THEIRS = "metrics.metric3 > 0.5 AND params.param2 = '0.1'"
ORDER = ["metrics.metric7 DESC"]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory, scale: float) -> tuple[Path, int]:
    """Return a repository of very many runs, and how many."""
    count = max(int(100_000 * scale), 200)
    return make_many(tmp_path_factory.mktemp("many") / "repo", count), count


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, scale: float) -> tuple[Path, Path, int]:
    """Return a repository and a database of MLflow with the same runs, and how many."""
    if not HAS_MLFLOW:
        pytest.skip("mlflow is not installed here")
    count = max(int(10_000 * scale), 50)
    folder = tmp_path_factory.mktemp("both")
    os.environ.update(DO_NOT_TRACK="true", MLFLOW_DISABLE_TELEMETRY="true")
    log_to_mlflow(folder / "mlflow.db", count)
    return make_many(folder / "repo", count), folder / "mlflow.db", count


class Cost(NamedTuple):
    """Seconds that something took."""

    cpu: float
    """Of the processor, for this process and those that it started."""
    wall: float

    @property
    def ms(self) -> str:
        return f"{self.cpu * 1e3:.0f} ms ({self.wall * 1e3:.0f})"

    @property
    def s(self) -> str:
        return f"{self.cpu:.2f} s ({self.wall:.2f})"


def cost_of(measure: Callable[[], object]) -> Cost:
    begun, started = cpu_s(), time.perf_counter()
    measure()
    return Cost(cpu_s() - begun, time.perf_counter() - started)


def median_of(costs: Iterable[Cost]) -> Cost:
    cpu, wall = zip(*costs, strict=True)
    return Cost(statistics.median(cpu), statistics.median(wall))


def median_cost(measure: Callable[[], object], repeat: int = 9) -> Cost:
    measure()
    return median_of([cost_of(measure) for _ in range(repeat)])


def cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


MEASURE = """
import json, re, resource, sys, time
def peak():  # of this program: what the system counts for a process begins with the one that started it
    return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
{setup}
def cpu():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)
before, begun, started = peak(), cpu(), time.perf_counter()
{what}
print(json.dumps([cpu() - begun, time.perf_counter() - started, (peak() - before) / 1024]))
"""
OURS_SETUP = (
    "import pandas, gittrack; gittrack.set_tracking_uri(sys.argv[1]); gittrack.search_runs(max_results=1)"
)
MLFLOW_SETUP = """
import pandas, mlflow
mlflow.set_tracking_uri("sqlite:///" + sys.argv[1])
mlflow.search_runs(["0"], max_results=1)
"""


def measure_apart(setup: str, what: str, place: Path) -> tuple[Cost, float]:
    """Return what it took, and by how many MiB the peak of memory rose, in a process of its own."""
    script = MEASURE.format(setup=setup, what=what)
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "DO_NOT_TRACK": "true"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(place)],
        cwd=place.parent, env=variables, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    cpu, wall, memory = json.loads(done.stdout.splitlines()[-1])
    return Cost(cpu, wall), memory


def size_mb(*paths: Path) -> float:
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))]
    return sum(file.stat().st_size for file in files if file.is_file()) / 1e6


def test_the_index_of_all_runs_is_built(many: tuple[Path, int], report: Report) -> None:
    repository, count = many
    index = repository / ".git" / "gittrack" / "index.sqlite"
    index.unlink(missing_ok=True)
    setup = (
        "from gittrack.tracking.client import Client; client = Client(sys.argv[1]); client.list_experiments()"
    )
    spent, memory = measure_apart(setup, "client.search_runs(max_results=1)", repository)
    branch = size_mb(repository / ".git" / "objects")
    report(f"index of {count:,} runs built in {spent.s} (≤ 60 s), {memory:.0f} MiB more memory")
    report(f"on disk: index {size_mb(index):.0f} MB, branch {branch:.0f} MB")


def test_a_filter_on_a_metric_and_a_param_ordered_by_a_metric(many: tuple[Path, int], report: Report) -> None:
    repository, count = many
    with closing(Client(repository)) as client:
        queries = {
            "filter and order, first 100": {"filter_string": OURS, "order_by": ORDER},
            "the same, 1 run in 1,000 fits": {
                "filter_string": OURS.replace("0.5", "0.995"), "order_by": ORDER
            },
            "ordered by a param": {"filter_string": OURS, "order_by": ["params.param7"]},
            "each of two clauses fits 1 in 10": {
                "filter_string": "metrics.metric3 > 0.9 AND tags.tag1 = 'value 3'", "order_by": ORDER
            },
            "OR, NOT and LIKE": {"filter_string": "NOT tags.tag1 LIKE '%3' OR metrics.metric1.min < 0.01"},
            "no filter": {},
        }  # fmt: skip
        for name, query in queries.items():
            spent = median_cost(lambda query=query: client.search_runs(max_results=100, **query))  # type: ignore[misc]
            report(f"{name} of {count:,}: {spent.ms} (≤ 50 ms)")


def test_a_new_run_is_in_the_index(many: tuple[Path, int], scale: float, report: Report) -> None:
    repository, count = many
    repeat = max(int(15 * scale), 3)
    with closing(Client(repository)) as client:
        short_run(client)
        client.search_runs(max_results=1)
        plain = median_cost(lambda: client.search_runs(max_results=1))
        costs = []
        for number in range(repeat):
            short_run(client, b"%d" % number)
            costs.append(cost_of(lambda: client.search_runs(max_results=1)))
    spent = median_of(costs)
    report(
        f"first search after one new run among {count:,}: {spent.ms} (≤ 20 ms); "
        f"without one {plain.ms}: {spent.cpu / plain.cpu:.1f}x"
    )


def test_the_first_page_of_the_history_as_a_command(many: tuple[Path, int], report: Report) -> None:
    repository, count = many
    variables = {name: value for name, value in environment().items() if name != "PYTHONDONTWRITEBYTECODE"}

    def call(*command: str) -> Cost:
        return median_cost(
            lambda: subprocess.run(
                [sys.executable, *command],
                cwd=repository,
                env=variables,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        )

    bare, log = call("-c", "pass"), call("-m", "gittrack", "log")
    report(
        f"gittrack log among {count:,}: {log.ms} (≤ 250 ms); "
        f"python -c pass {bare.ms}: {log.cpu / bare.cpu:.1f}x"
    )


def test_searches_beside_mlflow(both: tuple[Path, Path, int], report: Report) -> None:
    from mlflow import MlflowClient

    repository, database, count = both
    theirs = MlflowClient(f"sqlite:///{database}")
    with closing(Client(repository)) as client:
        our_names = [
            run.name for run in client.search_runs(filter_string=OURS, order_by=ORDER, max_results=100)
        ]
        found: Any = theirs.search_runs(["0"], THEIRS, order_by=ORDER, max_results=100)
        assert our_names == [run.info.run_name for run in found]
        ours = median_cost(lambda: client.search_runs(filter_string=OURS, order_by=ORDER, max_results=100))
    other = median_cost(lambda: theirs.search_runs(["0"], THEIRS, order_by=ORDER, max_results=100), 3)
    report(
        f"filter and order, first 100 of {count:,}: {ours.ms}, MLflow {other.ms}: "
        f"{other.cpu / ours.cpu:.0f}x faster (≥ 10x)"
    )
    index = repository / ".git" / "gittrack" / "index.sqlite"
    report(
        f"on disk for {count:,} runs: index {size_mb(index):.1f} MB, branch "
        f"{size_mb(repository / '.git' / 'objects'):.1f} MB, MLflow's database {size_mb(database):.1f} MB"
    )


@pytest.mark.parametrize("size", [1_000, 10_000])
def test_data_frames_beside_mlflow(both: tuple[Path, Path, int], size: int, report: Report) -> None:
    repository, database, count = both
    rows = min(size, count)
    ours = measure_apart(OURS_SETUP, f"frame = gittrack.search_runs(max_results={rows})", repository)
    theirs = measure_apart(MLFLOW_SETUP, f"frame = mlflow.search_runs(['0'], max_results={rows})", database)
    report(
        f"{rows:,} runs as a data frame: {ours[0].s}, {ours[1]:.0f} MiB; MLflow {theirs[0].s}, "
        f"{theirs[1]:.0f} MiB: {theirs[0].cpu / ours[0].cpu:.0f}x faster (≥ 10x), "
        f"{ours[1] / max(theirs[1], 0.1):.2f} of the memory (≤ 0.25)"
    )


def test_the_history_of_a_long_metric(tmp_path: Path, scale: float, report: Report) -> None:
    count = max(int(1_000_000 * scale), 1_000)
    repository = make_repository(tmp_path / "repo")
    with closing(Client(repository)) as client:
        run_id = client.create_run().run_id
        live = client.live(run_id)

        def log() -> None:
            for step in range(count):
                live.log_metric("loss", 1 / (step + 1), step)
            client.set_terminated(run_id)

        logged = cost_of(log)
    what = f"values = [one.value for one in gittrack.Client().get_metric_history({run_id!r}, 'loss')]"
    ours = measure_apart(OURS_SETUP, f"{what}; assert len(values) == {count}", repository)
    disk = size_mb(repository / ".git" / "objects")
    report(
        f"{count:,} points logged in {logged.s}, read in {ours[0].s}, {ours[1]:.0f} MiB; "
        f"{disk:.1f} MB on disk"
    )
    if HAS_MLFLOW:
        _compare_history(tmp_path / "mlflow.db", count, (logged, *ours), disk, report)


def _compare_history(
    database: Path, count: int, ours: tuple[Cost, Cost, float], disk: float, report: Report
) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    client = MlflowClient(f"sqlite:///{database}")
    run_id = client.create_run("0").info.run_id

    def log() -> None:
        for begin in range(0, count, 1_000):
            steps = range(begin, min(begin + 1_000, count))
            client.log_batch(run_id, [Metric("loss", 1 / (step + 1), begin, step) for step in steps])

    logged = cost_of(log)
    what = f"values = [one.value for one in mlflow.MlflowClient().get_metric_history({run_id!r}, 'loss')]"
    theirs = measure_apart(MLFLOW_SETUP, f"{what}; assert len(values) == {count}", database)
    report(
        f"MLflow: logged in {logged.s}, read in {theirs[0].s}, {theirs[1]:.0f} MiB; "
        f"{size_mb(database):.1f} MB on disk"
    )
    report(
        f"logged {logged.cpu / ours[0].cpu:.0f}x faster, "
        f"read {theirs[0].cpu / ours[1].cpu:.0f}x faster (≥ 30x) in "
        f"{ours[2] / max(theirs[1], 0.1):.2f} of the memory (≤ 0.25), "
        f"{disk / size_mb(database):.2f} of the space"
    )
