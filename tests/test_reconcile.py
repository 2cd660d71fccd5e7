"""`recover` and `audit` inside: what mirror and far side prove, and what the intake makes of it."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import DOWN, LOST, LOST_BUT_STORED
from ingestd.config import Fields
from ingestd.journal import Journal, JournalReader, add_wish, damage_of
from ingestd.model import GateName, Reason, Scope, State
from ingestd.reconcile.audit import compare
from ingestd.reconcile.evidence import Evidence, read_library, read_mirror
from ingestd.reconcile.library import LibraryError, scopes_in_use, walk
from ingestd.reconcile.rebuild import rebuild
from lookalikes import lookalike, put_lookalikes
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


def paid(world: World, *names: str) -> None:
    paths = [world.put(name) for name in names]
    world.until(lambda: {world.state(path) for path in paths} == {State.PARSED})


def lose(world: World) -> None:
    for one in world.state_dir.glob("journal.db*"):
        one.unlink()


def recovered(world: World, *, ask: bool = True) -> Evidence:
    """Stop, recover, start again."""
    world._stop()
    return started_recovered(world, ask=ask)


def started_recovered(world: World, *, ask: bool = True) -> Evidence:
    evidence = Evidence()
    known = None if damage_of(world.state_dir) is None else JournalReader.open(world.state_dir)
    read_mirror(evidence, world.state_dir / "paid.log", known)
    if ask:
        scopes = scopes_in_use(world.settings, evidence.scopes)
        read_library(evidence, world.far, scopes, known, 1)
    if known is not None:
        known.close()
    with closing(Journal.create_or_open(world.state_dir, fstype=None)) as journal:
        rebuild(journal, evidence, world.now().wall)
        journal.remove_gate(GateName.JOURNAL)
    world.on_journal = lambda journal: journal
    world._start()
    return evidence


def restored(world: World) -> None:
    """The histories of restored rows begin in the middle."""
    world._check_histories = lambda: None


def test_an_upload_whose_outcome_is_unknown_is_asked_for_again(world: World):
    restored(world)
    world.far.plan(replace(LOST_BUT_STORED, visible_after=500.0))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world._stop()
    lose(world)
    evidence = started_recovered(world)
    assert (len(evidence.open), evidence.found, evidence.videos) == (1, [], set())
    assert world.state(path) is State.CONFIRMING
    world.until(lambda: world.state(path) is State.PARSED)
    assert len(world.bodies()) == 1
    assert world.gate(GateName.JOURNAL) is None


def test_an_upload_that_the_far_side_shows_is_resolved_at_once(world: World):
    restored(world)
    world.far.plan(LOST_BUT_STORED)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world._stop()
    lose(world)
    evidence = started_recovered(world)
    assert list(evidence.resolved.values()) == [world.far.library[0].video.video_no]
    assert world.state(path) is State.INDEXING
    world.until(lambda: world.state(path) is State.PARSED)
    assert len(world.bodies()) == 1


def test_a_queued_row_of_the_same_content_becomes_the_paid_one(world: World):
    """The daemon ran with the old journal and queued what was paid already, and a copy of it."""
    restored(world)
    paid(world, "a.mp4")
    world._stop()
    lose(world)
    world._start()
    path, copy = world.drop / "a.mp4", world.put("copy.mp4", salt="a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED and world.state(copy) is State.QUEUED)
    recovered(world)
    world.until(lambda: world.state(path) is State.PARSED)
    world.until(lambda: world.state(copy) is State.DUPLICATE)
    assert len(world.bodies()) == 1


def skipped(world: World, name: str) -> Path:
    world.wish("pause")
    path = world.put(name)
    world.until(lambda: world.state(path) is State.QUEUED)
    world.wish("skip", ids=[world.row(path).id])
    world.wish("resume")
    return path


def test_what_was_skipped_is_not_sent_after_the_journal_was_lost(world: World):
    restored(world)
    path = skipped(world, "a.mp4")
    world._stop()
    lose(world)
    world._start()
    world.advance(300)
    gate = world.gate(GateName.JOURNAL)
    assert gate is not None
    assert "1 file that was skipped" in gate.detail
    recovered(world)
    copy = world.put("copy.mp4", salt="a.mp4")
    world.advance(600)
    assert (world.state(path), world.state(copy)) == (State.SKIPPED, State.DUPLICATE)
    assert world.bodies() == []
    world.wish("approve", ids=[world.row(path).id])
    world.advance(600)
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 1


def test_what_was_skipped_and_whose_file_is_away_is_skipped_when_it_returns(world: World):
    restored(world)
    path = skipped(world, "a.mp4")
    away = path.rename(world.place / "away.mp4")
    world._stop()
    lose(world)
    started_recovered(world)
    world.advance(600)
    away.rename(path)
    world.advance(600)
    assert world.state(path) is State.SKIPPED
    assert world.bodies() == []


def test_what_was_skipped_and_is_approved_after_a_recover_is_looked_into_first(world: World):
    """The mirror does not know what it is, nor with which fields it goes."""
    world.restart(folders=(world.folder(world.drop, fields=Fields(tags=("a tag",))),))
    restored(world)
    path = skipped(world, "a.mp4")
    world._stop()
    lose(world)
    started_recovered(world)
    world.wish("approve", ids=[world.row(path).id])
    world.advance(600)
    assert world.state(path) is State.PARSED
    (attempt,) = world.far.attempts
    assert ("tags", "a tag") in attempt.upload.form


def test_a_lost_upload_that_recover_restored_goes_again_with_its_folders_fields(world: World):
    """The mirror does not know them, and another scope would be another folder at memories.ai."""
    other = Fields(tags=("a tag",), unique_id="other")
    world.restart(folders=(world.folder(world.drop, fields=other),))
    restored(world)
    world.far.plan(LOST)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world._stop()
    lose(world)
    started_recovered(world)
    world.advance(4 * 3600)
    assert world.state(path) is State.PARSED
    first, second = (attempt.upload for attempt in world.far.attempts)
    assert second.form == first.form
    assert second.scope == first.scope == Scope("unique_id", "other")


def test_a_lost_upload_from_outside_the_folders_waits_for_a_person_after_a_recover(world: World):
    """Its fields are lost with the journal: `add` says which folder's it goes with."""
    restored(world)
    outside = world.place / "a.mp4"
    outside.write_bytes(world.content("a.mp4"))
    world.far.plan(LOST)
    world.wish("add", paths=[str(outside)], folder="drop")
    world.until(lambda: world.state(outside) is State.CONFIRMING)
    world._stop()
    lose(world)
    started_recovered(world)
    world.advance(4 * 3600)
    assert world.state(outside) is State.QUEUED
    assert f"ingestd add {str(outside)!r}" in world.row(outside).detail
    world.wish("add", paths=[str(outside)], folder="drop")
    world.advance(600)
    assert world.state(outside) is State.PARSED
    first, second = (attempt.upload for attempt in world.far.attempts)
    assert second.form == first.form


