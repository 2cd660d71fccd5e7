"""Which names are ours: pure over strings (interface 2 and 4).

Cheap enough to be asked about a million names: most are decided by one look into a dictionary, and
only a video's name is matched against the junk table and the patterns.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ingestd.watch.junk import JunkTable
from ingestd.watch.patterns import Patterns

NO_EXTENSION: Final = "no extension"
OTHER_EXTENSION: Final = "other"
_MANY: Final = 500  # endings counted one by one: a million odd ones must not fill the memory
_LONGEST: Final = 16  # characters with the dot; what is longer is no extension
_MATCH_ALL: Final = frozenset({"*", "**", "/**"})


class IgnoredKind(StrEnum):
    """Why a name is not ours."""

    JUNK = "junk"
    EXCLUDED = "excluded"
    EXTENSION = "extension"


@dataclass(frozen=True, slots=True)
class Ours:
    """A name with a taken extension; of a directory: one to descend into."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A video's extension that the far side does not take: `rejected: extension`."""

    extension: str  # lower case, with its dot


@dataclass(frozen=True, slots=True)
class Ignored:
    """Not ours: no row, only counted."""

    kind: IgnoredKind
    rule: str  # for `show`: the junk rule in words, "exclude: PATTERN", or the extension
    counted_as: str  # the key in `ignored_by` (interface 3): the extension, "junk" or "excluded"


Verdict = Ours | Refused | Ignored

OURS: Final = Ours()


class NameRules:
    """The rules of one folder, compiled once; may be shared between threads.

    Args:
        extensions: What is taken, lower case with the dot.
        refused_extensions: Further extensions of videos, which the far side does not take.
        include: gitignore-style patterns relative to the folder; a file that matches none is
            excluded. Directories are descended whatever it says.
        exclude: gitignore-style patterns relative to the folder, for files and directories.
        junk: Whether the built-in junk table applies.

    Raises:
        ValueError: A pattern that cannot be understood; the message names it.
    """

    def __init__(
        self,
        *,
        extensions: frozenset[str],
        refused_extensions: frozenset[str],
        include: tuple[str, ...] = ("*",),
        exclude: tuple[str, ...] = (),
        junk: bool = True,
    ) -> None:
        self._extensions = extensions
        self._refused = refused_extensions
        self._endings: dict[str, Verdict] = {}  # learned as they come
        self.ignored_endings: dict[str, Ignored] = {}  # see `classify`
        self._include = None if _MATCH_ALL & set(include) else Patterns(include)
        self._exclude = Patterns(exclude) if exclude else None
        self._junk = JunkTable() if junk else None

    def classify(self, relative_path: str, *, is_dir: bool) -> Verdict:
        """Judge a name whose parents were judged before.

        A loop over very many files may take a shortcut: a name that does not begin with a dot, and
        of which any end, from its last dot on or shorter, is a key of `ignored_endings`, is that.

        Args:
            relative_path: Below the folder, with `/` between its parts.
            is_dir: Whether it is a directory; `Ours` then means: descend.
        """
        name = relative_path[relative_path.rfind("/") + 1 :]
        if is_dir:
            return self._junk_verdict(name, is_dir=True) or self._directory(relative_path)
        verdict = self._by_ending(name)
        if isinstance(verdict, Ignored):
            hidden = name.startswith(".")  # as junk is that does not show by its ending
            return (self._junk_verdict(name, is_dir=False) if hidden else None) or verdict
        return self._junk_verdict(name, is_dir=False) or self._file(relative_path) or verdict

    def classify_path(self, relative_path: str, *, is_dir: bool = False) -> Verdict:
        """Judge a path from the folder down: a parent that is not descended decides."""
        end = relative_path.find("/")
        while end != -1:
            verdict = self.classify(relative_path[:end], is_dir=True)
            if isinstance(verdict, Ignored):
                return verdict
            end = relative_path.find("/", end + 1)
        return self.classify(relative_path, is_dir=is_dir)

    def _by_ending(self, name: str) -> Verdict:
        dot = name.rfind(".")
        ending = name[dot:] if dot else ""  # a dot at the beginning begins no extension
        return self._endings.get(ending) or self._learn(ending)

    def _learn(self, ending: str) -> Verdict:
        """Judge an ending that was not seen before, as that of a file `x`."""
        extension = ending.lower() if ending.startswith(".") else ""
        if extension in self._extensions:
            verdict: Verdict = OURS
        elif extension in self._refused:
            verdict = Refused(extension)
        else:
            verdict = self._junk_verdict(f"x{ending}", is_dir=False) or self._no_video(extension)
        if len(self._endings) < _MANY:
            self._endings[ending] = verdict
            if isinstance(verdict, Ignored):
                self.ignored_endings[ending] = verdict
        return verdict

    def _no_video(self, extension: str) -> Ignored:
        if extension in {"", "."}:
            return _ignored(IgnoredKind.EXTENSION, NO_EXTENSION)
        odd = len(extension) > _LONGEST or not extension.isprintable() or " " in extension
        many = len(self._endings) >= _MANY
        return _ignored(IgnoredKind.EXTENSION, OTHER_EXTENSION if odd or many else extension)

    def _junk_verdict(self, name: str, *, is_dir: bool) -> Ignored | None:
        rule = self._junk.rule_for(name, is_dir=is_dir) if self._junk else None
        return None if rule is None else _ignored(IgnoredKind.JUNK, rule)

    def _directory(self, relative_path: str) -> Verdict:
        rule = self._exclude.match(relative_path, is_dir=True) if self._exclude else None
        return OURS if rule is None else _ignored(IgnoredKind.EXCLUDED, f"exclude: {rule}")

    def _file(self, relative_path: str) -> Ignored | None:
        if self._exclude and (rule := self._exclude.match(relative_path)) is not None:
            return _ignored(IgnoredKind.EXCLUDED, f"exclude: {rule}")
        if self._include and self._include.match(relative_path) is None:
            return _ignored(IgnoredKind.EXCLUDED, "matches nothing in include")
        return None


def _ignored(kind: IgnoredKind, rule: str) -> Ignored:
    return Ignored(kind, rule, rule if kind is IgnoredKind.EXTENSION else kind.value)
