"""The sentences that say why a file is not complete, shared by all containers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ingestd.containers.source import Reader

_ZEROS: Final = bytes(8)


def cut(missing: int) -> str:
    """Say that the last part is announced to end `missing` bytes past the end of the file."""
    return f"it is cut: its last part ends {missing:,} bytes past the end of the file"


def broken(at: int) -> str:
    """Say that no part begins where one must."""
    return f"its chain of parts breaks at byte {at:,}"


def zeros_at(reader: Reader, at: int) -> str:
    """Say that space was reserved, where 8 zero bytes stand for the next part; else ""."""
    if reader.at(at, len(_ZEROS)) != _ZEROS:
        return ""
    return f"from byte {at:,} on it is zeros: space was reserved, the content has not arrived"
