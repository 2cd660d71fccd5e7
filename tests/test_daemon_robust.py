"""Full disks, damaged rows and bugs: one trouble stops nothing else (rules R8, field notes)."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager, suppress
from operator import attrgetter
from typing import TYPE_CHECKING

import pytest

from fake_farside import LOST, Fate, answer
from ingestd.daemon.intake import looking
from ingestd.daemon.intake.guarding import notice_hanging
from ingestd.journal import CorruptJournalError, DiskFullError, JournalBusyError
from ingestd.journal.faults import ReadOnlyJournalError
from ingestd.model import GateName, State
from world import worlds

if TYPE_CHECKING:
    from pathlib import Path

    from world import World


@pytest.fixture
def world(tmp_path: Path):
    yield from worlds(tmp_path)


@contextmanager
def full_disk(world: World):
    """SQLite itself says that there is no room: the file may not grow any more."""
    (pages,) = world.journal._db.rows("PRAGMA page_count")[0]
    world.journal._db.rows(f"PRAGMA max_page_count = {pages}")
    yield
    world.journal._db.rows("PRAGMA max_page_count = 1000000")


@contextmanager
def failing(world: World, monkeypatch, method: str, error: Exception, times: int = 1):
    """The journal's next calls of a method fail."""
    left = [error] * times
    real = getattr(world.journal, method)

    def call(*args: object, **more: object) -> object:
        if left:
            raise left.pop()
        return real(*args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(world.journal, method, call)
        yield
    assert not left


def test_a_rename_over_another_file_on_a_full_disk_is_recorded_once_there_is_room(world: World):
    """What is undone each time is not looked at again and again (`advance` fails if it is)."""
    first = world.put("a.mp4")
    world.advance(200)
    copy = world.put("b.mp4", salt="a.mp4")
    world.advance(200)
    assert world.state(copy) is State.DUPLICATE
    row = world.row(first)
    with full_disk(world):
        with suppress(DiskFullError):
            while True:  # the last free page, too
                with world.journal.transaction():
                    world.journal.note(row, "test.filled", world.now().wall, "x" * 100)
        first.rename(copy)
        world.advance(120)
    world.advance(900)
    assert world.row(copy).id == row.id
    assert [one.state for one in world.rows(copy)] == [State.PARSED, State.GONE]
    assert len(world.bodies()) == 1


# --- the disk of the journal --------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [DiskFullError("full"), JournalBusyError("busy"), ReadOnlyJournalError("read-only")],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("fate", [Fate(), LOST, Fate(answer(http=415))])
def test_an_outcome_that_cannot_be_recorded_is_recorded_later(
    world: World, monkeypatch, error: Exception, fate: Fate
):
    path = world.put("a.mp4")
    world.far.plan(fate)
    world.until(lambda: world.state(path) is State.UPLOADING)
    # on a full disk the reserve makes room, and it is tried once more at once
    times = 4 if isinstance(error, DiskFullError) else 3
    with failing(world, monkeypatch, "end_send", error, times=times):
        world.advance(12)
    assert world.state(path) is State.UPLOADING
    assert world.gate(GateName.DISK_FULL) is not None
    world.advance(10)
    assert world.outcomes(path) == [{Fate(): "accepted", LOST: "unknown"}.get(fate, "refused")]
    assert len(world.bodies()) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DiskFullError("full"), "No room is left where uploads are recorded ("),
        (JournalBusyError("busy"), "Another program keeps the journal locked (a backup,"),
        (ReadOnlyJournalError("read-only"), "The journal cannot be written (its permissions,"),
    ],
    ids=lambda one: type(one).__name__,
)
def test_the_gate_says_why_nothing_can_be_recorded(world, monkeypatch, error, said):
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.UPLOADING)
    times = 4 if isinstance(error, DiskFullError) else 3
    with failing(world, monkeypatch, "end_send", error, times=times):
        world.advance(12)
    gate = world.gate(GateName.DISK_FULL)
    assert gate.detail.startswith(said)
    assert "Nothing is lost; nothing is sent that could not be recorded." in gate.detail
    world.advance(10)
    assert world.outcomes(path) == ["accepted"]


