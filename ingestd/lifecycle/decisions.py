"""What each event makes of a row: the table of rules; each rule has its room by concern."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.lifecycle import confirming, events, indexing, people, sending, sight

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.lifecycle.policy import Decision, Policy
    from ingestd.model import Item


def decide(
    item: Item, event: events.Event, now: float, policy: Policy, jitter: float = 0.0
) -> Decision:
    """Say what an event makes of a row.

    Args:
        item: the row as it is.
        event: what happened.
        now: wall-clock time, seconds.
        policy: the limits in force.
        jitter: 0 to 1; spreads growing delays by up to a fifth.
    """
    rule = _RULES[type(event)]
    return rule(item, event, now, policy, 1.0 + 0.2 * jitter)


_RULES: dict[type, Callable[..., Decision]] = {
    events.Claimed: sending.claimed,
    events.TakenIn: sending.taken_in,
    events.GateRefused: sending.gate_refused,
    events.FileRefused: sending.file_refused,
    events.AttemptFailed: sending.attempt_failed,
    events.Postponed: sending.postponed,
    events.OutcomeUnknown: sending.unknown,
    events.NotFound: confirming.not_found,
    events.LookFailed: confirming.look_failed,
    events.StatusRead: indexing.status_read,
    events.Replaced: sight.replaced,
    events.Vanished: sight.vanished,
    events.Judged: sight.judged,
    events.SameContent: sight.same_content,
    events.Wanted: people.wanted,
    events.Approved: people.approved,
    events.Skipped: people.skipped,
    events.LeftBehind: people.left_behind,
}
