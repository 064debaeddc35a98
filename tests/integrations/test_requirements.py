"""Frameworks that are missing, broken or too old, and the keys they report."""

from __future__ import annotations

import importlib
import sys
import types
from typing import TYPE_CHECKING

import pytest

import gittrack
from gittrack.errors import StoreError, UserError
from gittrack.integrations.requirements import load
from gittrack.integrations.session import Session, clean_key

if TYPE_CHECKING:
    from pathlib import Path

FRAMEWORKS = ("hydra", "keras", "lightgbm", "lightning", "optuna", "ray", "transformers", "xgboost")


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_missing_framework_is_an_error_that_names_the_extra(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("hydra", "keras", "lightgbm", "lightning", "optuna", "pytorch_lightning", "ray"):
        monkeypatch.setitem(sys.modules, module, None)
    for module in ("transformers", "xgboost"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, f"gittrack.integrations.{name}", raising=False)
    with pytest.raises(UserError, match="cannot be imported") as error:
        importlib.import_module(f"gittrack.integrations.{name}")
    assert error.value.hint == f"pip install 'gittrack[{name}]'"


def test_a_framework_that_is_too_old_is_an_error_too(monkeypatch: pytest.MonkeyPatch) -> None:
    old = types.ModuleType("keras")
    old.__version__ = "0.1"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras", old)
    with pytest.raises(UserError, match=r"0\.1 has no keras\.callbacks\.Callback"):
        load("keras", "keras", "callbacks.Callback")


@pytest.mark.parametrize(
    ("key", "stored"),
    [
        ("val-auc@5", "val-auc_5"),
        ("a//b", "a/_/b"),
        ("..", "_"),
        ("loss (mean)", "loss _mean_"),
        ("", "_"),
        ("/a", "_/a"),
    ],
)
def test_keys_of_frameworks_become_keys_that_can_be_stored(repo: Path, key: str, stored: str) -> None:
    assert clean_key(key) == stored
    with gittrack.start_run() as run:
        session = Session()
        session.start()
        session.log_metrics({key: 1.0, "text": "no number", "nothing": None})
    assert gittrack.get_run(run.info.run_id).data.metrics == {stored: 1.0}


def test_what_cannot_be_logged_is_warned_of_once_and_the_training_goes_on(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with gittrack.start_run():
        session = Session()
        session.start()
        with monkeypatch.context() as patched:
            patched.setattr(session._live, "_append", _full)
            with pytest.warns(UserWarning, match="not everything is logged"):
                session.log_metrics({"a": 1})
            session.log_metrics({"a": 2})
            patched.setenv("GITTRACK_STRICT", "1")
            with pytest.raises(StoreError):
                session.log_metrics({"a": 3})


def _full(_line: bytes) -> None:
    message = "no space left on device"
    raise StoreError(message)
