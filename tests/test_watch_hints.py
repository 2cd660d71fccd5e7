"""Hints with real inotify: they wake, they are counted on for nothing, they never fail quietly."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import pytest
from watchdog.observers.inotify import InotifyWatchGroup
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, InotifyFD, Mask

from ingestd.watch import hints as hints_module
from ingestd.watch.hints import Hints, HintStatus
from ingestd.watch.observer import FolderObserver

PATIENCE = 10.0  # seconds; what is waited for comes within milliseconds


class Heard:
    """What the callbacks were told."""

    def __init__(self):
        self.hints = queue.Queue()
        self.overflows = queue.Queue()
        self.troubles = queue.Queue()

    def hint(self, root, path):
        self.hints.put((root, path))

    def trouble(self, root, state):
        self.troubles.put((root, state))

    def until(self, *paths):
        """The paths hinted at until each of these was."""
        missing, heard = set(map(str, paths)), []
        deadline = time.monotonic() + PATIENCE
        while missing:
            _, path = self.hints.get(timeout=max(0.01, deadline - time.monotonic()))
            heard.append(path)
            missing.discard(path)
        return heard


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def hints(heard):
    watching = Hints(heard.hint, heard.overflows.put, heard.trouble)
    yield watching
    watching.close()


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def watched(hints, root):
    state = hints.watch(str(root), recursive=True)
    assert (state.status, state.detail) == (HintStatus.WATCHING, "")
    return root


def sentinel(folder):
    """Make a file whose hint tells that all earlier ones were heard."""
    path = folder / f"sentinel-{time.monotonic_ns()}.mp4"
    path.touch()
    return path


# --- what wakes ----------------------------------------------------------------------------------


def test_a_written_file_is_hinted_at_when_made_and_when_closed(watched, heard):
    clip = watched / "a.mp4"
    with clip.open("wb") as file:
        heard.until(clip)
        file.write(b"x")
    assert heard.until(clip)


def test_a_hint_names_the_folder_as_it_was_given(watched, heard):
    (watched / "a.mp4").touch()
    assert heard.hints.get(timeout=PATIENCE) == (str(watched), str(watched / "a.mp4"))


def test_a_file_moved_in_is_hinted_at(watched, heard, tmp_path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "a.mp4").rename(watched / "a.mp4")
    heard.until(watched / "a.mp4")


def test_a_rename_is_hinted_at_both_ends(watched, heard):
    (watched / "a.mp4").touch()
    (watched / "a.mp4").rename(watched / "b.mp4")
    heard.until(watched / "a.mp4", watched / "b.mp4")


def test_a_removed_file_is_hinted_at(watched, heard):
    (watched / "a.mp4").touch()
    heard.until(watched / "a.mp4", sentinel(watched))
    (watched / "a.mp4").unlink()
    heard.until(watched / "a.mp4")


def test_a_hard_link_is_hinted_at_though_it_is_never_closed(watched, heard, tmp_path):
    (tmp_path / "a.mp4").touch()
    os.link(tmp_path / "a.mp4", watched / "link.mp4")
    heard.until(watched / "link.mp4")


def test_directories_made_in_each_other_at_once_are_watched(watched, heard):
    deep = watched / "a" / "b" / "c"
    deep.mkdir(parents=True)
    heard.until(deep)
    (deep / "clip.mp4").touch()
    heard.until(deep / "clip.mp4")


def test_a_directory_moved_in_is_watched_with_what_is_in_it(watched, heard, tmp_path):
    (tmp_path / "card" / "DCIM").mkdir(parents=True)
    (tmp_path / "card" / "DCIM" / "a.mp4").touch()
    (tmp_path / "card").rename(watched / "card")
    heard.until(watched / "card", watched / "card" / "DCIM" / "a.mp4")
    (watched / "card" / "DCIM" / "later.mp4").touch()
    heard.until(watched / "card" / "DCIM" / "later.mp4")


@pytest.mark.parametrize("name", [b"\xff\xfe.mp4", b"new\nline.mp4", "🎬".encode() + b".mp4"])
def test_any_bytes_can_be_hinted_at(watched, heard, name):
    path = os.fsencode(watched) + b"/" + name
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
    heard.until(os.fsdecode(path))


def test_without_recursive_sub_directories_are_not_watched(hints, heard, root):
    (root / "sub").mkdir()
    hints.watch(str(root), recursive=False)
    (root / "sub" / "a.mp4").touch()
    assert heard.until(last := sentinel(root))[0] == str(last)


def test_reading_and_listing_wake_nobody(watched, heard):
    (watched / "sub").mkdir()
    clip = watched / "sub" / "a.mp4"
    clip.write_bytes(b"x")
    heard.until(first := sentinel(watched))
    for _ in range(3):
        clip.read_bytes()
        list((watched / "sub").iterdir())
        clip.chmod(0o600)
    after = heard.until(sentinel(watched))
    assert set(after) - {str(first)} == {after[-1]}


def test_a_root_that_is_a_link_is_watched_under_its_own_name(hints, heard, root, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(root)
    assert hints.watch(str(link), recursive=True).watching
    (root / "sub").mkdir()
    heard.until(link / "sub")
    (root / "sub" / "a.mp4").touch()
    heard.until(link / "sub" / "a.mp4")


def test_links_below_the_root_are_not_watched(hints, heard, root, tmp_path):
    (tmp_path / "outside").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    (root / "circle").symlink_to(root)
    hints.watch(str(root), recursive=True)
    (tmp_path / "outside" / "a.mp4").touch()
    assert heard.until(last := sentinel(root))[0] == str(last)


# --- watching, anew, and no longer ---------------------------------------------------------------


def test_each_folder_is_watched_on_its_own(hints, heard, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        hints.watch(str(folder), recursive=True)
    hints.unwatch(str(one))
    assert hints.state(str(one)).status is HintStatus.OFF
    assert hints.state(str(two)).watching
    (one / "a.mp4").touch()
    assert heard.until(last := sentinel(two))[0] == str(last)


def test_a_folder_can_be_watched_anew(hints, heard, watched):
    assert hints.watch(str(watched), recursive=True).watching
    (watched / "a.mp4").touch()
    heard.until(watched / "a.mp4")


def test_a_folder_costs_three_threads_and_they_end(heard, root):
    before = threading.active_count()
    hints = Hints(heard.hint, heard.overflows.put)
    hints.watch(str(root), recursive=True)
    assert threading.active_count() == before + 3
    hints.close()
    hints.close()
    assert threading.active_count() == before


def test_no_descriptor_is_left_open(heard, root):
    before = len(list(Path("/proc/self/fd").iterdir()))
    hints = Hints(heard.hint, heard.overflows.put)
    for _ in range(3):
        hints.watch(str(root), recursive=True)
    hints.watch(f"{root}/missing", recursive=True)
    hints.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_not_watched_can_be_unwatched(hints):
    hints.unwatch("/srv/never")
    assert hints.state("/srv/never").status is HintStatus.OFF


# --- what cannot be watched ----------------------------------------------------------------------


@contextmanager
def somebody_else():
    """Act as a user that may not read everything, if this is root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_missing_root_is_not_watched_until_it_is_there(hints, heard, tmp_path):
    root = tmp_path / "later"
    state = hints.watch(str(root), recursive=True)
    assert state.status is HintStatus.MISSING
    assert str(root) in state.detail
    root.mkdir()
    assert hints.watch(str(root), recursive=True).watching
    (root / "a.mp4").touch()
    heard.until(root / "a.mp4")


