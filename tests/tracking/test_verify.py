"""Runs signed with real keys, and verified after all that may happen to them."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.documents import decode_run, encode_run
from gittrack.core.model import Code
from gittrack.errors import NotFoundError, RunStateError, UserError
from gittrack.store.git_store import GitStore
from gittrack.tracking.client import Client
from gittrack.tracking.gc import squash_history
from gittrack.tracking.signatures import Trust
from gittrack.tracking.sync import pull, push
from tests.repositories import RUNS_REF, git, make_repository

if TYPE_CHECKING:
    from collections.abc import Iterator

needs_ssh = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs OpenSSH")
needs_gpg = pytest.mark.skipif(shutil.which("gpg") is None, reason="needs GnuPG")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    return make_repository(tmp_path / "repo")


@pytest.fixture
def client(repository: Path) -> Iterator[Client]:
    with closing(Client(repository)) as opened:
        yield opened


@pytest.fixture
def run_id(client: Client) -> str:
    run = client.create_run(run_name="first")
    client.log_param(run.run_id, "lr", 0.1)
    for step in range(10):
        client.log_metric(run.run_id, "loss", 1 / (step + 1), step=step)
    client.log_metric(run.run_id, "odd", float("nan"))
    client.log_content(run.run_id, b"small", "notes.txt")
    client.log_content(run.run_id, bytes(200_000), "model.bin")
    client.set_terminated(run.run_id)
    return run.run_id


@pytest.fixture
def key(repository: Path, tmp_path: Path) -> Path:
    """Return an ssh key that git signs with and whose owner is known."""
    path = make_key(tmp_path, "key")
    git(repository, "config", "gpg.format", "ssh")
    git(repository, "config", "user.signingKey", str(path))
    allow(repository, tmp_path, {"somebody@example.org": path})
    return path


def make_key(folder: Path, name: str) -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path


def allow(repository: Path, folder: Path, keys: dict[str, Path]) -> None:
    lines = [f"{who} {path.with_suffix('.pub').read_text()}" for who, path in keys.items()]
    (folder / "allowed").write_text("".join(lines))
    git(repository, "config", "gpg.ssh.allowedSignersFile", str(folder / "allowed"))


def test_a_run_that_nobody_signed_is_whole_but_not_vouched_for(client: Client, run_id: str) -> None:
    found = client.verify_run(run_id)
    assert [(check.name, check.is_ok) for check in found.checks] == [
        ("metrics", True),
        ("artifacts", True),
        ("code", True),
    ]
    assert not found.is_damaged
    assert not found.is_signed


@needs_ssh
def test_a_signature_is_of_a_known_signer(client: Client, run_id: str, key: Path) -> None:
    made = client.sign_run(run_id)
    assert (made.trust, made.signer, made.differences) == (Trust.GOOD, "somebody@example.org", ())
    found = client.verify_run(run_id)
    assert found.signatures == (made,)
    assert found.is_signed


@needs_ssh
def test_a_key_that_nobody_knows_is_said_to_be_unknown(client: Client, run_id: str, tmp_path: Path) -> None:
    made = client.sign_run(run_id, key=str(make_key(tmp_path, "stranger")), form="ssh")
    assert made.trust is Trust.UNKNOWN_SIGNER
    assert "SHA256:" in made.signer
    assert not client.verify_run(run_id).is_signed


@needs_ssh
def test_name_tags_and_note_may_change_after_signing(client: Client, run_id: str, key: Path) -> None:
    client.sign_run(run_id)
    client.update_run(run_id, name="best")
    client.set_tag(run_id, "mlflow.note.content", "look at this")
    assert client.verify_run(run_id).is_signed


@needs_ssh
def test_what_is_logged_after_signing_is_noticed(client: Client, run_id: str, key: Path) -> None:
    client.sign_run(run_id)
    client.resume_run(run_id)
    client.log_metric(run_id, "loss", 0.0, step=99)
    client.log_param(run_id, "late", 1)
    client.log_content(run_id, b"other", "notes.txt")
    client.set_terminated(run_id)
    (found,) = client.verify_run(run_id).signatures
    assert found.trust is Trust.GOOD
    assert set(found.differences) == {"artifacts", "end_time", "metrics", "params"}
    assert client.verify_run(run_id).is_damaged


@needs_ssh
def test_a_branch_that_was_rewritten_by_hand_is_noticed(
    client: Client, run_id: str, key: Path, repository: Path
) -> None:
    client.sign_run(run_id)
    path = f"runs/{'/'.join(run_id[-3:])}/{run_id}/run.json"
    run = decode_run(git(repository, "show", f"{RUNS_REF}:{path}").encode())
    forged = replace(run, metrics={**run.metrics, "loss": replace(run.metrics["loss"], last=0.0, min=0.0)})
    blob = git(repository, "hash-object", "-w", "--stdin", data=encode_run(forged)).strip()
    os.environ["GIT_INDEX_FILE"] = str(repository / ".git" / "forged")
    try:
        git(repository, "read-tree", RUNS_REF)
        git(repository, "update-index", "--cacheinfo", f"100644,{blob},{path}")
        tree = git(repository, "write-tree").strip()
    finally:
        del os.environ["GIT_INDEX_FILE"]
    tip = git(repository, "commit-tree", tree, "-p", RUNS_REF, "-m", "better now").strip()
    git(repository, "update-ref", RUNS_REF, tip)
    with closing(Client(repository)) as fresh:
        found = fresh.verify_run(run_id)
    assert found.is_damaged
    assert [check.name for check in found.checks if check.is_ok is False] == ["metrics"]


def test_code_is_found_by_its_snapshot_and_must_have_the_tree_the_run_says(
    client: Client, repository: Path
) -> None:
    commit = git(repository, "rev-parse", "HEAD").strip()
    tree = git(repository, "rev-parse", "HEAD^{tree}").strip()
    cases = {
        Code(commit, dirty=False, snapshot=commit, tree=tree): True,
        Code(commit, dirty=False, snapshot=commit, tree="1" * 40): False,
        Code("1" * 40, dirty=True, snapshot="2" * 40): None,
        Code(commit, dirty=True, reason="snapshots are switched off"): None,
        Code(reason="nobody knows"): None,
    }
    for code, is_ok in cases.items():
        run = client.create_run(code=code)
        client.set_terminated(run.run_id)
        (found,) = [check for check in client.verify_run(run.run_id).checks if check.name == "code"]
        assert found.is_ok is is_ok, found


@needs_ssh
def test_a_signature_of_another_run_is_bad(client: Client, run_id: str, key: Path) -> None:
    client.sign_run(run_id)
    (name,) = client.list_side_files(run_id)
    other = client.create_run()
    client.set_terminated(other.run_id)
    content = client.find_side_file(run_id, name)
    assert content is not None
    client.set_side_file(other.run_id, name, content)
    (found,) = client.verify_run(other.run_id).signatures
    assert "run_id" in found.differences
    client.set_side_file(run_id, name, content.replace(b'"version": 1', b'"version": 2'))
    (tampered,) = client.verify_run(run_id).signatures
    assert tampered.trust is Trust.BAD
    client.set_side_file(run_id, name, b"{}")
    (nonsense,) = client.verify_run(run_id).signatures
    assert nonsense.trust is Trust.BAD


@needs_ssh
def test_a_signature_survives_push_merge_and_squash(
    client: Client, run_id: str, key: Path, repository: Path, tmp_path: Path
) -> None:
    client.sign_run(run_id)
    git(tmp_path, "init", "-q", "--bare", "team.git")
    git(repository, "remote", "add", "origin", str(tmp_path / "team.git"))
    git(repository, "push", "-q", "origin", "HEAD")
    git(tmp_path, "clone", "-q", "team.git", "colleague")
    with closing(Client(tmp_path / "colleague")) as other:
        mine = other.create_run(run_name="theirs")
        other.set_terminated(mine.run_id)
        push(client)
        pull(other)
        allow(tmp_path / "colleague", tmp_path, {"somebody@example.org": key})
        squash_history(other)
        found = other.verify_run(run_id)
        assert found.signatures[0].is_good
        artifacts = next(check for check in found.checks if check.name == "artifacts")
        assert artifacts.is_ok in {None, True}  # large content need not be in every clone


@needs_ssh
def test_two_people_sign_one_run(
    client: Client, run_id: str, key: Path, repository: Path, tmp_path: Path
) -> None:
    client.sign_run(run_id)
    client.sign_run(run_id)
    git(repository, "config", "user.email", "reviewer@example.org")
    other = make_key(tmp_path, "reviewer")
    allow(repository, tmp_path, {"somebody@example.org": key, "reviewer@example.org": other})
    client.sign_run(run_id, key=str(other))
    assert {one.signer for one in client.verify_run(run_id).signatures} == {
        "somebody@example.org",
        "reviewer@example.org",
    }


@needs_ssh
def test_damaged_content_is_noticed(client: Client, run_id: str, key: Path) -> None:
    client.sign_run(run_id)
    assert isinstance(client.store, GitStore)
    artifact = client.get_run(run_id).artifacts["model.bin"]
    place = client.store.layout.blob(artifact.digest)
    place.chmod(0o644)
    place.write_bytes(b"x" + place.read_bytes()[1:])
    found = client.verify_run(run_id)
    assert found.is_damaged
    place.unlink()
    (artifacts,) = [check for check in client.verify_run(run_id).checks if check.name == "artifacts"]
    assert (artifacts.is_ok, "'model.bin'" in artifacts.detail) == (None, True)


def test_a_run_that_goes_on_cannot_be_signed(client: Client) -> None:
    run = client.create_run()
    with pytest.raises(RunStateError, match="has not ended"):
        client.sign_run(run.run_id)


@needs_ssh
def test_without_a_key_it_is_said_how_to_name_one(client: Client, run_id: str) -> None:
    with pytest.raises(UserError, match="no key"):
        client.sign_run(run_id, form="ssh")
    with pytest.raises(NotFoundError, match="no key at"):
        client.sign_run(run_id, form="ssh", key="/nowhere/key")


@needs_gpg
def test_gnupg_signs_too(
    client: Client, run_id: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A short path: the agent's socket has to fit.
    home = Path(f"/tmp/gt-{os.getpid()}")
    home.mkdir(mode=0o700)
    monkeypatch.setenv("GNUPGHOME", str(home))
    try:
        subprocess.run(
            ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key",
             "Somebody <somebody@example.org>", "ed25519", "sign", "never"],
            check=True, capture_output=True,
        )  # fmt: skip
        made = client.sign_run(run_id, form="openpgp", key="somebody@example.org")
        assert (made.trust, made.signer) == (Trust.GOOD, "Somebody <somebody@example.org>")
        assert client.verify_run(run_id).is_signed
        monkeypatch.setenv("GNUPGHOME", str(tmp_path))
        (stranger,) = client.verify_run(run_id).signatures
        assert stranger.trust is Trust.UNCHECKED
        assert "not in your keyring" in stranger.signer
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
