"""The built-in junk table: names that no person meant as a video (interface 4, `junk`).

One row a rule, with where the name comes from. What is no video by its ending anyway (Thumbs.db)
needs no row. Camera proxies are not in here: a proxy has a real video's name, and telling it needs
the structure of its card.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from typing import Final


@dataclass(frozen=True, slots=True)
class JunkRule:
    """One rule: shell patterns over a single name, without regard to case."""

    words: str  # for `show PATH`
    patterns: tuple[str, ...]
    source: str  # who makes such names
    directories: bool = False  # for directories, which are not descended; else for files

    def pattern_for(self, name: str) -> str:
        """The pattern of this rule that a name matches; the first when none does."""
        matching = (p for p in self.patterns if re.match(translate(p), name, _FLAGS))
        return next(matching, self.patterns[0])


_FLAGS: Final = re.IGNORECASE | re.DOTALL

JUNK: Final = (
    JunkRule(
        "unfinished download",
        ("*.part", "*.partial", "*.crdownload", "*.download", "*.opdownload", "*.aria2"),
        "Firefox, wget, curl and rclone (.partial), Chromium, Safari, Opera, aria2",
    ),
    JunkRule("unfinished torrent", ("*.!qb", "*.!ut", "*.bc!"), "qBittorrent, uTorrent, BitComet"),
    JunkRule("unfinished transfer", ("*.filepart",), "WinSCP"),
    JunkRule("temporary file", ("*.tmp", "*.temp"), "most programs; Syncthing: .syncthing.*.tmp"),
    JunkRule(
        "temporary file of rsync",
        (".*.[0-9a-z][0-9a-z][0-9a-z][0-9a-z][0-9a-z][0-9a-z]",),
        "rsync(1): .NAME.XXXXXX until the transfer is complete, --temp-dir",
    ),
    JunkRule("backup of an editor", ("*~",), "Emacs, Nautilus"),
    JunkRule("owner file of an open document", ("~$*",), "Microsoft Office"),
    JunkRule("lock file", (".~lock.*",), "LibreOffice"),
    JunkRule("AppleDouble file", ("._*",), "macOS on file systems without extended attributes"),
    JunkRule("folder settings", (".DS_Store", ".localized", ".apdisk"), "macOS Finder"),
    JunkRule(
        "open file that was deleted",
        (".nfs[0-9a-f]*", ".smbdelete*", ".fuse_hidden*"),
        "NFS client (silly rename), CIFS client, libfuse",
    ),
    JunkRule(
        "metadata of a file server",
        ("@eaDir", ".@__thumb", ".AppleDouble", ".AppleDB", ".AppleDesktop", "@SynoResource"),
        "Synology DSM, QNAP QTS, netatalk",
        directories=True,
    ),
    JunkRule(
        "trash",
        ("#recycle", "@Recycle", ".Trashes", ".Trash", ".Trash-*", "$RECYCLE.BIN", "RECYCLER"),
        "Synology, QNAP, macOS, freedesktop.org trash specification, Windows",
        directories=True,
    ),
    JunkRule(
        "snapshots and old versions",
        (
            *(".snapshot", ".snapshots", "~snapshot", "#snapshot", "@Recently-Snapshot"),
            *(".zfs", "@GMT-*", ".stversions"),
        ),
        "NetApp, snapper, Synology, QNAP, ZFS, Samba (vfs_shadow_copy2), Syncthing",
        directories=True,
    ),
    JunkRule(
        "system folder of a disk",
        (
            *(".Spotlight-V100", ".fseventsd", ".TemporaryItems", "Temporary Items"),
            *(".DocumentRevisions-V100", "System Volume Information", "lost+found"),
        ),
        "macOS, Windows, ext2 and its heirs",
        directories=True,
    ),
    JunkRule(
        "working folder of a file server",
        ("@tmp", ".@upload_cache", "Network Trash Folder", ".stfolder", ".sync"),
        "Synology DSM, QNAP QTS, netatalk, Syncthing, Resilio Sync",
        directories=True,
    ),
)


class JunkTable:
    """The rules compiled into one expression a kind; matches single names."""

    def __init__(self, rules: tuple[JunkRule, ...] = JUNK) -> None:
        self._rules = rules
        self._files = self._compile(directories=False)
        self._directories = self._compile(directories=True)

    def rule_for(self, name: str, *, is_dir: bool) -> str | None:
        """Words for the rule that makes a name junk, or None."""
        match = (self._directories if is_dir else self._files).match(name)
        if match is None or match.lastgroup is None:
            return None
        rule = self._rules[int(match.lastgroup.removeprefix("rule"))]
        return f"{rule.words} ({rule.pattern_for(name)})"

    def _compile(self, *, directories: bool) -> re.Pattern[str]:
        groups = (
            f"(?P<rule{number}>{'|'.join(map(translate, rule.patterns))})"
            for number, rule in enumerate(self._rules)
            if rule.directories is directories
        )
        return re.compile("|".join(groups), _FLAGS)
