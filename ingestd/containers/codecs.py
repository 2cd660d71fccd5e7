"""What a container's own name of a codec means: one table for each way of naming.

Sources: the MP4 registration authority's sample entries (mp4ra.org) with ISO/IEC 14496-15 for AVC
and HEVC; Apple's QuickTime File Format; the VP9 and AV1 bindings to ISO BMFF; the Matroska codec
registry (RFC 9559, section 27.2 and the codec mappings draft); the FourCCs registered for AVI
and those that recorders write without asking. A name that is not listed has the codec "".
"""

from __future__ import annotations

from typing import Final

H264: Final = "h264"
HEVC: Final = "hevc"
VP9: Final = "vp9"

STILL_PICTURES: Final = frozenset({"mjpeg", "png", "bmp", "gif", "tiff"})
"""Codecs of pictures that stand alone: a track with a single one is a thumbnail, no video."""

_NAMES: Final = {
    H264: "avc1 avc2 avc3 avc4 dva1 dvav ai12 ai15 ai1q ai5q ai52 ai53 ai55 ai56 xalg AVin rv64",
    HEVC: "hvc1 hev1 hvc2 hev2 hvc3 hev3 lhv1 lhe1 dvh1 dvhe",
    VP9: "vp09 VP90",
    "vp8": "vp08 VP80",
    "av1": "av01 dav1 AV01",
    "vvc": "vvc1 vvi1",
    "prores": "apch apcn apcs apco ap4h ap4x",
    "prores_raw": "aprn aprh",
    "braw": "braw brxq brst brvn brs2 brxh",
    "mpeg4": "mp4v XVID xvid DIVX divx DX50 FMP4 3IV2 SEDG M4S2 m4s2 MP4S mp4s MP4V RMP4",
    "msmpeg4": "DIV3 div3 DIV4 MP41 MP42 MP43 MPG4 3IVD AP41",
    "h263": "s263 h263 H263 S263 U263 FLV1 d263",
    "mpeg2": "mp2v m2v1 MPG2 mpg2 MMES hdv1 hdv2 hdv3 hdv5 hdv6 hdv7 hdv8 hdv9 mx5n mx5p mx4n "
    "mx4p mx3n mx3p xdv1 xdv2 xdv3 xdv4 xdv5 xdv6 xdv7 xdv8 xdv9 xdva xdvb xdvc xdvd xdve xdvf "
    "xd51 xd54 xd55 xd59 xd5a xd5b xd5c xd5d xd5e xd5f xdhd xdh2",
    "mpeg1": "mp1v m1v1 mpeg MPEG MPG1",
    "mjpeg": "mjpa mjpb jpeg MJPG mjpg dmb1 AVDJ AVRn LJPG ljpg JPEG",
    "jpeg2000": "mjp2 MJ2C mjpeg2000",
    "png": "png MPNG",
    "gif": "gif",
    "bmp": "WRLE",
    "tiff": "tiff",
    "dnxhd": "AVdn AVdh AVd1",
    "cineform": "CFHD cfhd",
    "dv": "dvc dvcp dvpp dv5n dv5p dvh2 dvh3 dvh4 dvh5 dvh6 dvhp dvhq dvsd DVSD dvhd dvsl dv25 "
    "dv50 CDVC dvis",
    "vc1": "vc-1 VC-1 WVC1 WMVA",
    "wmv": "WMV1 WMV2 WMV3 wmv3",
    "ffv1": "FFV1",
    "huffyuv": "HFYU FFVH",
    "utvideo": "ULRG ULRA ULY0 ULY2 ULY4 ULH0 ULH2 ULH4 UQY2 UQRG",
    "lagarith": "LAGS",
    "magicyuv": "M8RG M8RA M8Y0 M8Y2 M8Y4",
    "theora": "theo THEO",
    "sorenson": "SVQ1 SVQ3 svqi",
    "cinepak": "cvid CVID",
    "indeo": "IV31 IV32 IV41 IV50 iv32 iv41 iv50",
    "animation": "rle",
    "raw": "raw yuv2 2vuy v210 v216 v308 v408 v410 YUY2 yuy2 UYVY uyvy HDYC YV12 I420 i420 IYUV "
    "NV12 Y800 Y8 v422 b16g b48r b64a r210 R10k",
    "hap": "Hap1 Hap5 HapY HapM HapA Hap7 HapH",
}

