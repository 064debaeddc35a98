"""Each integration trains something real, by the example that shows it, and what it records is looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gittrack.tracking.client import Client
from tests.repositories import make_repository

if TYPE_CHECKING:
    from gittrack.core.model import Run

pytestmark = pytest.mark.frameworks

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "frameworks"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "work")


def execute(repository: Path, *command: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "CUDA_VISIBLE_DEVICES": "",
        "GITTRACK_STRICT": "1",
        "HF_HUB_OFFLINE": "1",
        "KERAS_BACKEND": "torch",
        "OMP_NUM_THREADS": "1",
        **variables,
    }
    return subprocess.run(
        list(map(str, command)), cwd=repository, env=environment, capture_output=True, text=True, check=False
    )


def example(repository: Path, name: str, *arguments: str, **variables: str) -> list[Run]:
    """Run an example; return what it recorded, oldest first."""
    done = execute(repository, sys.executable, EXAMPLES / name, *arguments, **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    return runs_of(repository)


def runs_of(repository: Path) -> list[Run]:
    client = Client(repository)
    found = client.list_runs()[::-1]
    client.close()
    return found


def test_optuna_records_a_study_with_finished_and_pruned_trials(repository: Path) -> None:
    study, *trials = example(repository, "optuna_study.py")
    assert (study.name, study.status, len(trials)) == ("digits study", "FINISHED", 12)
    assert all(trial.parent == study.run_id for trial in trials)
    states = {trial.tags["optuna.state"] for trial in trials}
    assert states == {"COMPLETE", "PRUNED"}
    for trial in trials:
        is_pruned = trial.tags["optuna.state"] == "PRUNED"
        assert trial.status == ("KILLED" if is_pruned else "FINISHED")
        assert trial.reason == ("pruned" if is_pruned else None)
        assert set(trial.params) == {"alpha", "penalty"}
        assert trial.metrics["train/acc"].count >= 1
    whole = [trial for trial in trials if trial.status == "FINISHED"]
    assert max(trial.metrics["val/acc"].last for trial in whole) == study.metrics["best/val/acc"].max > 0.9
    assert "best/alpha" in study.tags


def test_optuna_marks_trials_that_fail(repository: Path) -> None:
    script = (
        "import optuna\n"
        "from gittrack.integrations.optuna import GittrackCallback\n"
        "study = optuna.create_study()\n"
        "with GittrackCallback() as callback:\n"
        "    study.optimize(lambda trial: 1 / (trial.suggest_int('x', 0, 1) * 0), 2, n_jobs=2,\n"
        "        callbacks=[callback], catch=(ZeroDivisionError,))\n"
    )
    assert execute(repository, sys.executable, "-c", script).returncode == 0
    study, *trials = runs_of(repository)
    assert [trial.status for trial in trials] == ["FAILED", "FAILED"]
    assert study.status == "FINISHED"


def test_hydra_records_its_configuration_and_its_files(repository: Path) -> None:
    (run,) = example(repository, "hydra_jobs.py", "model.depth=4")
    assert run.status == "FINISHED"
    assert run.params["model"] == {"depth": 4, "name": "tree-4"}
    assert run.metrics["acc"].count == 5
    assert run.metrics["return_value"].last > 0.8
    assert run.tags["hydra.overrides"] == "model.depth=4"
    assert "hydra/.hydra/config.yaml" in run.artifacts


def test_a_multirun_of_hydra_is_a_run_with_a_child_for_each_job(repository: Path) -> None:
    parent, *jobs = example(repository, "hydra_jobs.py", "-m", "model.depth=2,3")
    assert [job.params["model"]["depth"] for job in jobs] == [2, 3]  # type: ignore[index, call-overload]
    assert all(job.parent == parent.run_id for job in jobs)
    assert {run.status for run in [parent, *jobs]} == {"FINISHED"}


def test_a_job_of_hydra_that_fails_is_a_failed_run_with_its_traceback(repository: Path) -> None:
    done = execute(repository, sys.executable, EXAMPLES / "hydra_jobs.py", "model.depth=0")
    assert done.returncode != 0
    (run,) = runs_of(repository)
    assert run.status == "FAILED"
    assert run.reason == "ValueError: a tree needs a depth"


def test_ray_tune_records_a_search_with_finished_and_failed_trials(repository: Path) -> None:
    search, *trials = example(repository, "ray_tune.py")
    assert (search.name, len(trials)) == ("cancer search", 3)
    assert all(trial.parent == search.run_id for trial in trials)
    by_alpha = {trial.params["alpha"]: trial for trial in trials}
    assert by_alpha[10.0].status == "FAILED"
    assert by_alpha[10.0].reason == "ValueError: alpha 10.0 is too strong"
    assert (by_alpha[0.0001].status, by_alpha[0.0001].metrics["val_acc"].count) == ("FINISHED", 4)


def test_lightning_records_hyperparameters_metrics_and_a_checkpoint(repository: Path) -> None:
    (run,) = example(repository, "lightning_digits.py")
    assert (run.name, run.status) == ("digits by lightning", "FINISHED")
    assert run.params == {"width": 32, "lr": 0.01}
    assert run.metrics["val_acc"].last > 0.8
    assert run.metrics["train_loss"].count == 3
    assert any(path.endswith(".ckpt") for path in run.artifacts)


def test_keras_records_the_optimizer_and_each_epoch(repository: Path) -> None:
    (run,) = example(repository, "keras_digits.py")
    assert (run.name, run.status) == ("digits by keras", "FINISHED")
    assert run.params["optimizer_name"] == "adam"
    assert run.params["optimizer_learning_rate"] == pytest.approx(0.01)
    assert run.metrics["val_accuracy"].count == 3
    assert run.metrics["val_accuracy"].last > 0.7


def test_the_trainer_of_hugging_face_records_arguments_losses_and_a_checkpoint(repository: Path) -> None:
    (run,) = example(repository, "transformers_tiny.py")
    assert (run.name, run.status) == ("counting", "FINISHED")
    assert run.params["learning_rate"] == 0.01
    assert run.params["n_embd"] == 16
    assert run.metrics["eval_loss"].count == 3
    assert run.metrics["loss"].last < run.metrics["loss"].max
    assert any(path.startswith("checkpoints/checkpoint-") for path in run.artifacts)


def test_xgboost_records_params_evaluations_and_importance(repository: Path) -> None:
    (run,) = example(repository, "xgboost_cancer.py")
    assert (run.name, run.status) == ("cancer by xgboost", "FINISHED")
    assert run.params["max_depth"] == 3
    assert (run.metrics["val-logloss"].count, run.metrics["val-auc"].count) == (20, 20)
    assert run.metrics["val-auc"].last > 0.98
    assert any(key.startswith("importance/") for key in run.metrics)


def test_lightgbm_records_params_and_evaluations(repository: Path) -> None:
    (run,) = example(repository, "lightgbm_cancer.py")
    assert (run.name, run.status) == ("cancer by lightgbm", "FINISHED")
    assert run.params["num_leaves"] == 7
    assert (run.metrics["val-binary_logloss"].count, run.metrics["train-auc"].count) == (20, 20)


def test_a_callback_logs_to_the_active_run_and_leaves_it_open(repository: Path) -> None:
    script = (
        "import gittrack, runpy\n"
        "with gittrack.start_run(run_name='mine'):\n"
        f"    runpy.run_path({str(EXAMPLES / 'xgboost_cancer.py')!r})\n"
        "    gittrack.log_metric('after', 1)\n"
    )
    done = execute(repository, sys.executable, "-c", script)
    assert done.returncode == 0, done.stderr
    (run,) = runs_of(repository)
    assert (run.name, run.status) == ("mine", "FINISHED")
    assert {"after", "val-auc"} <= set(run.metrics)


@pytest.mark.parametrize("ranks", ["0", "all"])
def test_the_ranks_of_torchrun_make_one_run(repository: Path, ranks: str) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = execute(repository, *launcher, EXAMPLES / "torchrun_ranks.py", GITTRACK_RANKS=ranks)
    assert done.returncode == 0, done.stderr
    (run,) = runs_of(repository)
    assert run.status == "FINISHED"
    assert run.metrics["loss"].last < 0.1
    seen = {key for key in run.metrics if key.startswith("rank_")}
    assert seen == ({"rank_0/loss"} if ranks == "0" else {"rank_0/loss", "rank_1/loss"})


def test_a_watched_folder_of_tensorboard_has_every_scalar(repository: Path, tmp_path: Path) -> None:
    script = (
        "from torch.utils.tensorboard import SummaryWriter\n"
        "writer = SummaryWriter('logs/first')\n"
        "for step in range(300):\n"
        "    writer.add_scalar('train/loss', 1 / (step + 1), step)\n"
        "writer.add_scalars('both', {'a': 1, 'b': 2}, 5)\n"
        "writer.add_histogram('weights', __import__('numpy').arange(9), 1)\n"
        "writer.add_text('note', 'hello')\n"
        "writer.close()\n"
    )
    assert execute(repository, sys.executable, "-c", script).returncode == 0
    done = execute(repository, sys.executable, "-m", "gittrack", "watch", "logs", "--once")
    assert (done.returncode, done.stderr) == (0, "")
    (run,) = runs_of(repository)
    assert run.metrics["first/train/loss"].count == 300
    assert run.metrics["first/train/loss"].min == pytest.approx(1 / 300)
    assert run.metrics["first/both_a/both"].last == 1
    assert run.name == "logs"
