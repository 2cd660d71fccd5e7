"""Matroska and WebM: sizes known and unknown, clusters, tracks."""

from __future__ import annotations

import struct

import pytest

from ingestd.containers import BytesSource, examine
from ingestd.model import Container, Track
from videos import video

SEGMENT, CLUSTER, TRACKS, INFO = (
    b"\x18\x53\x80\x67",
    b"\x1f\x43\xb6\x75",
    b"\x16\x54\xae\x6b",
    b"\x15\x49\xa9\x66",
)
UNKNOWN = b"\x01" + b"\xff" * 7
HEADER = bytes.fromhex("1a45dfa38b") + bytes.fromhex("428288") + b"matroska"


def look(data: bytes):
    return examine(BytesSource(data))


def element(kind: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return kind + b"\x01" + len(data).to_bytes(7, "big") + data


def entry(kind: int, codec: bytes, private: bytes = b"") -> bytes:
    parts = [element(b"\x83", bytes([kind])), element(b"\x86", codec)]
    return element(b"\xae", *parts, *([element(b"\x63\xa2", private)] if private else []))


CLUSTERS = element(CLUSTER, element(b"\xe7", b"\0"), element(b"\xa3", b"picture" * 60))
AVC = element(TRACKS, entry(1, b"V_MPEG4/ISO/AVC"))


def made(*parts: bytes) -> bytes:
    return HEADER + element(SEGMENT, *parts)


def test_a_segment_of_unknown_size_is_complete():
    found = look(HEADER + SEGMENT + UNKNOWN + AVC + CLUSTERS * 3)
    assert (found.container, found.complete) == (Container.MATROSKA, True)


def test_clusters_of_unknown_size_are_complete_too():
    cluster = CLUSTER + UNKNOWN + element(b"\xe7", b"\0") + element(b"\xa3", b"picture" * 60)
    found = look(HEADER + SEGMENT + UNKNOWN + AVC + cluster * 3)
    assert found.complete
    assert not found.zero_tail


def test_a_live_recording_of_many_hours_is_not_given_up():
    block = element(b"\xa3", b"x")
    cluster = CLUSTER + UNKNOWN + element(b"\xe7", b"\0") + block * 5000
    assert look(HEADER + SEGMENT + UNKNOWN + AVC + cluster * 90).complete


def test_a_segment_that_ends_past_the_file_says_by_how_much():
    found = look(made(AVC, CLUSTERS)[:-77])
    assert not found.complete
    assert "77 bytes" in found.detail


def test_a_last_cluster_that_is_cut_is_noticed_although_the_segment_size_is_unknown():
    found = look((HEADER + SEGMENT + UNKNOWN + AVC + CLUSTERS * 3)[:-10])
    assert not found.complete
    assert "10 bytes" in found.detail


def test_zeros_between_the_parts_are_space_that_was_reserved():
    found = look(made(AVC, CLUSTERS, bytes(5000)))
    assert not found.complete
    assert "zeros" in found.detail


def test_void_of_zeros_is_no_gap():
    found = look(made(AVC, CLUSTERS, element(b"\xec", bytes(5000))))
    assert found.complete
    assert not found.zero_tail


@pytest.mark.parametrize(("share", "noticed"), [(0.2, False), (0.3, True), (0.9, True)])
def test_zeros_count_from_a_quarter_of_the_last_cluster(share, noticed):
    zeros = int(8000 * share)
    block = element(b"\xa3", b"x" * (8000 - zeros), bytes(zeros))
    found = look(
        made(AVC, element(CLUSTER, block), element(CLUSTER, element(b"\xa3", bytes(9000))))
    )
    assert found.zero_tail
    found = look(
        made(AVC, element(CLUSTER, element(b"\xa3", bytes(9000))), element(CLUSTER, block))
    )
    assert found.complete
    assert found.zero_tail is noticed


@pytest.mark.parametrize("parts", [(), (AVC,), (CLUSTERS,)])
def test_without_tracks_or_pictures_it_is_not_complete(parts):
    assert not look(made(*parts)).complete


def test_tracks_behind_the_pictures_are_found():
    assert look(made(CLUSTERS, AVC)).video == Track("video", "h264", "V_MPEG4/ISO/AVC")


def test_a_broken_chain_of_parts_is_not_complete():
    found = look(made(AVC, CLUSTERS, b"\x00\x12garbage", CLUSTERS))
    assert not found.complete
    assert "breaks" in found.detail


@pytest.mark.parametrize(
    ("codec", "private", "expected"),
    [
        (b"V_MS/VFW/FOURCC", bytes(16) + b"H264" + bytes(20), Track("video", "h264", "H264")),
        (b"V_MS/VFW/FOURCC", bytes(16) + b"XVID" + bytes(20), Track("video", "mpeg4", "XVID")),
        (b"V_QUICKTIME", b"\0\0\0\x56apcn" + bytes(78), Track("video", "prores", "apcn")),
        (b"V_AV1", b"\x81", Track("video", "av1", "V_AV1")),
        (b"V_VP9\0\0", b"", Track("video", "vp9", "V_VP9")),
        (b"V_\x1b[2J", b"", Track("video", "", "V_?[2J")),
    ],
)
def test_codecs_are_named_by_their_id_or_by_the_fourcc_behind_it(codec, private, expected):
    assert look(made(element(TRACKS, entry(1, codec, private)), CLUSTERS)).video == expected


def test_sound_subtitles_and_attached_pictures_are_no_video():
    tracks = element(TRACKS, entry(2, b"A_OPUS"), entry(17, b"S_TEXT/UTF8"))
    attachment = element(b"\x19\x41\xa4\x69", b"cover")
    found = look(made(tracks, attachment, CLUSTERS))
    assert [track.kind for track in found.tracks] == ["audio", "other"]
    assert found.video is None


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ((element(b"\x44\x89", struct.pack(">d", 1500.0)),), 1.5),
        ((element(b"\x44\x89", struct.pack(">f", 250.0)),), 0.25),
        (
            (
                element(b"\x44\x89", struct.pack(">d", 3.0)),
                element(b"\x2a\xd7\xb1", (10**9).to_bytes(4, "big")),
            ),
            3.0,
        ),
        ((), None),
        ((element(b"\x44\x89", struct.pack(">d", float("nan"))),), None),
        ((element(b"\x44\x89", struct.pack(">d", float("inf"))),), None),
        ((element(b"\x44\x89", b"\x40"),), None),
    ],
)
def test_the_length_is_read_in_its_own_scale(fields, seconds):
    assert look(made(element(INFO, *fields), AVC, CLUSTERS)).duration_s == seconds


def test_another_kind_of_ebml_is_not_taken_for_a_video():
    found = look(element(b"\x1a\x45\xdf\xa3", element(b"\x42\x82", b"mkx")) + bytes(range(50)))
    assert found.container is None
    assert found.complete


def test_a_header_alone_is_not_complete_yet():
    found = look(HEADER)
    assert (found.container, found.complete) == (Container.MATROSKA, False)


def test_a_real_live_recording_that_crashed_between_clusters_is_complete():
    data = video(".mkv", live="1", frames=40, cluster_time_limit="1000")
    last = data.rindex(CLUSTER)
    assert last != data.index(CLUSTER)
    assert look(data[:last]).complete
