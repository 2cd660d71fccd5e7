"""Which files are taken, and what a person is told about the others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestd.containers import BytesSource, examine
from ingestd.model import Container, Facts, Findings, Reason, Stat, Track
from ingestd.validate import (
    REFUSED_EXTENSIONS,
    Accept,
    Oversize,
    Reject,
    Rules,
    Unfinished,
    extension_verdict,
    judge,
)
from videos import video

RULES = Rules()
H264 = Track("video", "h264", "avc1")
GOOD = Findings(Container.MP4, complete=True, tracks=(H264,), duration_s=5.0)


def facts(findings: Findings = GOOD, *, size: int = 5_000_000, regular: bool = True) -> Facts:
    return Facts(Stat(size, 0, 0, 1, 2), findings, "ab" * 16, regular)


def real(data: bytes) -> Facts:
    return facts(examine(BytesSource(data)), size=len(data))


def with_codec(codec: str, tag: str = "tag1") -> Findings:
    return replace(GOOD, tracks=(Track("video", codec, tag),))


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("a.mp4", {}),
        ("A003C011.MP4", {"codec": "libx265"}),
        ("a.mov", {"codec": "libx265", "tag": "hvc1"}),
        ("a.mkv", {"codec": "libvpx-vp9"}),
        ("a.Avi", {}),
        ("holiday.2026.mp4", {"audio": True}),
    ],
)
def test_real_videos_are_accepted(path, how):
    extension = "." + path.lower().rpartition(".")[2]
    assert judge("/srv/drop/" + path, real(video(extension, **how)), RULES) == Accept()


@pytest.mark.parametrize(
    ("container", "path"),
    [(Container.QUICKTIME, "a.mp4"), (Container.MP4, "a.mov")],
)
def test_mp4_and_quicktime_are_one_family(container, path):
    assert judge(path, facts(replace(GOOD, container=container)), RULES) == Accept()


@pytest.mark.parametrize(
    ("path", "container", "right"),
    [
        ("a.mp4", Container.MATROSKA, ".mkv"),
        ("a.mkv", Container.MP4, ".mp4"),
        ("a.mkv", Container.QUICKTIME, ".mov"),
        ("a.mov", Container.AVI, ".avi"),
        ("a.avi", Container.MATROSKA, ".mkv"),
    ],
)
def test_a_video_under_another_containers_name_is_to_be_renamed(path, container, right):
    verdict = judge(path, facts(replace(GOOD, container=container)), RULES)
    assert verdict.reason is Reason.MIME
    assert f"Rename it to {right}" in verdict.detail


def test_a_renamed_video_is_accepted_under_its_right_name():
    data = real(video(".mkv"))
    assert judge("a.mp4", data, RULES).reason is Reason.MIME
    assert judge("a.mkv", data, RULES) == Accept()


@pytest.mark.parametrize(
    ("head", "words"),
    [(b"\xff\xd8\xff\xe0" * 50, "JPEG picture"), (b"<html>404</html>" * 9, "HTML page")],
)
def test_what_is_no_video_is_named_for_what_it_is(head, words):
    verdict = judge("a.mp4", real(head), RULES)
    assert verdict.reason is Reason.MIME
    assert words in verdict.detail
    assert ".mp4" in verdict.detail


def test_a_video_format_that_is_not_taken_is_no_mp4_by_its_name():
    verdict = judge("a.mp4", real(video(".mpegts")), RULES)
    assert verdict.reason is Reason.MIME
    assert "transport stream" in verdict.detail


def test_what_is_no_ordinary_file_is_said_first():
    pipe = facts(Findings(None, complete=True, detail="a named pipe"), size=0, regular=False)
    verdict = judge("notes.txt", pipe, RULES)
    assert verdict.reason is Reason.NOT_REGULAR
    assert "a named pipe" in verdict.detail


def test_an_empty_file_is_unfinished_and_becomes_empty():
    verdict = judge("a.mp4", real(b""), RULES)
    assert isinstance(verdict, Unfinished)
    assert verdict.reason is Reason.EMPTY


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv", ".avi"])
def test_a_cut_file_is_unfinished(extension):
    data = video(extension, frames=10)
    verdict = judge("a" + extension, real(data[: len(data) // 2]), RULES)
    assert isinstance(verdict, Unfinished)
    assert verdict.reason is Reason.INCOMPLETE


def test_reserved_space_is_unfinished_before_and_after_the_first_bytes_arrive():
    data = video(".mp4", movflags="faststart")
    for arrived in (0, 200, len(data) // 2):
        copy = data[:arrived] + bytes(len(data) - arrived)
        assert isinstance(judge("a.mp4", real(copy), RULES), Unfinished)


def test_a_tail_of_zeros_is_unfinished_and_says_what_to_do():
    verdict = judge("a.mp4", facts(replace(GOOD, zero_tail=True)), RULES)
    assert isinstance(verdict, Unfinished)
    assert "Copy it again" in verdict.detail


@pytest.mark.parametrize("size", [2_999_999_999, 3_000_000_000])
def test_up_to_the_limit_a_file_is_taken(size):
    assert judge("a.mp4", facts(size=size), RULES) == Accept()


def test_above_the_limit_a_file_is_too_large_whatever_else_is_wrong_with_its_content():
    verdict = judge("a.mp4", facts(Findings(None, complete=False), size=3_000_000_001), RULES)
    assert verdict.reason is Reason.TOO_LARGE
    assert "3,000,000,001" in verdict.detail


@pytest.mark.parametrize("oversize", [Oversize.HOLD, Oversize.SPLIT])
def test_above_the_limit_a_good_file_may_be_held_or_split_instead(oversize):
    rules = Rules(oversize=oversize)
    assert judge("a.mp4", facts(size=4_000_000_000), rules) == Accept(oversize=True)
    assert judge("a.mp4", facts(), rules) == Accept()
    broken = facts(with_codec("prores"), size=4_000_000_000)
    assert judge("a.mp4", broken, rules).reason is Reason.CODEC


def test_no_limit_takes_any_size():
    assert judge("a.mp4", facts(size=10**13), Rules(max_size=None)) == Accept()


def test_a_whole_file_below_min_size_counts_as_empty_and_a_growing_one_as_unfinished():
    rules = Rules(min_size=1_000_000)
    assert judge("a.mp4", facts(size=999_999), rules).reason is Reason.EMPTY
    assert judge("a.mp4", facts(size=1_000_000), rules) == Accept()
    growing = facts(replace(GOOD, complete=False, detail="it is cut"), size=10)
    assert isinstance(judge("a.mp4", growing, rules), Unfinished)


@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9"])
def test_the_three_codecs_are_taken(codec):
    assert judge("a.mp4", facts(with_codec(codec)), RULES) == Accept()


@pytest.mark.parametrize(
    ("codec", "words"),
    [
        ("prores", "ProRes"),
        ("av1", "AV1"),
        ("mjpeg", "Motion JPEG"),
        ("dnxhd", "Avid DNxHD"),
        ("cineform", "GoPro CineForm"),
        ("theora", "theora"),
        ("", "an unknown codec ('XyZ9')"),
    ],
)
def test_another_codec_is_named_with_what_it_would_cost_and_what_to_do(codec, words):
    verdict = judge("a.mov", facts(with_codec(codec, "XyZ9")), RULES)
    assert verdict.reason is Reason.CODEC
    assert words in verdict.detail
    assert "bills" in verdict.detail
    assert "H.264" in verdict.detail


def test_a_real_prores_clip_is_rejected():
    verdict = judge("a.mov", real(video(".mov", codec="prores_ks")), RULES)
    assert verdict.reason is Reason.CODEC
    assert "ProRes" in verdict.detail


def test_a_codec_that_only_the_configuration_leaves_out_is_not_blamed_on_the_far_side():
    verdict = judge("a.mp4", facts(with_codec("vp9")), Rules(codecs=("h264",)))
    assert verdict.reason is Reason.CODEC
    assert "validate.codecs" in verdict.detail
    assert "bills" not in verdict.detail


@pytest.mark.parametrize("tracks", [(), (Track("audio", "aac", "mp4a"),)])
def test_without_a_video_track_there_is_nothing_to_index(tracks):
    verdict = judge("a.mp4", facts(replace(GOOD, tracks=tracks)), RULES)
    assert verdict.reason is Reason.CODEC
    assert "no video track" in verdict.detail


def test_encrypted_video_is_rejected_although_its_codec_is_taken():
    verdict = judge("a.mp4", facts(with_codec("h264", "encv")), RULES)
    assert verdict.reason is Reason.CODEC
    assert "encrypted" in verdict.detail


def test_the_first_video_track_decides():
    tracks = (Track("audio", "aac", "mp4a"), Track("other", "mjpeg", "jpeg"), H264)
    assert judge("a.mp4", facts(replace(GOOD, tracks=tracks)), RULES) == Accept()


@pytest.mark.parametrize(
    "extension",
    [
        *(".mxf", ".mts", ".m2ts", ".m4v", ".webm", ".wmv", ".mpg", ".mpeg", ".ts", ".vob", ".3gp"),
        *(".flv", ".mod", ".asf", ".braw", ".r3d", ".ari", ".crm", ".insv", ".360", ".dav"),
    ],
)
def test_a_videos_name_that_is_not_taken_is_refused_without_a_look(extension):
    for path in (f"/srv/drop/clip{extension}", f"/srv/drop/CLIP{extension.upper()}"):
        verdict = extension_verdict(path, RULES)
        assert verdict.reason is Reason.EXTENSION
        assert verdict.detail.startswith(extension)
        assert judge(path, facts(), RULES) == verdict


@pytest.mark.parametrize(
    ("extension", "remedy"),
    [
        (".webm", ".mkv"),
        (".m4v", ".mp4"),
        (".braw", "developed"),
        (".insv", "Stitch"),
        (".mxf", "Convert"),
        (".ts", "exclude"),
    ],
)
def test_a_refused_name_comes_with_the_remedy_for_its_kind(extension, remedy):
    assert remedy in extension_verdict("clip" + extension, RULES).detail


@pytest.mark.parametrize("path", ["clip.mp4", "CLIP.MOV", "a.b.mkv", "..mp4.avi", "/x.txt/a.Mp4"])
def test_a_taken_name_is_ours(path):
    assert extension_verdict(path, RULES) == Accept()


@pytest.mark.parametrize(
    "path", ["notes.txt", "clip", ".mp4", "..mp4", "/a.mp4/readme", "a.mp4 ", ""]
)
def test_no_videos_name_is_not_ours(path):
    assert extension_verdict(path, RULES) is None


@pytest.mark.parametrize("path", ["clip", "notes.txt", "clip." + "x" * 300, "clip.\udcff\x1b"])
def test_a_file_named_by_hand_without_a_taken_name_is_rejected_in_printable_words(path):
    verdict = judge(path, facts(), RULES)
    assert verdict.reason is Reason.EXTENSION
    assert verdict.detail.isprintable()
    assert len(verdict.detail) < 250


def test_the_configuration_may_take_other_names():
    rules = Rules(extensions=(".MP4", ".webm"))
    assert extension_verdict("a.webm", rules) == Accept()
    assert judge("a.webm", facts(replace(GOOD, container=Container.MATROSKA)), rules) == Accept()
    assert judge("a.webm", facts(), rules).reason is Reason.MIME
    assert extension_verdict("a.mov", rules) is None


def test_refused_names_are_written_as_they_are_compared():
    assert all(name == name.lower() and name.startswith(".") for name in REFUSED_EXTENSIONS)
    assert not REFUSED_EXTENSIONS & set(RULES.extensions)


def test_the_digest_does_not_depend_on_case_or_order():
    same = Rules(extensions=(".MOV", ".mkv", ".mp4", ".avi"), codecs=("vp9", "H264", "hevc"))
    assert same.digest() == RULES.digest()
    assert len(RULES.digest()) == 16


@pytest.mark.parametrize(
    "change",
    [
        {"extensions": (".mp4",)},
        {"min_size": 2},
        {"max_size": 2},
        {"max_size": None},
        {"codecs": ("h264",)},
        {"oversize": Oversize.HOLD},
    ],
)
def test_the_digest_changes_with_every_rule(change):
    assert replace(RULES, **change).digest() != RULES.digest()


def every_refusal() -> list[Reject | Unfinished]:
    cut = replace(GOOD, complete=False, detail="it is cut")
    return [
        judge("a.mp4", facts(regular=False), RULES),
        judge("a", facts(), RULES),
        judge("a.mxf", facts(), RULES),
        judge("a.mp4", facts(size=0), RULES),
        judge("a.mp4", facts(size=10**10), RULES),
        judge("a.mp4", facts(Findings(None, complete=True, detail="a ZIP archive")), RULES),
        judge("a.mkv", facts(), RULES),
        judge("a.mp4", facts(cut), RULES),
        judge("a.mp4", facts(replace(GOOD, zero_tail=True)), RULES),
        judge("a.mp4", facts(size=5), Rules(min_size=9)),
        judge("a.mp4", facts(replace(GOOD, tracks=())), RULES),
        judge("a.mp4", facts(with_codec("prores")), RULES),
        judge("a.mp4", facts(with_codec("h264", "encv")), RULES),
        judge("a.mp4", facts(with_codec("vp9")), Rules(codecs=("h264",))),
    ]


def test_every_refusal_says_that_nothing_was_billed():
    for verdict in every_refusal():
        assert "nothing was billed" in verdict.detail
        assert verdict.detail.endswith(".")