def test_a_lost_upload_whose_file_was_replaced_hands_its_place_on_after_a_recover(world: World):
    restored(world)
    world.far.plan(LOST)
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    lost = world.row(path).id
    copy = world.put("copy.mp4", salt="a.mp4")
    world._stop()
    lose(world)
    started_recovered(world)
    world.until(lambda: world.state(copy) is State.DUPLICATE)
    world.put("a.mp4", salt="another one")
    world.advance(4 * 3600)
    assert world.journal.item(lost).state is State.GONE
    assert [world.state(one) for one in (path, copy)] == [State.PARSED] * 2


def test_what_is_no_clip_by_now_and_is_approved_after_a_recover_is_rejected(world: World):
    restored(world)
    path = skipped(world, "a.mp4")
    world._stop()
    lose(world)
    started_recovered(world)
    world.restart(**world.section("validate", extensions=(".mov",)))
    world.wish("approve", ids=[world.row(path).id])
    world.advance(600)
    assert (world.state(path), world.row(path).reason) == (State.REJECTED, Reason.EXTENSION)
    assert world.bodies() == []


def test_what_was_skipped_and_approved_later_is_no_reason_to_stop(world: World):
    restored(world)
    path = skipped(world, "a.mp4")
    world.wish("pause")
    world.wish("approve", ids=[world.row(path).id])
    world._stop()
    lose(world)
    world._start()
    world.advance(600)
    assert world.gate(GateName.JOURNAL) is None
    assert world.state(path) is State.PARSED


