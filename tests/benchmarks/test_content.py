"""What artifacts cost to store, send and fetch, each figure next to a reference from the same run."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from safetensors.numpy import save_file

from gittrack.core.content_settings import ContentSettings
from gittrack.store import blobs, unhashed
from gittrack.store.contents import Contents
from gittrack.store.digests import ignore
from gittrack.store.layout import Layout
from gittrack.store.settling import settle
from gittrack.tracking import sync
from gittrack.tracking.client import Client
from tests.exchanging import connect, log_run, pull
from tests.repositories import git, make_repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittrack.core.model import Artifact
    from gittrack.store.git_store import GitStore
    from tests.benchmarks.conftest import Report

pytestmark = [
    pytest.mark.benchmark,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("default"),  # those of MLflow and its database are not ours
]
TENSORS = 100
ROOT = Path(__file__).parents[2]
ROUNDS = 4
"""The best of so many is what is compared: others use the machine too."""


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def write_random(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - start)))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    return path


def contents(store: GitStore) -> Contents:
    store.layout.temporary.mkdir(parents=True, exist_ok=True)
    return Contents(store, ContentSettings(), ("origin",))


def test_a_large_file_is_stored_beside_cp(
    tmp_path: Path, scale: float, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "RACY_S", -60.0)  # as if the file had been written a minute ago
    source = write_random(tmp_path / "model.bin", int(scale * (1 << 30)))
    os.sync()
    best: dict[str, float] = {}

    def time_it(name: str, work: Callable[[], object]) -> None:
        best[name] = min(best.get(name, math.inf), seconds(work))

    copy = tmp_path / "copy"
    for number in range(ROUNDS):
        layout, linking = Layout(tmp_path / f"store-{number}"), Layout(tmp_path / f"linked-{number}")
        time_it("cp", partial(subprocess.run, ["cp", "--reflink=never", source, copy], check=True))
        time_it("cp sync", partial(subprocess.run, ["sync", copy], check=True))
        copy.unlink()
        time_it("store", partial(keep, layout, source))
        time_it("store hash", partial(unhashed.hash_all, layout))
        time_it("settle", partial(settle, layout))
        time_it("again", partial(blobs.store_file, layout, source))
        os.utime(source)  # so that it is not known
        time_it("link", partial(keep, linking, source, link=True))
        time_it("link hash", partial(unhashed.hash_all, linking))
        settle(linking)
        for one in (layout, linking):
            assert [stored.size for stored in blobs.list_stored(one)] == [source.stat().st_size]
            shutil.rmtree(one.root)
        source.chmod(0o644)
    plain, synced = best["cp"], best["cp"] + best["cp sync"]
    first = best["store"]
    hashed, linked = first + best["store hash"], best["link"] + best["link hash"]
    settled = hashed + best["settle"]
    report(f"stored: {first * 1e3:.0f} ms, {plain / first:.2f} x cp ({plain * 1e3:.0f} ms) (≥ 0.6 x)")
    report(f"and hashed, meanwhile: {hashed * 1e3:.0f} ms, {plain / hashed:.2f} x cp")
    report(f"and on the disk: {settled * 1e3:.0f} ms, {synced / settled:.2f} x cp and sync of the file")
    report(f"by a link: {best['link'] * 1e3:.2f} ms, {plain / best['link']:.0f} x cp (≥ 2 x)")
    report(f"and hashed, meanwhile: {linked * 1e3:.0f} ms, {plain / linked:.2f} x cp")
    report(f"again: {best['again'] * 1e3:.2f} ms, {first / best['again']:.0f} x faster (≥ 20 x)")
    report(f"memory it takes: {measure_memory(source, tmp_path / 'measured'):.0f} MB (≤ 100 MB)")


def keep(layout: Layout, source: Path, *, link: bool = False) -> None:
    """Store a file as `GitStore.take_file` does; for a smoke run it is too small to be hashed later."""
    if unhashed.take_file(layout, source, link=link) is None:
        blobs.store_file(layout, source, link=link)


def measure_memory(source: Path, root: Path) -> float:
    """Return by how much storing a file raises the peak memory of a process of its own, MB."""
    program = (
        "import re, sys; from pathlib import Path\n"
        "from gittrack.store import unhashed; from gittrack.store.layout import Layout\n"
        "peak = lambda: int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])\n"
        "before = peak(); layout = Layout(Path(sys.argv[2]))\n"
        "unhashed.take_file(layout, Path(sys.argv[1])); unhashed.hash_all(layout)\n"
        "print((peak() - before) / 1e3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, source, root], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def test_many_small_files_are_stored_beside_mlflow(tmp_path: Path, scale: float, report: Report) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    for number in range(max(int(scale * 10_000), 20)):
        (folder / f"{number}.bin").write_bytes(os.urandom(1024))
    log_elsewhere, name = mlflow_or_copy(folder, tmp_path)
    # Also until they are on the disk, where ours are when the run ends.
    theirs, synced, busy, ours, end, ours_busy = [], [], [], [], [], []
    for number in range(ROUNDS):
        os.sync()
        started = time.process_time()
        theirs.append(seconds(log_elsewhere))
        busy.append(time.process_time() - started)
        synced.append(theirs[-1] + seconds(os.sync))
        with closing(Client(make_repository(tmp_path / f"work-{number}"))) as client:
            run_id = client.create_run().run_id
            log, finish = (
                partial(client.log_artifacts, run_id, folder),
                partial(client.set_terminated, run_id),
            )
            os.sync()
            started = time.process_time()
            ours.append(seconds(log))
            ours_busy.append(time.process_time() - started)
            end.append(ours[-1] + seconds(finish))
    report(
        f"small files: {min(ours) * 1e3:.0f} ms, {min(theirs) / min(ours):.1f} x faster than {name} "
        f"({min(theirs) * 1e3:.0f} ms) (≥ 5 x); of a processor {min(busy) / min(ours_busy):.1f} x less"
    )
    report(
        f"and until they are on the disk: {min(end) * 1e3:.0f} ms with the end of the run, "
        f"{min(synced) / min(end):.1f} x faster than {name} and a sync ({min(synced) * 1e3:.0f} ms)"
    )


def mlflow_or_copy(folder: Path, tmp_path: Path) -> tuple[Callable[[], object], str]:
    """Return what logs a folder with MLflow, or copies it where that is not installed; and its name."""
    try:
        import mlflow
    except ImportError:
        copies = iter(range(ROUNDS))
        return lambda: shutil.copytree(folder, tmp_path / f"copy-{next(copies)}"), "shutil.copytree"
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.create_experiment("it", artifact_location=(tmp_path / "mlflow").as_uri())
    run_ids = iter([client.create_run(experiment).info.run_id for _ in range(ROUNDS)])
    return lambda: client.log_artifacts(next(run_ids), str(folder)), "MLflow's log_artifacts"


def test_a_model_goes_through_git_beside_a_plain_push(tmp_path: Path, scale: float, report: Report) -> None:
    source = write_random(tmp_path / "model.bin", int(scale * (1 << 30)))
    plain = make_repository(tmp_path / "plain")
    git(plain, "config", "core.compression", "0")
    shutil.copy(source, plain / "model.bin")
    git(plain, "add", "model.bin")
    git(plain, "commit", "-q", "-m", "model")
    reference = min(time_plain_push(plain, tmp_path / f"plain-{number}.git") for number in range(2))
    make_repository(tmp_path / "remote.git", "bare")
    first = connect(make_repository(tmp_path / "first"), str(tmp_path / "remote.git"))
    second = connect(make_repository(tmp_path / "second"), str(tmp_path / "remote.git"))
    log_run(first, 1)
    artifact = first.store_content(source)
    settle(first.layout)
    push, *push_memory = measure("send", tmp_path / "first", artifact)
    first.push("origin")
    pull(second)
    fetch, *fetch_memory = measure("fetch", tmp_path / "second", artifact)
    assert second.has_content(artifact)
    size = f"{artifact.size / (1 << 20):.0f} MiB"
    report(
        f"{size} pushed: {push:.2f} s, {reference / push:.2f} x a plain git push "
        f"({reference:.2f} s) (≥ 0.5 x)"
    )
    report(f"fetched: {fetch:.2f} s, {reference / fetch:.2f} x that push (≥ 0.5 x)")
    _, least, _ = measure("nothing", tmp_path / "first", artifact)
    for what, (own, largest) in {"pushing": push_memory, "fetching": fetch_memory}.items():
        report(f"memory while {what}: {own:.0f} MB (idle {least:.0f} MB), git included {largest:.0f} MB")


def test_many_small_files_travel_beside_plain_git(tmp_path: Path, scale: float, report: Report) -> None:
    """As a user has it: files are added, committed, pushed and cloned, or logged, pushed and got."""
    files = tmp_path / "files"
    files.mkdir()
    count = max(int(scale * 10_000), 200)
    for number in range(count):
        (files / f"{number}.bin").write_bytes(os.urandom(1024))
    make_repository(tmp_path / "plain.git", "bare")
    plain = make_repository(tmp_path / "plain")
    shutil.copytree(files, plain / "files")

    def push_plain() -> None:
        git(plain, "add", "files")
        git(plain, "commit", "-q", "-m", "files")
        git(plain, "push", "-q", str(tmp_path / "plain.git"), "HEAD:refs/heads/x")

    sent = seconds(push_plain)
    cloned = seconds(
        lambda: git(tmp_path, "clone", "-q", "--branch", "x", str(tmp_path / "plain.git"), "clone")
    )
    make_repository(tmp_path / "remote.git", "bare")
    for name in ("first", "second"):
        git(make_repository(tmp_path / name), "remote", "add", "origin", str(tmp_path / "remote.git"))
    with closing(Client(tmp_path / "first")) as client:
        run_id = client.create_run().run_id
        logged = seconds(lambda: (client.log_artifacts(run_id, files), client.set_terminated(run_id)))
        pushed = seconds(lambda: sync.push(client, "origin"))
    with closing(Client(tmp_path / "second")) as client:
        pulled = seconds(lambda: sync.pull(client, "origin"))
        got = seconds(lambda: client.download_artifacts(run_id, "", tmp_path / "out"))
    assert len(list((tmp_path / "out").iterdir())) == count
    ours = logged + pushed
    report(
        f"{count:,} files of 1 KiB logged and pushed: {logged:.2f} + {pushed:.2f} s, {sent / ours:.2f} x as "
        f"fast as plain git adds, commits and pushes them ({sent:.2f} s)"
    )
    report(
        f"pulled and written: {pulled:.2f} + {got:.2f} s, {cloned / (pulled + got):.2f} x as fast as a clone "
        f"({cloned:.2f} s)"
    )


def time_plain_push(repository: Path, remote: Path) -> float:
    git(repository.parent, "init", "-q", "--bare", str(remote))
    took = seconds(lambda: git(repository, "push", "-q", str(remote), "HEAD:refs/heads/x"))
    shutil.rmtree(remote)
    return took


def measure(role: str, repository: Path, artifact: Artifact) -> tuple[float, float, float]:
    """Return the seconds a process took to send or fetch, its peak MB, and those of the largest of git's.

    Git at the remote is one of these, and what it maps of its packs counts, though it needs no memory.
    """
    command = [sys.executable, "-m", "tests.benchmarks.content_child", role, str(repository)]
    with subprocess.Popen(
        [*command, artifact.digest, str(artifact.size)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as child:
        assert child.stdout is not None
        took, own = map(float, child.stdout.read().split())
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return took, own, usage.ru_maxrss / 1e3


def test_what_changed_of_a_checkpoint_is_what_travels(tmp_path: Path, scale: float, report: Report) -> None:
    chance = np.random.default_rng(0)
    each = max(int(scale * (1 << 30)) // TENSORS // 4, 1000)
    tensors = {f"layer.{number:03}": chance.standard_normal(each, np.float32) for number in range(TENSORS)}
    save_file(tensors, tmp_path / "one.safetensors")
    np.savez(tmp_path / "one.npz", **tensors)  # type: ignore[arg-type]
    for number in chance.permutation(TENSORS)[: TENSORS // 10]:
        tensors[f"layer.{number:03}"] = chance.standard_normal(each, np.float32)
    save_file(tensors, tmp_path / "two.safetensors")
    np.savez(tmp_path / "two.npz", **tensors)  # type: ignore[arg-type]
    data = (tmp_path / "one.safetensors").read_bytes()
    half = len(data) // 2
    (tmp_path / "one.raw").write_bytes(data[::-1])
    (tmp_path / "two.raw").write_bytes(data[::-1][:half] + os.urandom(10**6) + data[::-1][half:])
    for kind in ("safetensors", "npz", "raw"):  # apart: they hold the same tensors
        make_repository(tmp_path / f"{kind}.git", "bare")
        store = connect(make_repository(tmp_path / kind), str(tmp_path / f"{kind}.git"))
        log_run(store, 1)
        old, new = (store.store_content(tmp_path / f"{name}.{kind}") for name in ("one", "two"))
        contents(store).send({old.digest: old.size}, ignore)
        sent = contents(store).send({new.digest: new.size}, ignore)
        what = "1 MB inserted" if kind == "raw" else "10 % of the tensors changed"
        limit = "" if kind == "raw" else " (≤ 15 %)"
        report(f"{kind}, {what}: {sent / new.size:.1%} of its bytes sent, of {new.size / 1e6:.0f} MB{limit}")
        for folder in (kind, f"{kind}.git"):
            shutil.rmtree(tmp_path / folder)
