"""Names under which files go out, so that a lost answer can be found again (rules R2).

The far side stores the multipart file name without its extension (contract 3.4). A token of eight
hex digits, taken from the sampled fingerprint, makes that name the same for every attempt and on
every machine.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

TOKEN_LENGTH: Final = 8
STEM_LIMIT: Final = 80  # characters
NAME_LIMIT: Final = 255  # bytes of UTF-8, the extension included
_EXTENSION_LIMIT: Final = 10

_TOKEN: Final = re.compile(rf"([0-9a-fA-F]{{{TOKEN_LENGTH}}})(?![0-9a-zA-Z])")
_JOINERS: Final = "\u200c\u200d"  # kept: emoji and several scripts need them between letters
_UNSAFE_IN_HEADERS: Final = '"\\/;'
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)


def upload_name(path: str, fingerprint: str, *, token: bool) -> str:
    """Give the name under which the file at `path` goes out: `{stem}~{token}{ext}`.

    Safe inside a quoted header parameter, at most 255 bytes of UTF-8, without a dot in the stem,
    because nobody knows which dot ends the stem at the far side (contract 3.4).

    Args:
        path: As `os.fsdecode` gives it; surrogates stand for bytes that are no UTF-8.
        fingerprint: The sampled fingerprint in hex.
        token: False leaves the token out; then a lost answer cannot be found again.
    """
    stem, extension = _split(path.rpartition("/")[2])
    tail = (f"~{fingerprint[:TOKEN_LENGTH]}" if token else "") + _safe_extension(extension)
    return _cut(_safe_stem(stem), NAME_LIMIT - len(tail)) + tail


def stem_of(name: str) -> str:
    """Give what the far side stores of an upload name: the name without its extension."""
    return _split(name)[0]


def token_of(name: str) -> str | None:
    """Give the token in an upload name or a stored name, in lower case; None: there is none.

    What follows the token is ignored: the far side has been seen to add suffixes (contract 3.4).
    """
    _, tilde, rest = name.rpartition("~")
    found = _TOKEN.match(rest) if tilde else None
    return found.group(1).lower() if found else None


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, extension) if dot else (extension, "")


def _safe_extension(extension: str) -> str:
    kept = "".join(char for char in extension if char.isascii() and char.isalnum())
    return f".{kept[:_EXTENSION_LIMIT]}" if kept else ""


def _safe_stem(stem: str) -> str:
    composed = unicodedata.normalize("NFC", stem)  # first: it turns U+037E into a semicolon
    safe = "".join(_safe_char(char) for char in composed)
    return unicodedata.normalize("NFC", safe).strip() or "video"


def _safe_char(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Cs":  # an undecodable byte
        return _REPLACEMENT
    if category == "Cf" and char not in _JOINERS:  # bidi overrides, zero-width marks
        return ""
    if char == "." or char in _UNSAFE_IN_HEADERS or category in {"Cc", "Zl", "Zp"}:
        return "_"
    return char


def _cut(stem: str, byte_limit: int) -> str:
    """Cut to the limits, at the end of a whole character as people see it."""
    end = min(len(stem), STEM_LIMIT)
    while len(stem[:end].encode()) > byte_limit:
        end -= 1
    whole = end
    while 0 < whole < len(stem) and _continues(stem, whole):
        whole -= 1
    return stem[: whole or end].rstrip()


def _continues(stem: str, at: int) -> bool:
    """Tell whether the character at `at` belongs to the one before it."""
    char = stem[at]
    return (
        unicodedata.category(char).startswith("M")  # accents, variation selectors
        or char in _JOINERS
        or stem[at - 1] in _JOINERS
        or ord(char) in _SKIN_TONES
    )
