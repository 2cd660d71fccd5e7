"""When a file counts as settled: the tracker against a clock of its own."""

from __future__ import annotations

import ast
import inspect
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ingestd import settle
from ingestd.model import Stat
from ingestd.settle import AGAIN_MAX, LOOK_PATIENCE, Phase, SettleTracker

CLIP = "/srv/drop/clip.mp4"
STAT = Stat(size=10, mtime_ns=1, ctime_ns=1, dev=1, inode=7)
GROWN = replace(STAT, size=20, mtime_ns=2, ctime_ns=2)


class Tracked(SettleTracker):
    """A tracker with the arguments that most tests do not care about."""

    def see(self, mono, stat=STAT, path=CLIP, quiet=60.0, folder="drop"):
        self.observe(path, stat, mono, quiet=quiet, folder=folder)

    def take(self, mono):
        return [candidate.path for candidate in self.take_settled(mono)]


@pytest.fixture
def tracker():
    return Tracked()


@pytest.fixture
def probed(tracker):
    """A tracker whose clip was seen at 0 and 60 and taken at 60."""
    tracker.see(0)
    tracker.see(60)
    assert tracker.take(60) == [CLIP]
    return tracker


def test_the_first_look_alone_never_settles_a_file(tracker):
    tracker.see(0)
    assert tracker.take(1000) == []
    assert tracker.due_looks(1000) == [CLIP]


def test_a_second_look_after_the_quiet_time_settles_it(tracker):
    tracker.see(0)
    tracker.see(60)
    (candidate,) = tracker.take_settled(60)
    assert (candidate.path, candidate.stat, candidate.folder) == (CLIP, STAT, "drop")
    assert (candidate.first_seen, candidate.unfinished_since) == (0, None)


def test_a_look_before_the_end_of_the_quiet_time_settles_nothing(tracker):
    tracker.see(0)
    tracker.see(59.9)
    assert tracker.take(59.9) == []
    assert tracker.next_deadline() == 60


@pytest.mark.parametrize(
    "other",
    [replace(STAT, size=11), replace(STAT, mtime_ns=2), replace(STAT, inode=8)],
    ids=["size", "mtime", "inode"],
)
def test_a_change_starts_the_quiet_time_over(tracker, other):
    tracker.see(0)
    tracker.see(50, other)
    tracker.see(60, other)
    assert tracker.take(60) == []
    tracker.see(110, other)
    assert tracker.take(110) == [CLIP]


def test_a_chmod_is_no_change(tracker):
    tracker.see(0)
    tracker.see(60, replace(STAT, ctime_ns=99))
    assert tracker.take(60) == [CLIP]


def test_without_a_quiet_time_one_look_suffices(tracker):
    tracker.see(5, quiet=0)
    assert tracker.take(5) == [CLIP]


def test_the_newest_quiet_time_counts(tracker):
    tracker.see(0, quiet=60)
    tracker.see(10, quiet=300)
    tracker.see(60, quiet=300)
    assert tracker.take(60) == []
    assert tracker.next_deadline() == 300
    tracker.see(70, quiet=20)
    assert tracker.take(70) == [CLIP]


def test_a_change_after_settling_and_before_taking_counts(tracker):
    tracker.see(0)
    tracker.see(60)
    tracker.see(61, GROWN)
    assert tracker.take(61) == []


def test_a_file_is_taken_once(probed):
    probed.see(70)
    assert probed.take(70) == []
    assert probed.explain(CLIP, 70).phase is Phase.PROBING


def test_a_judged_file_leaves(probed):
    assert probed.done(CLIP) is True
    assert CLIP not in probed
    assert (len(probed), probed.count("drop"), probed.next_deadline()) == (0, 0, None)


def test_a_verdict_on_bytes_that_changed_is_thrown_away(probed):
    probed.see(61, GROWN)
    assert probed.done(CLIP) is False
    assert CLIP in probed
    probed.see(121, GROWN)
    assert probed.take(121) == [CLIP]


