"""The optional fields of an upload: templates, limits, scope, form (interface 4, contract 1.1)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.config import Fields
from ingestd.fields import Context, fill, form_of, printable, resolve, scope_of
from ingestd.model import Scope

CONTEXT = Context(
    path="/srv/drop/card 7/DCIM/GX010001.mp4",
    root="/srv/drop",
    folder="cams",
    date="2026-11-22",
    host="nas",
)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{folder}", "cams"),
        ("{top}", "card 7"),
        ("{parent}", "DCIM"),
        ("{stem}", "GX010001"),
        ("{date}", "2026-11-22"),
        ("{host}", "nas"),
        ("{top}/{stem}-{date}", "card 7/GX010001-2026-11-22"),
        ("plain", "plain"),
        ("{unknown} {", "{unknown} {"),
        ("", ""),
    ],
)
def test_templates_are_filled_in(template: str, filled: str):
    assert fill(template, CONTEXT) == filled


def test_a_file_directly_in_the_folder_has_the_folder_on_top():
    flat = replace(CONTEXT, path="/srv/drop/a.mp4")
    assert fill("{top}", flat) == "cams"
    elsewhere = replace(CONTEXT, path="/tmp/a.mp4")
    assert fill("{top} {parent}", elsewhere) == "cams tmp"


def test_a_file_that_is_named_like_a_template_is_not_filled_in_turn():
    odd = replace(CONTEXT, path="/srv/drop/{stem}/{host}.mp4")
    assert fill("{top} {stem} {host}", odd) == "{stem} {host} nas"


def test_bytes_that_are_no_text_and_control_characters_do_no_harm():
    odd = replace(CONTEXT, path="/srv/drop/caf\udce9\r\n\0.mp4")
    assert fill("{stem}", odd) == "caf?___"


@given(st.text())
def test_what_is_sent_is_always_printable_utf_8(text: str):
    safe = printable(text)
    assert safe.isprintable()
    safe.encode("utf-8")


# --- all of them --------------------------------------------------------------------------------


def test_by_default_little_is_sent():
    assert resolve(Fields(), CONTEXT) == {"unique_id": "default", "retain_original_video": True}


def test_every_field_is_sent_as_it_was_configured():
    fields = Fields(
        unique_id="{folder}",
        tags=("{top}", "b"),
        callback="https://example.com/{stem}",
        datetime_taken="2026-11-22 19:00:00",
        camera_model="A7 {host}",
        latitude="0",
        longitude="-13.4",
        retain_original_video=False,
        video_transcription_prompt="names: {folder}",
    )
    assert resolve(fields, CONTEXT) == {
        "unique_id": "cams",
        "tags": ["card 7", "b"],
        "callback": "https://example.com/GX010001",
        "datetime_taken": "2026-11-22 19:00:00",
        "camera_model": "A7 nas",
        "latitude": "0",
        "longitude": "-13.4",
        "retain_original_video": False,
        "video_transcription_prompt": "names: cams",
    }


def test_no_more_than_20_tags_none_empty_none_twice():
    many = Fields(tags=("", " ", "a", "a", *(f"tag {number}" for number in range(30))))
    tags = resolve(many, CONTEXT)["tags"]
    assert len(tags) == 20
    assert tags[:2] == ["a", "tag 0"]


def test_a_comma_in_a_name_does_not_split_a_tag():
    odd = replace(CONTEXT, path="/srv/drop/one,two/a.mp4")
    assert resolve(Fields(tags=("{top}",)), odd)["tags"] == ["one two"]


def test_long_texts_are_cut_to_what_the_far_side_takes():
    long = replace(CONTEXT, path=f"/srv/drop/{'x' * 500}.mp4")
    fields = Fields(camera_model="{stem}", callback="https://example.com/{stem}")
    resolved = resolve(fields, long)
    assert len(resolved["camera_model"]) == 200
    assert len(resolved["callback"]) <= 299


def test_an_empty_scope_is_the_default_one():
    blank = replace(CONTEXT, folder=" \t")
    assert resolve(Fields(unique_id="{folder}"), blank)["unique_id"] != ""


# --- scope and form -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resolved", "kind", "scope"),
    [
        ({"unique_id": "cams"}, "unique_id", Scope("unique_id", "cams")),
        ({}, "unique_id", Scope("unique_id", "default")),
        ({"unique_id": "default"}, "folder_id", Scope("folder_id", "-1")),
        ({}, "folder_id", Scope("folder_id", "-1")),
        ({"unique_id": "42"}, "folder_id", Scope("folder_id", "42")),
    ],
)
def test_the_scope_speaks_the_configured_generation(resolved, kind, scope):
    assert scope_of(resolved, kind) == scope
    assert Scope.parse(str(scope)) == scope


def test_the_form_repeats_tags_and_leaves_the_scope_to_the_scope():
    resolved = resolve(Fields(tags=("a", "b"), retain_original_video=False), CONTEXT)
    assert form_of(resolved) == (
        ("tags", "a"),
        ("tags", "b"),
        ("retain_original_video", "false"),
    )


def test_fields_come_back_from_the_journal_as_they_went_in():
    """JSON makes lists of tuples and nothing else of the rest."""
    assert form_of({"tags": ("a",), "latitude": "1"}) == form_of({"tags": ["a"], "latitude": "1"})
