"""What the tests of this folder run in many processes at once."""

from __future__ import annotations

import sys
from contextlib import closing, suppress
from pathlib import Path

from gittrack.core.stamped import DocumentChange
from gittrack.errors import ConflictError
from gittrack.tracking.client import Client


def log_runs(repository: str, number: int, count: int) -> None:
    """Make whole runs."""
    with closing(Client(repository)) as client:
        for place in range(count):
            run_id = client.create_run(run_name=f"run-{number}-{place}").run_id
            client.log_param(run_id, "place", [number, place])
            for step in range(5):
                client.log_metric(run_id, "loss", number + place / 100, step=step)
            client.log_content(run_id, f"{number}-{place}".encode(), "a/b.txt")
            client.set_terminated(run_id)


def share_run(repository: str, number: int, count: int) -> None:
    """Log to the run whose id is in the file ``shared``."""
    run_id = Path(repository, "shared").read_text("utf-8")
    with closing(Client(repository)) as client:
        for step in range(count):
            client.log_metric(run_id, f"rank{number}", 0.5, step=step)
            client.log_metric(run_id, "loss", 0.5, step=step * 100 + number)
            if step == count // 2:
                client.store.checkpoint(client.live(run_id).sink)


def recover(repository: str, _number: int, _count: int) -> None:
    """Open the repository, which finishes the runs of the dead."""
    with closing(Client(repository)):
        pass


def change_documents(repository: str, number: int, count: int) -> None:
    """Make documents, and change one that all others change too."""
    with closing(Client(repository)) as client:
        for place in range(count):
            shared = DocumentChange("models", "shared", 1, {f"tags.{number}-{place}": "x", "last": number})
            own = DocumentChange("models", f"{number}-{place}", 1, {"place": place})
            client.store.change_documents([shared, own], f"{number}-{place}")


def register_versions(repository: str, number: int, count: int) -> None:
    """Register versions of one model, which the first one creates, and keep the numbers that were said."""
    with closing(Client(repository)) as client:
        with suppress(ConflictError):
            client.create_registered_model("iris")
        said = [
            client.create_model_version("iris", f"s3://{number}/{place}").version for place in range(count)
        ]
    Path(repository, f"said-{number}").write_text(" ".join(map(str, said)), "utf-8")


def create_experiment(repository: str, number: int, count: int) -> None:
    """Create the same experiments as all others, and start a run in each."""
    with closing(Client(repository)) as client:
        for place in range(count):
            name = f"experiment {place}"
            try:
                experiment_id = client.create_experiment(name)
            except ConflictError:
                found = client.get_experiment_by_name(name)
                assert found is not None
                experiment_id = found.experiment_id
            client.set_terminated(client.create_run(experiment_id, run_name=f"{number}").run_id)


if __name__ == "__main__":
    name_, repository_, *numbers = sys.argv[1:]
    roles = {
        "change_documents": change_documents,
        "log_runs": log_runs,
        "register_versions": register_versions,
        "share_run": share_run,
        "recover": recover,
        "create_experiment": create_experiment,
    }
    print("ready", flush=True)
    sys.stdin.readline()
    roles[name_](repository_, *map(int, numbers))
