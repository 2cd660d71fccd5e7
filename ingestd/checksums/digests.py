"""The hashes that checksum lists name, and how each writes its value."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

import xxhash

if TYPE_CHECKING:
    from collections.abc import Callable

_C4_DIGITS: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_C4_LENGTH: Final = 88  # digits after the prefix (cccc.io, C4 ID: SHA-512 in base 58)


class Hasher(Protocol):
    """What `hashlib` and `xxhash` give."""

    def update(self, data: bytes, /) -> object:
        """Take the next bytes."""
        ...

    def digest(self) -> bytes:
        """The value as bytes."""
        ...


def _md5() -> Hasher:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> Hasher:
    return hashlib.sha1(usedforsecurity=False)


#: By the names of the elements in the lists, the quickest first: one of them is checked.
HASHERS: Final[dict[str, Callable[[], Hasher]]] = {
    "xxh128": xxhash.xxh3_128,
    "xxh3": xxhash.xxh3_64,
    "xxh64": xxhash.xxh64,
    "xxhash64be": xxhash.xxh64,
    "xxhash64": xxhash.xxh64,  # of early classic lists, whose tools disagreed on how to write it
    "md5": _md5,
    "sha1": _sha1,
    "c4": hashlib.sha512,
    "xxhash": xxhash.xxh32,  # classic: 32 bits as a decimal number
}


def written(kind: str, digest: bytes) -> str:
    """A value as the lists write it."""
    if kind == "c4":
        return _c4(digest)
    if kind == "xxhash":
        return str(int.from_bytes(digest, "big"))
    return digest.hex()


def agrees(kind: str, value: str, digest: bytes) -> bool:
    """Tell whether a value in a list stands for this digest."""
    if kind == "c4":
        return value == _c4(digest)
    if value.lower() == digest.hex():
        return True
    if kind in {"xxhash", "xxhash64"}:
        orders = (digest, digest[::-1])
        numbers = {str(int.from_bytes(one, "big")) for one in orders} | {
            one.hex() for one in orders
        }
        return value.lower() in numbers
    return False


def _c4(digest: bytes) -> str:
    number, digits = int.from_bytes(digest, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        digits = _C4_DIGITS[rest] + digits
    return "c4" + digits.rjust(_C4_LENGTH, _C4_DIGITS[0])
