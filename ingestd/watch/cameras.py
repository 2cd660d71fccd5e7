"""What cameras put on a card beside the clips: proxies, thumbnails, databases; one table each.

A proxy is a small copy of a clip under a real video's name: uploaded, it would be paid for. A name
alone proves nothing (`Series.S03.mp4` is a film), so each rule asks for evidence: the structure of
the card around the file, or the main clip beside it. Pure but for `proxy_of`, which looks for that
clip.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_VIDEO: Final = r"\.(mp4|mov|avi|mkv)"
#: Endings of clips as cameras write them, some of them of no use to memories.ai.
_ENDINGS: Final = (".mp4", ".mov", ".mxf", ".braw", ".r3d", ".crm", ".mts", ".insv", ".360", ".avi")


@dataclass(frozen=True, slots=True)
class ProxyRule:
    """One way in which cameras name and place proxies; a row of `PROXIES`.

    Attributes:
        maker: whose cameras.
        name: expression for the whole file name; case does not matter, here and in `place`.
        place: expression to be found in the directory's path; "" is found in all.
        mains: where the main clip lies: relative to the file's directory, or absolute. `{...}` are
            the groups of `name` and `place`; an ending of `.*` stands for every clip's ending. None
            at all: the place itself is the evidence.
        source: who says so.
    """

    maker: str
    name: str
    place: str
    mains: tuple[str, ...]
    source: str


_CANON: Final = "Canon EOS C80 manual, clip file names: proxy and clip differ by _Proxy alone"
_INSTA: Final = r"LRV_(?P<when>\d{8}_\d{6})_\d\d_(?P<number>\d{3,4})\.mp4"
_INSTA_SOURCE: Final = "field-notes.md; insta.pk360.de, file types: LRV_ is a helper file of VID_"

PROXIES: Final = (
    ProxyRule(
        "Sony",
        rf".+{_VIDEO}",
        r"/(M4ROOT|XDROOT)/SUB$|/PXROOT/CLIP$",
        (),
        "field-notes.md; Sony manuals (PXW-Z90, PXW-Z450): folder structure, proxy data",
    ),
    ProxyRule(
        "Sony",
        rf"(?P<clip>.+)S03{_VIDEO}",
        "",
        ("{clip}.*", "../CLIP/{clip}.*", "../Clip/{clip}.*"),
        "field-notes.md: a clip's proxy is called like the clip, with S03 behind",
    ),
    ProxyRule("Canon", rf".+_Proxy{_VIDEO}", r"/(XFVC|CONTENTS|DCIM)(/|$)", (), _CANON),
    ProxyRule(
        "Canon",
        rf"(?P<clip>.+)_Proxy{_VIDEO}",
        "",
        ("{clip}.*", "../{clip}.*"),
        f"{_CANON}; Fujifilm and many programs do the same",
    ),
    ProxyRule("Insta360", _INSTA, r"/DCIM/CAMERA\d\d$", (), _INSTA_SOURCE),
    ProxyRule(
        "Insta360",
        _INSTA,
        "",
        tuple(
            f"{kind}_{{when}}_{lens}_{{number}}.*"
            for kind in ("VID", "PRO_VID")
            for lens in ("00", "10", "01")
        ),
        _INSTA_SOURCE,
    ),
    ProxyRule(
        "GoPro",
        r"GL(?P<number>\d{6})\.mp4",
        "",  # a MAX calls real clips so too: only the clip beside it is evidence
        ("GX{number}.*", "GH{number}.*", "GS{number}.*"),
        "field-notes.md; GoPro, file naming: GLzzxxxx.LRV beside GXzzxxxx.MP4 (here renamed)",
    ),
    ProxyRule(
        "DJI",
        r"(?P<clip>DJI_.+)[._]LRF\.mp4",
        "",
        ("{clip}.*",),
        "field-notes.md: DJI_x.LRF beside DJI_x.MP4 (here renamed)",
    ),
    ProxyRule(
        "DJI",
        rf".+{_VIDEO}",
        r"^(?P<card>.*)/MISC(/|$)",
        ("{card}/DCIM",),
        "field-notes.md: MISC beside DCIM holds what the camera keeps for itself",
    ),
    ProxyRule(
        "Panasonic",
        rf".+{_VIDEO}",
        r"/CONTENTS/PROXY$",
        (),
        "Panasonic AG-CX350 and AJ-PX270 manuals, proxy data: PROXY/XXXXXXXX.MOV of a P2 card",
    ),
    ProxyRule(
        "Blackmagic Design",
        rf"(?P<clip>.+){_VIDEO}",
        r"/PROXY$",
        ("../{clip}.*",),
        "Blackmagic Camera and Proxy Generator: Proxy/NAME below the clip NAME",
    ),
)

CARD_FILES: Final = {
    ".lrv": "a camera's low-resolution copy of a clip (GoPro, Insta360)",
    ".lrf": "a camera's low-resolution copy of a clip (DJI)",
    ".thm": "a thumbnail (GoPro, DJI, Canon, Sony)",
    ".scr": "a preview picture (DJI)",
    ".srt": "flight data or subtitles (DJI)",
    ".bim": "data of a clip (Sony)",
    ".ppn": "data of a clip (Sony)",
    ".smi": "a clip list (Sony)",
    ".cif": "data of a clip (Canon XF)",
    ".ctg": "a list of the camera (Canon)",
    ".cpi": "data of a clip (AVCHD)",
    ".mpl": "a play list (AVCHD)",
    ".bdm": "a database (AVCHD)",
    ".tdt": "thumbnails (AVCHD)",
    ".tid": "thumbnails (AVCHD)",
    ".xml": "data of a clip (Sony, Panasonic, Canon)",
    ".insp": "a picture (Insta360)",
    ".gpr": "a picture (GoPro)",
    ".dng": "a picture",
    ".wav": "sound",
}
"""Further files of cards (field-notes.md, makers' manuals): no videos, only counted."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """A path that may be a proxy's, by one row of the table."""

    maker: str
    mains: tuple[str, ...]  # absolute: if one of them is there, it is a proxy; none: it is one


class _Compiled(NamedTuple):
    rule: ProxyRule
    name: re.Pattern[str]
    place: re.Pattern[str]


_COMPILED: Final = tuple(
    _Compiled(
        rule,
        re.compile(rule.name, re.IGNORECASE | re.DOTALL),
        re.compile(rule.place, re.IGNORECASE | re.DOTALL),
    )
    for rule in PROXIES
)


def suspicions(path: str) -> list[Suspicion]:
    """Tell by its path as what a file may be a proxy; empty for nearly all files."""
    directory, _, name = path.rpartition("/")
    found = []
    for rule, expression, place in _COMPILED:
        named, placed = expression.fullmatch(name), place.search(directory)
        if named is not None and placed is not None:
            groups = named.groupdict() | placed.groupdict()
            found.append(Suspicion(rule.maker, tuple(_mains(directory, rule, groups))))
    return found


def _mains(directory: str, rule: ProxyRule, groups: Mapping[str, str]) -> Iterator[str]:
    for main in rule.mains:
        path = os.path.join(directory, main.format_map(groups))  # noqa: PTH118 - odd bytes
        if not path.endswith(".*"):
            yield path
            continue
        for ending in _ENDINGS:
            yield path[:-2] + ending
            yield path[:-2] + ending.upper()


def proxy_of(path: str) -> str:
    """Say why a file is a proxy, in the words of its row; "": it is none, or nothing proves it.

    Looks for the main clip with one stat a name; blocks as long as a dead share does.
    """
    for suspicion in suspicions(path):
        if not suspicion.mains:
            return (
                f"It is a small copy (proxy) that a {suspicion.maker} camera made of a clip: it "
                f"lies where the card keeps them. {_REMEDY}"
            )
        main = next((one for one in suspicion.mains if _is_there(one, path)), None)
        if main is not None:
            shown = os.path.relpath(main, os.path.dirname(path))  # noqa: PTH120 - odd bytes
            return (
                f"It is a small copy (proxy) that a {suspicion.maker} camera or program made of "
                f"{shown}. {_REMEDY}"
            )
    return ""


def _is_there(main: str, path: str) -> bool:
    """Tell whether a main clip is there: not the file itself, on a disk that ignores case."""
    try:
        return not os.path.samestat(os.lstat(main), os.lstat(path))
    except OSError:
        return False


_REMEDY: Final = (
    "Nothing was uploaded or billed. To take it all the same: ingestd add, and its path; to take "
    "all proxies of this folder: junk: false"
)


def words_for(extension: str) -> str:
    """What a file of a card with this extension is; "": no camera is known to write it."""
    return CARD_FILES.get(extension.lower(), "")