def test_a_file_is_not_watched(hints, tmp_path):
    (tmp_path / "a.mp4").touch()
    assert hints.watch(str(tmp_path / "a.mp4"), recursive=True).status is HintStatus.MISSING


def test_a_root_that_may_not_be_read_is_not_watched(hints):
    folder = Path(tempfile.mkdtemp(prefix="ingestd-hints-"))
    folder.chmod(0)
    try:
        with somebody_else():
            state = hints.watch(str(folder), recursive=True)
    finally:
        folder.chmod(0o755)
        folder.rmdir()
    assert state.status is HintStatus.FAILED
    assert "permission denied" in state.detail


def test_a_directory_that_may_not_be_read_does_not_keep_the_others_from_being_watched(heard):
    folder = Path(tempfile.mkdtemp(prefix="ingestd-hints-"))
    folder.chmod(0o777)
    for name in ("locked", "open"):
        (folder / name).mkdir(mode=0o777)
    (folder / "locked").chmod(0)
    hints = Hints(heard.hint, heard.overflows.put)
    try:
        with somebody_else():
            assert hints.watch(str(folder), recursive=True).watching
        (folder / "open" / "a.mp4").touch()
        heard.until(folder / "open" / "a.mp4")
    finally:
        hints.close()
        (folder / "locked").chmod(0o755)
        shutil.rmtree(folder)


