"""Leaving a wish in the journal and waking the daemon, which acts on it (interface 3)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import click

from ingestd.cli import jsonout, live, words
from ingestd.errors import Exit
from ingestd.journal import JournalReader, add_wish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ingestd.journal import Wish

#: How long the daemon's answer is waited for, seconds.
PATIENCE: Final = 5.0
#: How long one call to the daemon may take, and the pause between two looks, seconds.
_CALL: Final = 2.0
_PAUSE: Final = 0.05
LATER: Final = "ingestd is not running: this is noted and will be done at its next start."
BUSY: Final = "ingestd is busy: this is noted and will be done as soon as it can."


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a wish."""

    wish: int
    acted: bool
    text: str
    done: tuple[int, ...] = ()
    refused: tuple[Mapping[str, object], ...] = field(default=())

    def document(self) -> dict[str, object]:
        """Write it for JSON."""
        return {
            "wish": self.wish,
            "acted": self.acted,
            "text": self.text,
            "done": list(self.done),
            "refused": [dict(one) for one in self.refused],
        }


def leave(state_dir: Path, verb: str, *portions: Mapping[str, object]) -> Answer:
    """Leave a wish, in one or more portions, wake the daemon and wait for what it says.

    Raises:
        JournalError: there is no journal, or it cannot be written.
    """
    left = [add_wish(state_dir, verb, args, time.time()) for args in portions]
    end, before = time.monotonic() + PATIENCE, 0
    with JournalReader.open(state_dir) as reader:
        while True:
            patience = max(end - time.monotonic(), _PAUSE)
            told = live.ask(state_dir, {"ask": "wake"}, min(_CALL, patience))
            done = [wish for one in left if (wish := reader.wish(one)) and wish.done_at is not None]
            if len(done) == len(left):
                return _together(done)
            if told is None and live.held_by(state_dir) is None:
                return Answer(left[-1], acted=False, text=LATER)
            if len(done) > before:  # of many portions each has its time
                end, before = time.monotonic() + PATIENCE, len(done)
            if time.monotonic() >= end:
                return Answer(left[-1], acted=False, text=BUSY)
            time.sleep(_PAUSE)


def _together(wishes: list[Wish]) -> Answer:
    """Join what the daemon wrote beside each portion."""
    results = [wish.result if isinstance(wish.result, dict) else {} for wish in wishes]
    done = tuple(one for result in results for one in _list(result.get("done")))
    refused = tuple(
        one for result in results for one in _list(result.get("refused")) if isinstance(one, dict)
    )
    texts = list(dict.fromkeys(str(result.get("text") or "Done.") for result in results))
    hows = {str(result.get("how") or "") for result in results}
    if len(results) > 1 and "" not in hows:  # portions of one wish: one sentence for all
        not_done = f", {words.number(len(refused))} not" if refused else ""
        texts = [f"{words.number(len(done))} {' '.join(hows)}{not_done}."]
    return Answer(wishes[-1].id, acted=True, text=" ".join(texts), done=done, refused=refused)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def tell(answer: Answer, *, as_json: bool = False) -> int:
    """Print what became of a wish; the exit code of the command."""
    if as_json:
        click.echo(jsonout.dump(answer.document(), indent=2))
    else:
        click.echo(words.printable(answer.text))
        for one in answer.refused:
            what = one.get("path") or one.get("id")
            click.echo(f"  not {words.printable(str(what))}: {one.get('why')}", err=True)
    return Exit.PROBLEMS if answer.refused else Exit.DONE
