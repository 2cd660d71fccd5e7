"""Writes a journal with rows in every state as SQL: python tests/make_journal.py > FILE.

Run it with the code of a release, into `tests/journals/schema-N.sql` (N: that release's schema).
The tests of upgrades then bring a copy of it up to date for ever. Never edit such a file.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from ingestd.journal import Journal, add_wish
from ingestd.journal.schema import APPLICATION_ID, MIGRATIONS
from ingestd.model import Container, Gate, GateName, Item, Reason, Send, Stat, State

AT = 1_780_000_000.0
REASONS = {
    State.HELD: Reason.UNCONFIRMED,
    State.REJECTED: Reason.CODEC,
    State.FAILED: Reason.INDEXING_FAILED,
    State.GONE: Reason.VANISHED,
}
PAID = (State.INDEXING, State.PARSED, State.FAILED)
SENT = (*PAID, State.UPLOADING, State.CONFIRMING, State.HELD)
ODD = b"/srv/drop/odd \xff\n name.mp4".decode("utf-8", "surrogateescape")


def a_row(number: int, state: State) -> Item:
    paid = state in PAID
    return Item(
        id=0,
        path=f"/srv/drop/card/{state.value}.mp4",
        folder="drop",
        state=state,
        reason=REASONS.get(state),
        detail=f"A sentence about {state.value}.",
        stat=Stat(1000 + number, 5 * 10**18, 5 * 10**18, 66305, 42 + number),
        fingerprint=f"{number:032x}",
        content_hash=f"{number:064x}" if paid else None,
        container=Container.MP4,
        codec="h264",
        duration_s=12.5,
        video_no=f"VI60000000000000000{number}" if paid else None,
        upload_name=f"{state.value}~{number:08x}.mp4" if state in SENT else None,
        scope="unique_id=default" if state in SENT else None,
        next_attempt_at=AT + 60 if state in (State.QUEUED, State.INDEXING) else None,
        first_seen_at=AT - 100,
        queued_at=AT - 90,
        uploaded_at=AT - 50 if paid else None,
        parsed_at=AT - 10 if state is State.PARSED else None,
        fields={"unique_id": "default", "tags": ["a", "b"]},
    )


def fill(journal: Journal) -> None:
    rows = {}
    for number, state in enumerate(one for one in State if one is not State.SETTLING):
        rows[state] = journal.restore(a_row(number, state), "file.restored", AT)
    queued = rows[State.QUEUED]
    journal.move(queued, replace(queued, state=State.SKIPPED), "file.skipped", AT + 1, "By hand.")
    copy = replace(a_row(50, State.DUPLICATE), path=ODD, duplicate_of=rows[State.PARSED].id)
    journal.restore(copy, "file.duplicate", AT)
    journal.restore(replace(a_row(60, State.QUEUED), path="/srv/drop/next.mp4"), "file.queued", AT)
    hidden = replace(
        a_row(70, State.SKIPPED), path="/srv/drop/hidden.mp4", folder=None, hidden=True
    )
    journal.restore(hidden, "file.skipped", AT)
    for state in SENT:
        name, outcome = f"{state.value}.mp4", {State.UPLOADING: None}.get(state, "accepted")
        began = Send(0, rows[state].id, AT - 60, name, "unique_id=default", 1000, 500, AT - 90)
        send = journal.begin_send(began)
        if state is not State.UPLOADING:
            journal.mark_send(send.id, AT - 55)
            unknown = state in (State.CONFIRMING, State.HELD)
            journal.end_send(send.id, AT - 50, "unknown" if unknown else str(outcome), 1000)
    journal.save_gate(Gate(GateName.CREDITS, AT - 1000, AT + 900, "Credits used up.", 900.0, 1))
    journal.save_gate(Gate(GateName.PAUSED, AT - 10, None, "Paused by hand."))
    journal.set_meta("key_digest", "0123456789abcdef")
    journal.add_usage("2026-05-28", 3, 37.5, 3000)


def main() -> None:
    with tempfile.TemporaryDirectory() as made:
        with Journal.create_or_open(Path(made), fstype=None) as journal:
            fill(journal)
        done = add_wish(Path(made), "pause", {"now": False, "until": None}, AT)
        add_wish(Path(made), "retry", {"ids": [1, 2]}, AT + 1)
        with Journal.create_or_open(Path(made), fstype=None) as journal:
            journal.finish_wish(done, AT + 2, {"done": [], "refused": [], "text": "Paused."})
        with closing(sqlite3.connect(Path(made, "journal.db"))) as database:
            sys.stdout.write("\n".join(database.iterdump()) + "\n")
    sys.stdout.write(f"PRAGMA application_id = {APPLICATION_ID};\n")
    sys.stdout.write(f"PRAGMA user_version = {len(MIGRATIONS)};\n")


if __name__ == "__main__":
    main()
