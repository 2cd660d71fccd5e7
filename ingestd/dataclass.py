"""The standard library's `dataclass`, for a sixth of its price at the start.

`dataclasses.dataclass` compiles up to seven functions for each class: half a millisecond and 13 kB,
and a daemon imports some two hundred of them (docs/performance.md). Here all classes share their
methods, and `__init__`, which must be fast and name what is missing, is compiled when the first
instance is made. `fields`, `replace`, `asdict`, `match`, copies and pickles work as they always do;
one dataclass below another is not needed here and is refused.
"""

from __future__ import annotations

import dataclasses
from functools import cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["dataclass"]

T = TypeVar("T")


def _dataclass(
    *, slots: Literal[True], frozen: bool = False, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """Do what `dataclasses.dataclass` does with these options."""
    methods = _FROZEN if frozen else _SHARED

    def make(kind: type[T]) -> type[T]:
        if any(map(dataclasses.is_dataclass, kind.__bases__)):
            raise TypeError(f"{kind.__qualname__}: use dataclasses.dataclass for inheritance")
        made = dataclasses.dataclass(
            init=False, repr=False, eq=False, slots=slots, kw_only=kw_only
        )(kind)
        for name, method in methods.items():
            if name not in kind.__dict__:
                setattr(made, name, method)
        return made

    return make


# --- the methods ----------------------------------------------------------------------------------


def _init_first(self: object, *args: object, **given: object) -> None:
    """Compile the `__init__` of the class, put it in place of this one and go on with it."""
    kind: Any = type(self)
    kind.__init__ = _compiled_init(kind)
    kind.__init__(self, *args, **given)


def _repr(self: Any) -> str:
    shown = [field.name for field in dataclasses.fields(self) if field.repr]
    told = ", ".join(f"{name}={getattr(self, name)!r}" for name in shown)
    return f"{type(self).__qualname__}({told})"


def _eq(self: Any, other: object) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    values = _values_of(_kind(self))
    return values(self) == values(other)


def _hash(self: Any) -> int:
    return hash(_values_of(_kind(self))(self))


def _refuse(self: object, name: str, *_value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"{name!r} of {type(self).__qualname__} cannot change")


def _getstate(self: Any) -> list[object]:
    return [getattr(self, name) for name in _names(_kind(self))]


def _setstate(self: Any, values: Iterable[object]) -> None:
    for name, value in zip(_names(_kind(self)), values, strict=True):
        object.__setattr__(self, name, value)


_SHARED: dict[str, object] = {
    "__init__": _init_first,
    "__repr__": _repr,
    "__eq__": _eq,
    "__hash__": None,  # what can change is no key
}
_FROZEN: dict[str, object] = {
    **_SHARED,
    "__hash__": _hash,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
    "__getstate__": _getstate,
    "__setstate__": _setstate,
}


# --- what they know of a class --------------------------------------------------------------------


def _kind(self: object) -> Any:  # mypy would not have a `type` in a cache
    return type(self)


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


@cache
def _values_of(kind: Any) -> Callable[[object], object]:
    names = _names(kind)
    return attrgetter(*names) if names else lambda _: ()


def _compiled_init(kind: Any) -> Callable[..., None]:
    """The `__init__` that the standard library would write."""
    arguments, body = ["self"], []
    known: dict[str, Any] = {"_set": object.__setattr__, "_MISSING": dataclasses.MISSING}
    for field in dataclasses.fields(kind):
        name, argument, value = field.name, field.name, field.name
        if field.default is not dataclasses.MISSING:
            known[f"_default_{name}"] = field.default
            argument = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            known[f"_make_{name}"] = field.default_factory
            argument = f"{name}=_MISSING"
            value = f"_make_{name}() if {name} is _MISSING else {name}"
        if field.kw_only and "*" not in arguments:
            arguments.append("*")
        arguments.append(argument)
        body.append(f"_set(self, {name!r}, {value})")
    if hasattr(kind, "__post_init__"):
        body.append("self.__post_init__()")
    lines = "\n    ".join(body or ["pass"])
    exec(f"def __init__({', '.join(arguments)}):\n    {lines}", known)  # noqa: S102 - as the standard library does
    init: Callable[..., None] = known["__init__"]
    init.__qualname__ = f"{kind.__qualname__}.__init__"  # what a TypeError names
    return init


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
