"""Dataclasses that are finished late behave as those of the standard library."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
import sys
import threading
from dataclasses import field
from typing import Any

import pytest

from gittrack.core import frozen


class Point:
    """Whatever."""

    x: int
    y: float = 0.5
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.x < 0:
            message = "left of everything"
            raise ValueError(message)

    @property
    def sum(self) -> float:
        return self.x + self.y


def make(decorator: Any) -> Any:
    namespace = {
        name: value for name, value in vars(Point).items() if name not in {"__dict__", "__weakref__"}
    }
    return decorator(type("Point", (), namespace))


Theirs = make(dataclasses.dataclass(frozen=True, slots=True))
Ours = make(frozen.dataclass(frozen=True, slots=True))


def test_methods_are_generated_with_the_first_instance() -> None:
    late = make(frozen.dataclass(frozen=True, slots=True))
    before = late.__init__
    assert late(1).x == 1
    assert late.__init__ is not before
    assert inspect.signature(late) == inspect.signature(Theirs).replace(
        parameters=[
            one.replace(default=inspect.signature(late).parameters[one.name].default)
            for one in inspect.signature(Theirs).parameters.values()
        ]
    )


def test_the_standard_library_knows_the_fields_whenever_it_asks() -> None:
    for make_first in (True, False):
        late = make(frozen.dataclass(frozen=True, slots=True))
        if make_first:
            late(1)
        assert dataclasses.is_dataclass(late)
        assert [(one.name, one.type) for one in dataclasses.fields(late)] == [
            (one.name, one.type) for one in dataclasses.fields(Theirs)
        ]
        assert dataclasses.fields(late) == dataclasses.fields(late)


def test_values_are_what_the_standard_library_makes_them() -> None:
    for given, named in ((1,), {}), ((1, 2.0), {}), ((1,), {"tags": ["a"]}), ((), {"y": 3.0, "x": 2}):
        ours, theirs = Ours(*given, **named), Theirs(*given, **named)
        assert repr(ours) == repr(theirs)
        assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
        assert ours == Ours(*given, **named) != theirs
        assert ours.sum == theirs.sum
        assert dataclasses.replace(ours, x=7).tags == ours.tags
        assert not hasattr(ours, "__dict__")
    assert Ours(1).tags is not Ours(1).tags
    assert Ours.__match_args__ == Theirs.__match_args__


def test_methods_can_be_had_before_the_first_instance() -> None:
    late = make(frozen.dataclass(frozen=True, slots=True))
    frozen.complete(late)
    init = late.__init__
    frozen.complete(late)
    assert late.__init__ is init
    assert late(1) == late(1)


def test_wrong_arguments_are_refused_from_the_first_instance_on() -> None:
    late = make(frozen.dataclass(frozen=True, slots=True))
    for _ in range(2):
        with pytest.raises(TypeError, match="missing 1 required positional argument: 'x'"):
            late()
        with pytest.raises(ValueError, match="left of everything"):
            late(-1)


def test_nothing_can_be_changed() -> None:
    one = Ours(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        del one.x
    assert one.x == 1


def test_equal_values_have_equal_hashes() -> None:
    assert hash(Ours(1, tags=("a",))) == hash(Ours(1, tags=("a",))) == hash((1, 0.5, ("a",)))


def test_copies_are_equal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "Point", Ours)
    one = Ours(1, tags=["a"])
    assert pickle.loads(pickle.dumps(one)) == copy.copy(one) == copy.deepcopy(one) == one
    assert copy.deepcopy(one).tags is not one.tags


def test_what_is_made_quickly_is_the_same() -> None:
    late = make(frozen.dataclass(frozen=True, slots=True))
    quickly = frozen.maker_of(late)
    for given, named in ((1,), {}), ((1, 2.0), {}), ((1,), {"tags": ["a"]}), ((), {"y": 3.0, "x": 2}):
        one = quickly(*given, **named)
        assert type(one) is late
        assert one == late(*given, **named)
        assert repr(one) == repr(late(*given, **named))
        assert not hasattr(one, "__dict__")
        with pytest.raises(dataclasses.FrozenInstanceError):
            one.x = 2
    with pytest.raises(TypeError):
        quickly()
    with pytest.raises(ValueError, match="left of everything"):
        quickly(-1)


def test_a_field_that_is_not_given_is_not_copied_either() -> None:
    class Drop:
        size: int
        weight: int = field(default_factory=int, init=False, compare=False)

    drop: Any = frozen.dataclass(frozen=True, slots=True)(Drop)
    one = drop(1)
    vars(drop)["weight"].__set__(one, 7)
    assert (one.weight, copy.copy(one).weight, dataclasses.replace(one).weight) == (7, 0, 0)
    assert drop.__match_args__ == ("size",)
    assert one == drop(1)


def test_fields_that_take_no_part() -> None:
    class Parcel:
        size: int
        note: str = field(default="", repr=False, compare=False)
        seal: bytes = field(default=b"wax", init=False)
        owner: str = field(init=False, repr=False, compare=False)

    theirs: Any = dataclasses.dataclass(frozen=True, slots=True)(type("Parcel", (), dict(vars(Parcel))))
    ours: Any = frozen.dataclass(frozen=True, slots=True)(Parcel)
    assert repr(ours(1, "x")).rpartition(".")[2] == repr(theirs(1, "x")) == "Parcel(size=1, seal=b'wax')"
    assert ours(1, "x") == ours(1, "y") != ours(2, "x")
    assert not hasattr(ours(1), "owner")
    assert hash(ours(1, "x")) == hash(theirs(1, "y")) == hash((1, b"wax"))


def test_one_field_and_none() -> None:
    class One:
        x: int

    class Nothing:
        """No field."""

    one: Any = frozen.dataclass(frozen=True, slots=True)(One)
    assert (one(1) == one(1), one(1) == one(2), hash(one(1))) == (True, False, hash((1,)))
    nothing: Any = frozen.dataclass(frozen=True, slots=True)(Nothing)
    assert nothing() == nothing()
    assert repr(nothing()).endswith("Nothing()")


def test_what_holds_itself_can_be_shown() -> None:
    one = Ours(1, tags=[])
    one.tags.append(one)
    assert repr(one) == "Point(x=1, y=0.5, tags=[...])"


def test_what_a_class_says_itself_goes_first() -> None:
    class Loud:  # noqa: PLW1641  (that is what it is about)
        x: int

        def __repr__(self) -> str:
            return f"<{self.x}!>"

        def __eq__(self, other: object) -> bool:
            return True

    loud: Any = frozen.dataclass(frozen=True, slots=True)(Loud)
    theirs: Any = dataclasses.dataclass(frozen=True, slots=True)(Loud)
    assert repr(loud(1)) == "<1!>"
    assert loud(1) == loud(2)
    assert hash(loud(1)) == hash(theirs(1)) == hash((1,))


def test_threads_may_make_the_first_instances_together() -> None:
    for _ in range(10):
        late, made = make(frozen.dataclass(frozen=True, slots=True)), list[Any]()
        barrier = threading.Barrier(4)

        def begin(late: Any = late, made: list[Any] = made, barrier: Any = barrier) -> None:
            barrier.wait()
            made.append(late(3))

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert made == [late(3)] * 4


def test_only_frozen_classes_with_slots_are_made() -> None:
    with pytest.raises(ValueError, match="frozen"):
        frozen.dataclass(frozen=False, slots=True)