def test_a_program_that_locks_the_journal_is_no_full_disk(world: World):
    """A backup tool, for real: SQLite's lock, held from outside."""
    world.put("a.mp4")
    world.advance(2)
    with closing(sqlite3.connect(world.state_dir / "journal.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        world.advance(20)
        assert "keeps the journal locked" in world.gate(GateName.DISK_FULL).detail
        assert world.bodies() == []
    world.advance(900)
    assert world.gate(GateName.DISK_FULL) is None
    assert len(world.bodies()) == 1


def test_a_folder_whose_answer_waits_to_be_recorded_does_not_hang(world: World):
    world.advance(5)
    ctx, (watched,) = world.daemon.ctx, world.daemon.seeing.all()
    watched.looking = True  # its answer is there, behind one that cannot be recorded
    watched.steps, watched.heard_at = watched.worker.steps, ctx.now.mono - 60
    told: list[str] = []
    ctx.unrecorded = True
    notice_hanging(ctx, watched, told.append)
    assert told == []
    ctx.unrecorded = False
    watched.heard_at = ctx.now.mono - 60
    notice_hanging(ctx, watched, told.append)
    assert told == ["drop"]
    watched.looking = False


def test_nothing_is_sent_while_the_disk_is_full_and_all_goes_on_after_it(world: World):
    paths = [world.put(f"{number}.mp4") for number in range(20)]
    world.advance(5)
    with full_disk(world):
        world.advance(600)
        assert world.gate(GateName.DISK_FULL) is not None
        sent = len(world.bodies())
        assert sent < 20
    world.advance(900)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert len(world.bodies()) == 20
    assert world.daemon.keeper.closed == ()


def test_a_full_disk_that_undoes_a_whole_commit_loses_none_of_it(world: World, monkeypatch):
    """SQLite may take back everything, not the last change alone."""
    paths = [world.put(f"{number}.mp4") for number in range(5)]
    world.advance(5)
    real, calls = world.journal.add, []

    def add(*args: object, **more: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            world.journal._db.rows("ROLLBACK")
            raise DiskFullError("full")
        return real(*args, **more)

    monkeypatch.setattr(world.journal, "add", add)
    world.advance(6)
    assert len(calls) == 3
    assert world.rows() == []
    world.advance(300)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert len(world.bodies()) == 5


def test_a_full_disk_makes_nobody_ask_and_read_again_and_again(world: World, monkeypatch):
    """`advance` fails if the loop and its workers keep each other busy."""
    world.put("a.mp4", salt="x")
    world.put("indexing.mp4")
    world.far.plan(Fate(indexed_as="UNPARSE"), Fate(indexed_as="UNPARSE"), LOST)
    world.advance(60)
    world.put("lost.mp4")
    world.put("copy.mp4", salt="x")
    world.until(lambda: any(row.suspect_of for row in world.rows()))
    asked, hashed = len(world.far.reads), []
    world.lanes.told = lambda lane: hashed.append(lane) if lane == "hash" else None

    def full(*_: object) -> None:
        raise DiskFullError("full")

    with monkeypatch.context() as patched:
        patched.setattr(world.journal, "_update", full)
        world.advance(600)
    assert len(world.far.reads) - asked <= 600 / 5
    assert len(hashed) <= 600 / 5
    world.advance(300)
    assert world.state(world.drop / "copy.mp4") is State.DUPLICATE


@pytest.mark.parametrize("when", [5, 11, 21, 60, 75])
def test_a_disk_that_is_full_at_any_moment_loses_nothing(world: World, when: int):
    paths = [world.put(f"{'long name ' * 15}{number}.mp4") for number in range(40)]
    world.restart(**world.section("upload", per_minute=30.0))
    world.advance(when)
    with full_disk(world):
        world.advance(300)
    world.advance(900)
    assert {world.state(path) for path in paths} == {State.PARSED}
    assert len(world.far.library) == 40


@pytest.mark.parametrize("asked_first", [True, False])
def test_a_full_disk_while_an_attempt_begins_loses_no_slot(
    world: World, monkeypatch, asked_first: bool
):
    if not asked_first:
        world.fill()
        world.put("before.mp4")
        world.advance(20)
    path = world.put("a.mp4")
    with failing(world, monkeypatch, "begin_send", DiskFullError("full"), times=2):
        world.advance(700)
    world.advance(200)
    assert world.state(path) is State.PARSED


def test_a_damaged_file_of_the_journal_ends_the_daemon(world: World, monkeypatch):
    """Going on would mean to decide without knowing what was paid."""
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.QUEUED)
    world.lanes.close()
    world.daemon.flights.preflights.open.clear()
    with (
        pytest.raises(CorruptJournalError),
        failing(world, monkeypatch, "due", CorruptJournalError("damaged"), times=1),
    ):
        world.advance(60)


# --- damaged rows -------------------------------------------------------------------------------


def damage(world: World, path: Path) -> None:
    """Make one row unreadable, as a flipped bit would."""
    row = world.row(path)
    with closing(sqlite3.connect(world.state_dir / "journal.db")) as database, database:
        database.execute("UPDATE items SET fields = '{' WHERE id = ?", (row.id,))
    world.check = lambda: None  # histories of unreadable rows cannot be looked at


def test_the_journal_lies_where_the_tests_think(world: World):
    assert (world.state_dir / "journal.db").exists()


@pytest.mark.parametrize("state", [State.QUEUED, State.UPLOADING, State.INDEXING, State.PARSED])
def test_a_damaged_row_stops_no_other_file_of_its_directory(world: World, state: State):
    path = world.put("a.mp4")
    world.restart(**world.section("upload", concurrency=1))
    world.until(lambda: world.state(path) is state)
    damage(world, path)
    others = [world.put("b.mp4"), world.put("card/c.mp4")]
    world.advance(400)
    assert {world.state(other) for other in others} == {State.PARSED}
    world.restart()
    late = world.put("late.mp4")
    world.advance(400)
    assert world.state(late) is State.PARSED
    assert world.far.paid_twice == []


def test_a_damaged_row_with_the_same_content_stops_nothing_but_its_copy(world: World):
    path = world.put("a.mp4")
    world.advance(200)
    world.put("copy.mp4", salt="a.mp4")
    world.until(lambda: len(world.rows()) == 2)
    damage(world, path)
    other = world.put("other.mp4")
    world.advance(300)
    assert world.state(other) is State.PARSED
    assert len(world.bodies()) == 2


def test_a_damaged_row_that_was_due_lets_the_loop_sleep(world: World):
    """`advance` fails if the loop spins."""
    path = world.put("a.mp4")
    world.until(lambda: world.state(path) is State.INDEXING)
    damage(world, path)
    world.advance(600)


# --- bugs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        "judging.recording._enter",
        "seeing.sights.consider",
        "seeing.sights._missed",
        "contents._weigh",
        "flights.preflights._looks_first",
        "flights.preflights._adopted",
        "flights.preflights._start",
        "flights._record",
        "following._read",
        "confirming._weigh",
        "uploads._goes",
    ],
)
def test_a_bug_at_one_place_stops_no_other_file_and_loses_none(
    world: World, monkeypatch, place: str
):
    world.errors_expected = True
    world.put("before.mp4")
    world.advance(100)
    world.restart(**world.section("upload", concurrency=1))
    desk, _, method = place.rpartition(".")
    owner = attrgetter(desk)(world.daemon)
    real, broken = getattr(owner, method), []

    def once(*args: object, **more: object) -> object:
        if not broken:
            broken.append(args)
            raise RuntimeError("a bug")
        return real(*args, **more)

    monkeypatch.setattr(owner, method, once)
    world.far.plan(LOST)
    world.put("copy 1.mp4", salt="x")
    world.put("copy 2.mp4", salt="x")
    world.put("other.mp4")
    world.advance(900)
    assert broken
    assert world.events.named("loop.error")
    world.calm()
    world.advance(2 * 3600)
    assert sorted(row.state for row in world.rows()) == [State.DUPLICATE, *[State.PARSED] * 3]
    assert len(world.far.library) == 3