def test_a_changed_file_waits_for_the_answer_to_its_open_probe(probed):
    probed.see(61, GROWN)
    probed.see(121, GROWN)
    assert probed.take(121) == []
    assert probed.next_deadline() is None
    assert probed.unfinished(CLIP, "cut", 130) is False
    assert probed.next_deadline() <= 130
    assert probed.take(130) == [CLIP]


def test_an_unfinished_file_is_probed_again_with_growing_delays(probed):
    mono, delays = 60.0, []
    for _ in range(6):
        assert probed.unfinished(CLIP, "no moov", mono) is True
        delays.append(probed.next_deadline() - mono)
        mono = probed.next_deadline()
        assert probed.due_looks(mono) == [CLIP]
        probed.see(mono)
        assert probed.take(mono) == [CLIP]
    assert delays == [60, 120, 240, AGAIN_MAX, AGAIN_MAX, AGAIN_MAX]


def test_an_unchanged_look_does_not_bring_the_next_probe_forward(probed):
    probed.unfinished(CLIP, "no moov", 60)
    probed.see(90)
    assert probed.take(90) == []
    assert probed.next_deadline() == 120


def test_it_is_told_for_how_long_a_file_is_unfinished(probed):
    probed.unfinished(CLIP, "no moov", 65)
    probed.see(125)
    (first,) = probed.take_settled(125)
    probed.unfinished(CLIP, "no moov", 126)
    probed.see(246)
    (second,) = probed.take_settled(246)
    assert first.unfinished_since == second.unfinished_since == 65


def test_a_file_that_still_grows_counts_as_unfinished_from_its_last_change(probed):
    probed.unfinished(CLIP, "no moov", 60)
    probed.see(100, GROWN)
    probed.see(160, GROWN)
    (candidate,) = probed.take_settled(160)
    assert candidate.unfinished_since is None
    assert probed.unfinished(CLIP, "no moov", 161)
    assert probed.next_deadline() == 221  # the delay starts over too


def test_trouble_of_a_probe_is_tried_again_and_never_given_up(probed):
    mono = 60.0
    for _ in range(20):
        probed.trouble(CLIP, "permission denied", mono)
        mono = probed.next_deadline()
        assert probed.due_looks(mono) == [CLIP]
        probed.see(mono)
        assert probed.take(mono) == [CLIP]
    assert probed.done(CLIP)


def test_trouble_of_a_first_look_makes_the_file_known(tracker):
    tracker.trouble(CLIP, "input/output error", 0, folder="drop")
    explanation = tracker.explain(CLIP, 0)
    assert explanation.phase is Phase.TROUBLE
    assert "input/output error" in explanation.detail
    assert tracker.due_looks(1) == [CLIP]
    tracker.see(1)
    assert tracker.take(1) == []  # that was its first look


def test_trouble_on_a_path_of_no_folder_is_ignored(tracker):
    tracker.trouble(CLIP, "input/output error", 0)
    assert CLIP not in tracker


def test_trouble_does_not_shorten_the_quiet_time(tracker):
    tracker.see(0, quiet=1000)
    tracker.trouble(CLIP, "input/output error", 10)
    tracker.see(310, quiet=1000)
    assert tracker.take(310) == []
    tracker.see(1000, quiet=1000)
    assert tracker.take(1000) == [CLIP]


def test_a_file_that_vanished_is_forgotten(tracker):
    tracker.see(0)
    tracker.gone(CLIP)
    assert CLIP not in tracker
    assert tracker.due_looks(1000) == []
    tracker.see(1001)
    assert tracker.take(1001) == []  # a first look again


def test_gone_answers_a_probe(probed):
    probed.gone(CLIP)
    probed.see(61)
    probed.see(121)
    assert probed.take(121) == [CLIP]


def test_a_look_without_an_answer_is_asked_for_again(tracker):
    tracker.see(0)
    assert tracker.due_looks(60) == [CLIP]
    assert tracker.due_looks(61) == []
    assert tracker.next_deadline() == 60 + LOOK_PATIENCE
    assert tracker.due_looks(60 + LOOK_PATIENCE) == [CLIP]


