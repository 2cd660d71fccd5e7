"""Reading a mirror, as a stream: a million lines need no more memory than one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ingestd.mirror.facts import fact_in, identity_in, values_in
from ingestd.mirror.faults import fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from ingestd.mirror.facts import Fact

#: A line longer than this is none of ours; it is passed over in pieces, bytes.
_LONGEST: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Line:
    """One fact and where the next line begins."""

    fact: Fact
    end: int  # bytes from the beginning of the file


class Reading:
    """The facts of a mirror from a position on; `damaged` counts what could not be read."""

    def __init__(self, path: Path, start: int = 0) -> None:
        """Read the mirror at `path`; `start` is the `end` of a line that was read before."""
        self._path, self._start = path, start
        self.damaged = 0
        self.end = start  # behind the last whole line

    def __iter__(self) -> Iterator[Line]:
        """Each fact in the order of writing.

        A torn last line is no fact: what it was about was never acted on. A damaged line before
        it is counted.

        Raises:
            MirrorError: the file cannot be read.
        """
        try:
            with self._path.open("rb") as file:
                yield from self._facts(file)
        except OSError as error:
            raise fault(str(self._path), error) from error

    def _facts(self, file: BinaryIO) -> Iterator[Line]:
        position = file.seek(self._start)
        while line := file.readline(_LONGEST):
            position += len(line)
            if not line.endswith(b"\n"):
                self.damaged += len(line) == _LONGEST
                continue
            self.end = position
            values = values_in(line) if line != b"\n" else None
            if values is None:
                self.damaged += line != b"\n"
            elif (fact := fact_in(values)) is not None:
                yield Line(fact, position)


def read(path: Path, start: int = 0) -> Iterator[Fact]:
    """The facts alone."""
    return (line.fact for line in Reading(path, start))


def first_identity(file: BinaryIO) -> str | None:
    """Which mirror an open file is; None: it does not begin as one."""
    values = values_in(file.readline(_LONGEST))
    return None if values is None else identity_in(values)
