"""Rows judged again by what the journal knows of them, when the rules changed (rules R6)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd import validate
from ingestd.lifecycle import events
from ingestd.model import Facts, Findings, Reason, State, Track

if TYPE_CHECKING:
    from ingestd.daemon.context import Context
    from ingestd.model import Item


def verdict_of(item: Item, rules: validate.Rules) -> validate.Verdict | None:
    """Judge a row that was found complete by other rules; None: too little is known of it."""
    if item.stat is None:
        return None
    track = Track("video", item.codec or "", item.codec or "")
    findings = Findings(item.container, complete=True, tracks=(track,))
    facts = Facts(item.stat, findings, item.fingerprint or "")
    return validate.judge(item.path, facts, rules)


def judge_claimed(ctx: Context, item: Item, rules: validate.Rules) -> str:
    """Judge a row that is about to go, if the rules changed; "" or why it does not go."""
    if item.rules == rules.digest():
        return ""
    verdict = verdict_of(item, rules)
    if isinstance(verdict, validate.Reject):
        ctx.apply(item, events.Judged(State.REJECTED, verdict.reason, verdict.detail))
        return verdict.detail
    if verdict == validate.Accept(oversize=True) and Reason.OVERSIZE not in item.approved:
        detail = validate.held_for_its_size(item.stat.size if item.stat else 0)
        ctx.apply(item, events.Judged(State.HELD, Reason.OVERSIZE, detail))
        return detail
    return ""
