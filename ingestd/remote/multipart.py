"""The framing of an upload's body: what goes before the file's bytes and after them (RFC 7578).

The far side's own documentation repeats the field for each tag (contract 1.2). The file name goes
out as raw UTF-8, as browsers send it.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Framing:
    """What surrounds the bytes of one file."""

    boundary: str
    prefix: bytes  # text fields, then the head of the file part
    suffix: bytes  # held back as a whole until the mark is granted (rules R1)

    @property
    def content_type(self) -> str:
        """The request's Content-Type."""
        return f"multipart/form-data; boundary={self.boundary}"

    def length(self, size: int) -> int:
        """Give the exact length in bytes of the body around a file of `size` bytes."""
        return len(self.prefix) + size + len(self.suffix)


def frame(fields: Iterable[tuple[str, str]], file_name: str, content_type: str) -> Framing:
    """Build the framing of a form with text fields and one file part named `file`."""
    boundary = f"ingestd-{secrets.token_hex(16)}"  # 128 random bits: no file holds them
    parts = [_text_part(boundary, name, value) for name, value in fields]
    parts.append(
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{_quoted(file_name)}"\r\n'
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return Framing(boundary, _encoded("".join(parts)), _encoded(f"\r\n--{boundary}--\r\n"))


def _text_part(boundary: str, name: str, value: str) -> str:
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'
    )


def _quoted(text: str) -> str:
    """Replace what could end the quoted parameter or the header line."""
    return "".join("_" if _ends_parameter(char) else char for char in text)


def _ends_parameter(char: str) -> bool:
    return char in '"\\' or unicodedata.category(char) == "Cc"


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # a surrogate must not end the attempt
