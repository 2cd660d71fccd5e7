"""Between the values of `ingestd.model` and the columns of the tables."""

from __future__ import annotations

import json
import os
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from ingestd.journal.faults import DamagedRowError
from ingestd.journal.values import Wish
from ingestd.model import (
    AfterTask,
    Container,
    Gate,
    GateName,
    Item,
    Reason,
    Send,
    Stat,
    State,
    Step,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.journal.connection import Row

Columns = dict[str, object]

ITEM_COLUMNS = (
    "id, dir, name, folder, state, reason, detail, size, mtime_ns, ctime_ns, dev, inode, "
    "fingerprint, content_hash, container, codec, duration_s, video_no, upload_name, scope, "
    "duplicate_of, suspect_of, attempts, next_attempt_at, delay, asked_s, asks, first_seen_at, "
    "queued_at, uploaded_at, parsed_at, updated_at, fields, rules, pay_again, hidden, account, "
    "moved_to, removed_at, volume, approved"
)
#: Where in such a row it stands.
SUSPECT_OF = ITEM_COLUMNS.split(", ").index("suspect_of")
SEND_COLUMNS = (
    "id, item_id, at, upload_name, scope, size, sent, watermark, marked_at, ended_at, outcome, key"
)
FOUND_FIELDS = ("video_no", "name", "token", "size", "scope", "account", "created_at")
USAGE_COLUMNS = "day, uploads, seconds, bytes"
GATE_COLUMNS = "name, since, until, detail, delay, closed_by, data"
AFTER_COLUMNS = "item_id, folder, due_at, delay, seen, place, trouble"
STEP_COLUMNS = "at, from_state, to_state, event, detail"
WISH_COLUMNS = "id, at, verb, args, done_at, result"


def json_text(value: object) -> str:
    """Write JSON in ASCII, so that it may hold a file name's odd bytes."""
    if hasattr(value, "items"):
        value = dict(value.items())
    return json.dumps(value, separators=(",", ":"))


def split_path(path: str) -> tuple[bytes, bytes]:
    """Split an absolute path at its last slash, as bytes; `joined` undoes it exactly."""
    directory, slash, name = os.fsencode(path).rpartition(b"/")
    if not slash or not (directory.startswith(b"/") or not directory):
        raise ValueError(f"The journal holds absolute paths only, not {path!r}.")
    return directory, name


def joined(directory: bytes, name: bytes) -> str:
    """Put a path together again."""
    return os.fsdecode(directory + b"/" + name)


def signed(number: int) -> int:
    """Wrap an unsigned 64-bit number into SQLite's signed one."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def unsigned(number: int) -> int:
    """Undo `signed`."""
    return number % (1 << 64)


def _path_columns(path: str) -> Columns:
    directory, name = split_path(path)
    return {"dir": directory, "name": name}


def _stat_columns(stat: Stat | None) -> Columns:
    if stat is None:
        return dict.fromkeys(("size", "mtime_ns", "ctime_ns", "dev", "inode"))
    return {
        "size": stat.size,
        "mtime_ns": stat.mtime_ns,
        "ctime_ns": stat.ctime_ns,
        "dev": signed(stat.dev),
        "inode": signed(stat.inode),
    }


_SPECIAL: dict[str, Callable[[Any], Columns]] = {
    "path": _path_columns,
    "stat": _stat_columns,
    "state": lambda state: {"state": state.value},
    "reason": lambda reason: {"reason": reason and reason.value},
    "container": lambda container: {"container": container and container.value},
    "fields": lambda fields: {"fields": json_text(fields)},
    "pay_again": lambda flag: {"pay_again": int(flag)},
    "hidden": lambda flag: {"hidden": int(flag)},
    "moved_to": lambda path: {"moved_to": None if path is None else os.fsencode(path)},
    "approved": lambda reasons: {"approved": ",".join(reasons) or None},
}
_FIELDS = tuple(name for name in Item.__dataclass_fields__ if name != "id")


def item_columns(item: Item) -> Columns:
    """Every column of a row but its id."""
    return _columns({name: getattr(item, name) for name in _FIELDS})


def changed_columns(before: Item, after: Item) -> Columns:
    """Only the columns that differ: naming a column in an UPDATE rewrites its indexes."""
    return _columns(
        {
            name: value
            for name in _FIELDS
            if (value := getattr(after, name)) != getattr(before, name)
        },
    )


def _columns(values: Mapping[str, object]) -> Columns:
    columns: Columns = {}
    for name, value in values.items():
        special = _SPECIAL.get(name)
        if special is None:
            columns[name] = value
        else:
            columns.update(special(value))
    return columns


_STATES = {state.value: state for state in State}
_REASONS: dict[str | None, Reason | None] = {None: None} | {word.value: word for word in Reason}
_CONTAINERS: dict[str | None, Container | None] = {None: None} | {c.value: c for c in Container}


def read_item(row: Row) -> Item:
    """Make an item of a row of `ITEM_COLUMNS`.

    Raises:
        DamagedRowError: it holds a word or JSON that no release writes.
    """
    try:
        return _item(row)
    except (KeyError, TypeError, ValueError) as error:
        raise DamagedRowError(
            f"Row {row[0]} of the journal cannot be read ({type(error).__name__}: {error}): its "
            "file is left alone. The other rows are not affected."
        ) from error


def _item(row: Row) -> Item:
    # In the order of ITEM_COLUMNS, in portions that one can count.
    item_id, directory, name, folder, state, reason, detail = row[:7]
    size, mtime_ns, ctime_ns, dev, inode, fingerprint, content_hash = row[7:14]
    container, codec, duration_s, video_no, upload_name, scope, duplicate_of = row[14:21]
    suspect_of, attempts, next_attempt_at, delay, asked_s, asks, first_seen_at = row[21:28]
    queued_at, uploaded_at, parsed_at, updated_at, fields, rules = row[28:34]
    pay_again, hidden, account, moved_to, removed_at, volume, approved = row[34:]
    return Item(
        id=item_id,
        path=joined(directory, name),
        folder=folder,
        state=_STATES[state],
        reason=_REASONS[reason],
        detail=detail,
        stat=_stat(size, mtime_ns, ctime_ns, dev, inode),
        fingerprint=fingerprint,
        content_hash=content_hash,
        container=_CONTAINERS[container],
        codec=codec,
        duration_s=duration_s,
        video_no=video_no,
        upload_name=upload_name,
        scope=scope,
        duplicate_of=duplicate_of,
        suspect_of=suspect_of,
        attempts=attempts,
        next_attempt_at=next_attempt_at,
        delay=delay,
        asked_s=asked_s,
        asks=asks,
        first_seen_at=first_seen_at,
        queued_at=queued_at,
        uploaded_at=uploaded_at,
        parsed_at=parsed_at,
        updated_at=updated_at,
        fields=_mapping(fields),
        rules=rules,
        pay_again=bool(pay_again),
        hidden=bool(hidden),
        account=account,
        moved_to=None if moved_to is None else os.fsdecode(moved_to),
        removed_at=removed_at,
        volume=volume,
        approved=tuple(Reason(word) for word in approved.split(",")) if approved else (),
    )


def _stat(
    size: int | None,
    mtime_ns: int | None,
    ctime_ns: int | None,
    dev: int | None,
    inode: int | None,
) -> Stat | None:
    if size is None or mtime_ns is None or ctime_ns is None or dev is None or inode is None:
        return None
    return Stat(size, mtime_ns, ctime_ns, unsigned(dev), unsigned(inode))


def _mapping(text: str) -> dict[str, object]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError(f"expected a JSON object, found {type(value).__name__}")
    return value


def send_values(send: Send) -> tuple[object, ...]:
    """The values of `SEND_COLUMNS` but the id."""
    return (
        *(send.item_id, send.at, send.upload_name, send.scope, send.size, send.sent),
        *(send.watermark, send.marked_at, send.ended_at, send.outcome, send.key),
    )


def read_send(row: Row) -> Send:
    """Make a send of a row of `SEND_COLUMNS`."""
    return Send(*row)


def gate_values(gate: Gate) -> tuple[object, ...]:
    """The values of `GATE_COLUMNS`."""
    return (
        *(gate.name.value, gate.since, gate.until, gate.detail, gate.delay, gate.closed_by),
        json_text(gate.data),
    )


def read_gate(row: Row) -> Gate:
    """Make a gate of a row of `GATE_COLUMNS`."""
    name, since, until, detail, delay, closed_by, data = row
    return Gate(GateName(name), since, until, detail, delay, closed_by, _mapping(data))


def after_values(task: AfterTask) -> tuple[object, ...]:
    """The values of `AFTER_COLUMNS`."""
    seen = None if task.seen is None else json_text(astuple(task.seen))
    place = None if task.place is None else os.fsencode(task.place)
    return (task.item_id, task.folder, task.due_at, task.delay, seen, place, task.trouble)


def read_after(row: Row) -> AfterTask:
    """Make a task of a row of `AFTER_COLUMNS`."""
    item_id, folder, due_at, delay, seen, place, trouble = row
    return AfterTask(
        item_id,
        folder,
        due_at,
        delay,
        None if seen is None else Stat(*json.loads(seen)),
        None if place is None else os.fsdecode(place),
        trouble,
    )


def read_step(row: Row) -> Step:
    """Make a line of history of a row of `STEP_COLUMNS`."""
    at, from_state, to_state, event, detail = row
    origin = None if from_state is None else State(from_state)
    return Step(at, origin, State(to_state), event, detail)


def read_wish(row: Row) -> Wish:
    """Make a wish of a row of `WISH_COLUMNS`."""
    wish_id, at, verb, args, done_at, result = row
    outcome = None if result is None else json.loads(result)
    return Wish(wish_id, at, verb, _mapping(args), done_at, outcome)
