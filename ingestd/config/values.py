"""What people write for a value, and the value it means (interface 4).

Every function takes what stands in the file (text; None for an empty value or a plain `null`; a
list or a mapping where somebody wrote one) and raises `BadValueError` with a sentence that names
the accepted forms. Nothing here touches the file system.
"""

from __future__ import annotations

import difflib
import math
import os.path
import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from enum import StrEnum

    EnumT = TypeVar("EnumT", bound=StrEnum)

T = TypeVar("T")


class BadValueError(ValueError):
    """A value that cannot be used: what would be accepted, and the nearest thing that is."""

    def __init__(self, message: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.suggestion = suggestion


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was most likely meant, or ""."""
    return next(iter(difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)), "")


# Text ---------------------------------------------------------------------------------------------

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def text(value: object) -> str:
    """Return the text of a value that is one text, as it stands in the file."""
    if isinstance(value, str):
        return value
    if value is None:
        raise BadValueError(
            "must not be empty: write a value, or leave the line out for the default"
        )
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value.values())) is None:
            braces = '"{' + next(iter(value)) + '}"'
            raise BadValueError("must be a text: put it in quotes", braces)
        raise BadValueError("must be one value; there are keys below it")
    raise BadValueError("must be one value, not a list")


def line(value: object) -> str:
    """Return a text that fits on one line: not blank, without control characters."""
    found = text(value).strip()
    if not found:
        raise BadValueError("must not be empty")
    if _CONTROL.search(found):
        raise BadValueError("must be one line without control characters")
    return found


def is_off(value: object) -> bool:
    """Tell whether a value that may be switched off is: empty, `off`, `null` or `~`."""
    return value is None or (
        isinstance(value, str) and value.strip().lower() in {"", "off", "null", "~"}
    )


def optional(convert: Callable[[object], T]) -> Callable[[object], T | None]:
    """Let `off` and `null` stand for None beside what `convert` reads."""

    def read(value: object) -> T | None:
        return None if is_off(value) else convert(value)

    return read


def unlimited_or(convert: Callable[[object], T]) -> Callable[[object], T | None]:
    """Let `unlimited`, `off` and `null` stand for None beside what `convert` reads."""

    def read(value: object) -> T | None:
        if is_off(value) or (isinstance(value, str) and value.strip().lower() == "unlimited"):
            return None
        try:
            return convert(value)
        except BadValueError as error:
            raise BadValueError(f"{error.message}, or unlimited", error.suggestion) from None

    return read


def one_of(choices: type[EnumT]) -> Callable[[object], EnumT]:
    """Read one word of a closed set; capitals do not matter."""
    words = [choice.value for choice in choices]

    def read(value: object) -> EnumT:
        word = text(value).strip().lower()
        if word in words:
            return choices(word)
        forms = f"{', '.join(words[:-1])} or {words[-1]}"
        raise BadValueError(f"must be {forms}", nearest(word, words))

    return read


_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def boolean(value: object) -> bool:
    """Read yes or no in the spellings of YAML."""
    word = text(value).strip().lower()
    if word not in _BOOLEANS:
        raise BadValueError("must be true or false (or yes, no, on, off)", nearest(word, _BOOLEANS))
    return _BOOLEANS[word]


# Numbers ------------------------------------------------------------------------------------------

_LONGEST_NUMBER = 40  # characters; keeps huge digit strings out of the arithmetic
_LARGEST = 2**63 - 1  # what SQLite can hold
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:/([0-9]+))?")


def number(value: object) -> float:
    """Read a number that is not negative; `1/3` is one, for several machines on one account."""
    written = text(value).strip()
    match = _NUMBER.fullmatch(written)
    if match is None or len(written) > _LONGEST_NUMBER or match[2] == "0" * len(match[2] or "x"):
        raise BadValueError("must be a number such as 1, 0.5 or 1/3, not negative")
    found = float(Fraction(match[1]) / Fraction(match[2] or "1"))
    if not math.isfinite(found) or found > _LARGEST:
        raise BadValueError("must be a smaller number")
    return found


def zero_is_unlimited(value: object) -> float | None:
    """Read a rate where 0, as well as `unlimited`, means that there is none."""
    return unlimited_or(number)(value) or None


def count(value: object) -> int:
    """Read a whole number that is not negative."""
    written = text(value).strip()
    if not re.fullmatch(r"[0-9]{1,18}", written):
        raise BadValueError("must be a whole number, not negative")
    return int(written)


def positive_count(value: object) -> int:
    """Read a whole number of at least 1."""
    found = count(value)
    if not found:
        raise BadValueError("must be a whole number of at least 1")
    return found


# Paths --------------------------------------------------------------------------------------------


def path(value: object, home: str) -> Path:
    """Read a full path; `~` is `home`. Symbolic links stay as they are.

    A relative path is refused: a daemon has no directory of its own that a person could have had
    in mind, and a journal in an unexpected place means that clips are paid for again.
    """
    written = line(value)
    if written == "~" or written.startswith("~/"):
        if not home:
            raise BadValueError("must be a full path: ~ is not known here, for HOME is not set")
        written = home + written[1:]
    if not written.startswith("/"):
        raise BadValueError("must be a full path that begins with / or ~/")
    return Path("/" + os.path.normpath(written).lstrip("/"))


def optional_path(value: object, home: str) -> Path | None:
    """Read a full path; `null` and `off` are None."""
    return None if is_off(value) else path(value, home)


# Shapes -------------------------------------------------------------------------------------------


def one_or_many(value: object) -> list[object]:
    """Bring a list into shape: one text is a list of one, and nothing at all an empty one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [text(value)]


def section(value: object) -> dict[object, object]:
    """Bring a section into shape: one with nothing below it holds only defaults."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadValueError("must have keys of its own below it, indented")
    return value


def folder(value: object) -> dict[object, object]:
    """Bring a folder into shape: a plain text is the path of one with defaults."""
    if isinstance(value, str):
        return {"path": value}
    if not isinstance(value, dict):
        raise BadValueError("must be a path, or keys with path among them")
    return value


def folder_list(value: object) -> list[object]:
    """Bring the list of folders into shape: one folder alone is a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
