"""What a planted fault is, and how it is planted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from ingestd.lifecycle import decisions
from soak.variant import THEMES

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule."""

    breaks: str  # in words
    rule: str  # of rules.md
    patches: Callable[[], list[Any]]
    themes: tuple[str, ...] = THEMES
    change: dict[str, object] = field(default_factory=dict)


def method(owner: type, name: str, new: Callable[..., Any]) -> Any:
    """Put another method in the place of one."""
    return mock.patch.object(owner, name, new)


def rule(kind: type, new: Callable[..., Any]) -> Any:
    """Put another decision in the place of the one that an event calls."""
    return mock.patch.dict(decisions._RULES, {kind: new})
