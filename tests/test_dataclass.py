"""The project's dataclasses behave as the standard library's do."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import pytest

from ingestd.config import ApiKey
from ingestd.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 2
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    x: int
    y: int = 2
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclass(slots=True)
class Counter:
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    name: str
    size: int = 1

    def __post_init__(self):
        if self.size < 0:
            raise ValueError(self.name)


@dataclass(frozen=True, slots=True)
class Nothing:
    pass


def test_defaults_order_and_names():
    assert (Point(1).x, Point(1).y, Point(1).tags) == (1, 2, [])
    assert Point(1).tags is not Point(1).tags
    assert Point(x=3, y=4) == Point(3, 4)
    assert Named(name="a").size == 1
    assert not hasattr(Point(1), "__dict__")


def test_what_is_wrong_with_the_arguments_is_named():
    with pytest.raises(TypeError, match=r"Point.__init__\(\) missing .*'x'"):
        Point()
    with pytest.raises(TypeError, match="unexpected keyword argument 'z'"):
        Point(1, z=2)
    with pytest.raises(TypeError, match="positional"):
        Named("a")
    with pytest.raises(ValueError, match="a"):
        Named(name="a", size=-1)


def test_equal_are_those_of_one_class_with_equal_fields():
    assert Point(1) == Point(1)
    assert Point(1) != Point(2)
    assert Point(1) != Standard(1)
    assert Nothing() == Nothing()
    assert Counter(1) == Counter(1)


def test_only_what_cannot_change_is_a_key():
    assert {Named(name="a"): 1}[Named(name="a")] == 1
    assert hash(Nothing()) == hash(Nothing())
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter())


def test_what_is_frozen_does_not_change():
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="'x' of Point"):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="'x' of Point"):
        del point.x
    counter = Counter()
    counter.count += 1
    assert counter == Counter(1)


def test_the_tools_of_the_standard_library_know_them():
    assert dataclasses.replace(Point(1), y=5) == Point(1, 5)
    assert dataclasses.asdict(Point(1)) == dataclasses.asdict(Standard(1))
    assert repr(Point(1)) == "Point(x=1, y=2, tags=[])"
    match Point(1, 7):
        case Point(x, y):
            assert (x, y) == (1, 7)


@pytest.mark.parametrize("value", [Point(1, 2, ["a"]), Named(name="a"), Nothing(), Counter(3)])
def test_copies_and_pickles_are_equal(value):
    assert copy.copy(value) == value
    assert copy.deepcopy(value) == value
    assert pickle.loads(pickle.dumps(value)) == value


def test_a_field_that_must_not_be_shown_is_not():
    assert "sk-secret" not in repr(ApiKey("sk-secret", "credential"))


def test_one_below_another_is_refused():
    with pytest.raises(TypeError, match="inheritance"):

        @dataclass(frozen=True, slots=True)
        class Below(Point):
            z: int = 3
