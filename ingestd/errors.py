"""The errors that end a command, by exit code; each message names the remedy.

Troubles of one file or of the far side are values (`ingestd.model`), not exceptions: they are
recorded and the daemon goes on. What is raised from here ends the command that hit it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command (interface 3)."""

    DONE = 0
    PROBLEMS = 1  # done, with files or checks that failed
    USAGE = 2  # wrong usage or configuration
    ALREADY_RUNNING = 3  # another ingestd holds the state directory; `health`: not running
    JOURNAL = 4  # the journal cannot be used or is not there
    STOPPED_EARLY = 5  # a person must go on, or a time limit passed


class IngestdError(Exception):
    """Ends the command with `exit_code`; the text is one sentence with the remedy."""

    exit_code: Exit = Exit.PROBLEMS


class UsageError(IngestdError):
    """The command was called wrongly, or the surroundings do not allow it."""

    exit_code = Exit.USAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a configuration file."""

    message: str  # what is wrong and what to write instead
    key: str = ""  # dotted, as `folders[0].settle`
    value: str = ""  # as the person wrote it
    line: int | None = None  # 1 is the first line
    suggestion: str = ""  # the nearest thing that would be right


class ConfigError(UsageError):
    """A configuration that cannot be used; `problems` holds all that is wrong with it."""

    def __init__(self, source: str, problems: tuple[Problem, ...]) -> None:
        self.source = source
        self.problems = problems
        super().__init__("\n".join(self._line(problem) for problem in problems))

    def _line(self, problem: Problem) -> str:
        place = self.source if problem.line is None else f"{self.source}:{problem.line}"
        key = f" {problem.key}:" if problem.key else ""
        value = f" (got {problem.value!r})" if problem.value else ""
        if problem.suggestion:
            said = f"{problem.message}{value}".rstrip(".")
            return f"{place}:{key} {said}. Did you mean {problem.suggestion}?"
        return f"{place}:{key} {problem.message}{value}"


class AlreadyRunningError(IngestdError):
    """Another ingestd holds this state directory."""

    exit_code = Exit.ALREADY_RUNNING


class JournalError(IngestdError):
    """The journal cannot be opened, read or written, or is not there."""

    exit_code = Exit.JOURNAL


class StaleMoveError(JournalError):
    """A move whose row was no longer in the state it was decided on (compare-and-set failed)."""


class IllegalMoveError(JournalError):
    """A move that the transition table does not know: a bug, never a user's fault."""


class StoppedEarlyError(IngestdError):
    """The command ended before its work did; only a person or more time can go on."""

    exit_code = Exit.STOPPED_EARLY
