"""What is about to be spent, in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingestd.cli.money import Work, sentence
from ingestd.config import Budget, Settings

HOURS_10 = Work(clips=20, bytes=40_000_000_000, seconds=36_000.0, longest=6000.0)


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        (Budget(), "20 clips, 40 GB, 600 min, about 9.00 USD, 20 min at 1 a minute"),
        (Budget(price_per_1000_min=5, currency="EUR"), "about 3.00 EUR"),
        (Budget(minutes_per_day=600), "at 1 a minute"),
        (Budget(minutes_per_day=250), "; at least 3 days with the budget of 250 min a day"),
        (
            Budget(minutes_per_day=99),
            "; the longest clip is longer than the budget of 99 min a day",
        ),
        (Budget(minutes_per_day=0), "longer than the budget of 0 min a day and would wait for you"),
        (Budget(minutes_per_month=599), "; more than the budget of 599 min a month"),
    ],
)
def test_price_currency_and_budget_are_in_it(budget, said):
    text = sentence(HOURS_10, Settings(state_dir=Path("/s"), budget=budget))
    assert said in text
    assert ("budget" in text) is ("budget" in said)
