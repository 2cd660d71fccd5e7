"""What people write for durations, sizes, rates, numbers, truth values and paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestd.config import BandwidthStep, measures, values
from ingestd.config.addresses import Address, base_url, listen, proxy
from ingestd.config.timetable import bandwidth
from ingestd.config.values import BadValueError

_NO_VALUE = [None, [], ["1"], {"a": "b"}, "", " ", "nan", "inf", "-inf", "1e999", "9" * 400, "-1"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("10s", 10),
        ("0.5s", 0.5),
        (".5s", 0.5),
        ("5m", 300),
        ("1h30m", 5400),
        ("1h 30m", 5400),
        ("2 h", 7200),
        ("1d", 86_400),
        ("1w", 604_800),
        ("1w2d3h4m5s", 604_800 + 2 * 86_400 + 3 * 3600 + 4 * 60 + 5),
        ("90", 90),
        ("0", 0),
        ("007", 7),
        (" 60 ", 60),
    ],
)
def test_a_duration_is_read_as_seconds(written, seconds):
    found = measures.duration(written)
    assert found == seconds
    assert isinstance(found, float)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("5min", "5m"),
        ("2 hours", "2h"),
        ("90 sec", "90s"),
        ("1 day 2 hours", "1d2h"),
        ("3 weeks", "3w"),
        ("10M", "10m"),
        ("soon", ""),
        ("500ms", ""),
        ("1h30", ""),
        ("30m1h", ""),
        ("5m5m", ""),
        ("1:30", ""),
        ("1.2.3s", ""),
        ("٣s", ""),
        *[(one, "") for one in _NO_VALUE if isinstance(one, str)],
    ],
)
def test_what_is_no_duration_is_refused_with_the_forms_and_what_was_meant(written, meant):
    with pytest.raises(BadValueError) as caught:
        measures.duration(written)
    assert caught.value.message == (
        "must be a duration such as 10s, 0.5s, 5m, 1h30m, 2h, 1d, 1w or a number of seconds"
    )
    assert caught.value.suggestion == meant


def test_a_duration_that_overflows_clocks_is_refused():
    assert measures.duration("36500d") == 36_500 * 86_400
    with pytest.raises(BadValueError, match="must be shorter than 100 years"):
        measures.duration("36501d")


def test_a_duration_that_must_pass_is_not_zero():
    with pytest.raises(BadValueError, match="must be longer than 0 seconds"):
        measures.positive_duration("0s")


@given(
    st.integers(0, 99),
    st.integers(0, 6),
    st.integers(0, 23),
    st.integers(0, 59),
    st.integers(0, 59),
)
def test_every_duration_in_units_is_the_sum_of_its_parts(weeks, days, hours, minutes, seconds):
    written = f"{weeks}w{days}d{hours}h{minutes}m{seconds}s"
    total = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds
    assert measures.duration(written) == measures.duration(str(total)) == total


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("1", 1),
        ("0", 0),
        ("3GB", 3_000_000_000),
        ("3 GB", 3_000_000_000),
        ("3gb", 3_000_000_000),
        ("3GiB", 3 * 2**30),
        ("3gib", 3 * 2**30),
        ("1.5TB", 1_500_000_000_000),
        ("0.1KB", 100),
        ("12kB", 12_000),
        ("7B", 7),
        ("1PiB", 2**50),
        (str(2**63 - 1), 2**63 - 1),
    ],
)
def test_a_size_is_read_as_bytes(written, size):
    assert measures.size(written) == size


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("3G", "3GB"),
        ("3Gi", "3GiB"),
        ("3Gb", "3GB"),
        ("3Gib", "3GiB"),
        ("3XB", ""),
        ("three", ""),
        ("3,000", ""),
        ("1e9", ""),
        *[(one, "") for one in _NO_VALUE if isinstance(one, str)],
    ],
)
def test_what_is_no_size_is_refused_with_the_forms_and_what_was_meant(written, meant):
    with pytest.raises(BadValueError, match="must be a size such as 3GB") as caught:
        measures.size(written)
    assert caught.value.suggestion == meant


def test_a_size_that_sqlite_cannot_hold_is_refused():
    with pytest.raises(BadValueError, match="must be a smaller size"):
        measures.size("9300PB")


@given(st.integers(0, 9_000), st.sampled_from(["KB", "MB", "GB", "TB"]))
def test_every_size_in_units_equals_the_same_number_of_bytes(amount, unit):
    factor = 1000 ** (["KB", "MB", "GB", "TB"].index(unit) + 1)
    assert measures.size(f"{amount}{unit}") == measures.size(str(amount * factor))
    binary = 1024 ** (["KB", "MB", "GB", "TB"].index(unit) + 1)
    assert measures.size(f"{amount}{unit[0]}iB") == amount * binary


@given(st.text())
def test_any_text_is_a_value_or_refused_in_a_sentence(written):
    for convert in (measures.duration, measures.size, measures.rate, values.number, values.count):
        try:
            found, complaint = convert(written), "must be "
        except BadValueError as error:
            found, complaint = 0, error.message
        assert found >= 0
        assert complaint.startswith("must be ")


@pytest.mark.parametrize(
    "convert",
    [measures.duration, measures.size, measures.rate, values.number, values.count, values.boolean],
)
@pytest.mark.parametrize("value", _NO_VALUE)
def test_nonsense_is_refused_by_every_number(convert, value):
    with pytest.raises(BadValueError):
        convert(value)


@pytest.mark.parametrize(
    ("written", "steps"),
    [
        ("unlimited", ()),
        ("off", ()),
        (None, ()),
        ("20MB/s", (BandwidthStep(0, 20_000_000),)),
        ("20 MiB / s", (BandwidthStep(0, 20 * 2**20),)),
        ("20MB", (BandwidthStep(0, 20_000_000),)),
        ("5000", (BandwidthStep(0, 5000),)),
        (
            [{"at": "19:00", "limit": "unlimited"}, {"at": "8:00", "limit": "5MB/s"}],
            (BandwidthStep(480, 5_000_000), BandwidthStep(1140, None)),
        ),
        (
            [{"at": "08:00", "limit": "0"}, {"at": "19:00", "limit": "off"}],
            (BandwidthStep(480, 0), BandwidthStep(1140, None)),
        ),
    ],
)
def test_a_bandwidth_is_a_rate_or_a_timetable(written, steps):
    assert bandwidth(written) == steps


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("20Mb/s", "must be a rate such as 20MB/s"),
        ("20Mbit/s", "must be a rate such as 20MB/s"),
        ("20MBs", "must be a rate such as 20MB/s"),
        ("20MB/min", "must be a rate such as 20MB/s"),
        ("0", "more than 0, or unlimited"),
        ([], "or a timetable such as"),
        ({"at": "08:00", "limit": "5MB/s"}, "or a timetable such as"),
        ([{"at": "08:00"}], "or a timetable such as"),
        (["20MB/s"], "or a timetable such as"),
        ([{"at": "24:00", "limit": "5MB/s"}], 'must name times of the day as "08:00"'),
        ([{"at": "08:00", "limit": "fast"}], "must be a rate such as 20MB/s"),
        (
            [{"at": "08:00", "limit": "1MB/s"}, {"at": "8:00", "limit": "2MB/s"}],
            "must name each time of the day once",
        ),
        (
            [{"at": "08:00", "limit": "0"}, {"at": "19:00", "limit": "0MB/s"}],
            "must leave some time of the day to upload",
        ),
    ],
)
def test_what_is_no_bandwidth_is_refused(written, sentence):
    with pytest.raises(BadValueError) as caught:
        bandwidth(written)
    assert sentence in caught.value.message


def test_bits_are_not_taken_for_bytes():
    with pytest.raises(BadValueError) as caught:
        measures.rate("20Mb/s")
    assert caught.value.suggestion == "20MB/s (bytes, not bits)"


@pytest.mark.parametrize(
    ("written", "truth"),
    [("yes", True), ("On", True), ("TRUE", True), ("no", False), ("off", False), ("False", False)],
)
def test_truth_is_read_in_the_spellings_of_yaml(written, truth):
    assert values.boolean(written) is truth


@pytest.mark.parametrize("written", ["1", "y", "enabled", "nope"])
def test_other_words_are_no_truth_value(written):
    with pytest.raises(BadValueError, match=r"must be true or false \(or yes, no, on, off\)"):
        values.boolean(written)


@pytest.mark.parametrize(
    ("written", "rate"),
    [("1", 1.0), ("0.5", 0.5), ("1/3", 1 / 3), ("0", None), ("unlimited", None), (None, None)],
)
def test_a_rate_a_minute_may_be_a_fraction_and_zero_is_unlimited(written, rate):
    assert values.zero_is_unlimited(written) == rate


@pytest.mark.parametrize("written", ["1/0", "1/00", "1/", "/3", "one", "1,5"])
def test_what_is_no_number_is_refused(written):
    with pytest.raises(BadValueError, match=r"must be a number such as 1, 0\.5 or 1/3"):
        values.number(written)


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("/srv/drop", "/srv/drop"),
        ("/srv//drop/", "/srv/drop"),
        ("//srv/drop", "/srv/drop"),
        ("/srv/a/../b", "/srv/b"),
        ("~", "/home/ann"),
        ("~/drop", "/home/ann/drop"),
        ("/srv/Dréh 1", "/srv/Dréh 1"),
    ],
)
def test_a_path_is_full_and_tidy(written, path):
    assert values.path(written, "/home/ann") == Path(path)


@pytest.mark.parametrize(
    "written", ["drop", "./drop", "../drop", "~bob/drop", "C:\\drop", "$HOME/x"]
)
def test_a_path_that_depends_on_where_one_stands_is_refused(written):
    with pytest.raises(BadValueError, match="must be a full path that begins with / or ~/"):
        values.path(written, "/home/ann")


@pytest.mark.parametrize("written", ["/srv/\x00", "/srv/a\nb", "/srv/\x1b[31m"])
def test_a_path_with_control_characters_is_refused(written):
    with pytest.raises(BadValueError, match="without control characters"):
        values.path(written, "/home/ann")


def test_a_tilde_without_a_home_is_refused():
    with pytest.raises(BadValueError, match="~ is not known here"):
        values.path("~/drop", "")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://api.memories.ai/serve/api/v1/", "https://api.memories.ai/serve/api/v1"),
        ("HTTPS://api.memories.ai", "https://api.memories.ai"),
        ("http://127.0.0.1:8080/serve/api/v1", "http://127.0.0.1:8080/serve/api/v1"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_the_far_side_is_an_https_address_or_on_this_machine(written, address):
    assert base_url(written) == address


@pytest.mark.parametrize(
    ("written", "sentence"),
    [
        ("http://api.memories.ai/serve", "plain http only to loopback"),
        ("http://127.0.0.1.example.com/", "plain http only to loopback"),
        ("http://localhost@example.com/", "plain http only to loopback"),
        ("https://ann:pw@example.com/", "without a user, a query or a fragment"),
        ("https://example.com/?key=1", "without a user, a query or a fragment"),
        ("https://example.com/#a", "without a user, a query or a fragment"),
        ("ftp://example.com", "must be an address such as https://"),
        ("api.memories.ai", "must be an address such as https://"),
        ("https://", "must be an address such as https://"),
        ("https://[::1", "must be an address such as https://"),
        ("https://example.com:99999", "must be an address such as https://"),
        ("https://exa mple.com", "must be an address such as https://"),
    ],
)
def test_what_is_no_address_of_the_far_side_is_refused(written, sentence):
    with pytest.raises(BadValueError) as caught:
        base_url(written)
    assert sentence in caught.value.message


def test_a_proxy_is_an_http_address():
    assert proxy("http://ann:pw@proxy.example:3128") == "http://ann:pw@proxy.example:3128"
    assert proxy("off") is None
    with pytest.raises(BadValueError, match="such as http://proxy"):
        proxy("socks5://proxy.example:1080")


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("off", None),
        ("127.0.0.1:8787", Address("127.0.0.1", 8787)),
        ("[::1]:8787", Address("::1", 8787)),
        ("localhost:80", Address("localhost", 80)),
    ],
)
def test_a_server_listens_at_a_host_and_a_port(written, address):
    assert listen(written) == address


@pytest.mark.parametrize(
    "written", ["8787", ":8787", "127.0.0.1", "127.0.0.1:0", "a:70000", "::1:8"]
)
def test_a_server_needs_both_host_and_port(written):
    with pytest.raises(BadValueError, match="a host and a port"):
        listen(written)
