"""After-actions between real file systems: full, read-only, other ones, overlays, FAT."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mount_kit import in_mount_namespace

if TYPE_CHECKING:
    from pathlib import Path

BEGIN = """
import os, sys, threading
from pathlib import Path
from blake3 import blake3
from ingestd.afterwards.order import Left, Order
from ingestd.afterwards.work import carry_out
from ingestd.filestat import stat_of
from mount_kit import needs, sh

top = Path(sys.argv[1])
drop, done, CONTENT = top / "drop", top / "done", bytes(range(256)) * 8000
drop.mkdir(), done.mkdir()


def put():
    (drop / "card").mkdir(exist_ok=True)
    (drop / "card/a.mp4").write_bytes(CONTENT)


def order(**more):
    stat = stat_of((drop / "card/a.mp4").stat())
    digest = blake3(CONTENT).hexdigest()
    given = dict(
        root=str(drop), relative="card/a.mp4", stat=stat, content_hash=digest, exact=False,
        move_to=str(done), before=None, mark="m", stop=threading.Event(), watched=(str(drop),),
    )
    return Order(**given | more)


def there(directory):
    return sorted(p.name for p in directory.rglob("*") if p.is_file())


def moved(result):
    assert result.left is Left.MOVED, result
    assert Path(result.moved_to).read_bytes() == CONTENT
    assert there(drop) == []
    assert len(there(done)) == 1


def untouched(result, left, word):
    assert result.left is left, result
    assert word in result.detail, result.detail
    assert (drop / "card/a.mp4").read_bytes() == CONTENT
    assert there(drop) == ["a.mp4"]
"""

PARTS = {
    "a full disk": """
        sh("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", done)
        put()
        untouched(carry_out(order()), Left.TROUBLED, "Make room")
        assert there(done) == []
        """,
    "a read-only destination": """
        sh("mount", "-t", "tmpfs", "tmpfs", done)
        sh("mount", "-o", "remount,ro", done)
        put()
        untouched(carry_out(order()), Left.TROUBLED, "ReadWritePaths")
        """,
    "a read-only source is not removed, and the next try finds its copy": """
        sh("mount", "-t", "tmpfs", "tmpfs", drop)
        put()
        what = order()
        sh("mount", "-o", "remount,ro", drop)
        untouched(carry_out(what), Left.TROUBLED, "read-only")
        sh("mount", "-o", "remount,rw", drop)
        moved(carry_out(what))
        """,
    "the folder itself, bound elsewhere": """
        sh("mount", "--bind", drop, done)
        put()
        untouched(carry_out(order()), Left.KEPT, "directory that it lies in")
        """,
    "another directory of the same disk, bound": """
        (top / "real").mkdir()
        sh("mount", "--bind", top / "real", done)
        put()
        moved(carry_out(order()))
        """,
    "another disk in its place": """
        sh("mount", "-t", "tmpfs", "first", done)
        put()
        first = carry_out(order())
        moved(first)
        sh("umount", done)
        put()
        untouched(carry_out(order(volume=first.volume)), Left.TROUBLED, "another disk")
        assert there(done) == []
        """,
    "an overlay": """
        for name in ("lower", "upper", "work"):
            (top / name).mkdir()
        sh("mount", "-t", "tmpfs", "tmpfs", top / "upper")
        (top / "upper/u").mkdir(), (top / "upper/w").mkdir()
        (top / "lower/card").mkdir()
        (top / "lower/card/a.mp4").write_bytes(CONTENT)
        under = f"lowerdir={top}/lower,upperdir={top}/upper/u,workdir={top}/upper/w"
        needs("mount", "-t", "overlay", "-o", under, "overlay", drop)
        moved(carry_out(order()))
        assert (top / "lower/card/a.mp4").exists()
        """,
    "a move inside an overlay": """
        (top / "upper").mkdir(), (top / "lower").mkdir()
        sh("mount", "-t", "tmpfs", "tmpfs", top / "upper")
        (top / "upper/u").mkdir(), (top / "upper/w").mkdir()
        (top / "lower/card").mkdir()
        (top / "lower/card/a.mp4").write_bytes(CONTENT)
        under = f"lowerdir={top}/lower,upperdir={top}/upper/u,workdir={top}/upper/w"
        needs("mount", "-t", "overlay", "-o", under, "overlay", drop)
        done = drop / "done"
        result = carry_out(order())
        assert result.left is Left.MOVED, result
        assert there(drop) == ["a.mp4"]
        """,
    "FAT": """
        image = top / "image"
        image.write_bytes(b"")
        os.truncate(image, 64 << 20)
        needs("mkfs.vfat", image)
        needs("mount", "-o", "loop", image, done)
        put()
        moved(carry_out(order()))
        """,
    "from FAT to FAT": """
        image = top / "image"
        image.write_bytes(b"")
        os.truncate(image, 64 << 20)
        needs("mkfs.vfat", image)
        needs("mount", "-o", "loop", image, drop)
        put()
        done = drop / "done"
        result = carry_out(order())
        assert result.left is Left.MOVED, result
        assert there(drop) == ["a.mp4"]
        """,
    "a disk for them inside the watched folder is not taken for a part of it": """
        from dataclasses import replace
        from ingestd.config import After, AfterKind, Folder, Settings
        from ingestd.daemon.intake.folderwork import FolderWorker
        from ingestd.watch.mounts import read_mounts

        inside, other = drop / "done", drop / "other"
        for one in (inside, other):
            one.mkdir()
            sh("mount", "-t", "tmpfs", "tmpfs", one)
        plain = Folder(path=drop)
        moving = replace(plain, after_parsed=After(AfterKind.MOVE_TO, inside))
        seen = {
            name: FolderWorker(Settings(state_dir=top, folders=(folder,)), folder)
            ._mounted_inside(read_mounts(), str(drop))
            for name, folder in {"plain": plain, "moving": moving}.items()
        }
        assert seen == {"plain": {str(inside), str(other)}, "moving": {str(other)}}, seen
        """,
    "ext4 to ext4": """
        image = top / "image"
        image.write_bytes(b"")
        os.truncate(image, 64 << 20)
        needs("mkfs.ext4", "-q", image)
        needs("mount", "-o", "loop", image, done)
        put()
        moved(carry_out(order()))
        """,
}


@pytest.mark.parametrize("part", PARTS)
def test_a_file_is_whole_in_one_place_between_real_file_systems(tmp_path: Path, part: str):
    body = "\n".join(line.removeprefix(" " * 8) for line in PARTS[part].splitlines())
    in_mount_namespace(f"{BEGIN}\n{body}\n", tmp_path)
