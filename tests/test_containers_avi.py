"""AVI: sizes, OpenDML chains, streams."""

from __future__ import annotations

import struct

import pytest

from ingestd.containers import BytesSource, examine
from ingestd.model import Container, Track
from videos import video


def look(data: bytes):
    return examine(BytesSource(data))


def chunk(kind: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def listing(form: bytes, *content: bytes) -> bytes:
    return chunk(b"LIST", form, *content)


def riff(form: bytes, *content: bytes) -> bytes:
    return chunk(b"RIFF", form, *content)


def stream(fourcc: bytes, *, kind: bytes = b"vids", handler: bytes = b"\0\0\0\0", frames: int = 50):
    strh = kind + handler + bytes(12) + struct.pack("<IIII", 1, 25, 0, frames) + bytes(20)
    return listing(b"strl", chunk(b"strh", strh), chunk(b"strf", bytes(16), fourcc, bytes(20)))


def headers(*streams: bytes, odml: bytes = b"") -> bytes:
    avih = struct.pack("<IIIII", 40_000, 0, 0, 0, 50) + bytes(36)
    return listing(b"hdrl", chunk(b"avih", avih), *streams, odml)


MOVI = listing(b"movi", chunk(b"00dc", b"picture" * 100))
WHOLE = (headers(stream(b"H264")), MOVI, chunk(b"idx1", b"index" * 8))


def test_an_avi_is_known_by_its_riff_type():
    found = look(riff(b"AVI ", *WHOLE))
    assert (found.container, found.complete) == (Container.AVI, True)
    assert found.video == Track("video", "h264", "H264")
    assert found.duration_s == 2


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_an_open_riff_size_means_that_it_is_still_being_written(size):
    data = riff(b"AVI ", *WHOLE)
    found = look(data[:4] + struct.pack("<I", size) + data[8:])
    assert not found.complete
    assert "being written" in found.detail
    assert found.video is not None


def test_a_cut_file_says_how_much_is_missing():
    found = look(riff(b"AVI ", *WHOLE)[:-100])
    assert not found.complete
    assert "100 bytes" in found.detail


def test_a_riff_size_that_counts_its_own_header_is_forgiven_only_if_all_chunks_are_whole():
    data = riff(b"AVI ", *WHOLE)
    sloppy = data[:4] + struct.pack("<I", len(data)) + data[8:]
    assert look(sloppy).complete
    assert not look(data[:-8]).complete


def test_every_riff_of_a_chain_must_be_whole():
    first, second = riff(b"AVI ", *WHOLE), riff(b"AVIX", MOVI)
    assert look(first + second * 3).complete
    assert not look((first + second * 3)[:-1]).complete
    growing = second[:4] + struct.pack("<I", 0xFFFFFFFF) + second[8:]
    assert not look(first + second + growing).complete


def test_the_length_of_a_chain_is_that_of_all_its_parts():
    odml = listing(b"odml", chunk(b"dmlh", struct.pack("<I", 1000), bytes(244)))
    data = riff(b"AVI ", headers(stream(b"H264"), odml=odml), MOVI) + riff(b"AVIX", MOVI)
    assert look(data).duration_s == 40


def test_zeros_in_the_last_movi_count_and_in_junk_do_not():
    zeros = listing(b"movi", chunk(b"00dc", b"picture" * 100, bytes(1000)))
    head = headers(stream(b"H264"))
    assert look(riff(b"AVI ", head, zeros)).zero_tail
    assert not look(riff(b"AVI ", head, MOVI, chunk(b"JUNK", bytes(9000)))).zero_tail
    assert look(riff(b"AVI ", head, MOVI) + riff(b"AVIX", zeros)).zero_tail
    assert not look(riff(b"AVI ", head, zeros) + riff(b"AVIX", MOVI)).zero_tail


def test_zeros_between_the_chunks_are_space_that_was_reserved():
    found = look(riff(b"AVI ", headers(stream(b"H264")), MOVI, bytes(4000)))
    assert not found.complete
    assert "zeros" in found.detail


@pytest.mark.parametrize("parts", [(), (headers(stream(b"H264")),), (MOVI,)])
def test_without_headers_or_pictures_it_is_not_complete(parts):
    assert not look(riff(b"AVI ", *parts)).complete


@pytest.mark.parametrize(
    ("fourcc", "handler", "codec", "tag"),
    [
        (b"h264", b"\0\0\0\0", "h264", "h264"),
        (b"HEVC", b"\0\0\0\0", "hevc", "HEVC"),
        (b"VP90", b"\0\0\0\0", "vp9", "VP90"),
        (b"DX50", b"divx", "mpeg4", "DX50"),
        (b"\0\0\0\0", b"MJPG", "mjpeg", "MJPG"),
        (b"\0\0\0\0", b"\0\0\0\0", "raw", "DIB "),
        (b"ABCD", b"H264", "h264", "ABCD"),
        (b"\x1b[2J", b"\0\0\0\0", "", "?[2J"),
    ],
)
def test_the_codec_is_named_by_the_format_else_by_the_handler(fourcc, handler, codec, tag):
    data = riff(b"AVI ", headers(stream(fourcc, handler=handler)), MOVI)
    assert look(data).video == Track("video", codec, tag)


def test_sound_is_no_video_track():
    found = look(riff(b"AVI ", headers(stream(b"", kind=b"auds")), MOVI))
    assert found.video is None
    assert [track.kind for track in found.tracks] == ["audio"]


def test_a_real_file_of_two_riffs_is_complete():
    data = video(".avi", frames=10)
    assert look(data + riff(b"AVIX", MOVI)).complete
