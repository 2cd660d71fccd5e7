"""Planted faults in what people say and what the account limits; part of `planted`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

from ingestd.daemon.assurance import mirrorcheck
from ingestd.daemon.intake import asked
from ingestd.daemon.sending import budgeting, troubles
from ingestd.journal import originals
from ingestd.lifecycle import confirming, events, people, sight
from ingestd.model import Reason, State
from soak.fault import Fault, method, rule


def _forgotten_is_unpaid(self: originals.Originals, *args: Any, **kwargs: Any) -> Any:
    return (row for row in _real_alike(self, *args, **kwargs) if not row.hidden)


_real_alike = originals.Originals._alike


def _paid_again(item: Any, event: Any, now: float, policy: Any, spread: float) -> Any:
    """`retry` of a paid video that failed to index uploads it again."""
    return people.wanted(replace(item, video_no=None), event, now, policy, spread)


def _held_only(item: Any, attempt_at: float | None) -> bool:
    del attempt_at
    return item.state is State.HELD and item.reason is Reason.UNCONFIRMED


def _never_enough(item: Any, event: Any, now: float, policy: Any, spread: float) -> Any:
    return confirming.not_found(item, event, now, replace(policy, max_attempts=10**6), spread)


PEOPLE: dict[str, Fault] = {
    "forgotten is unpaid": Fault(
        "`forget` drops the fact that it was paid",
        "R3",
        lambda: [method(originals.Originals, "_alike", _forgotten_is_unpaid)],
    ),
    "retry pays again": Fault(
        "`retry` uploads what was accepted and failed to index",
        "R3",
        lambda: [rule(events.Wanted, _paid_again)],
        ("hashed", "nameless"),
        {"luck": 0.6, "fails": 0.7, "often": ("person",), "never": ("pay_again",)},
    ),
    "skipped is unpaid": Fault(
        "what was paid, or may be, and was skipped is not known any more when its file goes",
        "R3",
        lambda: [mock.patch.object(sight, "_may_be_paid", _held_only)],
        ("people",),
        {"luck": 0.5, "fails": 0.7, "often": ("skip", "rewrite", "copy"), "never": ("pay_again",)},
    ),
    "pays for another": Fault(
        "`--pay-again` pays for whatever lies at the path when it is looked into",
        "R3",
        lambda: [method(asked.Meant, "is_it", lambda *_: True)],
        ("people",),
        {
            "luck": 0.9,
            "deeds": 30,
            "often": ("pay_again", "put"),
            "never": ("approve", "skip", "link"),
        },
    ),
    "mirror not compared": Fault(
        "a journal that lacks what the mirror knows goes on sending",
        "R8",
        lambda: [method(mirrorcheck._Comparison, "ahead", lambda _: mirrorcheck.Ahead())],
        ("restored",),
        {"names": False, "never": ("link", "pay_again")},
    ),
    "budget ignored": Fault(
        "more minutes are spent in a day than the budget allows",
        "R7",
        lambda: [method(budgeting.Budgeting, "allows", lambda *_: True)],
        ("budget",),
    ),
    "doubt is free": Fault(
        "what is under way, or was never answered, does not count for the budget",
        "R7",
        lambda: [method(budgeting.Budgeting, "_under_way", lambda _: 0.0)],
        ("budget",),
        {"luck": 0.5, "budget": 2.0, "never": ("pay_again", "approve", "over_budget")},
    ),
    "innocent is blamed": Fault(
        "a file that met a trouble of the account is taken for its cause",
        "R7",
        lambda: [mock.patch.object(troubles, "MOST_CLOSINGS", 1)],
        change={"luck": 0.3},
    ),
    "poison for ever": Fault(
        "what is refused each time is sent again and again",
        "R7",
        lambda: [rule(events.NotFound, _never_enough)],
        ("poison",),
        {"poison": "0001"},
    ),
}