@pytest.mark.parametrize("desk", ["contents", "judging", "seeing", "uploads", "following"])
def test_a_bug_in_one_desks_turn_stops_no_other_desk(world: World, monkeypatch, desk: str):
    world.errors_expected = True
    path = world.put("a.mp4")
    broken = []
    real = getattr(world.daemon, desk).tick

    def tick() -> float | None:
        if len(broken) < 3:
            broken.append(desk)
            raise RuntimeError("a bug")
        return real()

    monkeypatch.setattr(getattr(world.daemon, desk), "tick", tick)
    world.advance(400)
    assert len(broken) == 3
    assert world.state(path) is State.PARSED


def test_a_job_that_breaks_is_told_and_its_file_goes_on(world: World, monkeypatch):
    world.errors_expected = True
    real, broken = looking.probe, []

    def probe(open_fd: object) -> object:
        if not broken:
            broken.append(open_fd)
            raise RuntimeError("a bug")
        return real(open_fd)

    monkeypatch.setattr(looking, "probe", probe)
    path = world.put("a.mp4")
    world.advance(900)
    assert world.state(path) is State.PARSED
    assert world.events.named("worker.error")


def test_a_sender_that_breaks_may_have_sent_everything(world: World, monkeypatch):
    world.errors_expected = True
    real, broken = world.far.upload, []

    def upload(one: object) -> object:
        outcome = real(one)
        if not broken:
            broken.append(one)
            raise RuntimeError("a bug")
        return outcome

    monkeypatch.setattr(world.far, "upload", upload)
    path = world.put("a.mp4")
    world.advance(300)
    assert world.way(path)[1:4] == ["uploading", "confirming", "indexing"]
    assert len(world.bodies()) == 1


def test_a_question_that_breaks_the_snapshot_is_no_end(world: World, monkeypatch):
    world.errors_expected = True

    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(world.daemon.snapshots, "take", broken)
    world.ask("snapshot")
    world.run_until_idle()
    assert world.ask("nonsense") == []
    answers = world.ask("explain", path="/nowhere")
    world.run_until_idle()
    assert answers[0]["state"] == "unwatched"
