"""The scan of roots and directories that cannot be read: nothing is concluded from them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
import threading

import pytest

from ingestd.watch.entries import RootState
from watch_kit import Seen, make, open_folder, scanner, somebody_else

__all__ = ["open_folder"]  # fixtures of the kit


# --- roots and directories that cannot be read ---------------------------------------------------


def test_a_missing_root_is_no_empty_folder(tmp_path):
    root = tmp_path / "drop"
    make(root, "a.mp4")
    known = scanner(root)
    Seen(known)
    shutil.rmtree(root)
    report = Seen(known).report
    assert (report.state, report.ok, report.complete) == (RootState.MISSING, False, False)
    assert report.detail == (
        f"{root} does not exist: create it, or mount it."
        " Nothing is lost; ingestd goes on by itself when it is there."
    )


def test_a_root_that_is_back_is_listed_in_full(tmp_path):
    root = tmp_path / "drop"
    make(root, "a.mp4")
    known = scanner(root)
    Seen(known)
    root.rename(tmp_path / "away")
    assert not Seen(known).report.ok
    (tmp_path / "away").rename(root)
    assert Seen(known).names == ["a.mp4"]


def test_a_file_in_the_place_of_the_root_is_told(tmp_path):
    make(tmp_path, "drop")
    report = Seen(scanner(tmp_path / "drop")).report
    assert report.state is RootState.MISSING
    assert "is not a folder" in report.detail


def test_a_root_that_is_replaced_during_the_pass_proves_nothing(tmp_path):
    root = tmp_path / "drop"
    make(root, "a.mp4", "card/b.mp4")
    known = scanner(root)
    walk = known.scan(stop=threading.Event())
    for _ in walk:
        if root.exists() and not (tmp_path / "away").exists():
            root.rename(tmp_path / "away")
            root.mkdir()
    assert (walk.report.state, walk.report.complete) == (RootState.MISSING, False)
    assert Seen(known).report.ok


def test_a_root_without_permission_is_unreadable(open_folder):
    make(open_folder, "drop/a.mp4")
    (open_folder / "drop").chmod(0)
    with somebody_else():
        report = Seen(scanner(open_folder / "drop")).report
    assert report.state is RootState.UNREADABLE
    assert "grant user id" in report.detail


def test_a_directory_without_permission_is_a_trouble_and_the_rest_is_listed(open_folder):
    make(open_folder, "a.mp4", "locked/b.mp4", "other/c.mp4")
    (open_folder / "locked").chmod(0)
    with somebody_else():
        known = scanner(open_folder)
        seen = Seen(known)
        again = Seen(known)
    assert seen.names == ["a.mp4", "other/c.mp4"]
    assert (seen.report.ok, seen.report.complete) == (True, True)
    (trouble,) = seen.report.troubles
    assert (trouble.path, trouble.error) == (str(open_folder / "locked"), "permission denied")
    assert str(open_folder / "locked") not in seen.directories
    assert again.report.troubles == seen.report.troubles  # told in each pass
    (open_folder / "locked").chmod(0o755)
    assert Seen(known).names == ["locked/b.mp4"]


def test_a_file_that_may_not_be_stat_ed_is_an_error_and_not_absent(open_folder):
    make(open_folder, "listed/b.mp4")
    (open_folder / "listed").chmod(0o444)  # names, and nothing behind them
    with somebody_else():
        entry = Seen(scanner(open_folder)).by_name["listed/b.mp4"]
    assert (entry.stat, entry.error) == (None, "permission denied")


def test_on_a_network_file_system_a_file_is_opened_before_it_is_believed(open_folder):
    make(open_folder, "a.mp4", "locked.mp4")
    (open_folder / "locked.mp4").chmod(0)
    with somebody_else():
        trusting = Seen(scanner(open_folder))
        careful = Seen(scanner(open_folder, trust_attributes=False))
    assert trusting.by_name["locked.mp4"].stat is not None
    assert careful.by_name["locked.mp4"].stat is None
    assert careful.by_name["locked.mp4"].error == "permission denied"
    assert careful.by_name["a.mp4"] == trusting.by_name["a.mp4"]


def test_a_directory_that_vanishes_during_the_pass_is_no_trouble(tmp_path):
    make(tmp_path, "card/a.mp4")
    walk = scanner(tmp_path).scan(stop=threading.Event())
    for _ in walk:
        shutil.rmtree(tmp_path / "card", ignore_errors=True)
    assert (walk.report.complete, walk.report.troubles) == (True, ())


def in_mount_namespace(code, *arguments):
    """Run Python where mounts are its own; skip where that is not possible."""
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs root and unshare(1) for a mount namespace of its own")
    command = ["unshare", "--mount", "--propagation", "private", sys.executable, "-c"]
    done = subprocess.run(
        [*command, textwrap.dedent(code), *map(os.fspath, arguments)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    assert done.returncode == 0, done.stderr.decode()


def test_an_unmounted_share_is_noticed_and_its_return_too(tmp_path):
    in_mount_namespace(
        """
        import subprocess, sys, threading
        from pathlib import Path
        from watch_kit import Seen, make, scanner
        root = Path(sys.argv[1])
        mount = ["mount", "-t", "tmpfs", "share", str(root)]
        subprocess.run(mount, check=True)
        make(root, "a.mp4", "card/b.mp4")
        known = scanner(root)
        assert Seen(known).names == ["a.mp4", "card/b.mp4"]
        walk = known.scan(full=True, stop=threading.Event())
        for listing in walk:
            subprocess.run(["umount", "--lazy", str(root)])
        assert not walk.report.ok and not walk.report.complete, walk.report
        empty = Seen(known)
        assert empty.report.ok and empty.names == []
        assert empty.report.root_id != walk.report.root_id
        """,
        tmp_path,
    )


def test_a_file_system_mounted_inside_the_folder_is_named(tmp_path):
    make(tmp_path, "a.mp4")
    (tmp_path / "inner").mkdir()
    in_mount_namespace(
        """
        import subprocess, sys
        from pathlib import Path
        from watch_kit import Seen, make, scanner
        root = Path(sys.argv[1])
        subprocess.run(["mount", "-t", "tmpfs", "share", str(root / "inner")], check=True)
        make(root, "inner/b.mp4", "inner/deep/c.mp4")
        known = scanner(root)
        seen = Seen(known)
        assert seen.names == ["a.mp4", "inner/b.mp4", "inner/deep/c.mp4"]
        assert seen.report.other_devices == (str(root / "inner"),)
        again = Seen(known)  # its mtimes are not this file system's: not trusted
        assert again.names == ["inner/b.mp4", "inner/deep/c.mp4"]
        """,
        tmp_path,
    )
