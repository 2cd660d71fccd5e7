"""The YAML file as texts with line numbers, and what is said about a file that is none."""

from __future__ import annotations

import os
import time
from itertools import pairwise

import pytest

from ingestd.config.document import read
from ingestd.errors import ConfigError


@pytest.fixture
def document(tmp_path):
    def of(content):
        path = tmp_path / "config.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read(path)

    return of


@pytest.fixture
def problem(document):
    """Return line and message of the one problem that ends the reading."""

    def of(content):
        with pytest.raises(ConfigError) as caught:
            document(content)
        (only,) = caught.value.problems
        return only.line, only.message

    return of


@pytest.mark.parametrize(
    "written",
    ["19:00", "no", "007", "2026-11-22", "1_000", "0x1f", "1e3", ".inf", "yes", "=", "3.0", "+1"],
)
def test_a_scalar_stays_what_people_wrote(document, written):
    assert document(f"a: {written}\n").tree == {"a": written}


@pytest.mark.parametrize("written", ["", "~", "null", "Null", "NULL"])
def test_nothing_is_none(document, written):
    assert document(f"a: {written}\n").tree == {"a": None}


@pytest.mark.parametrize("written", ['""', '"null"', "'~'"])
def test_quotes_make_nothing_a_text(document, written):
    assert document(f"a: {written}\n").tree == {"a": written.strip("'\"")}


def test_every_key_and_value_has_its_line(document):
    found = document("# comment\na:\n  b: 1\n  c:\n    - x\n    -\n      y\nd:\n  e\n")
    lines = {loc: (mark.key_line, mark.value_line) for loc, mark in found.marks.items()}
    assert lines == {
        ("a",): (2, 3),
        ("a", "b"): (3, 3),
        ("a", "c"): (4, 5),
        ("a", "c", 0): (5, 5),
        ("a", "c", 1): (7, 7),
        ("d",): (8, 9),
    }


def test_a_place_that_is_not_there_has_the_mark_around_it(document):
    found = document("a:\n  b: 1\n")
    assert found.mark(("a", "b", 3, "c")) == found.marks[("a", "b")]
    assert found.mark(("x",)) is None


def test_a_key_that_is_there_twice_is_found_with_both_lines(document):
    found = document("a: 1\nb: 2\na: 3\n")
    (finding,) = found.findings
    assert (finding.loc, finding.line) == (("a",), 3)
    assert finding.message == "is there twice, in line 1 too: leave one of the two out"
    assert found.tree == {"a": "1", "b": "2"}


def test_aliases_and_merges_work_and_own_keys_go_first(document):
    found = document(
        "a: &a {x: 1, y: 2}\nb: &b {y: 3, z: 3}\n"
        "c: {<<: [*a, *b], x: 0}\nd: *a\ne: {x: 9, <<: *b}\n"
    )
    assert found.tree["c"] == {"x": "0", "y": "2", "z": "3"}
    assert found.tree["d"] == {"x": "1", "y": "2"}
    assert found.tree["e"] == {"x": "9", "y": "3", "z": "3"}
    assert found.findings == ()
    assert found.marks[("c", "z")].key_line == 2


def test_a_merge_of_what_is_no_mapping_is_found(document):
    (finding,) = document("a: &a x\nb: {<<: *a}\n").findings
    assert finding.message == "must name a mapping behind << such as *defaults"


def test_a_key_that_is_no_text_is_found(document):
    (finding,) = document("a:\n  [1, 2]: x\n").findings
    assert (finding.loc, finding.line) == (("a",), 2)
    assert finding.message == "holds a key that is no text: put it in quotes"


@pytest.mark.parametrize("written", ["!keep/**", "!!python/object/apply:os.getcwd []", "!!set {x}"])
def test_a_tag_is_found_and_makes_nothing(document, written):
    (finding,) = document(f"a:\n  - {written}\n").findings
    assert (finding.loc, finding.line) == (("a", 0), 2)
    assert finding.message.endswith(": a text that begins with ! needs quotes")


@pytest.mark.parametrize(
    ("content", "line", "sentence"),
    [
        ("", None, "the file is empty; the least it needs is `folders: [/path/to/videos]`"),
        ("# nothing\n", None, "the file is empty; the least it needs is `folders: "),
        ("- a\n", 1, "must hold keys, with a colon and a blank behind each; the least"),
        (
            "\nfolders:[/srv]\n",
            2,
            "must hold keys, with a colon and a blank behind each; the least",
        ),
        ("a: 1\nb:\n\tc: 1\n", 3, "indent with blanks, not with tabs"),
        ("a:\n  - *.done\n", 2, "a text that begins with * needs quotes"),
        ("a: [*]\n", 1, "a text that begins with * needs quotes"),
        ("a: *mp4\n", 1, "a text that begins with * needs quotes"),
        ("a: {parent}-x\n", 1, "put a text with {braces} in quotes"),
        ("a: @home\n", 1, "put a text that begins with a special character in quotes"),
        ("a: 1\nb:2\nc: 3\n", 2, "put a blank behind the colon"),
        ("a: 1\n b: 2\n", 2, "look for a missing blank behind a colon, for quotes and for the"),
        ('a: 1\nb: "x\nc: 2\n', 2, "found unexpected end of stream while scanning a quoted scalar"),
        ("a: 1\n---\nb: 2\n", 2, "there is more than one document; take out the line with ---"),
        ("a: [" * 40, 1, "it is nested too deeply"),
        ("a: x\0y\n", 1, "holds the character #x0000: take it out"),
        ("a: 1\nb: \x07\n", 2, "holds the character #x0007: take it out"),
        (b"a: 1\nb: \xe9\n", 2, "is not written in UTF-8: save the file as UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "is not written in UTF-8: save the file as UTF-8"),
        ("a: 1\n" * 60_000, None, "is larger than 256 KiB: that is no configuration"),
    ],
)
def test_what_is_no_yaml_is_explained_in_a_sentence(problem, content, line, sentence):
    found_line, message = problem(content)
    assert sentence in message
    assert found_line == line
    assert "\n" not in message


def test_a_byte_order_mark_and_windows_line_ends_are_fine(document):
    assert document(b"\xef\xbb\xbfa: 1\r\nb: [x]\r\n").tree == {"a": "1", "b": ["x"]}


LAUGHS = f"a: &a [{'x, ' * 10}]\n" + "".join(
    f"{name}: &{name} [{f'*{before}, ' * 10}]\n" for before, name in pairwise("abcdefgh")
)


def test_aliases_cannot_multiply_without_bounds(problem):
    began = time.monotonic()
    assert problem(LAUGHS) == (
        None,
        "holds more than 50000 values, each alias counted as what it names",
    )
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("content", ["a: &a {b: *a}\n", "a: &a [*a]\n", "a: &a {<<: *a}\n"])
def test_an_alias_in_what_it_names_is_refused(problem, content):
    _, message = problem(content)
    assert message == "is nested too deeply: does an alias stand in what it names?"


def test_a_file_that_is_missing_is_said_to_be(tmp_path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path / "none.yaml")
    assert str(caught.value) == (
        f"{tmp_path}/none.yaml: there is no such file; "
        "name the right one with -c FILE or INGESTD_CONFIG"
    )


def test_a_directory_is_said_to_be_one(tmp_path):
    with pytest.raises(ConfigError, match="is a directory; name the configuration file in it"):
        read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_of_somebody_else_is_said_to_be(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: 1\n")
    path.chmod(0)
    with pytest.raises(ConfigError, match="may not be read by this user"):
        read(path)
