"""Hints with real inotify: what cannot be watched or goes blind is told, never kept quiet."""

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
from importlib.metadata import version
from pathlib import Path

import pytest
from watchdog.observers.inotify import InotifyEmitter, InotifyWatchGroup
from watchdog.observers.inotify_c import InotifyConstants, InotifyEvent, InotifyFD, Mask

from ingestd.watch import hints as hints_module
from ingestd.watch.hints import Hints, HintStatus
from ingestd.watch.observer import FolderObserver
from watch_kit import PATIENCE, Heard, heard, hints, root, sentinel, somebody_else, watched

__all__ = ["heard", "hints", "root", "watched"]  # fixtures of the kit


# --- what cannot be watched ----------------------------------------------------------------------


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
        from ingestd.watch.hints import Hints, HintStatus
        from watch_kit import Heard
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
        from ingestd.watch.hints import Hints, HintStatus
        from watch_kit import PATIENCE, Heard
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
        from ingestd.watch.hints import Hints, HintStatus
        from watch_kit import Heard
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
        (InotifyEmitter, "queue_event"),
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
        from ingestd.watch.hints import Hints, HintStatus
        from watch_kit import PATIENCE, Heard
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
