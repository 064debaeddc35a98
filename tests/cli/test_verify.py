"""``gittrack sign`` and ``gittrack verify``."""

from __future__ import annotations

import json
import shutil
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from tests.repositories import git

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Cli

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")


@pytest.fixture
def key(repository: Path, tmp_path: Path) -> Path:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    (tmp_path / "allowed").write_text(f"somebody@example.org {path.with_suffix('.pub').read_text()}")
    git(repository, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    return path


def test_what_is_signed_is_verified(repository: Path, key: Path, cli: Cli) -> None:
    cli("log", "-p", "lr=0.1", "-m", "acc=0.9", "--name", "first")
    unsigned = cli("verify", "@")
    assert (unsigned.status, unsigned.lines[-1]) == (1, "  -\tnot signed; `gittrack sign` does")
    signed = cli("sign", "@", "--format", "ssh", "--key", str(key))
    assert signed.status == 0
    assert signed.err.startswith("signed first: by somebody@example.org, 20")
    found = cli("verify", "@")
    assert found.status == 0
    assert [line.split("\t")[0].strip() for line in found.lines[1:]] == ["ok"] * 4
    cli("tag", "@", "reviewed=yes")
    assert cli("verify", "@").status == 0
    assert "somebody@example.org  20" in cli("show", "@").out
    assert json.loads(cli("show", "@", "--json").out)["signed_by"] == ["somebody@example.org"]
    (record,) = json.loads(cli("verify", "@", "--json").out)
    assert (record["signed"], record["damaged"]) == (True, False)


def test_a_signature_that_does_not_fit_has_its_own_status(repository: Path, key: Path, cli: Cli) -> None:
    ids = [cli("log", "-m", f"acc={value}").out.strip() for value in (0.1, 0.9)]
    cli("sign", ids[0], "--format", "ssh", "--key", str(key))
    path = f"refs/gittrack/runs:runs/{'/'.join(ids[0][-3:])}/{ids[0]}"
    (name,) = [one for one in git(repository, "ls-tree", "--name-only", path).split() if "signature" in one]
    client = Client(repository)
    client.set_side_file(ids[1], name, client.find_side_file(ids[0], name) or b"")
    client.close()
    found = cli("verify", ids[1], ids[0])
    assert found.status == 8
    assert "metrics, run_id" in found.out


def test_the_page_of_a_run_says_who_signed_it(repository: Path, key: Path, cli: Cli, tmp_path: Path) -> None:
    run_id = cli("log", "-m", "acc=0.9", "-p", "lr=1").out.strip()
    site = tmp_path / "site"

    def page() -> str:
        assert cli("site", "build", "-o", str(site)).status == 0
        (found,) = (site / "runs").glob(f"{run_id[:8]}*.html")
        return found.read_text("utf-8")

    assert "Signatures" not in page()
    cli("sign", "@", "--format", "ssh", "--key", str(key))
    signed = page()
    assert "somebody@example.org" in signed
    assert ">Signed</a>" in signed
    with closing(Client(repository)) as client:
        client.resume_run(run_id)
        client.log_metric(run_id, "acc", 1.0, step=1)
        client.set_terminated(run_id)
    altered = page()
    assert ">Altered</a>" in altered
    assert "changed since: end_time, metrics" in altered
