"""Camera proxies: known by the card's structure or by the main clip beside them, never by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ingestd.watch.cameras import CARD_FILES, PROXIES, proxy_of, suspicions, words_for

if TYPE_CHECKING:
    from pathlib import Path

#: Cards as the cameras write them: what is a proxy there, and what is a clip.
CARDS = {
    "Sony": (
        ["PRIVATE/M4ROOT/SUB/C0001S03.MP4", "XDROOT/Sub/A001C001_2211270YS03.MP4"],
        ["PRIVATE/M4ROOT/CLIP/C0001.MP4", "MP_ROOT/100ANV01/MAH00001.MP4"],
    ),
    "Sony, copied flat": (["C0001S03.MP4"], ["C0001.MP4"]),
    "Sony, clips that are not taken": (["Sub/A001S03.MP4"], ["Clip/A001.MXF"]),
    "Canon": (
        ["DCIM/100EOSC/A_0001C001X221127_120000XX_CANON_001_Proxy.MP4"],
        ["CONTENTS/CLIPS001/A_0001C002X221127_120000XX_CANON_001.MP4"],
    ),
    "Canon, copied flat": (["A001C001_Proxy.MP4"], ["A001C001.CRM"]),
    "Insta360": (
        ["DCIM/Camera01/LRV_20220101_094420_01_013.mp4"],
        ["DCIM/Camera01/VID_20220101_094420_00_013.mp4"],
    ),
    "Insta360, copied flat": (
        ["LRV_20220110_121609_11_657.mp4"],
        ["VID_20220110_121609_00_657.insv"],
    ),
    "GoPro, renamed": (
        ["DCIM/100GOPRO/GL010001.MP4"],
        ["DCIM/100GOPRO/GX010001.MP4", "DCIM/100GOPRO/GL010002.MP4"],  # a MAX's own clip
    ),
    "DJI": (
        ["MISC/THM/100/DJI_0001.mp4", "DCIM/DJI_001/DJI_20260101120000_0001_D.LRF.mp4"],
        ["DCIM/DJI_001/DJI_20260101120000_0001_D.MP4"],
    ),
    "Panasonic P2": (["CONTENTS/PROXY/0001AB.MOV"], ["CONTENTS/VIDEO/0001AB.MXF"]),
    "Panasonic": ([], ["PRIVATE/PANA_GRP/001RAQAM/A001C001_221127_ABCD.MOV"]),
    "AVCHD": ([], ["PRIVATE/AVCHD/BDMV/STREAM/00000.MTS"]),
    "Blackmagic": (["Proxy/A001_11271200_C001.mp4"], ["A001_11271200_C001.braw"]),
}
FILMS = [
    "Series.S03.mp4",
    "ShowS03.mp4",
    "LRV_20220101_094420_01_013.mp4",
    "GL010001.MP4",
    "war by Proxy.mp4",
    "clip_Proxy.mp4",
    "SUB/film.mp4",
    "MISC/film.mp4",
    "Proxy/film.mp4",
    "CLIP/film.mp4",
]


@pytest.mark.parametrize("card", CARDS)
def test_on_a_card_the_proxies_are_known_and_the_clips_are_clips(tmp_path: Path, card: str):
    proxies, clips = CARDS[card]
    for name in (*proxies, *clips):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert [name for name in (*proxies, *clips) if proxy_of(str(tmp_path / name))] == proxies


@pytest.mark.parametrize("name", FILMS)
def test_a_name_alone_proves_nothing(tmp_path: Path, name: str):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    assert proxy_of(str(path)) == ""


def test_what_is_said_names_the_main_clip_and_the_remedy(tmp_path: Path):
    for name in ("C0001.MP4", "C0001S03.MP4"):
        (tmp_path / name).touch()
    said = proxy_of(str(tmp_path / "C0001S03.MP4"))
    assert "made of C0001.MP4" in said
    assert "ingestd add" in said


def test_a_clip_that_a_card_of_any_case_shows_as_its_own_main_is_no_proxy(tmp_path: Path):
    """On a disk that ignores case the main clip may be the file itself by another name."""
    path = tmp_path / "Proxy/clip.mp4"
    path.parent.mkdir()
    path.touch()
    (tmp_path / "clip.mp4").hardlink_to(path)
    assert proxy_of(str(path)) == ""


def test_odd_bytes_and_braces_in_names_break_nothing(tmp_path: Path):
    for name in ("\udcffS03.mp4", "{clip}S03.mp4", "{0}_Proxy.mp4", "a\nbS03.mp4"):
        assert suspicions(f"/{name}")
        assert proxy_of(f"/nowhere/{name}") == ""


def test_each_row_says_where_it_is_from():
    assert all(rule.source and rule.maker for rule in PROXIES)
    assert all(key.startswith(".") and key.islower() for key in CARD_FILES if key != ".360")
    assert "GoPro" in words_for(".LRV")
    assert words_for(".txt") == ""
