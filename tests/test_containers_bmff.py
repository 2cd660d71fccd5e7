"""MP4 and QuickTime: brands, sizes, order of boxes, tracks."""

from __future__ import annotations

import struct

import pytest

from ingestd.containers import BytesSource, examine
from ingestd.model import Container, Track
from videos import video


def look(data: bytes):
    return examine(BytesSource(data))


def box(kind: bytes, *payload: bytes) -> bytes:
    content = b"".join(payload)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def split(data: bytes) -> list[tuple[bytes, bytes]]:
    """Take a file apart into (kind, whole box)."""
    parts, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        parts.append((data[at + 4 : at + 8], data[at : at + size]))
        at += size
    return parts


def part(data: bytes, kind: bytes) -> bytes:
    return next(whole for name, whole in split(data) if name == kind)


@pytest.fixture
def ahead() -> bytes:
    """ftyp, moov, free, mdat: the index first."""
    return video(".mp4", movflags="faststart", frames=10)


@pytest.mark.parametrize(
    ("brand", "container"),
    [
        (b"qt  ", Container.QUICKTIME),
        *[
            (brand, Container.MP4)
            for brand in (b"isom", b"mp42", b"XAVC", b"MSNV", b"av01", b"hvc1")
        ],
        *[
            (brand, Container.MP4)
            for brand in (b"f4v ", b"niko", b"iso4", b"3gp5", b"heic", b"\0\1\2\3")
        ],
    ],
)
def test_the_major_brand_tells_quicktime_from_mp4(brand, container):
    data = video(".mp4")
    found = look(data[:8] + brand + data[12:])
    assert (found.container, found.complete) == (container, True)
    assert found.video is not None


@pytest.mark.parametrize("first", [b"free", b"skip", b"wide", b"pnot", None])
def test_an_old_quicktime_file_has_no_brand(first):
    data = video(".mov")
    rest = data[len(part(data, b"ftyp")) :]
    found = look((box(first) if first else b"") + rest)
    assert found.container is Container.QUICKTIME
    assert found.complete


def test_a_quicktime_file_may_begin_with_its_index(ahead):
    found = look(ahead[len(part(ahead, b"ftyp")) :])
    assert (found.container, found.complete) == (Container.QUICKTIME, True)


def test_a_stream_piece_without_an_index_is_not_complete():
    data = video(".mp4", movflags="frag_keyframe+empty_moov", frames=12)
    pieces = dict(split(data))
    found = look(box(b"styp", b"msdh\0\0\0\0") + pieces[b"moof"] + pieces[b"mdat"])
    assert (found.container, found.complete) == (Container.MP4, False)
    assert "moov" in found.detail
    with_index = box(b"styp", b"msdh\0\0\0\0") + b"".join(
        whole for kind, whole in split(data) if kind != b"ftyp"
    )
    assert look(with_index).complete


def test_the_index_of_a_stream_without_its_pieces_is_not_complete():
    data = video(".mp4", movflags="frag_keyframe+empty_moov", frames=12)
    found = look(part(data, b"ftyp") + part(data, b"moov"))
    assert not found.complete
    assert "mdat" in found.detail


@pytest.mark.parametrize("missing", [1, 4096, 3_000_000_000])
def test_a_last_box_that_ends_past_the_file_says_by_how_much(ahead, missing):
    index, media = ahead.split(b"mdat")
    size = 16 + len(media) + missing
    found = look(index[:-4] + b"\0\0\0\1mdat" + size.to_bytes(8, "big") + media)
    assert not found.complete
    assert f"{missing:,} bytes" in found.detail


def test_sizes_of_64_bits_are_read(ahead):
    index, media = ahead.split(b"mdat")
    large = b"\0\0\0\1mdat" + (16 + len(media)).to_bytes(8, "big") + media
    assert look(index[:-4] + large).complete


