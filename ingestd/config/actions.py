"""What is done besides uploading: after-actions and the command for troubles.

Conventions are those of `ingestd.config.values`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from ingestd.config import values
from ingestd.config.values import BadValueError

if TYPE_CHECKING:
    from pathlib import Path


class AfterKind(StrEnum):
    """What is done with a file once it needs no more work."""

    KEEP = "keep"
    DELETE = "delete"
    MOVE_TO = "move_to"


@dataclass(frozen=True, slots=True)
class After:
    """An after-action; `move_to` is the directory of `AfterKind.MOVE_TO`, None for the others."""

    kind: AfterKind = AfterKind.KEEP
    move_to: Path | None = None

    def __str__(self) -> str:
        return self.kind.value


KEEP = After()

_FORMS = "must be keep, delete or {move_to: DIR}"


def after(value: object, home: str) -> After:
    """Read an after-action; `home` is what `~` in its directory stands for."""
    if isinstance(value, dict):
        if set(value) != {"move_to"}:
            raise BadValueError(_FORMS)
        return After(AfterKind.MOVE_TO, values.path(value["move_to"], home))
    word = values.text(value).strip().lower()
    words = (AfterKind.KEEP.value, AfterKind.DELETE.value)
    if word not in words:
        raise BadValueError(_FORMS, values.nearest(word, words))
    return After(AfterKind(word))


def after_rejected(value: object, home: str) -> After:
    """Read the after-action for rejected files, which are never deleted (interface 2)."""
    found = after(value, home)
    if found.kind is AfterKind.DELETE:
        raise BadValueError("must be keep or {move_to: DIR}: a rejected file is never deleted")
    return found


def command(value: object) -> tuple[str, ...] | None:
    """Read a command and its arguments; `null` and `off` are None."""
    if values.is_off(value):
        return None
    words = tuple(values.line(word) for word in values.one_or_many(value))
    if not words:
        raise BadValueError("must be a command such as [/usr/local/bin/notify, argument], or null")
    return words