def isolated(command, code, *arguments):
    """Run Python by an unshare(1) command; skip where that is not possible."""
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip(f"needs {' '.join(command)}")
    done = subprocess.run(
        [*command, sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr.decode()


LIMITS_OF_ITS_OWN = ["unshare", "--user", "--map-root-user"]


def test_exhausted_watches_say_the_exact_remedy_and_free_what_they_took(tmp_path):
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
    isolated(
        LIMITS_OF_ITS_OWN,
        """
        import sys
        from pathlib import Path
        from test_watch_hints import Heard, Hints, HintStatus
        limit = Path("/proc/sys/user/max_inotify_watches")
        limit.write_text("10")
        heard, root = Heard(), sys.argv[1]
        hints = Hints(heard.hint, heard.overflows.put, heard.trouble)
        state = hints.watch(root, recursive=True)
        assert state.status is HintStatus.LIMIT, state
        assert "sudo sysctl fs.inotify.max_user_watches=" in state.detail, state
        assert hints.state(root) == state
        assert hints.watch(root + "/1", recursive=True).watching  # the others were freed
        hints.close()
        """,
        tmp_path,
    )


def test_watches_that_run_out_later_are_told_once_and_the_folder_is_scanned(tmp_path):
    isolated(
        LIMITS_OF_ITS_OWN,
        """
        import sys
        from pathlib import Path
        from test_watch_hints import PATIENCE, Heard, Hints, HintStatus
        Path("/proc/sys/user/max_inotify_watches").write_text("3")
        heard, root = Heard(), sys.argv[1]
        hints = Hints(heard.hint, heard.overflows.put, heard.trouble)
        assert hints.watch(root, recursive=True).watching
        for number in range(6):
            Path(root, str(number)).mkdir()
        told, state = heard.troubles.get(timeout=PATIENCE)
        assert (told, state.status) == (root, HintStatus.LIMIT)
        assert heard.overflows.get(timeout=PATIENCE) == root
        heard.until(f"{root}/5")
        assert heard.troubles.empty() and heard.overflows.empty()
        assert hints.state(root) == state
        hints.close()
        """,
        tmp_path,
    )


def test_exhausted_instances_say_the_exact_remedy(tmp_path):
    isolated(
        LIMITS_OF_ITS_OWN,
        """
        import sys
        from pathlib import Path
        from test_watch_hints import Heard, Hints, HintStatus
        Path("/proc/sys/user/max_inotify_instances").write_text("0")
        heard = Heard()
        hints = Hints(heard.hint, heard.overflows.put, heard.trouble)
        state = hints.watch(sys.argv[1], recursive=True)
        assert state.status is HintStatus.LIMIT, state
        assert "sudo sysctl fs.inotify.max_user_instances=" in state.detail, state
        hints.close()
        """,
        tmp_path,
    )


# --- going blind ---------------------------------------------------------------------------------


def observer_of(hints, root):
    return hints._folders[str(root)]._observer


def test_a_real_overflow_of_the_kernels_queue_is_told(heard):
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 50_000:
        pytest.skip(f"the kernel's queue holds {limit} events: too many to fill in a test")
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    hints = Hints(heard.hint, heard.overflows.put)
    try:
        hints.watch(str(folder), recursive=True)
        with observer_of(hints, folder)._reader._lock:  # so the reader reads no further
            for number in range(limit // 2 + 2000):  # two events each
                os.close(os.open(f"{folder}/{number}", os.O_CREAT | os.O_WRONLY))
        assert heard.overflows.get(timeout=PATIENCE) == str(folder)
        assert hints.state(str(folder)).watching
        (folder / "sub").mkdir()
        heard.until(folder / "sub")  # and hints go on
    finally:
        hints.close()
        shutil.rmtree(folder)


def test_the_overflow_hook_is_where_we_expect_it(hints, watched, heard):
    """Fails when watchdog handles an overflow elsewhere than in what we override."""
    event = InotifyEvent(-1, Mask(InotifyConstants.IN_Q_OVERFLOW), 0, b"")
    assert event.is_queue_overflow
    observer_of(hints, watched)._reader.handle_event(event)
    assert heard.overflows.get_nowait() == str(watched)


def test_the_parts_of_watchdog_that_are_overridden_exist():
    assert version("watchdog").startswith("7.1.")
    for owner, name in [
        (InotifyFD, "handle_event"),
        (InotifyFD, "add_callback"),
        (InotifyFD, "run"),
        (InotifyWatchGroup, "on_queue_overflow"),
        (FolderObserver.__base__, "on_thread_stop"),
    ]:
        assert callable(getattr(owner, name))


def test_a_dead_reader_is_told_and_can_be_replaced(hints, watched, heard, monkeypatch):
    def broken(self, event):
        raise KeyError("books")

    with monkeypatch.context() as patch:
        patch.setattr(InotifyWatchGroup, "on_event", broken)
        (watched / "a.mp4").touch()
        root, state = heard.troubles.get(timeout=PATIENCE)
    assert (root, state.status) == (str(watched), HintStatus.BROKEN)
    assert "KeyError" in state.detail
    assert hints.state(str(watched)) == state
    assert heard.overflows.get(timeout=PATIENCE) == str(watched)
    assert hints.watch(str(watched), recursive=True).watching
    (watched / "b.mp4").touch()
    heard.until(watched / "b.mp4")


def test_wrong_books_do_not_keep_threads_from_ending(heard, root, monkeypatch):
    before = threading.active_count()
    hints = Hints(heard.hint, heard.overflows.put)
    hints.watch(str(root), recursive=True)

    def broken(self, wd):
        raise KeyError(wd)

    with monkeypatch.context() as patch:
        patch.setattr(InotifyWatchGroup, "_remove_watch_internally", broken)
        hints.close()
    assert threading.active_count() == before


def test_a_callback_that_fails_is_told_as_well(root):
    heard = Heard()

    def failing(root, path):
        raise RuntimeError("inbox closed")

    hints = Hints(failing, heard.overflows.put, heard.trouble)
    hints.watch(str(root), recursive=True)
    (root / "a.mp4").touch()
    _, state = heard.troubles.get(timeout=PATIENCE)
    assert state.status is HintStatus.BROKEN
    hints.close()


def test_a_removed_root_is_told(hints, watched, heard):
    (watched / "sub").mkdir()
    shutil.rmtree(watched)
    root, state = heard.troubles.get(timeout=PATIENCE)
    assert (root, state.status) == (str(watched), HintStatus.MISSING)
    assert heard.overflows.get(timeout=PATIENCE) == str(watched)
    watched.mkdir()
    assert hints.watch(str(watched), recursive=True).watching


def test_an_unmounted_root_is_told(tmp_path):
    isolated(
        ["unshare", "--mount", "--propagation", "private"],
        """
        import subprocess, sys
        from test_watch_hints import PATIENCE, Heard, Hints, HintStatus
        heard, root = Heard(), sys.argv[1]
        subprocess.run(["mount", "-t", "tmpfs", "share", root], check=True)
        hints = Hints(heard.hint, heard.overflows.put, heard.trouble)
        assert hints.watch(root, recursive=True).watching
        subprocess.run(["umount", root], check=True)
        _, state = heard.troubles.get(timeout=PATIENCE)
        assert state.status is HintStatus.MISSING, state
        assert heard.overflows.get(timeout=PATIENCE) == root
        hints.close()
        """,
        tmp_path,
    )


def churn(root, seed, until):
    """Make, rename and remove directories as fast as one thread can."""
    step = 0
    while time.monotonic() < until:
        step += 1
        here, there = root / f"{seed}-{step % 7}", root / f"{seed}-moved-{step % 5}"
        deep = here / "a" / "b" / "c"
        try:
            deep.mkdir(parents=True, exist_ok=True)
            (deep / "x.mp4").touch()
            here.rename(there)
        except OSError:
            shutil.rmtree(there, ignore_errors=True)


def test_after_much_churn_a_watcher_works_or_says_that_it_does_not(hints, watched, heard):
    until = time.monotonic() + 1.0
    writers = [threading.Thread(target=churn, args=(watched, seed, until)) for seed in (1, 2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    try:
        heard.until(sentinel(watched))
    except queue.Empty:
        assert not hints.state(str(watched)).watching
        assert not heard.overflows.empty()


def test_a_thread_that_hangs_does_not_keep_anybody_waiting(root, heard, monkeypatch):
    monkeypatch.setattr(hints_module, "STOP_PATIENCE", 0.1)
    entered, released = threading.Event(), threading.Event()

    def hanging(root, path):
        entered.set()
        released.wait(PATIENCE)

    before = threading.active_count()
    hints = Hints(hanging, heard.overflows.put)
    hints.watch(str(root), recursive=True)
    (root / "a.mp4").touch()
    assert entered.wait(PATIENCE)
    start = time.monotonic()
    hints.close()
    assert time.monotonic() - start < PATIENCE / 2
    assert threading.active_count() > before
    released.set()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(PATIENCE)


def test_nothing_is_told_after_close(hints, watched, heard):
    hints.close()
    (watched / "a.mp4").touch()
    assert hints.watch(str(watched), recursive=True).status is HintStatus.OFF
    assert heard.hints.empty()
    assert heard.troubles.empty()
    assert heard.overflows.empty()
