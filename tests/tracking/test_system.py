"""System metrics: MLflow's names and switches, in a thread that breaks nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import psutil
import pytest

import gittrack
from gittrack.errors import InvalidValueError, UserError
from gittrack.tracking.system import containers
from gittrack.tracking.system.containers import Limits, read_limits, read_memory
from gittrack.tracking.system.gpus import Gpus
from gittrack.tracking.system.machine import Machine
from gittrack.tracking.system.monitor import Monitor
from gittrack.tracking.system.settings import Sampling

ROOT = Path(__file__).resolve().parents[2]
MACHINE = {
    "cpu_utilization_percentage",
    "system_memory_usage_megabytes",
    "system_memory_usage_percentage",
    "disk_usage_percentage",
    "disk_usage_megabytes",
    "disk_available_megabytes",
    "network_receive_megabytes",
    "network_transmit_megabytes",
}
PROCESSES = {"process_cpu_utilization_percentage", "process_memory_usage_megabytes", "process_count"}


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ENABLE_SYSTEM_METRICS_LOGGING", "SYSTEM_METRICS_SAMPLING_INTERVAL"):
        monkeypatch.setenv(f"GITTRACK_{name}", "")
    for name in ("SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "SYSTEM_METRICS_NODE_ID"):
        monkeypatch.setenv(f"GITTRACK_{name}", "")


class Counting:
    """A reader that counts its readings."""

    def __init__(self) -> None:
        self.count = 0

    def read(self) -> dict[str, float]:
        self.count += 1
        return {"cpu_utilization_percentage": float(self.count)}


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_run_has_mlflows_metrics_of_the_machine_and_those_of_its_processes(repo: Path) -> None:
    gittrack.set_system_metrics_sampling_interval(0.05)
    with gittrack.start_run(log_system_metrics=True) as run:
        wait_for(lambda: gittrack.get_run(run.info.run_id).metrics)
    stored = gittrack.get_run(run.info.run_id)
    assert {key.removeprefix("system/") for key in stored.metrics} == MACHINE | PROCESSES
    values = stored.data.metrics
    assert 0 <= values["system/cpu_utilization_percentage"] <= 100
    assert 0 < values["system/system_memory_usage_percentage"] <= 100
    assert values["system/process_count"] >= 1
    assert values["system/process_memory_usage_megabytes"] > 1


def test_a_short_run_has_one_point_and_ends_at_once(repo: Path) -> None:
    began = time.monotonic()
    with gittrack.start_run(log_system_metrics=True) as run:
        pass
    assert time.monotonic() - began < 5
    assert gittrack.get_run(run.info.run_id).metrics["system/disk_usage_percentage"].count == 1


def test_nothing_is_sampled_unless_somebody_asks(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with gittrack.start_run() as plain:
        pass
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    with gittrack.start_run() as asked:
        pass
    with gittrack.start_run(log_system_metrics=False) as refused:
        pass
    gittrack.disable_system_metrics_logging()
    with gittrack.start_run() as disabled:
        pass
    gittrack.enable_system_metrics_logging()
    with gittrack.start_run() as enabled:
        pass
    counts = [
        len(gittrack.get_run(run.info.run_id).metrics) for run in (plain, asked, refused, disabled, enabled)
    ]
    assert [count > 0 for count in counts] == [False, True, False, False, True]


def test_points_are_means_of_samples_with_steps_that_go_on_in_a_resumed_run(repo: Path) -> None:
    client = gittrack.Client()
    run = client.create_run()
    sampling = Sampling(interval_s=0.01, samples=4, node_id="n1")

    def sample() -> None:
        reader = Counting()
        monitor = Monitor(client.live(run.run_id), sampling, readers=lambda _pid: [reader])
        wait_for(lambda: reader.count >= 9)
        monitor.stop()
        client.release(run.run_id)

    sample()
    sample()
    points = client.get_metric_history(run.run_id, "system/n1/cpu_utilization_percentage")
    assert [point.step for point in points] == list(range(len(points)))
    assert [point.value for point in points[:2]] == [2.5, 6.5]
    client.set_terminated(run.run_id)


def test_a_reader_that_fails_costs_the_metrics_and_not_the_run(repo: Path) -> None:
    class Broken:
        def read(self) -> dict[str, float]:
            message = "no such sensor"
            raise OSError(message)

    client = gittrack.Client()
    run = client.create_run()
    with pytest.warns(UserWarning, match="no more system metrics"):
        Monitor(client.live(run.run_id), Sampling(0.01), readers=lambda _pid: [Broken()]).stop()
    client.log_metric(run.run_id, "a", 1)
    client.set_terminated(run.run_id)


def test_a_monitor_that_nobody_stopped_keeps_no_process_alive(repo: Path) -> None:
    script = (
        "import gittrack\n"
        "gittrack.set_system_metrics_sampling_interval(3600)\n"
        "client = gittrack.Client()\n"
        "from gittrack.tracking.system.monitor import Monitor\n"
        "from gittrack.tracking.system.settings import Sampling\n"
        "Monitor(client.live(client.create_run().run_id), Sampling(3600))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", script], env=environment, check=True, timeout=60)


def test_without_psutil_the_extra_is_named_before_a_run_begins(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(UserError, match="psutil") as error:
        gittrack.start_run(log_system_metrics=True)
    assert error.value.hint == "pip install 'gittrack[system]'"
    assert gittrack.Client(repo).list_runs() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SYSTEM_METRICS_SAMPLING_INTERVAL", "0"),
        ("SYSTEM_METRICS_SAMPLING_INTERVAL", "often"),
        ("SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "0"),
        ("ENABLE_SYSTEM_METRICS_LOGGING", "perhaps"),
    ],
)
def test_a_setting_that_makes_no_sense_is_an_error_with_a_hint(
    repo: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("GITTRACK_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv(f"GITTRACK_{name}", value)
    with pytest.raises(UserError) as error:
        gittrack.start_run()
    assert error.value.hint
    with pytest.raises(InvalidValueError):
        gittrack.set_system_metrics_sampling_interval(-1)


def test_the_metrics_of_a_command_are_those_of_its_processes(repo: Path) -> None:
    script = (
        "import gittrack, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '60'])\n"
        "deadline = time.monotonic() + 60\n"
        "while time.monotonic() < deadline:\n"
        "    time.sleep(0.05)\n"
        "    found = gittrack.search_runs(output_format='list', search_all_experiments=True)\n"
        "    if found and 'system/process_count' in found[0].metrics:\n"
        "        if found[0].metrics['system/process_count'].max >= 2: break\n"
        "child.kill()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GITTRACK_SYSTEM_METRICS_SAMPLING_INTERVAL": "0.2"}
    command = [sys.executable, "-m", "gittrack", "run", "--", sys.executable, "-c", script]
    subprocess.run(command, env=environment, check=True)
    (run,) = gittrack.Client(repo).list_runs()
    assert run.metrics["system/process_count"].max >= 2
    assert {key.removeprefix("system/") for key in run.metrics} >= MACHINE


@pytest.fixture
def control_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "memory.max").write_text("1000000000\n", "ascii")
    (tmp_path / "memory.current").write_text("600000000\n", "ascii")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 100000000\n", "ascii")
    (tmp_path / "cpu.max").write_text("50000 100000\n", "ascii")
    return tmp_path


def test_a_container_is_measured_by_its_own_limits(
    control_group: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read_limits(control_group) == Limits(1_000_000_000, 0.5)
    assert read_memory(control_group) == 500_000_000
    monkeypatch.setattr("gittrack.tracking.system.machine.read_limits", lambda: read_limits(control_group))
    monkeypatch.setattr("gittrack.tracking.system.machine.read_memory", lambda: read_memory(control_group))
    found = Machine(os.getpid()).read()
    assert found["system_memory_usage_percentage"] == 50
    assert found["system_memory_usage_megabytes"] == 500


def test_the_first_version_of_control_groups_is_understood_too(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "cpu").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("9223372036854771712", "ascii")
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1", "ascii")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000", "ascii")
    assert read_limits(tmp_path) == Limits()
    assert read_limits(tmp_path / "nothing") == Limits()
    assert containers.ROOT.is_absolute()


def test_a_tree_of_processes_is_followed_and_one_that_ends_does_no_harm() -> None:
    process = subprocess.Popen(["sh", "-c", "sleep 60 & wait"])
    try:
        machine = Machine(process.pid)
        wait_for(lambda: machine.read().get("process_count") == 2)
    finally:
        for child in psutil.Process(process.pid).children():
            child.kill()
        process.kill()
        process.wait()
    assert "process_count" not in machine.read()


@pytest.fixture
def nvidia(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for NVIDIA's library, with two devices of which one does not tell its power."""
    library: Any = types.ModuleType("pynvml")
    library.NVMLError = type("NVMLError", (Exception,), {})

    def power(device: int) -> int:
        if device:
            raise library.NVMLError
        return 300_000

    library.nvmlInit = lambda: None
    library.nvmlDeviceGetCount = lambda: 2
    library.nvmlDeviceGetHandleByIndex = lambda index: index
    library.nvmlDeviceGetMemoryInfo = lambda _device: types.SimpleNamespace(used=4e9, total=8e9)
    library.nvmlDeviceGetUtilizationRates = lambda device: types.SimpleNamespace(gpu=90 - device)
    library.nvmlDeviceGetPowerUsage = power
    library.nvmlDeviceGetEnforcedPowerLimit = lambda _device: 400_000
    monkeypatch.setitem(sys.modules, "pynvml", library)