@pytest.mark.parametrize("started", [False, True])
def test_a_journal_that_was_copied_while_an_upload_went_out_asks_for_it(
    world: World, started: bool
):
    """Its mark came after the copy, its answer was lost, and no name at memories.ai tells."""
    restored(world)
    world.far.shows_names = False
    kept, grant = world.place / "kept", world.daemon.flights.marks._grant

    def copied_before(send_id: int, content_hash: str) -> bool:
        world.journal._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
        kept.mkdir()
        shutil.copy(world.state_dir / "journal.db", kept)
        return grant(send_id, content_hash)

    world.daemon.flights.marks._grant = copied_before
    world.far.plan(replace(LOST_BUT_STORED, visible_after=500.0))
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world._stop()
    lose(world)
    shutil.copy(kept / "journal.db", world.state_dir)
    if started:
        add_wish(world.state_dir, "pause", {}, world.now().wall)
        world._start()
        world.until(lambda: world.state(path) is State.QUEUED)
        world._stop()
    evidence = started_recovered(world, ask=False)
    assert list(evidence.unmarked)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.wish("resume")
    world.until(lambda: world.state(path) is State.HELD, limit=40_000)  # a person can tell
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert len(world.bodies()) == 1


def test_what_recover_found_and_the_rows_own_look_too_is_no_other_files(world: World):
    restored(world)
    world.far.plan(LOST_BUT_STORED)
    (first,) = put_lookalikes(world, b"one")
    world.until(lambda: world.state(first) is State.CONFIRMING)
    evidence = recovered(world)
    assert [one.video_no for one in evidence.found] == [world.far.library[0].video.video_no]
    world.until(lambda: world.state(first) is State.PARSED)
    second = world.drop / "other.mp4"
    second.write_bytes(lookalike(b"two"))
    world.until(lambda: world.state(second) is State.PARSED)
    assert len(world.bodies()) == 2


def test_a_second_recover_finds_nothing_new(world: World):
    restored(world)
    paid(world, "a.mp4", "b.mp4")
    world._stop()
    lose(world)
    first = started_recovered(world)
    assert len(first.videos) == 2
    again = recovered(world)
    assert (again.videos, again.found, again.open) == (set(), [], {})


def test_a_card_that_was_formatted_keeps_both_of_its_videos(world: World):
    restored(world)
    path = world.put("GX010001.mp4", salt="first")
    world.until(lambda: world.state(path) is State.PARSED)
    world.put("GX010001.mp4", salt="second")
    world.until(lambda: len(world.rows(path)) == 2 and world.state(path) is State.PARSED)
    world._stop()
    lose(world)
    started_recovered(world)
    world.advance(600)
    assert world.state(path) is State.PARSED
    assert len({row.video_no for row in world.rows(path)}) == 2
    again = world.put("first again.mp4", salt="first")
    world.until(lambda: world.state(again) is State.DUPLICATE)
    assert len(world.bodies()) == 2


def test_the_walk_goes_through_every_page_and_gives_up_without_a_guess(world: World):
    for number in range(450):
        world.far.put(f"v{number}", 1)
    scope = scopes_in_use(world.settings, [])[0]
    assert len(list(walk(world.far, scope))) == 450
    pauses: list[float] = []
    world.far.fail_reads(DOWN, DOWN)
    assert len(list(walk(world.far, scope, pauses.append))) == 450
    assert pauses == [1.0, 2.0]
    world.far.down = True
    with pytest.raises(LibraryError, match="nothing changed"):
        list(walk(world.far, scope, pauses.append))


def test_an_audit_of_a_sound_journal_finds_no_difference(world: World):
    paid(world, "a.mp4", "b.mp4")
    with JournalReader.open(world.state_dir) as journal:
        scopes = scopes_in_use(world.settings, journal.scopes())
        began = world.now().wall
        found = compare(journal, world.far, scopes, began=began, everything=False)
        assert (found.equal, found.there, found.known) == (True, 2, 2)
        world.far.delete(world.row(world.drop / "a.mp4").video_no)
        twin = world.far.library[0].video
        world.far.put(twin.name, twin.size)
        world.far.put("theirs", 5)
        found = compare(journal, world.far, scopes, began=began, everything=False)
        assert [item.path for item in found.only_here] == [str(world.drop / "a.mp4")]
        assert [one.video.name for one in found.only_there] == [twin.name]
        assert [len(group) for group in found.twice] == [2]
        everything = compare(journal, world.far, scopes, began=began, everything=True)
        assert len(everything.only_there) == 2
