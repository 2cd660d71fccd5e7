"""Checksum lists made on the spot, as offload tools write them: classic MHL and ASC MHL."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape, quoteattr

import xxhash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def c4(data: bytes) -> str:
    number, digits = int.from_bytes(hashlib.sha512(data).digest(), "big"), ""
    while number:
        number, rest = divmod(number, 58)
        digits = DIGITS[rest] + digits
    return "c4" + digits.rjust(88, "1")


VALUES = {
    "md5": lambda data: hashlib.md5(data).hexdigest(),
    "sha1": lambda data: hashlib.sha1(data).hexdigest(),
    "xxhash64be": lambda data: xxhash.xxh64(data).hexdigest(),
    "xxhash64": lambda data: str(xxhash.xxh64(data).intdigest()),
    "xxhash": lambda data: str(xxhash.xxh32(data).intdigest()),
    "xxh64": lambda data: xxhash.xxh64(data).hexdigest(),
    "xxh3": lambda data: xxhash.xxh3_64(data).hexdigest(),
    "xxh128": lambda data: xxhash.xxh3_128(data).hexdigest(),
    "c4": c4,
}
CLASSIC = ("md5", "sha1", "xxhash64be", "xxhash64", "xxhash")
ASC = ("md5", "sha1", "xxh64", "xxh3", "xxh128", "c4")


def classic(
    where: Path, files: Iterable[Path], *, kind: str = "xxhash64be", name: str = "card.mhl", **known
) -> Path:
    """A classic list in a directory; `known` replaces a file's value, by its name."""
    hashes = "".join(
        f"<hash><file>{escape(os.path.relpath(file, where))}</file>"
        f"<size>{file.stat().st_size}</size>"
        f"<{kind}>{known.get(file.stem, VALUES[kind](file.read_bytes()))}</{kind}>"
        "<hashdate>2026-11-22T19:00:00Z</hashdate></hash>"
        for file in files
    )
    path = where / name
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n<hashlist version="1.1"><creatorinfo>'
        f"<name>a person</name></creatorinfo>{hashes}</hashlist>\n",
        encoding="utf-8",
    )
    return path


def asc(
    where: Path,
    files: Iterable[Path],
    *,
    kind: str = "xxh64",
    generation: int = 1,
    action: str = "original",
    values: Mapping[str, str] | None = None,
) -> Path:
    """One more generation of an ASC MHL history, with its chain."""
    folder = where / "ascmhl"
    folder.mkdir(exist_ok=True)
    hashes = "".join(
        f"<hash><path size={quoteattr(str(file.stat().st_size))}>"
        f"{escape(os.path.relpath(file, where))}</path>"
        f'<{kind} action="{action}" hashdate="2026-11-22T19:00:00+00:00">'
        f"{(values or {}).get(file.stem, VALUES[kind](file.read_bytes()))}</{kind}></hash>"
        for file in files
    )
    path = folder / f"{generation:04}_{where.name}_2026-11-22_190000Z.mhl"
    path.write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<hashlist version="2.0" xmlns="urn:ASC:MHL:v2.0"><creatorinfo><hostname>h</hostname>'
        "</creatorinfo><processinfo><process>in-place</process><roothash><content>"
        f"<xxh64>0000000000000000</xxh64></content></roothash></processinfo><hashes>{hashes}"
        "<directoryhash><path>A</path><content><xxh64>1111111111111111</xxh64></content>"
        "</directoryhash></hashes></hashlist>\n",
        encoding="utf-8",
    )
    chain(folder)
    return path


def chain(folder: Path) -> None:
    lists = "".join(
        f'<hashlist sequencenr="{number}"><path>{escape(one.name)}</path>'
        f"<c4>{c4(one.read_bytes())}</c4></hashlist>"
        for number, one in enumerate(sorted(folder.glob("*.mhl")), 1)
    )
    (folder / "ascmhl_chain.xml").write_text(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<ascmhldirectory xmlns="urn:ASC:MHL:DIRECTORY:v2.0">{lists}</ascmhldirectory>\n'
    )