_AVI_ONLY: Final = {
    H264: "H264 X264 AVC1 DAVC VSSH SMV2 Q264 V264 GAVC UMSV TSHD INMC",
    HEVC: "HEVC H265 X265 HVC1 HEV1",
    "dv": "DVH1",  # Dolby Vision in MP4, DVCPRO HD in AVI
}

_AUDIO: Final = {
    "aac": "mp4a",
    "ac3": "ac-3 ec-3",
    "alac": "alac",
    "opus": "Opus",
    "flac": "fLaC",
    "mp3": ".mp3",
    "pcm": "sowt twos lpcm in24 in32 fl32 fl64 raw ipcm fpcm NONE ulaw alaw",
}

_MATROSKA: Final = {
    "V_MPEG4/ISO/AVC": H264,
    "V_MPEGH/ISO/HEVC": HEVC,
    "V_VP9": VP9,
    "V_VP8": "vp8",
    "V_AV1": "av1",
    "V_MPEGI/ISO/VVC": "vvc",
    "V_PRORES": "prores",
    "V_MPEG4/ISO/SP": "mpeg4",
    "V_MPEG4/ISO/ASP": "mpeg4",
    "V_MPEG4/ISO/AP": "mpeg4",
    "V_MPEG4/MS/V3": "msmpeg4",
    "V_MPEG2": "mpeg2",
    "V_MPEG1": "mpeg1",
    "V_MJPEG": "mjpeg",
    "V_JPEG2000": "jpeg2000",
    "V_THEORA": "theora",
    "V_FFV1": "ffv1",
    "V_DIRAC": "dirac",
    "V_UNCOMPRESSED": "raw",
    "V_REAL/RV10": "realvideo",
    "V_REAL/RV20": "realvideo",
    "V_REAL/RV30": "realvideo",
    "V_REAL/RV40": "realvideo",
    "A_OPUS": "opus",
    "A_VORBIS": "vorbis",
    "A_FLAC": "flac",
    "A_AC3": "ac3",
    "A_EAC3": "ac3",
    "A_MPEG/L3": "mp3",
    "A_PCM/INT/LIT": "pcm",
    "A_PCM/INT/BIG": "pcm",
    "A_PCM/FLOAT/IEEE": "pcm",
}


def _by_tag(*tables: dict[str, str]) -> dict[str, str]:
    return {tag: codec for table in tables for codec, tags in table.items() for tag in tags.split()}


_SAMPLE_ENTRIES: Final = _by_tag(_NAMES)
_AUDIO_ENTRIES: Final = _by_tag(_AUDIO)
_FOURCCS: Final = {
    tag.upper(): codec for table in (_NAMES, _AVI_ONLY) for tag, codec in _by_tag(table).items()
}


def of_sample_entry(tag: str, kind: str) -> str:
    """Name the codec of an MP4 or QuickTime sample entry; `kind` is video or audio."""
    return (_AUDIO_ENTRIES if kind == "audio" else _SAMPLE_ENTRIES).get(tag.strip(), "")


def of_fourcc(tag: str) -> str:
    """Name the codec of an AVI or Video for Windows FourCC; case does not matter there."""
    return _FOURCCS.get(tag.strip().upper(), "")


def of_matroska(codec_id: str) -> str:
    """Name the codec of a Matroska CodecID."""
    if codec_id.startswith("A_AAC"):
        return "aac"
    return _MATROSKA.get(codec_id, "")


def printable(tag: str) -> str:
    """Replace what cannot be printed: a tag is a file's own text and is shown to people."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in tag)
