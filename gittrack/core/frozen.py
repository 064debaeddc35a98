"""Frozen dataclasses whose methods are generated with the first instance, not with the class.

Generating them is most of what importing a module of values costs, and most commands make instances of few.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass  # noqa: PLC0414  (exported)
else:

    def dataclass(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Return what makes a class the dataclass that the standard library would make of it.

        Before its first instance it has no ``__dataclass_fields__`` yet; nothing may inherit from it.

        Raises:
            ValueError: It shall not be frozen, or have no slots.
        """
        if not (frozen and slots):
            message = "for frozen ones with slots only"
            raise ValueError(message)
        return _make


T = TypeVar("T")
_GENERATED: Final = (
    "__dataclass_fields__",
    "__dataclass_params__",
    "__repr__",
    "__eq__",
    "__hash__",
    "__init__",
)
_bodies: dict[type, dict[str, object]] = {}
"""Classes that are made here, and what their definitions hold."""


def _make(template: type) -> type:
    body = {name: value for name, value in vars(template).items() if name not in {"__dict__", "__weakref__"}}
    names = tuple(template.__annotations__)
    namespace = {name: value for name, value in body.items() if name not in names}
    namespace |= {
        "__slots__": names,
        "__match_args__": tuple(name for name in names if getattr(body.get(name), "init", True)),
        "__init__": _first_init,
        "__setattr__": _refuse_to_set,
        "__delattr__": _refuse_to_delete,
        "__reduce__": _reduce,
        "__qualname__": template.__qualname__,
    }
    made = type(template.__name__, template.__bases__, namespace)
    _bodies[made] = body
    return made


def complete(made: type) -> None:
    """Generate the methods of a class made here now, if that is not done yet."""
    if vars(made)["__init__"] is not _first_init:  # the last one that is set
        return
    # Threads that come together each do it, to the same effect: nothing that they share is changed.
    generated = vars(dataclasses.dataclass(frozen=True)(type(made.__name__, (), dict(_bodies[made]))))
    for name in _GENERATED:
        setattr(made, name, generated[name])


def maker_of(made: type[T]) -> Callable[..., T]:
    """Return what makes instances of a class made here, several times as fast as the class itself does.

    Where thousands are made, most of the time goes into the way around their frozenness.
    """
    complete(made)
    body = dict(_bodies[made])
    # Of the same slots, and not frozen.
    thawed: Any = dataclasses.dataclass(slots=True, eq=False, repr=False)(type(made.__name__, (), body))

    def make(*values: object, **named: object) -> Any:  # noqa: ANN401  (of the class given)
        one = thawed(*values, **named)
        one.__class__ = made
        return one

    return make


def _first_init(self: Any, *values: object, **named: object) -> None:  # noqa: ANN401  (of any class made here)
    complete(type(self))
    type(self).__init__(self, *values, **named)


def _refuse_to_set(self: object, name: str, value: object) -> None:  # noqa: ARG001  (its place in the protocol)
    message = f"cannot assign to field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _refuse_to_delete(self: object, name: str) -> None:  # noqa: ARG001
    message = f"cannot delete field {name!r}"
    raise dataclasses.FrozenInstanceError(message)


def _reduce(self: Any) -> tuple[type, tuple[object, ...]]:  # noqa: ANN401  (of any class made here)
    return type(self), tuple(getattr(self, name) for name in self.__match_args__)
