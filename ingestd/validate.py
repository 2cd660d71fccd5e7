"""Whether a file is acceptable: facts and rules in, a verdict out. Pure.

Judged in this order, the first that fails decides: an ordinary file, extension, empty, too large,
container, complete, too small, codec. So a file that is still arriving is refused early only for
what more bytes cannot mend.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from ingestd.model import Container, Reason

if TYPE_CHECKING:
    from ingestd.model import Facts, Findings, Track

_REVISION: Final = 1
"""Raise it when code changes what is accepted: it is part of the digest."""


class Oversize(StrEnum):
    """What becomes of a file above `max_size` (interface 4)."""

    REJECT = "reject"
    HOLD = "hold"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Rules:
    """The `validate:` section of the configuration (interface 4); case and order do not matter."""

    extensions: tuple[str, ...] = (".mp4", ".avi", ".mkv", ".mov")
    min_size: int = 1
    max_size: int | None = 3_000_000_000  # None: unlimited
    codecs: tuple[str, ...] = ("h264", "hevc", "vp9")
    oversize: Oversize = Oversize.REJECT

    def digest(self) -> str:
        """Return 16 hex digits that change whenever a file could be judged otherwise."""
        parts = (
            _REVISION,
            sorted(_lowered(self.extensions)),
            self.min_size,
            self.max_size,
            sorted(_lowered(self.codecs)),
            str(self.oversize),
        )
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Accept:
    """Complete and valid."""

    oversize: bool = False  # above max_size, and the rules say hold or split


@dataclass(frozen=True, slots=True)
class Reject:
    """Not acceptable; nothing was uploaded or billed."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """Not complete yet: settling until `incomplete_after`, then rejected with `reason`."""

    detail: str
    reason: Reason = Reason.INCOMPLETE  # or EMPTY


Verdict = Accept | Reject | Unfinished

#: The largest body that memories.ai takes (contract 1.1), bytes.
FAR_SIDE_MAX: Final = 3_000_000_000

_FREE: Final = "It is not uploaded and nothing was billed."

_WAITS: Final = (
    "It is looked at again when it changes; if nothing writes to it any more, copy it again."
)

_RENAMED: Final = {
    ".m4v": ".mp4",
    ".3gp": ".mp4",
    ".3g2": ".mp4",
    ".f4v": ".mp4",
    ".qt": ".mov",
    ".webm": ".mkv",
    ".mk3d": ".mkv",
    ".divx": ".avi",
}
"""Extensions whose content is mostly of a family that is taken, with the name it is taken under."""

_CAMERA_RAW: Final = frozenset(
    {".braw", ".r3d", ".ari", ".arx", ".crm", ".nev", ".cine", ".mlv", ".rmf"}
)
_SPHERICAL: Final = frozenset({".insv", ".360"})
_OTHER_VIDEO: Final = frozenset(
    {
        *(".mxf", ".gxf", ".mts", ".m2ts", ".m2t", ".ts", ".tp", ".trp", ".tod", ".mod"),
        *(".mpg", ".mpeg", ".mpe", ".mpv", ".m1v", ".m2v", ".m2p", ".vob", ".evo", ".vro"),
        *(".wmv", ".asf", ".dvr-ms", ".wtv", ".flv", ".ogv", ".ogm", ".rm", ".rmvb", ".amv"),
        *(".dv", ".dif", ".dav", ".mjpg", ".mjpeg", ".h264", ".264", ".h265", ".265", ".hevc"),
        *(".ivf", ".y4m", ".nut"),
    }
)
_AMBIGUOUS: Final = frozenset({".ts", ".mod"})
"""Also TypeScript and music or source modules: the name alone decides, so the sentence says so."""

REFUSED_EXTENSIONS: Final = frozenset({*_RENAMED, *_CAMERA_RAW, *_SPHERICAL, *_OTHER_VIDEO})
"""Extensions of videos, lower case with the dot, that memories.ai does not take (interface 2)."""

_NAME_OF: Final = {
    Container.MP4: "an MP4",
    Container.QUICKTIME: "a QuickTime (MOV)",
    Container.MATROSKA: "a Matroska (MKV, WebM)",
    Container.AVI: "an AVI",
}
_MOVIES: Final = frozenset({Container.MP4, Container.QUICKTIME})
_FAMILY: Final = {
    ".mp4": _MOVIES,
    ".mov": _MOVIES,
    ".m4v": _MOVIES,
    ".3gp": _MOVIES,
    ".3g2": _MOVIES,
    ".f4v": _MOVIES,
    ".qt": _MOVIES,
    ".mkv": frozenset({Container.MATROSKA}),
    ".mk3d": frozenset({Container.MATROSKA}),
    ".webm": frozenset({Container.MATROSKA}),
    ".avi": frozenset({Container.AVI}),
    ".divx": frozenset({Container.AVI}),
}
_RIGHT_NAME: Final = {
    Container.MP4: ".mp4",
    Container.QUICKTIME: ".mov",
    Container.MATROSKA: ".mkv",
    Container.AVI: ".avi",
}

_TAKEN_CODECS: Final = frozenset({"h264", "hevc", "vp9"})  # contract 1.1
_CODEC_WORDS: Final = {
    "h264": "H.264",
    "hevc": "HEVC (H.265)",
    "vp9": "VP9",
    "vp8": "VP8",
    "av1": "AV1",
    "vvc": "VVC (H.266)",
    "prores": "ProRes",
    "prores_raw": "ProRes RAW",
    "braw": "Blackmagic RAW",
    "mpeg4": "MPEG-4 Visual (DivX, Xvid)",
    "msmpeg4": "Microsoft MPEG-4 (DivX 3)",
    "mpeg2": "MPEG-2",
    "mpeg1": "MPEG-1",
    "mjpeg": "Motion JPEG",
    "jpeg2000": "JPEG 2000",
    "dnxhd": "Avid DNxHD",
    "cineform": "GoPro CineForm",
    "dv": "DV",
    "vc1": "VC-1",
    "wmv": "Windows Media Video",
    "h263": "H.263",
    "raw": "Uncompressed",
}
_SHOWN: Final = 16  # characters of an extension in a sentence
_ENCRYPTED: Final = "encv"  # sample entry of encrypted video (ISO/IEC 14496-12, 8.12)


def judge(path: str, facts: Facts, rules: Rules) -> Verdict:
    """Judge a settled file by its facts.

    A size of 0 is unfinished (placeholders fill later), becoming `empty`. A complete video below
    `min_size` is rejected as `empty`: the fixed words know no other for "too little in it", and
    `min_size: 1` is the rule for empty files.
    """
    size, extension = facts.stat.size, _extension(path)
    if not facts.regular:
        return _not_regular(facts.findings)
    if extension not in _lowered(rules.extensions):
        return Reject(Reason.EXTENSION, _refused_name(extension, rules))
    if size == 0:
        return Unfinished(f"It is empty so far. {_FREE} {_WAITS}", Reason.EMPTY)
    oversize = rules.max_size is not None and size > rules.max_size
    if oversize and rules.oversize == Oversize.REJECT:
        return Reject(Reason.TOO_LARGE, _too_large(size, rules.max_size or 0))
    verdict = _judge_content(extension, facts.findings, size, rules)
    return verdict or Accept(oversize=oversize)


def extension_verdict(path: str, rules: Rules) -> Accept | Reject | None:
    """Judge by name alone, without a look at the file.

    Accept: ours, look at it. Reject: a video's name that memories.ai does not take. None: no
    video's name, not ours, only counted (interface 2). `.ts` may also be TypeScript and `.mod`
    music: only the name is known here, so they count as videos.
    """
    extension = _extension(path)
    if extension in _lowered(rules.extensions):
        return Accept()
    if extension in REFUSED_EXTENSIONS:
        return Reject(Reason.EXTENSION, _refused_name(extension, rules))
    return None


def _extension(path: str) -> str:
    """Return the extension in lower case with its dot; "" for a name that is one (`.mp4`)."""
    stem, dot, extension = path.rpartition("/")[2].rpartition(".")
    return (dot + extension).lower() if stem.strip(".") else ""


def _lowered(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(word.lower() for word in words)


def _judge_content(
    extension: str, findings: Findings, size: int, rules: Rules
) -> Reject | Unfinished | None:
    """Judge what the bytes say; None when nothing is wrong."""
    if findings.container is None and findings.complete:
        return Reject(Reason.MIME, _no_video(extension, findings))
    family = _FAMILY.get(extension)
    if findings.container and family and findings.container not in family:
        return Reject(Reason.MIME, _wrong_name(extension, findings.container))
    if not findings.complete:
        return Unfinished(f"Not complete: {findings.detail}. {_FREE} {_WAITS}")
    if findings.zero_tail:
        return Unfinished(_zero_tail())
    if size < rules.min_size:
        return Reject(Reason.EMPTY, _too_small(size, rules.min_size))
    return _judge_codec(findings.video, rules)


def _judge_codec(track: Track | None, rules: Rules) -> Reject | None:
    if track is None:
        return Reject(Reason.CODEC, f"It has no video track, only sound or data. {_FREE}")
    if track.tag == _ENCRYPTED:
        return Reject(
            Reason.CODEC,
            f"Its video is encrypted and could not be decoded after upload. {_FREE}"
            " Export it without copy protection.",
        )
    if track.codec in _lowered(rules.codecs):
        return None
    return Reject(Reason.CODEC, _refused_codec(track))


def _not_regular(findings: Findings) -> Reject:
    what = findings.detail or "no ordinary file"
    return Reject(
        Reason.NOT_REGULAR, f"This is {what}. {_FREE} Put the video file itself into the folder."
    )


def _refused_name(extension: str, rules: Rules) -> str:
    """Say that a name is not taken, and what to do about it."""
    taken = ", ".join(rules.extensions)
    if not extension:
        return (
            f"The name has no extension, so it is not taken as a video. {_FREE}"
            f" Give it the one that fits: {taken}."
        )
    shown = ascii(extension[:_SHOWN])[1:-1]
    return f"{shown} files are not taken, only {taken}. {_FREE} {_name_remedy(extension)}"


def _name_remedy(extension: str) -> str:
    if extension in _RENAMED:
        name = _RENAMED[extension]
        return f"If it holds H.264, HEVC or VP9, renaming it to {name} is enough."
    if extension in _CAMERA_RAW:
        return "Camera raw must be developed first: export it as H.264 in an .mp4."
    if extension in _SPHERICAL:
        return "Stitch it in the camera maker's program and export it as an .mp4."
    remedy = "Convert it to H.264 in an .mp4."
    if extension in _AMBIGUOUS:
        remedy += f" If these are no videos, add '*{extension}' to the folder's exclude."
    return remedy


def _no_video(extension: str, findings: Findings) -> str:
    return (
        f"It is named {extension} but holds {findings.detail}. {_FREE}"
        " Replace it with the video, converted to H.264 in an .mp4 where needed, or remove it."
    )


def _wrong_name(extension: str, container: Container) -> str:
    return (
        f"It is {_NAME_OF[container]} file named {extension}; memories.ai goes by the name and"
        f" may bill it and then fail on it. {_FREE} Rename it to {_RIGHT_NAME[container]}."
    )


_ZERO_TAIL: Final = (
    "Not complete: a quarter or more of its media is zeros at the end, as a copy leaves it that"
    " has not arrived."
)


def _zero_tail() -> str:
    return (
        f"{_ZERO_TAIL} {_FREE} Copy it again; if it is right as it is, say: ingestd approve FILE."
    )


def is_zero_tail(reason: Reason | None, detail: str | None) -> bool:
    """Tell whether a row was refused for its zero tail alone, which `approve` overrides (R5)."""
    return reason is Reason.INCOMPLETE and (detail or "").startswith(_ZERO_TAIL)


def held_for_its_size(size: int) -> str:
    """Say why a file is held: oversize, and what to do about it."""
    remedy = "To upload it all the same, say: ingestd approve FILE."
    if size > FAR_SIDE_MAX:
        remedy = "memories.ai takes no more than 3 GB: split it, or export it smaller."
    return f"It has {_bytes(size)}, more than validate.max_size. {_FREE} {remedy}"


def _too_large(size: int, most: int) -> str:
    return (
        f"It has {_bytes(size)}, more than the {_bytes(most)} that are taken. {_FREE}"
        " Split it, or export it with a lower bit rate."
    )


def _too_small(size: int, least: int) -> str:
    return (
        f"It has {_bytes(size)}, less than the {_bytes(least)} of validate.min_size. {_FREE}"
        " Lower min_size if it should be taken."
    )


def _refused_codec(track: Track) -> str:
    words = _CODEC_WORDS.get(track.codec, track.codec or f"an unknown codec ({track.tag!a})")
    if track.codec in _TAKEN_CODECS:
        return (
            f"Its video is {words}, which validate.codecs does not list. {_FREE}"
            " Add it there if it should be taken."
        )
    return (
        f"Its video is {words}, which memories.ai accepts, bills and then cannot index. {_FREE}"
        " Convert it to H.264 and put that into the folder."
    )


def _bytes(count: int) -> str:
    for unit, word in ((10**9, "GB"), (10**6, "MB")):
        if count >= unit:
            return f"{count / unit:.2f} {word} ({count:,} bytes)"
    return f"{count:,} bytes"
