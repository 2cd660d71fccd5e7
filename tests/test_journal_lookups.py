"""Files are recognised by what identifies them, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingestd.journal import Journal
from ingestd.model import Reason, State
from journal_kit import AT, STAT, a_file, added


@pytest.fixture
def journal(tmp_path):
    with Journal.create_or_open(tmp_path / "state", fstype="ext4") as journal:
        yield journal


@pytest.fixture
def clip(journal):
    return added(
        journal,
        path="/srv/a/b.c.mp4",
        state=State.PARSED,
        video_no="VI77",
        upload_name="b_c~12345678.mp4",
    )


@pytest.mark.parametrize("ref", ["1", "/srv/a/b.c.mp4", "VI77", "b_c~12345678.mp4", "b_c~12345678"])
def test_a_row_is_found_by_everything_that_names_it(journal, clip, ref):
    assert journal.find(ref) == (clip,)


@pytest.mark.parametrize(
    "ref",
    ["2", "b_c", "b_c~1234567", "VI7", "vi77", "/srv/a", "b.c.mp4", "", "-1", "1.0", "9" * 40, "²"],
)
def test_what_only_resembles_a_name_finds_nothing(journal, clip, ref):
    assert journal.find(ref) == ()


def test_a_number_may_mean_an_id_and_a_video(journal, clip):
    other = added(journal, path="/srv/x.mp4", state=State.PARSED, video_no="1")
    assert journal.find("1") == (other, clip)


def test_a_forgotten_row_is_still_found(journal, clip):
    hidden = journal.revise(clip, replace(clip, hidden=True), AT + 1)
    assert journal.find("VI77") == (hidden,)
    assert journal.current(clip.path) == hidden
    assert journal.by_video_no("VI77") == hidden
    assert journal.by_video_no("VI78") is None


def test_a_directory_knows_its_own_current_files_only(journal):
    old = added(journal, path="/srv/a/1.mp4", state=State.GONE)
    new = journal.add(a_file(path=old.path), "file.queued", AT)
    two = added(journal, path="/srv/a/2.mp4", hidden=True)
    added(journal, path="/srv/a/deeper/3.mp4")
    added(journal, path="/srv/ab/4.mp4")
    assert journal.known_in("/srv/a") == {"1.mp4": new, "2.mp4": two}
    assert journal.known_in("/srv/a/") == journal.known_in("/srv/a")
    assert journal.known_in("/srv") == {}


def test_a_file_in_the_root_directory_is_known(journal):
    row = added(journal, path="/clip.mp4")
    assert journal.current("/clip.mp4") == row
    assert journal.known_in("/") == {"clip.mp4": row}
    assert list(journal.known_directories("/")) == ["/"]


def test_directories_with_files_are_listed_below_a_place_only(journal):
    for path in ("/s/a/1", "/s/a/2", "/s/a-b/3", "/s/a.d/4", "/s/a/b/5", "/s/a/c/d/6", "/s/a0/7"):
        added(journal, path=path)
    assert list(journal.known_directories("/s/a")) == ["/s/a", "/s/a/b", "/s/a/c/d"]
    assert list(journal.known_directories("/s/")) == [
        *("/s/a", "/s/a-b", "/s/a.d", "/s/a/b", "/s/a/c/d", "/s/a0"),
    ]
    assert list(journal.known_directories("/nowhere")) == []


def test_a_directory_that_only_had_superseded_files_is_not_listed(journal):
    row = added(journal, path="/s/a/1.mp4")
    journal.revise(row, replace(row, path="/s/b/1.mp4"), AT + 1)
    assert list(journal.known_directories("/s")) == ["/s/b"]


@pytest.mark.parametrize("state", State)
def test_only_rows_that_may_hold_the_content_are_originals(journal, state):
    row = added(journal, state=state)
    never = {State.GONE, State.REJECTED, State.DUPLICATE}
    expected = () if state in never else (row,)
    assert journal.same_content(1000, "ab" * 16) == expected


def test_a_content_that_was_paid_for_is_known_whatever_became_of_its_row(journal):
    paid = added(journal, state=State.PARSED, video_no="VI1", hidden=True)
    journal.add(a_file(fingerprint="cd" * 16), "file.queued", AT)
    skipped = added(journal, path="/srv/b.mp4", state=State.SKIPPED)
    assert journal.same_content(1000, "ab" * 16) == (paid, skipped)
    assert journal.same_content(1001, "ab" * 16) == ()
    assert journal.same_content(1000, "ba" * 16) == ()


def test_another_scope_is_another_library(journal):
    added(journal, path="/srv/1.mp4", scope="unique_id=a")
    mine = added(journal, path="/srv/2.mp4", scope="unique_id=b")
    unset = added(journal, path="/srv/3.mp4")
    assert journal.same_content(1000, "ab" * 16, scope="unique_id=b") == (mine, unset)


def test_each_question_about_originals_reads_what_it_needs_over_many_portions(journal):
    scope, digest = "unique_id=a", "ef" * 32
    known = [
        added(
            journal,
            path=f"/srv/{number}.mp4",
            state=State.PARSED,
            video_no=f"VI{number}",
            scope=scope,
            content_hash=digest if number == 70 else f"{number:064x}",
        )
        for number in range(120)
    ]
    unread = added(journal, path="/srv/u.mp4", state=State.PARSED, video_no="u", scope=scope)
    failed = added(journal, path="/srv/f.mp4", state=State.FAILED, scope=scope)
    waits = added(journal, path="/srv/w.mp4", scope=scope)
    item = added(journal, path="/srv/i.mp4", scope=scope, content_hash=digest, suspect_of=waits.id)
    younger = added(journal, path="/srv/y.mp4", scope=scope, suspect_of=item.id)
    elsewhere = added(journal, path="/srv/e.mp4", scope="unique_id=b", state=State.UPLOADING)
    skipped = added(journal, path="/srv/s.mp4", scope="unique_id=b", state=State.SKIPPED)
    assert list(journal.originals(item)) == [*known, unread, waits]
    assert list(journal.hashed_originals(item)) == known
    assert list(journal.equal_originals(item)) == [known[70]]
    assert list(journal.equal_originals(replace(item, content_hash=None))) == []
    assert list(journal.undecided_originals(item)) == [unread, waits]
    assert list(journal.originals(item, elsewhere=True)) == [elsewhere]
    assert list(journal.undecided_originals(item, elsewhere=True)) == [elsewhere]
    assert list(journal.twins(item, digest)) == [known[70]]
    assert not [row for row in (failed, younger, skipped) if row in [*journal.originals(item)]]
    assert list(journal.originals(younger)) == [*known, unread, waits, item]


@pytest.mark.parametrize("number", [0, 42, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_renamed_file_is_found_by_its_inode(journal, number):
    stat = replace(STAT, dev=number, inode=number)
    row = added(journal, stat=stat)
    added(journal, path="/srv/b.mp4", stat=replace(stat, inode=7))
    assert journal.by_inode(number, number) == (row,)
    journal.add(a_file(stat=STAT), "file.queued", AT)
    assert journal.by_inode(number, number) == ()


def test_duplicates_and_suspects_know_their_original(journal):
    original = added(journal, state=State.UPLOADING)
    twins = [
        added(journal, path=f"/srv/{n}.mp4", state=State.DUPLICATE, duplicate_of=original.id)
        for n in range(2)
    ]
    gone = added(
        journal,
        path="/srv/9.mp4",
        state=State.GONE,
        reason=Reason.VANISHED,
        duplicate_of=original.id,
    )
    suspect = added(journal, path="/srv/s.mp4", suspect_of=original.id)
    assert journal.duplicates_of(original.id) == tuple(twins)
    assert gone not in journal.duplicates_of(original.id)
    assert journal.suspects_of(original.id) == (suspect,)
    assert journal.suspects(limit=5) == ((suspect,), None)
    assert journal.suspects_of(suspect.id) == ()
