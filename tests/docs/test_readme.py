"""The README does what it says: its blocks run, from top to bottom, in one scratch repository."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.core.content_settings import parse_settings

if TYPE_CHECKING:
    from tests.conftest import Execute

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
CHANGING = {
    r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d": "TIME",
    r"\b\d+(\.\d+)?(ms|s)\b": "DURATION",
    r"^01[0-9a-f]{6,30}\b": "RUN",
    r"^[0-9a-f]{7,12}\b": "COMMIT",
}


@dataclass(frozen=True, slots=True)
class Block:
    """One code block; ``python`` and ``console`` are run, ``markdown`` is a report, ``sh`` for the reader."""

    kind: str
    text: str

    @property
    def commands(self) -> list[list[str]]:
        """Each command of a console block, followed by the lines it should print."""
        commands: list[list[str]] = []
        for line in self.text.splitlines():
            if line.startswith("$ "):
                commands.append([line[2:]])
            else:
                commands[-1].append(line)
        return commands


BLOCKS = [Block(found["kind"], found["text"]) for found in BLOCK.finditer(README)]


@pytest.fixture
def repository(tmp_path: Path, execute: Execute) -> Path:
    execute("git", "init", "--quiet", cwd=tmp_path)
    return tmp_path


def normalize(printed: str) -> list[str]:
    """Return the lines without what differs each time: ids, times and the width of columns."""
    for pattern, word in CHANGING.items():
        printed = re.sub(pattern, word, printed, flags=re.MULTILINE)
    return [" ".join(line.split()) for line in printed.rstrip("\n").split("\n")]


def test_every_block_runs_and_prints_what_the_readme_shows(repository: Path, execute: Execute) -> None:
    for block in BLOCKS:
        if block.kind == "markdown":
            (repository / "reports").mkdir()
            (repository / "reports/rates.md").write_text(block.text, "utf-8")
        elif block.kind == "python":
            execute(sys.executable, "-c", block.text, cwd=repository)
        elif block.kind == "console":
            for command, *expected in block.commands:
                printed = execute("bash", "-c", f"set -o pipefail; {command}", cwd=repository)
                if expected:
                    assert normalize(printed) == normalize("\n".join(expected)), command


def test_every_block_says_whether_it_is_run() -> None:
    assert {block.kind for block in BLOCKS} == {"python", "console", "sh", "toml", "markdown"}
    assert README.count("```") == 2 * len(BLOCKS)


def test_the_settings_of_the_readme_are_settings() -> None:
    [settings] = [parse_settings(block.text) for block in BLOCKS if block.kind == "toml"]
    assert settings.choose(50_000_000) == "bucket"
    assert settings.retention[0].best == 3


def test_the_first_block_is_the_two_commands() -> None:
    commands = [line.partition("#")[0].split() for line in BLOCKS[0].text.splitlines()]
    assert commands == [["python3", "examples/main.py"], ["python3", "tests/run.py"]]
    assert all((ROOT / script).is_file() for _, script in commands)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_lead_to_files_that_exist(name: str) -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", (ROOT / name).read_text("utf-8"))
    assert {target for target in targets if not (ROOT / target).exists()} == set()
