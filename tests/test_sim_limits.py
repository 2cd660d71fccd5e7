"""Keys, rates, the indexing queue and the credits of the stand-in."""

from __future__ import annotations

import pytest

from ingestd.sim.limits import Rate, Window
from test_sim_kit import KEY, Clock, accepted, get, listed, metadata, running, send

SHORT_REFUSAL = {"code": "0429", "msg": "Request has exceeded the limit."}


def code_of(sim) -> str:
    return send(sim).json()["code"]


@pytest.mark.parametrize(
    ("wanted", "sent", "code"),
    [
        (None, {"Authorization": "anything"}, "0000"),
        (None, {"Authorization": ""}, "0401"),
        (None, {}, "0401"),
        (None, {"Authorization": "Bearer anything"}, "0401"),
        ("sk-1", {"Authorization": "sk-1"}, "0000"),
        ("sk-1", {"Authorization": "sk-2"}, "0401"),
        ("sk-1", {"Authorization": "Bearer sk-1"}, "0401"),
    ],
)
def test_only_the_bare_key_is_taken(wanted, sent, code):
    with running(api_key=wanted) as sim:
        answer = get(f"{sim.url}/list_unique_ids", headers=sent)
        assert (answer.status_code, answer.json()["code"]) == (200, code)


@pytest.mark.parametrize("http", [False, True])
def test_the_status_of_a_refusal_is_a_setting(http):
    with running(api_key="sk-1", http_refusals=http) as sim:
        answer = get(f"{sim.url}/list_unique_ids", headers=KEY)
        assert answer.status_code == (401 if http else 200)
        assert answer.json()["code"] == "0401"


def test_one_upload_a_minute():
    clock = Clock()
    with running(clock, per_minute=1) as sim:
        seen = []
        for pause in (0, 30, 29.9, 0.1, 0):
            clock.forward(pause)
            seen.append(code_of(sim))
        assert seen == ["0000", "0429", "0429", "0000", "0429"]
        assert len(sim.report()["videos"]) == 2


@pytest.mark.parametrize(
    ("per_minute", "starts", "codes"),
    [
        (2, [0, 1, 2, 59, 60, 60], ["0000", "0000", "0429", "0429", "0000", "0429"]),
        (0.5, [0, 119, 120], ["0000", "0429", "0000"]),
        (0, [0, 0, 0], ["0000", "0000", "0000"]),
    ],
)
def test_any_rate_can_be_had(per_minute, starts, codes):
    clock = Clock()
    with running(clock, per_minute=per_minute) as sim:
        began = clock.now
        seen = []
        for start in starts:
            clock.now = began + start
            seen.append(code_of(sim))
    assert seen == codes


def test_a_daily_cap():
    clock = Clock()
    with running(clock, per_day=2) as sim:
        assert [code_of(sim) for _ in range(3)] == ["0000", "0000", "0429"]
        clock.forward(86_400)
        assert code_of(sim) == "0000"


def test_the_window_says_how_long_to_wait():
    window, rate = Window(), Rate(2, 60)
    for time in (0.0, 10.0):
        assert window.wait(rate, time) == 0
        window.add(time)
    assert window.wait(rate, 15.0) == 45.0
    assert window.wait(rate, 60.0) == 0


def test_the_recorded_rate_refusal_is_short():
    with running(profile="recorded2025", per_minute=1) as sim:
        accepted(sim)
        assert send(sim).json() == SHORT_REFUSAL


def test_the_documented_rate_refusal_is_an_envelope():
    with running(per_minute=1) as sim:
        accepted(sim)
        whole = {"data": None, "success": False, "failed": True}
        assert send(sim).json() == SHORT_REFUSAL | whole


@pytest.mark.parametrize(
    ("style", "header"),
    [("absent", None), ("seconds", "50"), ("date", "Wed, 18 Nov 2026 11:07:40 GMT")],
)
def test_a_limiter_may_say_when_to_come_back(style, header):
    clock = Clock()
    with running(clock, per_minute=1, retry_after=style, http_refusals=True) as sim:
        accepted(sim)
        clock.forward(10)
        answer = send(sim)
    assert (answer.status_code, answer.headers.get("Retry-After")) == (429, header)


def test_reads_are_limited_behind_one_switch():
    clock = Clock()
    with running(clock, read_limits=True) as sim:
        lists = [listed(sim)["code"] for _ in range(6)]
        polls = [metadata(sim, "VI1")["code"] for _ in range(2)]
        clock.forward(1)
        again = [listed(sim)["code"], metadata(sim, "VI1")["code"]]
        sim.change(read_limits=False)
        free = [metadata(sim, "VI1")["code"] for _ in range(2)]
    assert lists == ["0000"] * 5 + ["0429"]
    assert polls == ["0000", "0429"]
    assert again == free == ["0000", "0000"]


def test_the_queue_is_full_until_a_video_is_parsed():
    clock = Clock()
    with running(clock, indexing_cap=2, parse_seconds=600) as sim:
        seen = [code_of(sim) for _ in range(3)]
        clock.forward(600)
        seen.append(code_of(sim))
    assert seen == ["0000", "0000", "0429", "0000"]


def test_stuck_videos_leave_the_window_after_two_hours():
    clock = Clock()
    with running(clock, indexing_cap=1, cap_code="0001", cap_msg="full") as sim:
        sim.set_fault("stuck")
        assert code_of(sim) == "0000"
        clock.forward(7199)
        refusal = send(sim).json()
        assert (refusal["code"], refusal["msg"]) == ("0001", "full")
        clock.forward(1)
        assert code_of(sim) == "0000"


def test_credits_run_out_and_can_be_bought():
    with running(credits_minutes=2) as sim:
        seen = [code_of(sim) for _ in range(3)]
        assert sim.report()["credits_minutes"] == 0
        sim.change(credits_minutes=1)
        seen.append(code_of(sim))
    assert seen == ["0000", "0000", "0402", "0000"]


def test_a_refused_upload_costs_nothing():
    with running(credits_minutes=2) as sim:
        assert send(sim, content=b"").json()["code"] == "0001"
        assert sim.report()["credits_minutes"] == 2
