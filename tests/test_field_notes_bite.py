"""Rows of `docs/watching.md` bite: with our remedy taken out their tests fail.

Each remedy is taken out by one patch, by what others do in its place; the row's own test then runs
here, with its own fixtures, and must fail.
"""

from __future__ import annotations

import inspect
import queue
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import test_daemon_delivery
import test_daemon_hung
import test_daemon_paths
import test_daemon_producers
import test_daemon_roots
import test_daemon_settling
import test_daemon_tidying
import test_field_notes
from ingestd import validate
from ingestd.daemon.after import tidying
from ingestd.daemon.intake import judging
from ingestd.daemon.intake.arming import Arming
from ingestd.daemon.intake.folders import Watched
from ingestd.daemon.intake.folderwork import FolderWorker
from ingestd.daemon.intake.quieting import Quieting
from ingestd.daemon.intake.recording import Recording
from ingestd.daemon.intake.seeing import Seeing
from ingestd.daemon.intake.sights import Sights
from ingestd.daemon.intake.standing import Standing
from ingestd.journal.originals import Originals
from ingestd.model import Now, Stat
from ingestd.probe import ProbeTrouble, TroubleKind
from ingestd.settle import SettleTracker
from ingestd.watch.entries import Entry, EntryKind, RootState
from ingestd.watch.guard import Guard
from ingestd.watch.observer import _Emitter
from ingestd.watch.scan import Scanner
from ingestd.watch.twins import identity_at
from test_daemon_hung import HungWorld, share, touched
from test_daemon_roots import disks
from watch_kit import heard, hints, root, watched
from world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["disks", "heard", "hints", "root", "share", "touched", "watched"]  # the tests' fixtures

TABLE = Path(__file__).parent.parent / "docs/watching.md"
Patch = pytest.MonkeyPatch


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world that is not checked at the end: something in it is broken."""
    made = HungWorld(tmp_path)
    made.errors_expected = made.paid_again = True
    yield made
    made._stop()


# --- what others do -------------------------------------------------------------------------------


def believe_events(patch: Patch) -> None:
    """Whatever an event names is there."""
    stat = Stat(1000, 1, 1, 1, 1)
    patch.setattr(Scanner, "_look", lambda _self, _descent, path: Entry(path, stat, EntryKind.FILE))


def delay_events_by_the_wall_clock(patch: Patch) -> None:
    """As watchdog 6 did, which kept each event for half a second by `time.time`."""
    real = _Emitter.queue_event

    def queued(self: _Emitter, event: Any) -> None:
        due = time.time() + 0.5

        def wait() -> None:
            while time.time() < due and self.should_keep_running():
                time.sleep(0.01)
            real(self, event)

        threading.Thread(target=wait, daemon=True).start()

    patch.setattr(_Emitter, "queue_event", queued)


def measure_by_the_wall_clock(patch: Patch) -> None:
    real = World.now
    patch.setattr(World, "now", lambda self: Now(real(self).wall, real(self).wall))


def import_its_polling(patch: Patch) -> None:
    said = f"import watchdog.observers.polling; {test_field_notes.IMPORTS}"
    patch.setattr(test_field_notes, "IMPORTS", said)


def end_for_ever_when_the_root_is_away(patch: Patch) -> None:
    """PollingObserver's thread ends then."""
    patch.setattr(
        Watched, "interval", lambda self: self.folder.poll_interval if self.in_order else 1e9
    )


def tell_nothing_of_what_is_there(patch: Patch) -> None:
    """PollingObserver's first snapshot makes no events."""
    real, first = Sights.consider, {}

    def consider(self: Sights, folder: Watched, entry: Entry, item: Any) -> None:
        if not folder.passes:
            first[entry.path] = entry.stat
        if first.get(entry.path) != entry.stat:
            real(self, folder, entry, item)

    patch.setattr(Sights, "consider", consider)


def find_only_what_is_newer(patch: Patch) -> None:
    real, newest = Sights.consider, [0]

    def consider(self: Sights, folder: Watched, entry: Entry, item: Any) -> None:
        if entry.stat is not None and item is None:
            if entry.stat.mtime_ns < newest[0]:
                return
            newest[0] = entry.stat.mtime_ns
        real(self, folder, entry, item)

    patch.setattr(Sights, "consider", consider)


def trust_what_is_there_at_the_start(patch: Patch) -> None:
    """What the first pass finds needs no quiet time."""
    real = Sights._observe

    def observe(self: Sights, folder: Watched, path: str, stat: Stat, item: Any) -> None:
        real(self, folder, path, stat, item)
        if not folder.passes:
            self._tracker.force(path)

    patch.setattr(Sights, "_observe", observe)


