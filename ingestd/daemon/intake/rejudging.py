"""Rows judged again by what the journal knows of them, when the rules changed (rules R6)."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from ingestd import validate
from ingestd.journal import Selection
from ingestd.lifecycle import events
from ingestd.model import Facts, Findings, Reason, State, Track

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.daemon.context import Context
    from ingestd.model import Item

#: Meta key: the digest of the rules by which rejected rows were counted last.
COUNTED = "rules_counted"
#: Rows judged in one step.
PORTION = 500
#: What other rules may make acceptable, told from what the journal knows.
BY_RULES = frozenset({Reason.TOO_LARGE, Reason.CODEC, Reason.EXTENSION, Reason.EMPTY})

#: What is told without a look into the file, which a row from the mirror never had.
BY_NAME_AND_SIZE = frozenset({Reason.TOO_LARGE, Reason.EXTENSION})


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
    judged = item.container is not None
    if isinstance(verdict, validate.Reject) and (judged or verdict.reason in BY_NAME_AND_SIZE):
        ctx.apply(item, events.Judged(State.REJECTED, verdict.reason, verdict.detail))
        return verdict.detail
    if verdict == validate.Accept(oversize=True) and Reason.OVERSIZE not in item.approved:
        detail = validate.held_for_its_size(item.stat.size if item.stat else 0)
        ctx.apply(item, events.Judged(State.HELD, Reason.OVERSIZE, detail))
        return detail
    return ""


class Rejudging:
    """The desk that says what changed rules would take; it takes nothing by itself (rules R6)."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._rules: validate.Rules | None = None
        self._left: Iterator[Item] | None = None
        self._taken: Counter[Reason] = Counter()

    def rules_are(self, rules: validate.Rules) -> None:
        """These rules are in force: count anew if they are others than the last time."""
        if self._ctx.journal.meta(COUNTED) == rules.digest():
            return
        rejected = Selection(states=frozenset({State.REJECTED}), reasons=BY_RULES)
        self._rules, self._taken = rules, Counter()
        self._left = self._ctx.journal.items(rejected)

    def tick(self) -> float | None:
        """Judge the next portion; say when to come again (monotonic)."""
        if self._left is None or self._rules is None:
            return None
        portion = list(islice(self._left, PORTION))
        for item in portion:
            if item.reason is not None and self._would_go(item, self._rules):
                self._taken[item.reason] += 1
        if portion:
            return self._ctx.now.mono
        self._left = None
        self._ctx.journal.set_meta(COUNTED, self._rules.digest())
        if self._taken:
            self._ctx.log.info("config.rules_changed", detail=self._says())
        return None

    @staticmethod
    def _would_go(item: Item, rules: validate.Rules) -> bool:
        if item.rules == rules.digest():
            return False
        if item.reason is Reason.EXTENSION:
            return isinstance(validate.extension_verdict(item.path, rules), validate.Accept)
        return isinstance(verdict_of(item, rules), validate.Accept)

    def _says(self) -> str:
        files = self._taken.total()
        what = "1 rejected file" if files == 1 else f"{files} rejected files"
        reasons = ",".join(sorted(self._taken))
        return f"{what} would be taken now: ingestd retry --reason {reasons}"