@pytest.mark.parametrize("kept", range(8, 16))
def test_a_file_cut_inside_a_header_of_64_bits_is_not_complete(ahead, kept):
    large = b"\0\0\0\1mdat" + (16 + 5000).to_bytes(8, "big")
    assert not look(ahead + large[:kept]).complete


def test_a_last_box_of_size_0_reaches_to_the_end(ahead):
    index, media = ahead.split(b"mdat")
    assert look(index[:-4] + b"\0\0\0\0mdat" + media).complete


def test_media_that_the_index_names_past_the_end_is_missed():
    data = video(".mp4", movflags="faststart", frames=30, audio=True)
    index, media = data.split(b"mdat")
    open_ended = index[:-4] + b"\0\0\0\0mdat" + media
    assert look(open_ended).complete
    found = look(open_ended[: -len(media) + 10])
    assert not found.complete
    assert "its index names media" in found.detail


@pytest.mark.parametrize("kept", [0.2, 0.5, 0.9])
def test_an_index_of_which_only_the_beginning_arrived_is_not_complete(kept):
    data = video(".mov", codec="libx265")
    moov = part(data, b"moov")
    half = moov[: int(len(moov) * kept)]
    found = look(data.replace(moov, half + bytes(len(moov) - len(half))))
    assert not found.complete
    assert "moov" in found.detail


def test_an_index_of_zeros_is_not_written_yet():
    data = video(".mp4")
    moov = part(data, b"moov")
    found = look(data.replace(moov, moov[:8] + bytes(len(moov) - 8)))
    assert not found.complete
    assert "moov" in found.detail


def test_four_zero_bytes_end_a_list_of_atoms_and_are_no_fault():
    assert look(video(".mov") + bytes(4)).complete


def zeroed(data: bytes, share: float) -> bytes:
    """Overwrite the last share of the media with zeros."""
    mdat = part(data, b"mdat")
    zeros = int((len(mdat) - 8) * share)
    return data.replace(mdat, mdat[: len(mdat) - zeros] + bytes(zeros))


@pytest.mark.parametrize(("share", "noticed"), [(0.2, False), (0.27, True), (0.6, True), (1, True)])
def test_zeros_count_from_a_quarter_of_the_media(ahead, share, noticed):
    found = look(zeroed(ahead, share))
    assert found.complete
    assert found.zero_tail is noticed


@pytest.mark.parametrize("kind", [b"free", b"skip", b"uuid"])
def test_zeros_outside_the_media_do_not_count(ahead, kind):
    assert not look(ahead + box(kind, bytes(100_000))).zero_tail
    assert look(ahead + box(kind, bytes(100_000))).complete


def test_one_written_block_in_the_last_quarter_disproves_the_zeros():
    media = bytearray(40_000_000)
    head = box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", box(b"mvhd", bytes(100)))
    assert look(head + box(b"mdat", bytes(media))).zero_tail
    media[-1] = 1
    assert not look(head + box(b"mdat", bytes(media))).zero_tail
    media[-1], media[30_000_001] = 0, 1
    assert not look(head + box(b"mdat", bytes(media))).zero_tail


def test_a_tiny_last_piece_of_zeros_is_a_sample_and_no_gap(ahead):
    assert not look(ahead + box(b"mdat", bytes(4))).zero_tail


def test_only_the_last_media_box_is_judged(ahead):
    assert not look(box(b"ftyp", b"isom") + box(b"mdat", bytes(9000)) + ahead).zero_tail


def test_the_length_of_a_fragmented_file_is_that_of_its_fragments():
    data = video(".mp4", movflags="frag_keyframe+empty_moov", frames=30, audio=True)
    assert look(data).duration_s == pytest.approx(3.0, abs=0.05)