def test_force_takes_a_seen_file_without_quiet_time(tracker):
    tracker.see(0)
    tracker.force(CLIP, "/unknown")
    assert tracker.next_deadline() <= 0
    assert tracker.take(1) == [CLIP]


def test_force_ends_the_delay_of_an_unfinished_file(probed):
    probed.unfinished(CLIP, "no moov", 60)
    probed.force(CLIP)
    assert probed.take(61) == [CLIP]


def test_force_looks_at_once_at_a_file_that_could_not_be_read(tracker):
    tracker.trouble(CLIP, "input/output error", 100, folder="drop")
    tracker.force(CLIP)
    assert tracker.due_looks(100) == [CLIP]
    tracker.see(100)
    assert tracker.take(100) == [CLIP]


def test_force_lasts_for_one_probe(tracker):
    tracker.see(0)
    tracker.force(CLIP)
    tracker.take(1)
    tracker.unfinished(CLIP, "no moov", 1)
    tracker.see(2, GROWN)
    assert tracker.take(2) == []
    assert tracker.next_deadline() == 62


@pytest.mark.parametrize(
    ("mono", "words"),
    [(12, "settling for 12 of 60 s"), (500, "settling for 60 of 60 s")],
)
def test_a_settling_file_is_explained(tracker, mono, words):
    tracker.see(0)
    explanation = tracker.explain(CLIP, mono)
    assert explanation.detail == words
    assert explanation.folder == "drop"
    assert explanation.next_look_in == max(0, 60 - mono)


def test_each_phase_is_explained(tracker):
    assert tracker.explain(CLIP, 0) is None
    tracker.see(0)
    tracker.see(60)
    assert "waits to be looked into" in tracker.explain(CLIP, 60).detail
    tracker.take(60)
    assert "is being looked into" in tracker.explain(CLIP, 60).detail
    tracker.unfinished(CLIP, "the file has no index yet", 60)
    said = tracker.explain(CLIP, 80)
    assert said.detail == "the file has no index yet. So for 20 s now, tried again in 40 s"
    assert said.next_look_in == 40


def test_counts_are_by_folder_and_include_what_is_probed(probed):
    probed.see(60, path="/srv/drop/b.mp4")
    probed.see(60, path="/srv/nas/c.mp4", folder="nas")
    assert (probed.count("drop"), probed.count("nas"), probed.count("other")) == (2, 1, 0)
    probed.forget_folder("drop")
    assert (probed.count("drop"), probed.count("nas"), len(probed)) == (0, 1, 1)
    assert probed.done(CLIP) is False


def test_what_is_looked_at_again_only_later_is_counted(probed):
    probed.see(60, path="/srv/drop/quiet.mp4")
    assert probed.waiting() == 0
    probed.unfinished(CLIP, "no moov", 60)
    probed.trouble("/srv/drop/locked.mp4", "permission denied", 60, folder="drop")
    assert probed.waiting() == 2


def test_what_is_due_comes_in_the_order_it_fell_due(tracker):
    for at, path in enumerate("cab"):
        tracker.see(at, path=path)
    assert tracker.due_looks(100) == ["c", "a", "b"]


def test_a_hundred_thousand_files_cost_only_what_is_due(tracker):
    for number in range(100_000):
        tracker.see(number / 1000, path=f"/d/{number}.mp4")
    for look in range(5):  # a file that grows must not leave an item in the heap each time
        for number in range(0, 100_000, 100):
            size = replace(STAT, size=100 + look)
            tracker.see(101 + look, size, path=f"/d/{number}.mp4")
    assert len(tracker._heap) == 100_000
    touched = _count_heap_pops(tracker, lambda: tracker.due_looks(60.0105))
    assert touched < 50
    assert tracker.count("drop") == 100_000


def _count_heap_pops(tracker, call):
    """How many items a call moved, from how many of the smallest ones are not there any more."""
    before = set(tracker._heap)
    call()
    return len(before - set(tracker._heap))


def test_the_room_imports_nothing_of_the_world():
    tree = ast.parse(inspect.getsource(settle))
    names = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
        )
    }
    assert names.isdisjoint({"os", "time", "sqlite3", "threading", "logging", "random", "httpx"})


