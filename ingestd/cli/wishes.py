"""Leaving a wish in the journal and waking the daemon, which acts on it (interface 3)."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import jsonout, live, words
from ingestd.errors import Exit
from ingestd.journal import JournalReader, add_wish

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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


def leave(state_dir: Path, verb: str, args: Mapping[str, object]) -> Answer:
    """Leave a wish, wake the daemon, and wait for what it says.

    Raises:
        JournalError: there is no journal, or it cannot be written.
    """
    wish = add_wish(state_dir, verb, args, time.time())
    end = time.monotonic() + PATIENCE
    with JournalReader.open(state_dir) as reader:
        while True:
            left = max(end - time.monotonic(), _PAUSE)
            told = live.ask(state_dir, {"ask": "wake"}, min(_CALL, left))
            answer = _answer(reader, wish)
            if answer is not None:
                return answer
            if told is None and live.held_by(state_dir) is None:
                return Answer(wish, acted=False, text=LATER)
            if time.monotonic() >= end:
                return Answer(wish, acted=False, text=BUSY)
            time.sleep(_PAUSE)


def _answer(reader: JournalReader, wish_id: int) -> Answer | None:
    wish = reader.wish(wish_id)
    if wish is None or wish.done_at is None:
        return None
    result = wish.result if isinstance(wish.result, dict) else {}
    done, refused = result.get("done"), result.get("refused")
    return Answer(
        wish_id,
        acted=True,
        text=str(result.get("text") or "Done."),
        done=tuple(done) if isinstance(done, list) else (),
        refused=tuple(one for one in refused if isinstance(one, dict))
        if isinstance(refused, list)
        else (),
    )


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