def test_the_length_of_a_fragmented_file_may_stand_in_its_index():
    data = video(".mp4", movflags="frag_keyframe+empty_moov", frames=30)
    moov = part(data, b"moov")
    scale = int.from_bytes(moov[moov.index(b"mvhd") + 16 :][:4], "big")
    at = moov.index(b"mvex") + 4
    mehd = box(b"mehd", bytes(4), struct.pack(">I", 77 * scale))
    longer = bytearray(moov[:at] + mehd + moov[at:])
    for name in (b"moov", b"mvex"):
        size_at = longer.index(name) - 4
        size = int.from_bytes(longer[size_at : size_at + 4], "big") + len(mehd)
        longer[size_at : size_at + 4] = size.to_bytes(4, "big")
    assert look(data.replace(moov, bytes(longer))).duration_s == 77


def movie(*traks: bytes, duration: int = 9000, version: int = 0) -> bytes:
    """A file with an index of our own making."""
    form = ">B3xIIII" if version == 0 else ">B3xQQIQ"
    mvhd = box(b"mvhd", struct.pack(form, version, 0, 0, 600, duration), bytes(80))
    head = box(b"ftyp", b"isom\0\0\0\0") + box(b"moov", mvhd, *traks)
    return head + box(b"mdat", b"picture" * 9)


def trak(entry: bytes, handler: bytes = b"vide", *, samples: int = 50, enabled: int = 1) -> bytes:
    sizes = box(b"stsz", struct.pack(">III", 0, 0, samples))
    table = box(b"stbl", box(b"stsd", struct.pack(">II", 0, 1), entry), sizes)
    media = box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(12)), box(b"minf", table))
    return box(b"trak", box(b"tkhd", struct.pack(">I", enabled), bytes(80)), media)


def entry(kind: bytes, *inside: bytes) -> bytes:
    return box(kind, bytes(78), *inside)


@pytest.mark.parametrize("version", [0, 1])
def test_the_length_is_read_in_both_versions_of_the_movie_header(version):
    assert look(movie(trak(entry(b"avc1")), version=version)).duration_s == 15


def test_an_unknown_length_is_unknown():
    assert look(movie(trak(entry(b"avc1")), duration=0xFFFFFFFF)).duration_s is None
    assert look(movie(trak(entry(b"avc1")), duration=0)).duration_s is None


def test_encrypted_video_tells_its_original_codec_and_that_it_is_encrypted():
    encrypted = entry(b"encv", box(b"avcC", b"\1"), box(b"sinf", box(b"frma", b"hvc1")))
    assert look(movie(trak(encrypted))).video == Track("video", "hevc", "encv")


@pytest.mark.parametrize(("samples", "enabled"), [(1, 1), (20, 0)])
def test_a_thumbnail_or_chapter_pictures_are_no_video_track(samples, enabled):
    picture = trak(entry(b"jpeg"), samples=samples, enabled=enabled)
    found = look(movie(picture, trak(entry(b"hvc1"))))
    assert found.video == Track("video", "hevc", "hvc1")
    assert look(movie(picture)).video is None


def test_motion_jpeg_is_a_video_track():
    assert look(movie(trak(entry(b"jpeg")))).video == Track("video", "mjpeg", "jpeg")


def test_time_code_and_telemetry_are_neither_video_nor_audio():
    found = look(movie(trak(entry(b"tmcd"), b"tmcd"), trak(entry(b"gpmd"), b"meta")))
    assert [track.kind for track in found.tracks] == ["other", "other"]


def test_a_real_thumbnail_beside_the_video_is_no_video_track():
    found = look(video(".mov", codec=("mjpeg", "libx264"), frames=1))
    assert found.video is not None
    assert found.video.codec == "h264"


@pytest.mark.parametrize("brand", [b"heic", b"avif", b"mif1"])
def test_a_still_picture_of_the_same_family_is_a_picture(brand):
    found = look(box(b"ftyp", brand, bytes(4)) + box(b"meta", bytes(90)) + box(b"mdat", b"x" * 90))
    assert found.container is None
    assert "picture" in found.detail


def test_an_index_of_a_thousand_tracks_is_cut_short():
    assert len(look(movie(*[trak(entry(b"avc1"))] * 1000)).tracks) == 64
