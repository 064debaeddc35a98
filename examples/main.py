"""Train 24 models on real data in a Git repository of its own, and build the site of their runs.

    python3 examples/main.py

needs Python 3.11 and git. The first time it installs gittrack, scikit-learn and matplotlib into
``.venv-examples``; everything it makes lies in ``build/example``. It is made anew each time.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if sys.version_info < (3, 11):
    raise SystemExit("gittrack needs Python 3.11 or newer, this is " + sys.version.split()[0])

from examples.environment import Environment, open_environment

WORKPLACE = ROOT / "build" / "example"


def main() -> None:
    """Install, commit the training script, train, list the runs, build the site."""
    environment = open_environment("examples", extras=["examples"])
    repository = make_repository(WORKPLACE / "repository")
    site = WORKPLACE / "site"

    run(environment, "python", "train.py", cwd=repository)
    run(environment, "gittrack", "log", cwd=repository)
    run(environment, "gittrack", "site", "build", "-o", site, cwd=repository)

    print(f"\nthe repository: {repository}")
    print(f"the site:       {site}")
    print(f"open it:        {(site / 'index.html').as_uri()}")


def make_repository(folder: Path) -> Path:
    """Return a new Git repository with the training script as its only commit."""
    shutil.rmtree(WORKPLACE, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copyfile(ROOT / "examples" / "02_sweep.py", folder / "train.py")
    author = ("-c", "user.name=Example", "-c", "user.email=example@example.org", "-c", "commit.gpgSign=false")
    for command in (["init", "--quiet"], ["add", "train.py"], [*author, "commit", "--quiet", "-m", "Train"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


def run(environment: Environment, program: str, *arguments: str | Path, cwd: Path) -> None:
    """Show a command and run it.

    Raises:
        SystemExit: It failed.
    """
    print(f"\n$ {' '.join([program, *map(str, arguments)])}", flush=True)
    if status := environment.run(program, *arguments, cwd=cwd):
        raise SystemExit(status)


if __name__ == "__main__":
    main()
