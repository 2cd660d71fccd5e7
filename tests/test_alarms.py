"""What needs a person, and what does not yet."""

from __future__ import annotations

import pytest

from ingestd.alarms import PATIENCE_S, Alarm, Place, alarms
from ingestd.model import Gate, GateName, Reason, State

NOW = 1_000_000.0


def a_gate(name: GateName = GateName.CREDITS, age: float = PATIENCE_S + 1) -> Gate:
    return Gate(name, NOW - age, None, f"{name} is closed.")


def test_nothing_is_wrong_with_nothing():
    assert alarms(NOW, [], [], {(State.PARSED, None): 5}) == ()


def test_a_gate_needs_a_person_after_a_quarter_of_an_hour():
    assert alarms(NOW, [a_gate(age=PATIENCE_S)], [], {}) == ()
    (alarm,) = alarms(NOW, [a_gate()], [], {})
    assert (alarm.kind, alarm.text) == ("gate.credits", "credits is closed.")
    assert alarm.since == NOW - PATIENCE_S - 1


def test_a_timetable_needs_nobody():
    assert alarms(NOW, [a_gate(GateName.BANDWIDTH_WINDOW)], [], {}) == ()


def test_folders_are_one_trouble_however_many_they_are():
    places = [
        Place("nas", "missing", "It is not mounted.", NOW - 60),
        Place("usb", "foreign", since=NOW - 5),
    ]
    (alarm,) = alarms(NOW, [], places, {})
    assert alarm.kind == "folder"
    assert alarm.text == "Folder nas is missing: It is not mounted. Folder usb is foreign."
    assert alarm.since == NOW - 60


def test_held_and_failed_files_are_counted_by_reason():
    files = {
        (State.HELD, Reason.SURGE): 40,
        (State.FAILED, Reason.REFUSED): 1,
        (State.HELD, Reason.UNCONFIRMED): 1,
        (State.REJECTED, Reason.CODEC): 9,
    }
    held, failed = alarms(NOW, [], [], files)
    assert held.text.startswith("41 files wait for a person (40 surge, 1 unconfirmed). Look: ")
    assert failed.text.startswith("1 file did not become searchable (1 refused). Look: ")
    assert (held.kind, failed.kind) == ("held", "failed")


@pytest.mark.parametrize(
    ("before", "worse"),
    [
        ({}, True),
        ({"surge": 2}, False),
        ({"surge": 3, "refused": 1}, False),
        ({"surge": 1}, True),
        ({"refused": 9}, True),
    ],
)
def test_what_is_new_is_worse_and_what_became_less_is_not(before, worse):
    assert Alarm("held", {"surge": 2}, "").is_worse_than(before) is worse
