"""Facts that are stale, somebody else's or of another content prove nothing (rules R2 to R4)."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from fake_farside import CUT, LOST, LOST_BUT_STORED, refused
from ingestd.cli.recover import _rebuild
from ingestd.config import ApiKey, ConfirmThen, Fields
from ingestd.filestat import FdSource
from ingestd.fingerprint import sampled
from ingestd.journal import Found, JournalReader, damage_of
from ingestd.model import GateName, Reason, Scope, State
from ingestd.naming import stem_of, token_of, upload_name
from ingestd.reconcile.evidence import Evidence, read_library, read_mirror
from ingestd.reconcile.library import scopes_in_use
from lookalikes import lookalike, put_lookalikes
from test_daemon_confirming import HOUR, held_lookalike, lost, names_are_shown
from world import World, slow_worlds, worlds

if TYPE_CHECKING:
    from pathlib import Path

READABLE = refused("1")
ROTATED = ApiKey("sk-mavi-rotated", "a test")
THEIRS = ApiKey("sk-mavi-theirs", "a test")


@pytest.fixture
def world(tmp_path: Path):
    yield from slow_worlds(tmp_path)


@pytest.fixture
def fast(tmp_path: Path):
    yield from worlds(tmp_path)


def paid(world: World, *names: str) -> None:
    paths = [world.put(name) for name in names]
    world.until(lambda: {world.state(path) for path in paths} == {State.PARSED})


def stored_as(path: Path) -> str:
    """The name under which the far side would store a file."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return stem_of(upload_name(str(path), sampled(FdSource(descriptor)), token=True))
    finally:
        os.close(descriptor)


