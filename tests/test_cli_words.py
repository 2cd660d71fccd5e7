"""Numbers, sizes, times and names in people's words."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from ingestd.cli import words


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


NOW = at("2026-11-22T23:43:00")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (812, "812 bytes"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (9_940, "9.9 kB"),
        (9_999, "10 kB"),
        (999_600, "1.0 MB"),
        (2_600_000_000, "2.6 GB"),
        (402_000_000_000, "402 GB"),
        (3_100_000_000_000, "3.1 TB"),
        (2_000 * 10**15, "2 000 PB"),
    ],
)
def test_a_size(value, written):
    assert words.size(value) == written


@pytest.mark.parametrize(
    ("done", "whole", "written", "percent"),
    [
        (1_910_000_000, 2_600_000_000, "1.9 of 2.6 GB", 73),
        (0, 5_000, "0.0 of 5.0 kB", 0),
        (2_599_999_999, 2_600_000_000, "2.6 of 2.6 GB", 99),
        (5, 5, "5 of 5 bytes", 100),
        (0, 0, "0 of 0 bytes", 100),
    ],
)
def test_progress_is_whole_only_at_its_end(done, whole, written, percent):
    assert words.part_of(done, whole) == written
    assert words.percent(done, whole) == percent


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (0.0, "0.00 USD"),
        (0.004, "less than 0.01 USD"),
        (0.04, "0.04 USD"),
        (0.999, "1.00 USD"),
        (4.515, "4.50 USD"),
        (9.165, "9.20 USD"),
        (99.96, "100 USD"),
        (915.2, "915 USD"),
        (12_345.0, "12 345 USD"),
    ],
)
def test_an_estimated_price_is_no_more_exact_than_it_is(amount, written):
    assert words.money(amount, "USD") == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (-3, "0 s"),
        (33, "33 s"),
        (59.6, "1 min"),
        (720, "12 min"),
        (3600, "1 h"),
        (12_420, "3 h 27 min"),
        (86_400, "1 day"),
        (187_200, "2 days 4 h"),
    ],
)
def test_a_duration(seconds, written):
    assert words.duration(seconds) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0, "0 min"), (1, "0.1 min"), (24, "0.4 min"), (600, "10 min"), (36_660, "611 min")],
)
def test_playing_time_is_counted_in_minutes(seconds, written):
    assert words.minutes(seconds) == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2026-11-22T23:12:00", "23:12"),
        ("2026-11-23T00:12:00", "00:12"),
        ("2026-11-21T21:04:00", "Sat 21:04"),
        ("2026-11-23T03:10:00", "Mon 03:10"),
        ("2026-11-12T07:05:00", "12 November 07:05"),
        ("2025-11-12T07:05:00", "2025-11-12"),
    ],
)
def test_a_moment_is_as_short_as_it_can_be(moment, written):
    assert words.moment(at(moment), NOW) == written


@pytest.mark.parametrize(
    ("age", "written"),
    [(-5, "0 s ago"), (2, "2 s ago"), (59.7, "59 s ago"), (80, "1 min ago"), (7200, "21:43")],
)
def test_how_long_ago(age, written):
    assert words.ago(NOW - age, NOW) == written


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("plain.mp4", "plain.mp4"),
        ("größe 足球.mp4", "größe 足球.mp4"),
        ("narrow\u202fspace.mp4", "narrow\u202fspace.mp4"),
        ("odd\udcff.mp4", r"odd\xff.mp4"),
        ("two\nlines\x1b[31m.mp4", r"two\x0alines\x1b[31m.mp4"),
        ("turned\u202egnp.mp4", r"turned\u202egnp.mp4"),
    ],
)
def test_a_name_is_printed_so_that_it_can_do_no_harm(name, written):
    assert words.printable(name) == written


def test_numbers_and_nouns():
    assert words.count(1, "clip") == "1 clip"
    assert words.count(40_213, "clip") == "40 213 clips"
    assert words.count(2, "directory", "directories") == "2 directories"
    assert words.listed(["a", "b", "c"]) == "a, b and c"
    assert words.listed(["a"]) == "a"
    assert words.base_name("/srv/odd\n.mp4") == r"odd\x0a.mp4"