def accept_everything(patch: Patch) -> None:
    patch.setattr(judging.validate, "judge", lambda *_: validate.Accept())


def know_files_by_their_times(patch: Patch) -> None:
    patch.setattr(Originals, "_alike", lambda *_: iter(()))
    patch.setattr(Recording, "may_be_touched", lambda *_: False)


def make_a_row_of_each_time(patch: Patch) -> None:
    patch.setattr(Recording, "may_be_touched", lambda *_: False)


def read_at_each_new_time(patch: Patch) -> None:
    patch.setattr(Recording, "also", lambda *_: ())


def take_any_disk(patch: Patch) -> None:
    patch.setattr(Guard, "verdict", lambda *_: (RootState.OK, ""))
    patch.setattr(Watched, "holds", lambda *_: True)


def act_on_any_root(patch: Patch) -> None:
    patch.setattr(tidying, "_may_touch", lambda _: True)


def touch_roots_in_the_loop(patch: Patch) -> None:
    real = Standing.look_for_twins

    def look(self: Standing, folders: Any) -> None:
        for one in folders.values():
            identity_at(one.root)
        real(self, folders)

    patch.setattr(Standing, "look_for_twins", look)


def leave_new_directories_to_events(patch: Patch) -> None:
    real = FolderWorker.look

    def look(self: FolderWorker, paths: Any, *args: Any, **more: Any) -> Any:
        files = tuple(path for path in paths if not Path(path).is_dir())
        return real(self, files, *args, **more)

    patch.setattr(FolderWorker, "look", look)


def believe_that_events_come(patch: Patch) -> None:
    patch.setattr(Arming, "is_news", lambda *_: False)


def ignore_lost_events(patch: Patch) -> None:
    patch.setattr(Seeing, "hints_lost", lambda *_: None)


def reject_what_cannot_be_read(patch: Patch) -> None:
    def trouble_of(error: OSError) -> ProbeTrouble:
        return ProbeTrouble(TroubleKind.NOT_REGULAR, str(error))

    patch.setattr("ingestd.probe.trouble_of", trouble_of)


def wait_for_a_fixed_time(patch: Patch) -> None:
    patch.setattr(Quieting, "paused", lambda *_: None)


def judge_once(patch: Patch) -> None:
    """What was judged is not looked at again."""
    patch.setattr(Sights, "_settled_before", lambda *_: True)


def reject_what_is_empty(patch: Patch) -> None:
    patch.setattr(SettleTracker, "unfinished", lambda self, path, *_: self.done(path))
    patch.setattr(
        judging.Judging,
        "_unfinished",
        lambda self, candidate, facts, verdict: self.recording.refuse(
            candidate.path, facts.stat, verdict.reason, verdict.detail
        ),
    )


# --- the rows -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bite:
    """A row of the table, by its beginning; one of its tests; what takes the remedy out."""

    row: str
    test: Callable[..., None]
    without: Callable[[Patch], None]


MOVED_OUT = "a directory is moved out"
POLLING = "PollingObserver"
SET_BACK = "the clock is stepped back"
UNSTABLE = "unstable times"
AT_THE_START = "what is there at the start"
AWAY = "an unmounted share looks like an empty directory"
HUNG = "a hung mount stops whoever touches it"
NOTES = test_field_notes

