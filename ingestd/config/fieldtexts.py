"""The texts with rules of their own: the API's upload fields, names, patterns.

Limits of the far side are those of contract 1.1; what it would refuse is refused here, for free.
Conventions are those of `ingestd.config.values`.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from ingestd.config import values
from ingestd.config.values import BadValueError

if TYPE_CHECKING:
    from collections.abc import Callable

TEMPLATES = ("folder", "top", "parent", "stem", "date", "host")
AUTO = "auto"  # from the file's own metadata

_LONGEST_CALLBACK = 299  # characters (contract 1.1)
_LONGEST_CAMERA_MODEL = 200  # characters (contract 1.1)
_LONGEST_NAME = 100  # characters; a name stands in tables and on command lines
_LONGEST_CURRENCY = 8  # characters
_BRACES = re.compile(r"\{([^{}]*)\}")


def template(written: str) -> str:
    """Check that only known names stand in braces."""
    for name in _BRACES.findall(written):
        if name not in TEMPLATES:
            meant = values.nearest(name, TEMPLATES)
            known = " ".join(f"{{{known}}}" for known in TEMPLATES)
            raise BadValueError(
                f"holds the unknown template {{{name}}}; known are {known}",
                f"{{{meant}}}" if meant else "",
            )
    if set(_BRACES.sub("", written)) & set("{}"):
        raise BadValueError("holds a brace without its partner")
    return written


# The API's upload fields --------------------------------------------------------------------------


def unique_id(value: object) -> str:
    """Read the name of the far side's folder; it must not be empty (contract 1.1)."""
    return template(values.line(value))


def tag(value: object) -> str:
    """Read one tag; a comma may split it on the far side (contract 1.2)."""
    written = template(values.line(value))
    if "," in written:
        raise BadValueError("must not hold a comma: write several tags as [one, two]")
    return written


def callback(value: object) -> str | None:
    """Read the address that the far side calls when a video's status changes (contract 4)."""
    if values.is_off(value):
        return None
    written = template(values.line(value))
    if not re.match(r"https?://[^\s/]", written) or " " in written:
        raise BadValueError("must be an address that begins with https:// or http://")
    return _at_most(_LONGEST_CALLBACK, written)


def datetime_taken(value: object) -> str | None:
    """Read `off`, `auto` or a time as the far side wants it (contract 1.1)."""
    if values.is_off(value):
        return None
    written = values.line(value)
    if written.lower() == AUTO:
        return AUTO
    forms = "must be off, auto or a time written as 2026-11-22 19:00:00"
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}", written):
        raise BadValueError(forms)
    try:
        datetime.fromisoformat(written)
    except ValueError:
        raise BadValueError(f"{forms}; there is no such time") from None
    return written


def camera_model(value: object) -> str | None:
    """Read `off`, `auto` or the camera's name, at most 200 characters (contract 1.1)."""
    if values.is_off(value):
        return None
    written = _at_most(_LONGEST_CAMERA_MODEL, template(values.line(value)))
    return AUTO if written.lower() == AUTO else written


_DEGREES = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,15})?")


def _degrees(limit: int) -> Callable[[object], str | None]:
    def read(value: object) -> str | None:
        if values.is_off(value):
            return None
        written = values.text(value).strip()
        if written.lower() == AUTO:
            return AUTO
        if (
            not re.fullmatch(r"[+-]?[0-9]{1,3}(\.[0-9]{1,15})?", written)
            or abs(float(written)) > limit
        ):
            raise BadValueError(f"must be off, auto or decimal degrees from -{limit} to {limit}")
        return written.removeprefix("+")

    return read


latitude = _degrees(90)
longitude = _degrees(180)


def prompt(value: object) -> str | None:
    """Read the transcription prompt; it may have several lines."""
    return None if values.is_off(value) else template(values.text(value).strip())


def _at_most(limit: int, written: str) -> str:
    if len(written) > limit:
        raise BadValueError(f"must not be longer than {limit} characters; it has {len(written)}")
    return written


# Files --------------------------------------------------------------------------------------------


def folder_name(value: object) -> str:
    """Read a folder's name; `null` is "", which stands for the last part of the path."""
    if value is None:
        return ""
    written = _at_most(_LONGEST_NAME, values.line(value))
    if "/" in written or written.startswith("-"):
        raise BadValueError("must not hold / or begin with -")
    return written


def pattern(value: object) -> str:
    """Read one gitignore-style pattern."""
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only where a file is loaded

    written = values.text(value)
    try:
        patterns = GitIgnoreSpec.from_lines([written]).patterns
    except ValueError:
        patterns = ()
    if not any(found.include is not None for found in patterns):
        raise BadValueError("must be a pattern as in a .gitignore file")
    return written


def done_marker(value: object) -> str | None:
    """Read the pattern of the file that says "this card is whole"."""
    return None if values.is_off(value) else pattern(value)


def extension(value: object) -> str:
    """Read a file name extension; returns it in lower case with its dot."""
    written = values.line(value).lower()
    if not re.fullmatch(r"\.?[a-z0-9]{1,16}", written):
        meant = written.removeprefix("*")
        raise BadValueError(
            "must be an extension such as .mp4",
            meant if re.fullmatch(r"\.[a-z0-9]{1,16}", meant) else "",
        )
    return "." + written.removeprefix(".")


_CODEC_NAMES = {
    "h.264": "h264",
    "avc": "h264",
    "avc1": "h264",
    "h.265": "hevc",
    "h265": "hevc",
    "hvc1": "hevc",
    "vp09": "vp9",
}


def codec(value: object) -> str:
    """Read a codec's name; returns the one that `Track.codec` uses."""
    written = values.line(value).lower()
    written = _CODEC_NAMES.get(written, written)
    if not re.fullmatch(r"[a-z0-9_]{2,20}", written):
        raise BadValueError("must be the name of a codec such as h264, hevc or vp9")
    return written


# Money --------------------------------------------------------------------------------------------


def currency(value: object) -> str:
    """Read a currency's name, as it is shown beside sums."""
    return _at_most(_LONGEST_CURRENCY, values.line(value))
