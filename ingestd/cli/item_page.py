"""One file with all that is known of it, as text for a person."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from ingestd.cli import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ingestd.model import AfterTask, Item, Send, Step

_LABEL = 13
_WIDTH = 100


def page(
    item: Item, sends: Sequence[Send], steps: Sequence[Step], task: AfterTask | None = None
) -> str:
    """Write the page of a row."""
    reason = f" ({item.reason})" if item.reason else ""
    lines = [f"{words.base_name(item.path)}   {item.state}{reason}"]
    if item.detail:
        lines += textwrap.wrap(words.printable(item.detail), _WIDTH, break_on_hyphens=False)
    lines.append("")
    lines += [f"  {label.ljust(_LABEL)}{value}" for label, value in _facts(item) if value]
    if task is not None:
        lines += [f"  {label.ljust(_LABEL)}{value}" for label, value in _planned(task) if value]
    lines += ["", "HISTORY", *(f"  {one}" for one in _history(steps, item.detail))]
    if sends:
        lines += ["", "SENT", *(f"  {_send(send)}" for send in sends)]
    return "\n".join(lines) + "\n"


def _facts(item: Item) -> Iterator[tuple[str, str | None]]:
    yield "id", str(item.id) + (" (forgotten: not listed)" if item.hidden else "")
    yield "path", words.printable(item.path)
    yield "moved to", words.printable(item.moved_to) if item.moved_to else None
    if item.removed_at is not None and item.moved_to is None:
        yield "deleted", words.stamp(item.removed_at)
    yield "folder", words.printable(item.folder) if item.folder else None
    yield "size", _size(item)
    yield "video", ", ".join(filter(None, (item.container, item.codec)))
    yield "video no", item.video_no
    yield "sent as", words.printable(item.upload_name) if item.upload_name else None
    yield "scope", item.scope
    yield "content", f"blake3 {item.content_hash}" if item.content_hash else None
    yield "sample", item.fingerprint
    yield "duplicate of", str(item.duplicate_of) if item.duplicate_of else None
    yield "attempts", str(item.attempts) if item.attempts else None
    yield "next attempt", words.stamp(item.next_attempt_at) if item.next_attempt_at else None
    yield "first seen", words.stamp(item.first_seen_at)
    yield "fields", ", ".join(f"{name}={_value(value)}" for name, value in item.fields.items())


def _planned(task: AfterTask) -> Iterator[tuple[str, str | None]]:
    yield "after-action", f"due {words.stamp(task.due_at)}"
    yield "", words.printable(task.trouble) if task.trouble else None


def _size(item: Item) -> str | None:
    if item.stat is None:
        return None
    played = f", {words.minutes(item.duration_s)}" if item.duration_s else ""
    return f"{words.size(item.stat.size)} ({words.number(item.stat.size)} bytes){played}"


def _value(value: object) -> str:
    many = isinstance(value, list | tuple)
    text = ",".join(map(str, value)) if many else str(value)  # type: ignore[call-overload]  # a sequence
    return words.printable(text)


def _history(steps: Iterable[Step], said: str | None) -> Iterator[str]:
    for step in steps:
        moved = step.from_state is not step.to_state
        state = f"-> {step.to_state}" if moved else "   "
        detail = f"  {words.printable(step.detail)}" if step.detail and step.detail != said else ""
        yield f"{words.stamp(step.at)}  {state:<14}{step.event}{detail}"


def _send(send: Send) -> str:
    parts = words.part_of(send.sent, send.size) if send.sent < send.size else words.size(send.size)
    return f"{words.stamp(send.at)}  {parts}  {send.outcome or 'under way'}"
