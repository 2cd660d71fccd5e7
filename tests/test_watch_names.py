"""Which names are ours, which are junk, excluded, refused or no videos at all."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.watch.junk import JUNK
from ingestd.watch.names import Ignored, IgnoredKind, NameRules, Ours, Refused

TAKEN = frozenset({".mp4", ".mov", ".avi", ".mkv"})
REFUSED = frozenset({".mxf", ".mts", ".webm"})


def rules(**kwargs):
    return NameRules(extensions=TAKEN, refused_extensions=REFUSED, **kwargs)


PLAIN = rules()


def file(path, names=PLAIN):
    return names.classify(path, is_dir=False)


def directory(path, names=PLAIN):
    return names.classify(path, is_dir=True)


@pytest.mark.parametrize(
    "path",
    [
        "a.mp4",
        "A003C011.MP4",
        "card/DCIM/100GOPRO/GX010001.Mp4",
        "two.dots.mov",
        ".hidden.mkv",
        "with\nnewline.avi",
        "\udcff\udcfe.mp4",
        "clip~1.mp4",
        "🎬.mov",
        "#1 take.mp4",
        "@home.mp4",
        "part.mp4",
        "x" * 251 + ".mp4",
    ],
)
def test_a_taken_extension_in_any_case_is_ours(path):
    assert file(path) == Ours()


@pytest.mark.parametrize(
    ("path", "extension"), [("A001.MXF", ".mxf"), ("AVCHD/BDMV/STREAM/00001.MTS", ".mts")]
)
def test_a_video_that_the_far_side_does_not_take_is_refused(path, extension):
    assert file(path) == Refused(extension)


def test_an_extension_that_a_person_added_is_taken():
    names = NameRules(extensions=TAKEN | {".mxf"}, refused_extensions=REFUSED)
    assert file("A001.MXF", names) == Ours()


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("C0001M01.XML", ".xml"),
        ("sound.WAV", ".wav"),
        ("README", "no extension"),
        (".mp4", "no extension"),
        ("mp4", "no extension"),
        ("clip.", "no extension"),
        ("clip.mp4 ", "other"),
        ("clip.mp4\n", "other"),
        ("notes.a sentence, not an ending", "other"),
        ("clip.\udcff", "other"),
    ],
)
def test_what_is_no_video_is_counted_by_its_extension(path, key):
    verdict = file(path)
    assert isinstance(verdict, Ignored)
    assert (verdict.kind, verdict.counted_as) == (IgnoredKind.EXTENSION, key)


@pytest.mark.parametrize(
    "path",
    [
        "clip.mp4.part",
        "clip.mp4.PARTIAL",
        "clip.mov.filepart",
        "Unconfirmed 1234.crdownload",
        "clip.mp4.tmp",
        "card/.GX010001.MP4.aB3x9Z",
        "clip.mp4~",
        "~$clip.mp4",
        ".~lock.clip.mp4#",
        ".~lock.clip.mp4",
        "card/._GX010001.MP4",
        ".DS_Store",
        ".nfs000000000123abcd",
        ".nfs00000123.mp4",
        ".syncthing.clip.mp4.tmp",
    ],
)
def test_junk_files_are_not_ours(path):
    verdict = file(path)
    assert isinstance(verdict, Ignored)
    assert (verdict.kind, verdict.counted_as) == (IgnoredKind.JUNK, "junk")


@pytest.mark.parametrize(
    "path",
    [
        "@eaDir",
        "card/@eaDir",
        "#recycle",
        "#RECYCLE",
        ".Trashes",
        ".Trash-1000",
        ".Spotlight-V100",
        ".fseventsd",
        "$RECYCLE.BIN",
        "System Volume Information",
        "lost+found",
        ".stversions",
        ".snapshot",
        ".AppleDouble",
        "@GMT-2026.11.22-10.00.00",
    ],
)
def test_junk_directories_are_not_descended(path):
    verdict = directory(path)
    assert isinstance(verdict, Ignored)
    assert verdict.counted_as == "junk"


@pytest.mark.parametrize("path", ["DCIM", "100GOPRO", "clip.mp4", "notes.txt", "part.part", "._x"])
def test_other_directories_are_descended_whatever_their_ending(path):
    assert directory(path) == Ours()


@pytest.mark.parametrize("rule", JUNK, ids=lambda rule: rule.words)
def test_every_row_of_the_junk_table_matches_and_is_explained(rule):
    assert rule.source
    for pattern in rule.patterns:
        name = re.sub(r"\[[^]]*\]", "a", pattern).replace("*", "clip.mp4")
        verdict = PLAIN.classify(name, is_dir=rule.directories)
        assert isinstance(verdict, Ignored)
        assert rule.words in verdict.rule


def test_junk_can_be_switched_off():
    names = rules(junk=False)
    assert file("._clip.mp4", names) == Ours()
    assert directory("@eaDir", names) == Ours()
    verdict = file("clip.mp4.part", names)
    assert isinstance(verdict, Ignored)
    assert verdict.counted_as == ".part"


@pytest.mark.parametrize(
    ("exclude", "path", "excluded"),
    [
        ("proxy/", "proxy/a.mp4", True),
        ("proxy/", "card/proxy/a.mp4", True),
        ("/proxy/", "card/proxy/a.mp4", False),
        ("proxy/", "proxy.mp4", False),
        ("*.low.mp4", "card/a.low.mp4", True),
        ("*.LOW.mp4", "a.low.mp4", False),
        ("card/*.mp4", "card/a.mp4", True),
        ("card/*.mp4", "card/sub/a.mp4", False),
        ("card/**/a.mp4", "card/x/y/a.mp4", True),
        ("a?.mp4", "a\n.mp4", True),
        ("proxy/", "new\nline/proxy/a.mp4", True),
        ("*.mp4", "a\nb.mp4", True),
    ],
)
def test_exclude_patterns_are_like_gitignore(exclude, path, excluded):
    verdict = rules(exclude=(exclude,)).classify_path(path)
    assert isinstance(verdict, Ignored) is excluded
    if isinstance(verdict, Ignored):
        assert (verdict.counted_as, verdict.rule) == ("excluded", f"exclude: {exclude}")


def test_the_last_pattern_decides():
    names = rules(exclude=("*.mp4", "!keep.mp4"))
    assert file("card/keep.mp4", names) == Ours()
    assert isinstance(file("card/other.mp4", names), Ignored)


def test_an_excluded_directory_is_not_descended_and_hides_what_is_in_it():
    names = rules(exclude=("old/", "!old/keep.mp4"))
    assert isinstance(directory("old", names), Ignored)
    assert isinstance(names.classify_path("old/keep.mp4"), Ignored)


def test_include_limits_files_and_not_directories():
    names = rules(include=("A*.mp4", "/cards/"))
    assert file("deep/A001.mp4", names) == Ours()
    assert file("cards/x/b.mp4", names) == Ours()
    verdict = file("B001.mp4", names)
    assert isinstance(verdict, Ignored)
    assert verdict.counted_as == "excluded"
    assert directory("anything", names) == Ours()


def test_a_refused_extension_can_be_excluded():
    assert isinstance(file("a.mxf", rules(exclude=("*.mxf",))), Ignored)


@pytest.mark.parametrize("path", ["@eaDir/clip.mp4", "a/#recycle/b/clip.mp4", ".snapshot/x/y.mov"])
def test_a_path_below_a_junk_directory_is_explained_by_it(path):
    verdict = PLAIN.classify_path(path)
    assert isinstance(verdict, Ignored)
    assert verdict.kind is IgnoredKind.JUNK


@pytest.mark.parametrize("pattern", ["!", "\\", "[", "/"])
def test_a_pattern_that_means_nothing_is_an_error_that_names_it(pattern):
    with pytest.raises(ValueError, match=re.escape(repr(pattern))):
        rules(exclude=("*.tmp", pattern))


def test_a_million_odd_endings_do_not_fill_the_memory():
    names = rules()
    keys = set()
    for number in range(20_000):
        verdict = names.classify(f"scan.{number:06}", is_dir=False)
        assert isinstance(verdict, Ignored)
        keys.add(verdict.counted_as)
    assert len(keys) < 1000
    assert len(names.ignored_endings) < 1000
    assert file("clip.mp4", names) == Ours()


NAMES = st.text(
    st.sampled_from("aM4pmovx.~$_#@ \n\udcff"),
    min_size=1,
    max_size=12,
)


@given(st.lists(NAMES, min_size=1, max_size=20))
def test_the_shortcut_for_long_loops_never_says_anything_else(given_names):
    names = rules()
    for name in given_names:
        names.classify(name, is_dir=False)
    for name in given_names:
        for end in (name[-4:], name[name.rfind(".") :]):
            shortcut = names.ignored_endings.get(end)
            if shortcut is not None and name[0] != ".":
                assert names.classify(name, is_dir=False) == shortcut