def copied(world: World) -> Path:
    world.journal._db.rows("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = world.place / "kept.db"
    shutil.copy(world.state_dir / "journal.db", kept)
    return kept


def lose(world: World, older: Path | None = None) -> None:
    """Stop; the journal is lost, or an older copy of it is put back."""
    world._stop()
    world._check_histories = lambda: None  # those of restored rows begin in the middle
    for one in world.state_dir.glob("journal.db*"):
        one.unlink()
    if older is not None:
        shutil.copy(older, world.state_dir / "journal.db")


def recover(world: World) -> None:
    """As the command does it, with what the next start is told of the mirror; then that start."""
    evidence = Evidence()
    known = None if damage_of(world.state_dir) is None else JournalReader.open(world.state_dir)
    read_mirror(evidence, world.state_dir / "paid.log", known)
    scopes = scopes_in_use(world.settings, evidence.scopes)
    read_library(evidence, world.far, scopes, known, known.account if known else 1)
    if known is not None:
        known.close()
    _rebuild(world.settings, evidence)
    world._start()


def other_account(world: World) -> None:
    """The key is another account's now, and that is meant."""
    world.far.library = []
    world.daemon.reconfigure(world.settings, ROTATED)
    world.until(lambda: world.gate(GateName.AUTH))
    world.wish("resume", new_account=True)


# --- how names are shown, and what a size tells ---------------------------------------------------


@pytest.mark.parametrize("how", ["recovered", "older copy"])
def test_a_linked_video_does_not_come_back_from_the_mirror_as_accepted(world: World, how: str):
    """It may be anybody's: that its name is a hash says nothing of ours."""
    first = lost(world, READABLE)
    somebodys = world.far.put("somebody's own", first.stat().st_size)
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    older = copied(world)
    world.wish("link", ids=[world.row(first).id], video_no=somebodys)
    if how == "recovered":
        lose(world)
        recover(world)
    else:
        lose(world, older)
        world._start()
    world.until(lambda: world.state(first) is State.PARSED)
    world.far.plan(LOST)
    second = world.put("b.mp4")
    world.until(lambda: world.state(second) is State.CONFIRMING)
    world.far.put("somebody's other", second.stat().st_size)
    world.advance(3 * HOUR)
    assert world.row(second).reason is Reason.UNCONFIRMED


def test_where_names_were_hashes_a_video_with_a_name_is_not_ours_by_its_size(world: World):
    world.far.shows_names = False
    names_are_shown(world)
    world.far.shows_names = True
    path = lost(world, LOST)
    world.far.put("somebody's holiday", path.stat().st_size)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED


def test_a_video_of_another_scope_is_not_ours_by_its_size(world: World):
    """The watermark is of our scope: over there this one was before our upload began."""
    world.far.shows_names = False
    names_are_shown(world)
    other = world.folder(world.place / "other", fields=Fields(unique_id="other"))
    world.restart(folders=(*world.settings.folders, other))
    path, content = other.path / "a.mp4", world.content("a.mp4")
    world.far.put("x", len(content), scope=Scope("unique_id", "theirs"))
    world.advance(300)
    world.far.plan(LOST)
    path.write_bytes(content)
    world.wish("add", paths=[str(path)])
    world.until(lambda: world.state(path) is not None)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED


def test_both_lost_uploads_of_a_path_whose_row_is_used_again_are_rivals(world: World):
    first, second = held_lookalike(world)
    world.wish("pause")
    world.wish("approve", ids=[world.row(second).id], bulk=False)
    number = world.row(second).id
    second.unlink()
    world.hint(second)
    world.until(lambda: world.state(second) is State.GONE)
    second.write_bytes(world.content("b.mp4 anew") + b"\0\0\0\x08free")
    world.hint(second)
    world.until(lambda: world.state(second) is State.QUEUED)
    assert world.row(second).id == number
    world.far.plan(LOST)
    world.wish("resume")
    world.until(lambda: world.state(second) is State.CONFIRMING)
    world.advance(9 * HOUR)
    assert world.row(first).reason is Reason.UNCONFIRMED


def test_a_lost_upload_that_was_sent_again_is_a_rival_after_recover_too(world: World):
    world.paid_again = True
    first, second = held_lookalike(world)
    world.wish("approve", ids=[world.row(second).id], bulk=False)
    world.until(lambda: world.state(second) is State.PARSED)
    lose(world)
    recover(world)
    world.advance(9 * HOUR)
    assert world.row(first).reason is Reason.UNCONFIRMED


def test_a_video_that_was_given_up_and_is_shown_late_is_no_others(world: World):
    world.paid_again = True  # a readable answer, and shown later than the looks: known
    world.far.shows_names = False
    names_are_shown(world)
    world.far.plan(refused("1", stored=True, visible_after=100.0))
    first = world.put("a.mp4")
    world.until(lambda: world.row(first) is not None and world.outcomes(first) == ["not_found"])
    number = world.far.library[-1].video.video_no
    world.wish("pause")
    second = world.put("b.mp4")
    world.until(lambda: world.state(second) is State.QUEUED)
    later = replace(world.row(first), next_attempt_at=world.now().wall + 60)
    world.journal.revise(world.row(first), later, world.now().wall)
    world.far.plan(LOST)
    world.wish("resume")
    world.until(lambda: world.state(second) is State.CONFIRMING)
    world.advance(3 * HOUR)
    assert world.row(second).video_no != number


# --- keys and accounts ----------------------------------------------------------------------------


def test_that_an_earlier_answer_could_be_read_says_nothing_of_a_later_one(world: World):
    """After a cut an hour is looked for it, not half a minute."""
    world.reload()
    names_are_shown(world)
    path = lost(world, READABLE)
    other_account(world)
    world.advance(5)
    assert world.row(path).reason is Reason.UNCONFIRMED
    world.far.plan(replace(LOST_BUT_STORED, visible_after=600.0))
    world.wish("approve", ids=[world.row(path).id])
    world.until(lambda: world.state(path) is State.CONFIRMING)
    world.advance(3 * HOUR)
    assert world.outcomes(path) == ["unknown", "found"]


def test_a_look_that_was_under_way_when_the_key_changed_does_not_count(world: World):
    world.far.shows_names = False
    world.reload()
    names_are_shown(world)
    path = lost(world, refused("1", stored=True, visible_after=30.0))
    world.until(lambda: world.row(path).asks == 4)
    world.lanes.held.add("ask")
    world.until(lambda: any(lane == "ask" for lane, *_ in world.lanes.waiting))
    ours, world.far.library = world.far.library, []
    world.daemon.reconfigure(world.settings, THEIRS)
    world.lanes.held.clear()
    world.advance(60)
    world.far.library = ours
    world.reload()  # the right key
    world.advance(HOUR)
    assert world.outcomes(path) == ["found"]


def asked_before(world: World, kind: str):
    """The answer to the question that waits in a lane, before anything else changes."""
    world.until(lambda: any(lane.startswith(kind) for lane, *_ in world.lanes.waiting))
    task = next(one for one in world.lanes.waiting if one[0].startswith(kind))
    world.lanes.waiting.remove(task)
    return task[1]()


def test_what_one_account_had_already_is_not_adopted_in_another(world: World):
    world.reload()
    names_are_shown(world)
    world.lanes.held.add("upload")
    path = world.put("a.mp4")
    number = world.far.put(stored_as(path), path.stat().st_size)
    answer = asked_before(world, "upload")
    other_account(world)
    world.inbox.post(answer)
    world.lanes.held.clear()
    world.advance(600)
    assert world.row(path).account == 2
    assert world.row(path).video_no != number


def test_the_answer_for_one_key_does_not_prove_the_next_one(world: World):
    world.reload()
    names_are_shown(world)
    world.lanes.held.add("ask")
    world.daemon.reconfigure(world.settings, ROTATED)  # of the same account
    answer = asked_before(world, "ask")
    world.far.library = []
    world.daemon.reconfigure(world.settings, THEIRS)
    world.inbox.post(answer)
    world.lanes.held.clear()
    path = world.put("a.mp4")
    world.advance(600)
    assert world.gate(GateName.AUTH)
    assert world.state(path) is State.QUEUED


def test_the_first_page_of_another_account_is_read_too(fast: World):
    """Another machine paid for the clip there; an old journal would not ask for its name."""
    world = fast
    world.fill()
    world.reload()
    paid(world, "a.mp4")
    path = world.place / "b.mp4"
    path.write_bytes(world.content("b.mp4"))
    name, size = stored_as(path), path.stat().st_size
    world.far.library = []
    world.far.put(name, size)
    theirs = world.far.library
    other_account(world)
    world.far.library = theirs
    world.advance(100)
    path.rename(world.drop / "b.mp4")
    world.advance(300)
    assert len(world.bodies()) == 1


@pytest.mark.parametrize("how", ["lost", "older copy"])
def test_after_recover_the_account_in_use_is_known(fast: World, how: str):
    """Else what is paid there is no original of anything: each copy is paid for again."""
    world = fast
    world.reload()
    paid(world, "a.mp4")
    older = copied(world)
    other_account(world)
    paid(world, "b.mp4")
    lose(world, older if how == "older copy" else None)
    recover(world)
    world.daemon.reconfigure(world.settings, ROTATED)
    copy = world.put("copy.mp4", salt="b.mp4")
    world.advance(600)
    assert world.state(copy) is State.DUPLICATE


def test_what_is_in_doubt_at_another_account_stays_so_after_recover(fast: World):
    world = fast
    world.reload()
    paid(world, "a.mp4")
    world.far.plan(LOST_BUT_STORED)
    path = world.put("lost.mp4")
    world.until(lambda: world.state(path) is State.CONFIRMING)
    other_account(world)
    paid(world, "b.mp4")
    assert world.row(path).reason is Reason.UNCONFIRMED
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert world.row(path).reason is Reason.UNCONFIRMED
    assert len(world.bodies()) == 3


# --- what only looks the same ---------------------------------------------------------------------


@pytest.mark.parametrize("where", ["elsewhere", "at its path"])
def test_recover_does_not_take_a_lookalike_for_the_paid_file(fast: World, where: str):
    world = fast
    (first,) = put_lookalikes(world, b"one")
    world.until(lambda: world.state(first) is State.PARSED)
    lose(world)
    first.unlink()
    second = world.drop / "other.mp4" if where == "elsewhere" else first
    second.write_bytes(lookalike(b"two"))
    world._start()
    world.until(lambda: world.state(second) is State.QUEUED)
    world._stop()
    recover(world)
    world.advance(HOUR)
    assert world.state(second) is State.PARSED
    assert len(world.bodies()) == 2


def test_recover_forgets_no_lost_upload_because_a_lookalike_is_paid(fast: World):
    world = fast
    world.far.shows_names = False
    (first,) = put_lookalikes(world, b"one")
    world.until(lambda: world.state(first) is State.PARSED)
    second = world.drop / "other.mp4"
    world.far.plan(LOST_BUT_STORED)
    second.write_bytes(lookalike(b"two"))
    world.until(lambda: world.state(second) is State.CONFIRMING)
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert len(world.bodies()) == 2


def test_recover_does_not_skip_a_lookalike_of_what_was_skipped(fast: World):
    world = fast
    world.wish("pause")
    (first,) = put_lookalikes(world, b"one")
    world.until(lambda: world.state(first) is State.QUEUED)
    world.wish("skip", ids=[world.row(first).id])
    world.wish("resume")
    lose(world)
    first.unlink()
    second = world.drop / "other.mp4"
    second.write_bytes(lookalike(b"two"))
    world._start()
    world.until(lambda: world.state(second) is State.QUEUED)
    world._stop()
    recover(world)
    world.advance(HOUR)
    assert world.state(second) is State.PARSED


def test_recover_skips_both_of_two_lookalikes_that_were_skipped(fast: World):
    world = fast
    world.wish("pause")
    paths = put_lookalikes(world, b"one", b"two")
    world.until(lambda: {world.state(path) for path in paths} == {State.QUEUED})
    world.wish("skip", ids=[world.row(path).id for path in paths])
    world.wish("resume")
    lose(world)
    recover(world)
    world.advance(HOUR)
    assert [world.state(path) for path in paths] == [State.SKIPPED] * 2


def test_recover_gives_a_video_to_none_of_two_lost_lookalikes(fast: World):
    world = fast
    world.restart(**world.section("indexing", confirm_then=ConfirmThen.HOLD))
    (first,) = put_lookalikes(world, b"one")
    world.far.plan(LOST)
    world.until(lambda: world.state(first) is State.CONFIRMING)
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    second = world.drop / "other.mp4"
    world.far.plan(LOST_BUT_STORED)
    second.write_bytes(lookalike(b"two"))
    world.until(lambda: world.state(second) is State.CONFIRMING)
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert world.row(first).video_no is None


@pytest.mark.parametrize("verb", ["", "skip"])
def test_a_lookalike_does_not_take_a_lost_video_that_is_shown_late(fast: World, verb: str):
    world = fast
    world.restart(**world.section("indexing", confirm_then=ConfirmThen.HOLD))
    paid(world, "before.mp4")
    (first,) = put_lookalikes(world, b"one")
    world.far.plan(replace(READABLE, stored=True, visible_after=300.0))
    world.until(lambda: world.state(first) is State.CONFIRMING)
    number = world.far.library[-1].video.video_no
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    if verb:
        world.wish(verb, ids=[world.row(first).id], bulk=False)
    world.advance(600)
    second = world.drop / "x" / first.name
    second.parent.mkdir()
    second.write_bytes(lookalike(b"two"))
    world.advance(600)
    assert world.row(second).video_no != number


def test_a_held_file_that_a_lookalike_took_the_place_of_is_not_that_one(fast: World):
    """What is said about the lost upload is said about its content, not about the path."""
    world = fast
    world.far.shows_names = False
    paid(world, "before.mp4")
    (path,) = put_lookalikes(world, b"one")
    world.far.plan(LOST_BUT_STORED)
    world.until(lambda: world.state(path) is State.CONFIRMING)
    number = world.far.library[-1].video.video_no
    world.far.put("x", path.stat().st_size)
    world.until(lambda: world.row(path).reason is Reason.UNCONFIRMED)
    held = world.row(path).id
    path.write_bytes(lookalike(b"two"))
    world.advance(600)
    world.wish("link", ids=[held], video_no=number)
    world.advance(HOUR)
    assert len(world.rows(path)) == 2
    assert world.state(path) is State.PARSED
    assert len(world.bodies()) == 3


# --- rows that changed since ----------------------------------------------------------------------


def test_what_was_given_up_and_then_found_is_known_after_recover(world: World):
    names_are_shown(world)
    world.far.plan(refused("1", stored=True, visible_after=100.0))
    path = world.put("a.mp4")
    world.until(lambda: world.row(path) is not None and world.outcomes(path) == ["not_found"])
    world.wish("pause")
    world.advance(200)
    world.wish("resume")
    world.until(lambda: world.state(path) is State.PARSED)
    number = world.row(path).video_no
    lose(world)
    path.rename(world.drop / "renamed.mp4")
    recover(world)
    world.advance(HOUR)
    assert number in {row.video_no for row in world.rows()}
    assert len(world.bodies()) == 2


def test_a_video_of_another_file_at_the_path_is_not_its_earlier_attempts(world: World):
    names_are_shown(world)
    world.far.plan(READABLE)
    path = world.put("a.mp4")
    content = path.read_bytes()
    world.until(lambda: world.row(path) is not None and world.outcomes(path) == ["not_found"])
    world.wish("pause")
    path.unlink()
    world.hint(path)
    world.until(lambda: world.state(path) is State.GONE)
    path.write_bytes(world.content("another"))
    world.far.put(stored_as(path), path.stat().st_size)
    world.hint(path)
    world.until(lambda: world.state(path) is State.QUEUED)
    world.wish("resume")
    world.until(lambda: world.state(path) is State.PARSED)  # it was there
    lose(world)
    recover(world)
    other = world.drop / "first.mp4"
    other.write_bytes(content)
    world.hint(other)
    world.advance(HOUR)
    assert world.state(other) is State.PARSED
    assert len(world.bodies()) == 3


def test_a_file_that_is_renamed_between_two_attempts_is_looked_for_as_it_was_sent(world: World):
    names_are_shown(world)
    world.far.plan(refused("1", stored=True, visible_after=100.0))
    path = world.put("a.mp4")
    world.until(lambda: world.row(path) is not None and world.outcomes(path) == ["not_found"])
    world.wish("pause")
    renamed = path.rename(world.drop / "renamed.mp4")
    world.hint(path)
    world.hint(renamed)
    world.until(lambda: world.row(renamed) is not None)
    world.advance(300)
    assert world.outcomes(renamed) == ["not_found"]
    world.wish("resume")
    world.until(lambda: world.state(renamed) is State.PARSED)
    assert len(world.bodies()) == 2


def test_what_was_skipped_in_doubt_is_not_sent_after_recover(world: World):
    first = lost(world, READABLE)
    world.far.put("0" * 32, first.stat().st_size)
    world.until(lambda: world.row(first).reason is Reason.UNCONFIRMED)
    world.wish("skip", ids=[world.row(first).id], bulk=False)
    world.far.library.clear()
    lose(world)
    recover(world)
    world.advance(3 * HOUR)
    assert world.state(first) is State.SKIPPED
    assert len(world.bodies()) == 1


def test_a_found_video_that_a_person_said_is_another_is_not_adopted(fast: World):
    world = fast
    world.far.shows_sizes = False
    world.wish("pause")
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    name = stored_as(path)
    number = world.far.put(name, 77)
    world.journal.add_found(Found(number, name, token_of(name), None, "unique_id=default", 1, 5.0))
    world.wish("resume")
    world.advance(60)
    assert world.row(path).reason is Reason.UNCONFIRMED
    world.wish("approve", ids=[world.row(path).id])
    world.advance(300)
    assert world.row(path).video_no != number


def test_the_attempts_of_another_file_at_the_path_do_not_count(fast: World):
    world = fast
    world.restart(**world.section("upload", max_attempts=2))
    paid(world, "before.mp4")
    world.far.plan(CUT)
    path = world.put("a.mp4")
    world.until(lambda: world.row(path) is not None and world.row(path).attempts == 1)
    world.wish("pause")
    path.unlink()
    world.until(lambda: world.state(path) is State.GONE)
    world.put("a.mp4", salt="another")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.far.plan(CUT)
    world.wish("resume")
    world.advance(HOUR)
    assert world.state(path) is State.PARSED
