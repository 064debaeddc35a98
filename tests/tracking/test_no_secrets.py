"""Whatever tokens are around a run, in no object that gittrack writes is one of them."""

from __future__ import annotations

import os
import random
import string
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.repositories import git, git_bytes, make_repository

if TYPE_CHECKING:
    from pathlib import Path

SCRIPT = """
import gittrack
with gittrack.start_run():
    gittrack.log_param("lr", 0.1)
    gittrack.log_metric("loss", 1)
"""
PREFIXES = ("ghp_", "glpat-", "hf_", "sk-proj-", "xoxb-12345678901-", "AKIA", "", "")
"""The last two are tokens of no known shape, which only their place tells of."""
ENV_NAMES = (
    "WANDB_API_KEY",
    "HF_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "DB_PASSWORD",
    "MY_AUTH_TOKEN",
    "OPENAI_API_KEY",
)
OPTIONS = ("--token {}", "--api-key={}", "api_key={}", "--db.password {}", "+model.auth_token={}")
FILES = (".env", ".env.local", "secrets.yaml", "config/credentials.json", "id_rsa", "prod.env", ".netrc")


def make_token(chance: random.Random) -> str:
    prefix = chance.choice(PREFIXES)
    body = "".join(chance.choices(string.ascii_letters + string.digits, k=chance.randint(36, 48)))
    if prefix == "AKIA":
        body = "".join(chance.choices(string.ascii_uppercase + "234567", k=16))
    if prefix == "hf_":
        body = "".join(chance.choices(string.ascii_letters, k=34))
    return f"{prefix}{body}a1A"[: 20 if prefix == "AKIA" else 37 if prefix == "hf_" else None]


@pytest.mark.parametrize("seed", range(4))
def test_no_object_holds_a_token_of_url_environment_arguments_or_secret_files(
    tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    tokens = []

    def token() -> str:
        tokens.append(make_token(chance))
        return tokens[-1]

    top = make_repository(tmp_path / "repo")
    remote = chance.choice(
        [
            "https://{}@example.org/a.git",
            "https://me:{}@example.org/a.git",
            "https://example.org/a.git?key={}",
        ]
    )
    git(top, "remote", "add", "origin", remote.format(token()))
    variables = {name: token() for name in ENV_NAMES}
    for name in FILES:
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"KEY={token()}\n", "utf-8")
    (top / "tracked.env").write_text("A=1\n", "utf-8")
    git(top, "add", "-f", "tracked.env")
    git(top, "commit", "-q", "-m", "second")
    (top / "tracked.env").write_text(f"A={token()}\n", "utf-8")
    # A file that holds a value of the environment, whatever the file is called.
    (top / "notes.txt").write_text(f"do not forget {chance.choice(list(variables.values()))}\n", "utf-8")
    (top / "train.py").write_text(SCRIPT, "utf-8")
    (top / "config").mkdir(exist_ok=True)
    (top / "config/train.yaml").write_text("lr: 0.1\n", "utf-8")
    arguments = chance.choice(OPTIONS).format(token()).split()
    bare = chance.choice(list(variables.values()))
    environment = {**os.environ, **variables, "GITTRACK_LOG_VARIABLES": "*"}
    script = [sys.executable, "train.py", *arguments, f"https://me:{token()}@example.org/data", bare]
    for command in (script, [sys.executable, "-m", "gittrack", "run", "--", *script]):
        subprocess.run(command, cwd=top, env=environment, check=True, capture_output=True)
    objects = git(top, "rev-list", "--objects", "--all", "--reflog").split("\n")
    content = b"".join(git_bytes(top, "cat-file", "-p", line.split()[0]) for line in objects if line)
    content += b"".join(
        path.read_bytes() for path in (top / ".git/gittrack").rglob("*") if path.is_file()
    )  # journals and index too
    content += b"".join(path.read_bytes() for path in (top / ".git/logs").rglob("*") if path.is_file())
    assert b"lr: 0.1" in content  # what is no secret is there
    assert b'"argv"' in content
    assert [one for one in tokens if one.encode() in content] == []
