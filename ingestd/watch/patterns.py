"""gitignore-style patterns of one folder (interface 4, `include` and `exclude`)."""

from __future__ import annotations

from pathspec import GitIgnoreSpec


class Patterns:
    """Patterns compiled once; matches paths relative to the folder.

    Args:
        lines: The patterns as written; the last one that matches decides, `!` turns it round.

    Raises:
        ValueError: A pattern that cannot be understood or can match nothing; the message names it.
    """

    def __init__(self, lines: tuple[str, ...]) -> None:
        self._lines = lines
        for line in lines:
            _require_meaning(line)
        self._spec = GitIgnoreSpec.from_lines(lines)

    def match(self, relative_path: str, *, is_dir: bool = False) -> str | None:
        """The pattern, as written, by which a path matches; None: it does not."""
        # The expressions use a dot that does not match a newline, and names may hold newlines; no
        # name and no pattern holds a NUL, which is matched by the same wildcards.
        subject = relative_path.replace("\n", "\0") if "\n" in relative_path else relative_path
        result = self._spec.check_file(f"{subject}/" if is_dir else subject)
        if not result.include or result.index is None:
            return None
        return self._lines[result.index]


def _require_meaning(line: str) -> None:
    try:
        patterns = list(GitIgnoreSpec.from_lines([line]).patterns)
    except ValueError as error:
        raise ValueError(f"the pattern {line!r} cannot be understood: {error}") from error
    if not any(pattern.include is not None for pattern in patterns):
        raise ValueError(f"the pattern {line!r} matches nothing")
