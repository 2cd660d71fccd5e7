"""Days, months and times of day where clocks change."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd import localtime

ZONES = ("Europe/Berlin", "America/Havana", "Australia/Lord_Howe", "Asia/Beirut", "UTC")
HOUR = 3600.0


@pytest.fixture(params=ZONES)
def zone(request, monkeypatch):
    yield from in_zone(request.param, monkeypatch)


@pytest.fixture
def berlin(monkeypatch):
    yield from in_zone("Europe/Berlin", monkeypatch)


def in_zone(name, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setenv("TZ", name)
        time.tzset()
        yield ZoneInfo(name)
    time.tzset()


def at(zone, *parts, fold=0):
    return datetime(*parts, tzinfo=zone, fold=fold).timestamp()


def test_a_day_and_a_month_are_those_of_the_zone(berlin):
    late = at(berlin, 2026, 10, 31, 23, 59)
    assert (localtime.day(late), localtime.month(late)) == ("2026-10-31", "2026-10")
    assert localtime.day(late + 60) == "2026-11-01"
    assert localtime.next_day(late) == localtime.next_month(late) == late + 60
    assert localtime.minute_of_day(late) == 1439


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 23), ((2026, 10, 25), 25)])
def test_a_day_on_which_clocks_change_has_its_own_length(berlin, day, hours):
    begin = at(berlin, *day)
    assert localtime.next_day(begin) - begin == hours * HOUR


def test_the_year_ends_with_a_month(berlin):
    assert localtime.next_month(at(berlin, 2026, 12, 31, 12)) == at(berlin, 2027, 1, 1)


def test_the_next_time_of_day_is_today_or_tomorrow(berlin):
    noon = at(berlin, 2026, 6, 1, 12)
    assert localtime.next_time(noon, 13 * 60) == noon + HOUR
    assert localtime.next_time(noon, 12 * 60) == noon + 24 * HOUR
    assert localtime.next_time(noon, 8 * 60) == noon + 20 * HOUR


def test_a_time_that_is_left_out_comes_after_the_change(berlin):
    evening = at(berlin, 2026, 3, 28, 20)
    then = localtime.next_time(evening, 2 * 60 + 30)
    assert localtime.day(then) == "2026-03-29"
    assert localtime.minute_of_day(then) >= 3 * 60


@given(st.floats(1.7e9, 2.0e9), st.integers(0, 1439))
def test_what_comes_next_is_later_and_within_two_days(at, minute):
    for name in ZONES:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("TZ", name)
            time.tzset()
            then = localtime.next_time(at, minute)
            assert at < then <= at + 50 * HOUR
            begin = localtime.next_day(at)
            assert at < begin <= at + 26 * HOUR
            assert localtime.day(begin) != localtime.day(begin - 1) == localtime.day(at)
            first = localtime.next_month(at)
            assert localtime.month(first) != localtime.month(first - 1) == localtime.month(at)
    time.tzset()


def test_every_day_of_two_years_ends_where_the_zone_says(zone):
    moment = at(zone, 2026, 1, 1, 12)
    for _ in range(730):
        local = datetime.fromtimestamp(moment, tz=UTC).astimezone(zone)
        tomorrow = local.date() + timedelta(days=1)
        begin = localtime.next_day(moment)
        assert datetime.fromtimestamp(begin, tz=UTC).astimezone(zone).date() == tomorrow
        moment = begin + 12 * HOUR
