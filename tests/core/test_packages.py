"""The lock of an environment: installable, comparable line by line, equal for equal environments."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gittrack.core.packages import (
    Package,
    PackageChange,
    compare_locks,
    encode_lock,
    normalize_name,
    parse_lock,
)

names = st.from_regex(r"\A[A-Za-z][A-Za-z0-9._\-]{0,10}[A-Za-z0-9]\Z")
versions = st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,2}(\+cu[0-9]{3})?\Z")
packages = st.lists(
    st.builds(Package, names, versions)
    | st.builds(Package, names, versions, st.just("git+https://example.org/x@" + "a" * 40))
    | st.builds(Package, names, versions, st.just("./lib"), st.just(value=True))
    | st.builds(Package, names, versions, is_elsewhere=st.just(value=True)),
    unique_by=lambda one: one.key,
    max_size=8,
)


@given(packages, st.randoms())
def test_equal_environments_have_equal_locks_whatever_the_order(found: list[Package], chance: object) -> None:
    shuffled = list(found)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert encode_lock("3.12.4", found) == encode_lock("3.12.4", shuffled)


@given(packages)
def test_a_lock_tells_every_package_and_its_version(found: list[Package]) -> None:
    parsed = parse_lock(encode_lock("3.12.4", found))
    assert parsed.pop("python") == "3.12.4"
    expected = {one.key: one.source if one.source and not one.is_editable else one.version for one in found}
    assert parsed == expected


def test_a_lock_is_a_requirements_file_with_comments() -> None:
    found = [
        Package("torch", "2.4.0+cu121"),
        Package("My_Lib", "1.0", ".", is_editable=True),
        Package("scratch", "0.1", is_elsewhere=True),
        Package("forked", "3.0", "git+https://example.org/forked@" + "b" * 40),
    ]
    assert encode_lock("3.12.4", found, ["mkl=2024.0=h1"]).splitlines() == [
        "# python 3.12.4",
        "forked @ git+https://example.org/forked@" + "b" * 40,
        "-e .  # My_Lib==1.0",
        "# not from an index: scratch==0.1",
        "torch==2.4.0+cu121",
        "# conda: mkl=2024.0=h1",
    ]


def test_what_two_environments_do_not_have_alike_is_named() -> None:
    before = parse_lock("# python 3.11.1\nnumpy==1.26.0\ntorch==2.3.0\n# conda: mkl=2024.0=h1\n")
    after = parse_lock("# python 3.12.4\nnumpy==2.1.0\ntorch==2.3.0\nNew.Package==1\n")
    assert compare_locks(before, after) == [
        PackageChange("conda:mkl", "2024.0", None),
        PackageChange("new-package", None, "1"),
        PackageChange("numpy", "1.26.0", "2.1.0"),
        PackageChange("python", "3.11.1", "3.12.4"),
    ]
    assert compare_locks(before, before) == []
    assert normalize_name("New.__Package") == "new-package"