PATHS = ["a.mp4", "b.mp4"]
QUIET = 10.0


class Settling(RuleBasedStateMachine):
    """Files change, vanish and come back; looks, probes and their answers come in any order."""

    def __init__(self):
        super().__init__()
        self.tracker = SettleTracker()
        self.now = 100.0
        self.disk = {}  # path -> version, only what exists
        self.versions = 0
        self.seen = {}  # path -> (version, first look that saw it, last look that saw it)
        self.probing = {}  # path -> version that was taken
        self.forced = set()

    def stat(self, version):
        return replace(STAT, size=version)

    def look(self, path):
        if path not in self.disk:
            self.tracker.gone(path)
            self.seen.pop(path, None)
            self.probing.pop(path, None)
            self.forced.discard(path)
            return
        version = self.disk[path]
        self.tracker.observe(path, self.stat(version), self.now, quiet=QUIET, folder="f")
        known, first, _ = self.seen.get(path, (None, self.now, self.now))
        self.seen[path] = (version, first if known == version else self.now, self.now)

    def take(self):
        for candidate in self.tracker.take_settled(self.now):
            version, first, last = self.seen[candidate.path]
            assert candidate.stat == self.stat(version)
            quiet = last - first >= QUIET - 1e-6  # times are sums of fractions
            assert quiet or candidate.path in self.forced, "not quiet between two looks"
            assert candidate.path not in self.probing, "two probes of one file"
            self.probing[candidate.path] = version

    @rule(
        path=st.sampled_from(PATHS),
        what=st.sampled_from(["nothing", "nothing", "nothing", "write", "remove"]),
        seconds=st.sampled_from([0.1, 5.0, 9.9, 10.0, 70.0, 400.0]),
        second_looks=st.sampled_from(["answered", "answered", "lost", "none"]),
        take=st.booleans(),
    )
    def time_passes(self, path, what, seconds, second_looks, take):
        self.now += seconds
        if what == "remove":
            self.disk.pop(path, None)
        elif what == "write" or path not in self.disk:
            self.versions += 1  # none comes twice: it would be the same file, as far as one sees
            self.disk[path] = self.versions
        if second_looks == "none":
            self.look(path)
        else:
            for due in self.tracker.due_looks(self.now):
                assert due in self.seen
                if second_looks == "answered":
                    self.look(due)
        if take:
            self.take()

    @rule(path=st.sampled_from(PATHS))
    def force(self, path):
        self.tracker.force(path)
        if path in self.seen and self.probing.get(path) != self.seen[path][0]:
            self.forced.add(path)

    @rule(
        path=st.sampled_from(PATHS),
        verdict=st.sampled_from(["done", "unfinished", "trouble"]),
    )
    def answer(self, path, verdict):
        if path not in self.probing:
            return
        fresh = self.probing.pop(path) == self.seen[path][0]
        if fresh:
            self.forced.discard(path)
        if verdict == "done":
            assert self.tracker.done(path) is fresh
            if fresh:
                del self.seen[path]
        elif verdict == "unfinished":
            assert self.tracker.unfinished(path, "cut", self.now) is fresh
        else:
            self.tracker.trouble(path, "busy", self.now)

    @invariant()
    def nothing_is_forgotten(self):
        assert all(path in self.tracker for path in self.seen)
        assert self.tracker.count("f") == len(self.tracker) == len(self.seen)

    def teardown(self):
        """Left alone, every file is judged in the end."""
        for path in list(self.probing):
            self.tracker.trouble(path, "busy", self.now)
        self.probing.clear()
        for _ in range(200):
            deadline = self.tracker.next_deadline()
            if deadline is None:
                break
            self.now = max(self.now, deadline)
            for path in self.tracker.due_looks(self.now):
                self.look(path)
            self.take()
            for path in list(self.probing):
                del self.probing[path]
                assert self.tracker.done(path)
                del self.seen[path]
        assert len(self.tracker) == 0


Settling.TestCase.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestSettling = Settling.TestCase
