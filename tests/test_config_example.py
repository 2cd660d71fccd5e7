"""config.example.yaml is the whole schema with its defaults, and nothing breaks the reader."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestd.config import Folder, Settings, load
from ingestd.config.document import read
from ingestd.config.schema import sections
from ingestd.errors import ConfigError

EXAMPLE = Path(__file__).parent.parent / "config.example.yaml"
HOME = {"HOME": "/home/ann"}
LINES = [
    line
    for line in EXAMPLE.read_text().splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]


def test_the_example_loads_as_it_is_and_every_value_in_it_is_the_default():
    assert load(EXAMPLE, HOME) == Settings(
        state_dir=Path("/home/ann/.local/state/ingestd"),
        folders=(Folder(path=Path("/srv/drop/cameras"), name="cameras"),),
    )


@pytest.mark.parametrize(("place", "keys"), sections().items(), ids=lambda x: ".".join(x)[:20])
def test_the_example_holds_every_key_in_the_order_of_the_schema(place, keys):
    section = read(EXAMPLE).tree
    for part in place:
        section = section[part]
        section = section[0] if isinstance(section, list) else section
    assert tuple(section) == keys


def test_every_line_of_the_example_can_be_read_on_a_small_screen():
    assert max(map(len, EXAMPLE.read_text().splitlines())) <= 100


MARKS = ["&a", "*a", "<<: *a", "!x", "{", "}", "[", "]", ": ", "- ", "  ", "'", '"', "#", "|", ">"]
ODD = ["---", "%", "\t", "\n", "\0", "\ufeff", "\u2028", "? [x]", "<<: {a: b}", "{a: }", "{parent}"]
WORDS = ["folders:", "path: /srv/a", "fields:", "null", "auto", "-1", "1e9", "sk-mavi-012345678"]
PIECES = st.one_of(st.sampled_from([*MARKS, *ODD, *WORDS]), st.text(max_size=6))
CHANGES = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 99), PIECES, st.integers(0, 3)))


def _changed(changes):
    lines = list(LINES)
    for number, column, piece, kind in changes:
        at = number % len(lines)
        line = lines[at]
        lines[at : at + 1] = [
            [line[: column % (len(line) + 1)] + piece + line[column % (len(line) + 1) :]],
            [line, line],
            [line, piece],
            [re.sub(r"(?<=[:-] ).*", lambda _, new=piece: new, line)],
        ][kind]
    return "\n".join(lines)


@settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=CHANGES)
def test_whatever_is_changed_in_the_example_is_read_or_refused_in_sentences(tmp_path, changes):
    path = tmp_path / "config.yaml"
    path.write_bytes(_changed(changes).encode("utf-8", "surrogatepass"))
    message = _complaint(path)
    assert message is None or message.startswith(f"{path}")
    assert "012345678" not in (message or "")


def _complaint(path):
    """Load a file, and return what is said about it or None; any other error is a failure."""
    try:
        found = load(path, HOME)
    except ConfigError as error:
        return str(error)
    return None if isinstance(found, Settings) else "no settings"


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=200))
def test_whatever_lies_in_the_file_is_refused_in_sentences(tmp_path, content):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError):
        load(path, HOME)
