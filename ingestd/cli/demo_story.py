"""What the demo tells: every move of every file as it happens, and three lines at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import words
from ingestd.errors import JournalError
from ingestd.journal import JournalReader, Selection
from ingestd.lifecycle import ENDED
from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ingestd.model import Item, Step

_NAME: Final = 28
_MOVE: Final = 24
#: What a minute costs, USD: 15 a thousand (the vendor's price list).
PRICE: Final = 0.015
_WORDS: Final = {
    State.QUEUED: "complete and valid, waits for its turn",
    State.UPLOADING: "goes out; written down before the first byte",
    State.INDEXING: "accepted, and paid; never sent again",
    State.PARSED: "searchable",
}


class Story:
    """Reads the daemon's journal and prints what is new in it."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._told: dict[int, int] = {}  # row -> so many steps were told
        self.items: dict[int, Item] = {}
        self.begun = False  # the daemon has made its journal

    def tell_news(self) -> int:
        """Print what happened since the last look; how many files have come to their end."""
        try:
            with JournalReader.open(self._state_dir) as reader:
                self.begun = True
                self._read(reader)
        except JournalError:  # not made yet
            return 0
        return sum(item.state in ENDED for item in self.items.values())

    def _read(self, reader: JournalReader) -> None:
        news: list[tuple[float, Item, Step]] = []
        for item in reader.items(Selection()):
            if item == self.items.get(item.id):
                continue
            self.items[item.id] = item
            steps = reader.history(item.id)
            told = self._told.get(item.id, 0)
            news += [(step.at, item, step) for step in steps[told:]]
            self._told[item.id] = len(steps)
        for _, item, step in sorted(news, key=lambda one: one[0]):
            if step.from_state is not step.to_state:
                click.echo(_line(item, step))


def arrival(name: str, at: float) -> str:
    """The line of a clip that was copied into the folder."""
    why = "copied into the folder; left alone until it is quiet"
    return _told_line(at, name, f"-> {State.SETTLING}", why)


def _line(item: Item, step: Step) -> str:
    move = f"{step.from_state or State.SETTLING} -> {step.to_state}"
    why = _WORDS.get(step.to_state) or step.detail or item.detail or ""
    return _told_line(step.at, words.base_name(item.path), move, words.printable(why))


def _told_line(at: float, name: str, move: str, why: str) -> str:
    return f"{words.clock_time(at)}  {name:<{_NAME}}{move:<{_MOVE}}{why}"


def ending(story: Story, accepted: Sequence[dict[str, object]]) -> Iterator[str]:
    """Say in three lines what happened, what it would have cost, and where to go next."""
    items = sorted(story.items.values(), key=lambda item: item.id)
    done = [item for item in items if item.state is State.PARSED]
    others = [
        f"{words.base_name(item.path)} ({item.reason or item.state})"
        for item in items
        if item.state is not State.PARSED
    ]
    minutes = sum(item.duration_s or 0.0 for item in done) / 60
    names = words.listed([words.base_name(item.path) for item in done])
    yield f"Searchable: {len(done)} of {len(items)}, each uploaded and paid once: {names}."
    yield f"Not uploaded, nothing to pay: {words.listed(others)}."
    yield (
        f"At memories.ai these {words.count(len(accepted), 'upload')} would have cost "
        f"{words.about(minutes * PRICE, 'USD')} ({words.minutes(minutes * 60)}). For real: put "
        "folders: [/your/folder] into a file, set INGESTD_API_KEY, then: ingestd -c FILE run"
    )
