"""Which rejected files changed rules would take (rules R6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestd.config import Validate
from ingestd.daemon.intake.newrules import passes
from ingestd.model import Item, Reason, Stat, State

ROW = Item(0, "/srv/A.MXF", "drop", State.REJECTED, stat=Stat(5000, 1, 1, 1, 1), codec="prores")


@pytest.mark.parametrize(
    ("reason", "wrong", "right"),
    [
        (Reason.TOO_LARGE, {"max_size": 4999}, {"max_size": 5000}),
        (Reason.EMPTY, {"min_size": 5001}, {"min_size": 5000}),
        (Reason.CODEC, {"codecs": ("h264",)}, {"codecs": ("h264", "prores")}),
        (Reason.EXTENSION, {"extensions": (".mp4",)}, {"extensions": (".mxf",)}),
    ],
)
def test_a_reason_holds_until_its_rule_changes(reason, wrong, right):
    row = replace(ROW, reason=reason)
    assert not passes(row, Validate(**wrong))
    assert passes(row, Validate(**right))


def test_what_no_rule_of_these_refused_is_not_promised():
    assert not passes(replace(ROW, reason=Reason.INCOMPLETE), Validate())