BITES = (
    Bite(
        MOVED_OUT,
        NOTES.test_events_of_a_directory_that_was_moved_out_lead_to_nothing,
        believe_events,
    ),
    Bite(
        MOVED_OUT, NOTES.test_a_file_in_a_directory_that_was_moved_out_is_not_taken, believe_events
    ),
    Bite(
        SET_BACK,
        NOTES.test_a_clock_that_is_set_back_delays_no_event,
        delay_events_by_the_wall_clock,
    ),
    Bite(SET_BACK, NOTES.test_a_clock_that_is_set_back_delays_no_file, measure_by_the_wall_clock),
    Bite(POLLING, NOTES.test_watchdogs_own_polling_is_not_even_imported, import_its_polling),
    Bite(
        POLLING,
        test_daemon_paths.test_a_missing_root_makes_nothing_gone_and_goes_on_when_it_is_back,
        end_for_ever_when_the_root_is_away,
    ),
    Bite(
        POLLING,
        NOTES.test_what_lies_there_at_the_start_gets_the_same_care,
        tell_nothing_of_what_is_there,
    ),
    Bite(
        '"newer than the last time"',
        NOTES.test_a_copy_that_keeps_the_time_of_its_card_is_found,
        find_only_what_is_newer,
    ),
    Bite(
        AT_THE_START,
        NOTES.test_what_lies_there_at_the_start_gets_the_same_care,
        trust_what_is_there_at_the_start,
    ),
    Bite(
        AT_THE_START, NOTES.test_what_lies_there_at_the_start_gets_the_same_care, accept_everything
    ),
    Bite(
        UNSTABLE,
        NOTES.test_a_share_whose_times_are_unstable_pays_once_and_sends_all_the_same,
        know_files_by_their_times,
    ),
    Bite(
        UNSTABLE,
        NOTES.test_of_a_share_whose_times_are_unstable_no_file_is_read_again_and_again,
        make_a_row_of_each_time,
    ),
    Bite(
        UNSTABLE,
        NOTES.test_of_a_share_whose_times_are_unstable_no_file_is_read_again_and_again,
        read_at_each_new_time,
    ),
    Bite(
        AWAY,
        test_daemon_roots.test_nothing_is_gone_while_the_disk_is_away_and_it_goes_on_when_it_is_back,
        take_any_disk,
    ),
    Bite(AWAY, test_daemon_roots.test_it_is_remembered_over_a_restart, take_any_disk),
    Bite(
        "another disk at the same path",
        test_daemon_roots.test_of_a_foreign_disk_nothing_is_taken_until_it_is_trusted,
        take_any_disk,
    ),
    Bite(
        "written below an unmounted mount point",
        test_daemon_tidying.test_nothing_is_touched_while_a_root_is_not_in_order,
        act_on_any_root,
    ),
    Bite(
        HUNG,
        test_daemon_hung.test_nobody_touches_a_share_at_the_start_but_its_own_lane,
        touch_roots_in_the_loop,
    ),
    Bite(
        HUNG,
        test_daemon_hung.test_nobody_touches_a_share_at_a_reload_but_its_own_lane,
        touch_roots_in_the_loop,
    ),
    Bite(
        "nested directories made at once",
        test_daemon_settling.test_a_hinted_directory_is_scanned_at_once,
        leave_new_directories_to_events,
    ),
    Bite(
        "a directory is moved in",
        test_daemon_delivery.test_a_directory_that_is_made_or_moved_in_is_scanned_without_a_pass,
        leave_new_directories_to_events,
    ),
    Bite(
        "events come, of some files none",
        test_daemon_delivery.test_files_that_no_event_announced_make_a_watcher_doubted_and_set_up_anew,
        believe_that_events_come,
    ),
    Bite(
        "the queue overflows",
        test_daemon_delivery.test_an_overflow_is_told_as_such_and_is_no_blindness,
        ignore_lost_events,
    ),
    Bite(
        "EBUSY, ESTALE, EIO, EACCES",
        test_daemon_settling.test_a_file_that_cannot_be_read_is_later_again_and_never_rejected,
        reject_what_cannot_be_read,
    ),
    Bite(
        "a producer pauses",
        test_daemon_producers.test_a_producer_that_pauses_for_longer_teaches_its_folder,
        wait_for_a_fixed_time,
    ),
    Bite(
        "a producer pauses",
        test_daemon_producers.test_growth_after_a_first_judgement_starts_over_and_nothing_half_is_sent,
        judge_once,
    ),
    Bite(
        "cut files",
        test_daemon_settling.test_an_unfinished_file_is_taken_by_itself_once_it_is_whole,
        reject_what_is_empty,
    ),
)


@pytest.mark.parametrize(
    "bite", BITES, ids=lambda bite: f"{bite.test.__name__}-{bite.without.__name__}"
)
def test_without_the_remedy_its_test_fails(bite: Bite, request, monkeypatch):
    bite.without(monkeypatch)
    needed = inspect.signature(bite.test).parameters
    given = {name: request.getfixturevalue(name) for name in needed}
    with pytest.raises((AssertionError, queue.Empty, ValueError)):
        bite.test(**given)


def test_every_bite_is_of_a_test_that_its_row_of_the_table_names():
    rows = [line[2:] for line in TABLE.read_text().splitlines() if line.startswith("| ")]
    named = [
        any(row.startswith(one.row) and f"::{one.test.__name__}`" in row for row in rows)
        for one in BITES
    ]
    assert [
        one.test.__name__ for one, is_named in zip(BITES, named, strict=True) if not is_named
    ] == []
