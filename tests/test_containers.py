"""What all containers have in common: recognition, cuts, reserved space, hostile bytes."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestd.containers import BytesSource, codecs, examine
from ingestd.containers.source import MAX_LOOKS, Reader, TooManyLooksError
from ingestd.filestat import FdSource
from ingestd.model import Container, Track
from videos import video

REAL = {
    "mp4": lambda: video(".mp4"),
    "mp4 with sound": lambda: video(".mp4", audio=True),
    "mp4, index first": lambda: video(".mp4", movflags="faststart"),
    "mp4, fragmented": lambda: video(".mp4", frames=30, movflags="frag_keyframe+empty_moov"),
    "mov, hevc": lambda: video(".mov", codec="libx265"),
    "mkv, vp9": lambda: video(".mkv", codec="libvpx-vp9"),
    "mkv, live": lambda: video(".mkv", live="1"),
    "webm": lambda: video(".webm", codec="libvpx-vp9", audio=True),
    "avi": lambda: video(".avi"),
}


def look(data: bytes):
    return examine(BytesSource(data))


@pytest.mark.parametrize(
    ("made", "container", "codec", "tag", "seconds"),
    [
        (lambda: video(".mp4"), Container.MP4, "h264", "avc1", 0.5),
        (lambda: video(".mp4", movflags="faststart"), Container.MP4, "h264", "avc1", 0.5),
        (lambda: video(".mp4", codec="mpeg4"), Container.MP4, "mpeg4", "mp4v", 0.5),
        (lambda: video(".mov", codec="libx265"), Container.QUICKTIME, "hevc", "hev1", 0.5),
        (
            lambda: video(".mov", codec="libx265", tag="hvc1"),
            Container.QUICKTIME,
            "hevc",
            "hvc1",
            0.5,
        ),
        (lambda: video(".mov", codec="prores_ks"), Container.QUICKTIME, "prores", "apch", 0.5),
        (lambda: video(".mkv"), Container.MATROSKA, "h264", "V_MPEG4/ISO/AVC", 0.5),
        (
            lambda: video(".mkv", codec="libx265"),
            Container.MATROSKA,
            "hevc",
            "V_MPEGH/ISO/HEVC",
            0.5,
        ),
        (lambda: video(".mkv", codec="libvpx-vp9"), Container.MATROSKA, "vp9", "V_VP9", 0.5),
        (lambda: video(".webm", codec="libvpx-vp9"), Container.MATROSKA, "vp9", "V_VP9", 0.5),
        (lambda: video(".mkv", live="1"), Container.MATROSKA, "h264", "V_MPEG4/ISO/AVC", None),
        (lambda: video(".avi"), Container.AVI, "h264", "H264", 0.5),
        (lambda: video(".avi", codec="mjpeg"), Container.AVI, "mjpeg", "MJPG", 0.5),
        (lambda: video(".avi", codec="mpeg4"), Container.AVI, "mpeg4", "FMP4", 0.5),
    ],
)
def test_a_real_video_is_complete_and_its_track_and_length_are_known(
    made, container, codec, tag, seconds
):
    found = look(made())
    assert (found.container, found.complete, found.detail) == (container, True, "")
    assert found.video == Track("video", codec, tag)
    assert found.duration_s == (None if seconds is None else pytest.approx(seconds, abs=0.02))
    assert not found.zero_tail


def test_sound_alone_is_no_video_track():
    found = look(video(".mp4", codec=(), audio=True))
    assert found.complete
    assert found.video is None
    assert found.tracks == (Track("audio", "aac", "mp4a"),)


def test_sound_beside_pictures_is_named_in_every_container():
    for extension, codec in ((".mp4", "aac"), (".mkv", "aac"), (".avi", "aac"), (".mov", "aac")):
        tracks = look(video(extension, audio=True)).tracks
        assert [(track.kind, track.codec) for track in tracks] == [
            ("video", "h264"),
            ("audio", codec),
        ]


@pytest.mark.parametrize("name", REAL)
def test_a_file_cut_anywhere_is_not_complete(name):
    data = REAL[name]()
    length = data.rindex(b"mfra") - 4 if b"mfra" in data else len(data)  # an index players rebuild
    unnoticed = [at for at in range(0, length, 3) if look(data[:at]).complete]
    assert unnoticed == []


@pytest.mark.parametrize("name", REAL)
def test_a_cut_file_of_which_a_kilobyte_arrived_keeps_its_container(name):
    data = REAL[name]()
    assert look(data[: len(data) // 2]).container is look(data).container


@pytest.mark.parametrize("name", REAL)
def test_a_copy_that_reserved_its_space_is_noticed_until_three_quarters_of_the_media_are_there(
    name,
):
    data = REAL[name]()
    for part in (0.1, 0.3, 0.5, 0.6):
        arrived = data[: int(len(data) * part)]
        found = look(arrived + bytes(len(data) - len(arrived)))
        assert not found.complete or found.zero_tail, part


@pytest.mark.parametrize("name", REAL)
def test_zeros_behind_a_whole_file_are_space_that_was_reserved(name):
    found = look(REAL[name]() + bytes(5000))
    assert not found.complete
    assert "zeros" in found.detail


@pytest.mark.parametrize("name", sorted(set(REAL) - {"mkv, live"}))
def test_other_data_behind_a_whole_file_is_no_fault(name):
    trailer = b"\x8d\xb4\x2d\x69" * 20  # as action cameras append it
    assert look(REAL[name]() + trailer).complete


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"\xff\xd8\xff\xe0" + b"\x10JFIF" * 20, "JPEG"),
        (b"\x89PNG\r\n\x1a\n" + b"\0\0\0\x0dIHDR" * 9, "PNG"),
        ((b"\x47" + b"\x1f" * 187) * 5, "transport stream"),
        ((b"\0\0\0\0\x47" + b"\x1f" * 187) * 5, "transport stream"),
        (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01", "MXF"),
        (b"RIFF\x24\0\0\0WAVEfmt ", "WAV"),
        (b"PK\x03\x04" + bytes(range(40)), "ZIP"),
        (b"<!DOCTYPE html><title>404</title>", "HTML"),
        ("Notizen zum Dreh für morgen\n".encode() * 200, "text file"),
        (b'{"error": "quota exceeded"}', "JSON"),
        (bytes(range(1, 256)) * 9, "no known video format"),
        (b"RED2" * 8, "RED"),
    ],
)
def test_what_is_no_video_is_named(head, words):
    found = look(head)
    assert found.container is None
    assert found.complete
    assert words in found.detail


@pytest.mark.parametrize("extension", [".mpegts", ".asf", ".flv"])
def test_other_video_formats_are_recognised_and_not_taken(extension):
    found = look(video(extension, codec="libx264" if extension != ".asf" else "mpeg4"))
    assert found.container is None
    assert found.detail not in ("", "data of no known video format")


@pytest.mark.parametrize("data", [b"", b"\0", bytes(100_000), b"\0\0\0\x18fty", b"R", b"\x1aE"])
def test_a_file_without_content_is_unfinished_rather_than_something_else(data):
    found = look(data)
    assert found.container is None
    assert not found.complete
    assert found.detail


def test_a_sparse_file_of_three_gigabytes_takes_few_reads(tmp_path):
    head = video(".mp4", movflags="faststart")
    index, media = head.split(b"mdat")
    path = tmp_path / "big.mp4"
    with path.open("wb") as file:
        file.write(index[:-4] + b"\0\0\0\1mdat" + (16 + 2_900_000_000).to_bytes(8, "big"))
        end = file.tell() + 2_900_000_000
        file.write(media)
        file.truncate(end)
    fd = os.open(path, os.O_RDONLY)
    try:
        source = Counting(FdSource(fd))
        found = examine(source)
    finally:
        os.close(fd)
    assert found.complete
    assert found.zero_tail
    assert source.bytes < 2_000_000


class Counting:
    """A source that counts what is read of it."""

    def __init__(self, source) -> None:
        self.source, self.size, self.reads, self.bytes = source, source.size, 0, 0

    def read(self, offset, length):
        self.reads += 1
        self.bytes += length
        return self.source.read(offset, length)


@pytest.mark.parametrize("name", REAL)
def test_an_ordinary_file_takes_a_handful_of_reads(name):
    source = Counting(BytesSource(REAL[name]()))
    examine(source)
    assert source.reads <= 12


def test_the_number_of_looks_at_one_file_is_limited():
    reader = Reader(BytesSource(b"x" * 100))
    for _ in range(MAX_LOOKS):
        reader.at(0, 1)
    with pytest.raises(TooManyLooksError):
        reader.at(0, 1)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x10ftypisom\0\0\0\0" + b"\0\0\0\x08free" * 450_000,
        b"RIFF\xfc\xff\xff\x7fAVI " + b"JUNK\0\0\0\0" * 450_000,
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff"
        + b"\xec\x80" * 450_000,
    ],
    ids=["boxes", "chunks", "elements"],
)
def test_a_file_of_endless_pieces_is_given_up(data):
    found = look(data)
    assert not found.complete
    assert "too many pieces" in found.detail


@st.composite
def damaged(draw):
    """A real file with a few bytes overwritten, taken out or put in."""
    data = bytearray(REAL[draw(st.sampled_from(sorted(REAL)))]())
    for _ in range(draw(st.integers(1, 8))):
        at = draw(st.integers(0, min(len(data), 1500)))
        length = draw(st.integers(0, 12))
        data[at : at + length] = draw(st.binary(max_size=12))
    return bytes(data)


@settings(max_examples=800, deadline=None)
@given(damaged())
def test_damaged_files_never_raise_and_say_why_they_are_not_complete(data):
    found = look(data)
    assert found.complete or found.detail
    assert found.duration_s is None or 0 < found.duration_s < 366 * 86400
    assert all(track.tag.isascii() and track.tag.isprintable() for track in found.tracks)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from([b"", b"\0\0\0\x10ftypqt  \0\0\0\0", b"RIFF\0\1\0\0AVI ", b"\x1aE\xdf\xa3"]),
    st.binary(max_size=400),
)
def test_any_bytes_at_all_never_raise(head, data):
    found = look(head + data)
    assert found.complete or found.detail


@pytest.mark.parametrize(
    ("tag", "codec"),
    [
        *[(tag, "h264") for tag in ("avc1", "avc2", "avc3", "avc4", "dva1", "dvav")],
        *[(tag, "hevc") for tag in ("hvc1", "hev1", "dvh1", "dvhe")],
        *[(tag, "prores") for tag in ("apch", "apcn", "apcs", "apco", "ap4h", "ap4x")],
        *[("vp09", "vp9"), ("av01", "av1"), ("mjpa", "mjpeg"), ("mjpb", "mjpeg")],
        *[("mp4v", "mpeg4"), ("AVdn", "dnxhd"), ("CFHD", "cineform"), ("zzzz", "")],
    ],
)
def test_sample_entries_name_their_codec(tag, codec):
    assert codecs.of_sample_entry(tag, "video") == codec


@pytest.mark.parametrize(
    ("tag", "codec"),
    [
        *[
            (tag, "h264")
            for tag in ("H264", "h264", "X264", "x264", "AVC1", "avc1", "DAVC", "VSSH")
        ],
        *[(tag, "hevc") for tag in ("HEVC", "H265", "HVC1", "hev1")],
        *[("VP90", "vp9"), ("vp80", "vp8"), ("MJPG", "mjpeg"), ("mjpg", "mjpeg")],
        *[("XVID", "mpeg4"), ("DX50", "mpeg4"), ("dvsd", "dv"), ("FFV1", "ffv1"), ("????", "")],
    ],
)
def test_fourccs_name_their_codec_in_any_case(tag, codec):
    assert codecs.of_fourcc(tag) == codec