def test_gpus_are_named_by_index_and_what_one_does_not_tell_is_left_out(nvidia: None) -> None:
    found = Gpus().read()
    assert found["gpu_0_utilization_percentage"] == 90
    assert found["gpu_1_utilization_percentage"] == 89
    assert found["gpu_0_memory_usage_megabytes"] == 4000
    assert found["gpu_0_memory_usage_percentage"] == 50
    assert found["gpu_0_power_usage_watts"] == 300
    assert found["gpu_0_power_usage_percentage"] == 75
    assert "gpu_1_power_usage_watts" not in found


@pytest.mark.parametrize("error", ["NVMLError", "OSError"])
def test_nvidias_library_without_a_driver_gives_nothing(
    nvidia: None, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    library: Any = sys.modules["pynvml"]

    def fail() -> None:
        raise library.NVMLError if error == "NVMLError" else OSError

    monkeypatch.setattr(library, "nvmlInit", fail)
    assert Gpus().read() == {}


def test_without_nvidias_library_nothing_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert Gpus().read() == {}


def test_a_gpu_that_is_lost_meanwhile_says_nothing_more(
    nvidia: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpus = Gpus()
    library: Any = sys.modules["pynvml"]

    def lost(_device: int) -> None:
        raise library.NVMLError

    for name in ("MemoryInfo", "UtilizationRates", "PowerUsage"):
        monkeypatch.setattr(library, f"nvmlDeviceGet{name}", lost)
    assert gpus.read() == {}
