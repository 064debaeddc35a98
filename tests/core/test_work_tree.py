"""What git says of a work tree, read back; and which files are taken, whatever their order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.work_tree import (
    MAX_UNTRACKED_BYTES,
    MAX_UNTRACKED_FILES,
    MAX_UNTRACKED_TOTAL_BYTES,
    Candidate,
    Change,
    choose_files,
    is_derived,
    parse_status,
)

ID = "a" * 40


def test_every_kind_of_line_is_read() -> None:
    data = b"\0".join(
        [
            f"# branch.oid {ID}".encode(),
            b"# branch.head topic/x",
            b"# stash 3",
            f"1 .M N... 100644 100644 100755 {ID} {ID} a file.py".encode(),
            f"1 A. N... 000000 100644 100644 {'0' * 40} {ID} new.py".encode(),
            f"1 .M SC.U 160000 160000 160000 {ID} {ID} vendor".encode(),
            f"2 R. N... 100644 100644 100644 {ID} {ID} R100 after.py".encode(),
            b"before.py",
            f"u UU N... 100644 100644 100644 100644 {ID} {ID} {ID} both.py".encode(),
            b"? \xff\xfe.txt",
            b"? folder/",
            b"! ignored",
            b"",
        ]
    ).replace(b"! ignored\0", b"")
    found = parse_status(data)
    assert (found.commit, found.branch) == (ID, "topic/x")
    assert found.changes == (
        Change("a file.py", 0o100755),
        Change("new.py", 0o100644, is_in_head=False),
        Change("vendor", 0o160000, "SC.U"),
        Change("after.py", 0o100644),
        Change("before.py", 0),
        Change("both.py", 0o100644),
    )
    assert found.untracked == ("\udcff\udcfe.txt", "folder/")
    assert [change.path for change in found.changes if change.is_submodule] == ["vendor"]


def test_no_commit_and_no_branch_are_none() -> None:
    found = parse_status(b"# branch.oid (initial)\0# branch.head (detached)\0")
    assert (found.commit, found.branch, found.changes) == (None, None, ())


@pytest.mark.parametrize("data", [b"M  file.py\0", b"1 .M\0", b"x y z\0", b"1 .M N... 1 2 zz h h p\0"])
def test_what_is_no_status_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse_status(data)


@given(st.binary(max_size=60))
def test_whatever_git_prints_is_read_or_refused(data: bytes) -> None:
    try:
        parse_status(data)
    except ValueError:
        return


candidates = st.lists(
    st.builds(
        Candidate,
        st.from_regex(r"\A[a-c]{1,3}/[a-d]{1,4}\.py\Z"),
        st.integers(0, 3 * MAX_UNTRACKED_BYTES // 2),
        st.booleans(),
    ),
    unique_by=lambda one: one.path,
    max_size=60,
)


@given(candidates, st.randoms())
def test_the_same_files_make_the_same_choice_within_the_caps(found: list[Candidate], chance: object) -> None:
    choice = choose_files(found)
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    again = choose_files(shuffled)
    assert (again.taken, again.skipped) == (choice.taken, choice.skipped)
    assert {one.path for one in choice.taken} | choice.skipped.keys() == {one.path for one in found}
    untracked = [one for one in choice.taken if not one.is_tracked]
    assert sum(one.size for one in untracked) <= MAX_UNTRACKED_TOTAL_BYTES
    assert all(one.size <= MAX_UNTRACKED_BYTES for one in untracked)
    assert len(untracked) <= MAX_UNTRACKED_FILES


def test_what_running_code_makes_is_derived() -> None:
    for path in ("a/__pycache__/b.pyc", "wandb/x", ".venv/lib/a.py", "a/b.egg-info", "x.swp"):
        assert is_derived(path)
    for path in ("train.py", "mlruns.py", "data/train.csv", "a/wandb.py"):
        assert not is_derived(path)
