"""Every closed gate in people's words: since when, what to do, when it goes on (interface 3)."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from ingestd.cli.gate_words import gate_sentence
from ingestd.gates import REMEDY
from ingestd.model import Gate, GateName


@pytest.fixture(autouse=True)
def utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(clock: str) -> float:
    return datetime.fromisoformat(f"2026-11-22T{clock}:00").replace(tzinfo=UTC).timestamp()


def closed(name: GateName, until: str | None = None, **more: object) -> str:
    gate = Gate(name, at("23:12"), until=at(until) if until else None, detail="The detail.", **more)
    return gate_sentence(gate, at("23:40"))


def test_credits_as_it_is_drawn():
    gate = Gate(GateName.CREDITS, at("23:12"), at("23:12") + 3600, "")
    assert gate_sentence(gate, at("23:40")) == (
        "Credits used up since 23:12. Buy credits at memories.ai, then: ingestd resume"
        "   (tries by itself at 00:12)"
    )


@pytest.mark.parametrize("name", GateName)
def test_every_gate_says_since_when_and_what_to_do(name: GateName):
    sentence = closed(name)
    title, _, remedy = sentence.partition(" since 23:12.")
    assert title
    assert remedy.strip()
    assert "(" not in sentence


@pytest.mark.parametrize(
    ("name", "verb"),
    [
        (GateName.RATE_LIMIT, "tries"),
        (GateName.UNREACHABLE, "tries"),
        (GateName.PAUSED, "goes on"),
        (GateName.BUDGET, "goes on"),
        (GateName.BANDWIDTH_WINDOW, "goes on"),
    ],
)
def test_every_gate_says_when_it_goes_on(name: GateName, verb: str):
    assert closed(name, "23:55").endswith(f"   ({verb} by itself at 23:55)")
    if verb == "tries":
        assert closed(name, "23:30").endswith("(one upload tries now)")


def test_a_refused_key_says_what_to_do_about_this_one():
    sentence = closed(GateName.AUTH, data={REMEDY: "Put it into its file"})
    assert sentence == "The key is not accepted since 23:12. Put it into its file"


def test_a_clip_longer_than_the_budget_has_words_of_its_own():
    assert closed(GateName.BUDGET).startswith("A clip is longer than the budget since")
    assert closed(GateName.BUDGET, "23:55").startswith("The budget is used up since")
