"""Where the output goes: colour and moving parts on a terminal, plain lines elsewhere.

rich is imported only where a terminal shows it.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from ingestd.cli.spans import Line, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.text import Text


def is_terminal() -> bool:
    """Tell whether a person watches standard output."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def can_ask() -> bool:
    """Tell whether there is a person to answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def show(lines: Sequence[Line]) -> None:
    """Print lines, in colour where a terminal takes it (NO_COLOR is honoured)."""
    if not is_terminal() or os.environ.get("NO_COLOR"):
        click.echo(plain(lines), nl=False)
        return
    from rich.console import Console  # noqa: PLC0415 - only for a terminal

    console = Console(highlight=False)
    for one in lines:
        console.print(_text(one), soft_wrap=True)


@contextmanager
def moving() -> Iterator[Callable[[Sequence[Line]], None]]:
    """Hand out a function that replaces what it drew before; for terminals."""
    from rich.console import Console  # noqa: PLC0415 - only for a terminal
    from rich.live import Live  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    with Live(console=Console(highlight=False), auto_refresh=False) as live:

        def draw(lines: Sequence[Line]) -> None:
            live.update(Text("\n").join(_text(one) for one in lines), refresh=True)

        yield draw


def _text(one: Line) -> Text:
    from rich.text import Text  # noqa: PLC0415 - only for a terminal

    return Text.assemble(*((span.text, str(span.tone)) for span in one))


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Hand out a function that draws how much is done of how much; for terminals."""
    from rich.progress import (  # noqa: PLC0415 - only for a terminal
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn()) as progress:
        task = progress.add_task(what, total=None)

        def draw(done: int, whole: int) -> None:
            progress.update(task, completed=done, total=whole)

        yield draw
