"""Frozen dataclasses whose methods are generated when somebody needs them, not with the class.

Generating them is most of what importing a module of values costs, and most commands make instances of few.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  (exported)
else:

    def dataclass(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Return what makes a class the dataclass that the standard library would make of it.

        Nothing may inherit from it.

        Raises:
            ValueError: It shall not be frozen, or have no slots.
        """
        if not (frozen and slots):
            message = "for frozen ones with slots only"
            raise ValueError(message)
        return _make


T = TypeVar("T")
_DESCRIPTIONS: Final = ("__dataclass_fields__", "__dataclass_params__")
_FROM_FACTORY: Final = object()
"""The default of a parameter whose field has a factory."""
_bodies: dict[type, dict[str, Any]] = {}
"""Classes that are made here, and what their definitions hold."""
_compared: dict[type, Callable[[Any], object]] = {}
"""Class → what tells whether instances of it are equal."""


class _LateDescription:
    """What the module ``dataclasses`` wants to know of a class, made when it asks."""

    def __init__(self, name: str) -> None:
        """Keep its name."""
        self.name = name

    def __get__(self, one: object, owner: type) -> Any:  # noqa: ANN401  (the standard library's)
        """Return it, and from now on without coming here."""
        theirs = vars(dataclasses.dataclass(frozen=True)(type(owner.__name__, (), dict(_bodies[owner]))))
        for name in _DESCRIPTIONS:
            setattr(owner, name, theirs[name])
        return theirs[self.name]


def _make(template: type) -> type:
    body = {name: value for name, value in vars(template).items() if name not in {"__dict__", "__weakref__"}}
    names = tuple(template.__annotations__)
    namespace = {
        "__eq__": _is_equal,
        "__hash__": _hash,
        "__repr__": _represent,
        **{name: value for name, value in body.items() if name not in names},
        **{name: _LateDescription(name) for name in _DESCRIPTIONS},
        "__slots__": names,
        "__match_args__": tuple(name for name in names if _option(body.get(name), "init")),
        "__init__": _first_init,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__reduce__": _reduce,
        "__qualname__": template.__qualname__,
    }
    if namespace["__hash__"] is None:  # as Python has it for whoever says what is equal
        namespace["__hash__"] = _hash
    made = type(template.__name__, template.__bases__, namespace)
    _bodies[made] = body
    _compared[made] = _getter_of([name for name in names if _option(body.get(name), "compare")])
    return made


def _option(default: object, name: str) -> bool:
    """Return whether a field takes part in something, given what its definition has as default."""
    return not isinstance(default, Field) or getattr(default, name)


def _getter_of(names: Sequence[str]) -> Callable[[Any], object]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda one: tuple(getattr(one, name) for name in names)


def complete(made: type) -> None:
    """Generate the method that makes instances of a class made here now, if that is not done yet."""
    if vars(made)["__init__"] is _first_init:
        # Threads that come together each do it, to the same effect: nothing that they share is changed.
        setters = {f"_set_{name}": vars(made)[name].__set__ for name in vars(made)["__slots__"]}
        parameters, lines = _write_fields(made, "_set_{0}(self, {1})", setters)
        init = _define(f"def __init__(self, {parameters}):", [*lines, *_check_of(made)], setters)
        init.__qualname__ = f"{made.__qualname__}.__init__"
        init.__annotations__ = {**made.__annotations__, "return": None}
        setattr(made, "__init__", init)  # noqa: B010  (mypy)


def maker_of(made: type[T]) -> Callable[..., T]:
    """Return what makes instances of a class made here, several times as fast as the class itself does.

    Where thousands are made, most of the time goes into the way around their frozenness.
    """
    # Of the same slots, and not frozen.
    thawed = type(made.__name__, (), {"__slots__": vars(made)["__slots__"]})
    scope: dict[str, Any] = {"_new": object.__new__, "_thawed": thawed, "_made": made}
    parameters, lines = _write_fields(made, "self.{0} = {1}", scope)
    lines = ["self = _new(_thawed)", *lines, "self.__class__ = _made", *_check_of(made), "return self"]
    make: Callable[..., T] = _define(f"def make({parameters}):", lines, scope)
    return make


def _write_fields(made: type, assign: str, scope: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the parameters of what makes instances, and its lines; ``scope`` gets what they refer to.

    ``assign`` is how the field {0} is set to the value {1}.
    """
    body = _bodies[made]
    scope["_FROM_FACTORY"] = _FROM_FACTORY
    parameters, lines = [], []
    for name in vars(made)["__slots__"]:
        default = body.get(name, MISSING)
        factory = default.default_factory if isinstance(default, Field) else MISSING
        scope[f"_make_{name}"] = factory
        scope[f"_default_{name}"] = default.default if isinstance(default, Field) else default
        if not _option(default, "init"):
            if factory is MISSING and scope[f"_default_{name}"] is MISSING:
                continue
            value = f"_default_{name}" if factory is MISSING else f"_make_{name}()"
        elif factory is not MISSING:
            parameters.append(f"{name}=_FROM_FACTORY")
            value = f"_make_{name}() if {name} is _FROM_FACTORY else {name}"
        else:
            parameters.append(name if scope[f"_default_{name}"] is MISSING else f"{name}=_default_{name}")
            value = name
        lines.append(assign.format(name, value))
    return ", ".join(parameters), lines


def _check_of(made: type) -> list[str]:
    return ["self.__post_init__()"] if "__post_init__" in _bodies[made] else []


def _define(head: str, lines: Sequence[str], scope: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return the function whose text this is."""
    exec("\n ".join([head, *lines, "pass"]), scope)  # noqa: S102  (of names that are identifiers)
    return scope[head.removeprefix("def ").partition("(")[0]]


def _first_init(self: Any, *values: object, **named: object) -> None:  # noqa: ANN401  (of any class made here)
    complete(type(self))
    type(self).__init__(self, *values, **named)


def _is_equal(self: object, other: object) -> object:
    if other.__class__ is not self.__class__:
        return NotImplemented
    values = _compared[self.__class__]
    return values(self) == values(other)


def _hash(self: object) -> int:
    return hash(_compared[self.__class__](self))


@recursive_repr()
def _represent(self: object) -> str:
    body = _bodies[self.__class__]
    shown = [name for name in vars(self.__class__)["__slots__"] if _option(body.get(name), "repr")]
    return f"{self.__class__.__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


def _refuse_to_set(self: object, name: str, value: object) -> None:  # noqa: ARG001  (its place in the protocol)
    message = f"cannot assign to field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _refuse_to_delete(self: object, name: str) -> None:  # noqa: ARG001
    message = f"cannot delete field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _reduce(self: Any) -> tuple[type, tuple[object, ...]]:  # noqa: ANN401  (of any class made here)
    return type(self), tuple(getattr(self, name) for name in self.__match_args__)
