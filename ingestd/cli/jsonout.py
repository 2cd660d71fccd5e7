"""What `--json` prints: rows, history, status (interface 3). Unknown is null, times are UTC."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ingestd.model import State

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ingestd.cli.snapshot import LiveUpload
    from ingestd.cli.status_values import FolderReport, Group, Report
    from ingestd.journal import AfterTotals
    from ingestd.model import AfterTask, Item, Send, Step

STATUS_SCHEMA = 1

Document = dict[str, Any]


def dump(value: object, *, indent: int | None = None) -> str:
    """Write one JSON document; odd bytes in paths stay as escaped surrogates."""
    return json.dumps(value, indent=indent, allow_nan=False)


def iso(at: float | None) -> str | None:
    """Write a time as ISO 8601 in UTC with milliseconds: 2026-11-22T22:43:07.000Z."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at, tz=UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def row(item: Item, sends: Sequence[Send] = ()) -> Document:
    """Write a journal row."""
    return {
        "id": item.id,
        **path_keys(item.path),
        "folder": item.folder,
        "state": item.state,
        "reason": item.reason,
        "detail": item.detail,
        "size": item.stat.size if item.stat else None,
        "fingerprint": item.fingerprint,
        "content_hash": item.content_hash,
        "duration_s": item.duration_s,
        "video_no": item.video_no,
        "upload_name": item.upload_name,
        "scope": item.scope,
        "duplicate_of": item.duplicate_of,
        "attempts": item.attempts,
        "sends": [
            {"at": iso(send.at), "bytes": send.sent, "outcome": send.outcome} for send in sends
        ],
        "next_attempt_at": iso(item.next_attempt_at),
        "first_seen_at": iso(item.first_seen_at),
        "queued_at": iso(item.queued_at),
        "uploaded_at": iso(item.uploaded_at),
        "parsed_at": iso(item.parsed_at),
        "updated_at": iso(item.updated_at),
        "fields": dict(item.fields),
        "moved_to": item.moved_to,
        **_odd("moved_to", item.moved_to),
        "removed_at": iso(item.removed_at),
    }


#: What a row says, in its order.
_ROW_KEYS = [
    "folder",
    "state",
    "reason",
    "detail",
    "size",
    "fingerprint",
    "content_hash",
    "duration_s",
    "video_no",
    "upload_name",
    "scope",
    "duplicate_of",
    "attempts",
    "sends",
    "next_attempt_at",
    "first_seen_at",
    "queued_at",
    "uploaded_at",
    "parsed_at",
    "updated_at",
    "fields",
    "moved_to",
    "removed_at",
]


def no_row(path: str, state: str, detail: str) -> Document:
    """Write what `show` says of a path without a row: a row's names, nothing known."""
    unknown: Document = {"id": None, **path_keys(path), **dict.fromkeys(_ROW_KEYS)}
    empty: Document = {"attempts": 0, "sends": [], "fields": {}, "history": []}
    return unknown | empty | {"state": state, "detail": detail, "after_action": None}


def after_task(task: AfterTask | None) -> Document | None:
    """Write what is still to be done with a row's file."""
    if task is None:
        return None
    return {"due_at": iso(task.due_at), "detail": task.trouble}


def path_keys(path: str) -> Document:
    """Write a path; one that is no UTF-8 also as base64 of its bytes."""
    return {"path": path, **_odd("path", path)}


def _odd(key: str, path: str | None) -> Document:
    """A path's bytes where they are no UTF-8."""
    raw = os.fsencode(path or "")
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return {f"{key}_b64": base64.b64encode(raw).decode("ascii")}
    return {}


def history(steps: Iterable[Step]) -> list[Document]:
    """Write the history of a row."""
    return [
        {
            "at": iso(step.at),
            "from": step.from_state,
            "to": step.to_state,
            "event": step.event,
            "detail": step.detail,
        }
        for step in steps
    ]


def status(report: Report) -> Document:
    """Write the status report."""
    return {
        "schema": STATUS_SCHEMA,
        "version": report.version,
        "config": report.config,
        "state_dir": report.state_dir,
        "daemon": {
            "running": report.running,
            "answering": report.answering,
            "pid": report.pid if report.running else None,
            "since": iso(report.since) if report.running else None,
        },
        "config_refused": {"at": iso(report.refused.at), "detail": report.refused.detail}
        if report.refused
        else None,
        "paused": report.paused,
        **({} if report.under is None else {"path": report.under, "unseen": report.unseen}),
        "needs_you": list(report.needs_you),
        "counts": _counts(report),
        "gates": [
            {
                "name": gate.name,
                "since": iso(gate.since),
                "until": iso(gate.until),
                "detail": gate.detail,
            }
            for gate in report.gates
        ],
        "api": {
            "base_url": report.base_url,
            "key_id": report.key_id,
            "key_source": report.key_source,
            "key_since": iso(report.key_since),
            "last_ok_at": iso(report.last_ok_at),
        },
        "queue": {
            "files": report.queue.files,
            "bytes": report.queue.bytes,
            "minutes": round(report.queue.minutes, 3),
            "eta": iso(report.queue.eta),
            "waiting_for": report.queue.waiting_for,
        },
        "folders": [_folder(folder) for folder in report.folders],
        "uploads": [_upload(upload) for upload in report.uploads],
        "problems": [_group(group) for group in report.problems],
        "usage": _usage(report),
    }


def _counts(report: Report) -> Document:
    counts: Document = {str(state): report.counts[state] for state in State}
    counts[State.SETTLING] = report.settling
    return counts


def _folder(folder: FolderReport) -> Document:
    live = folder.live
    return {
        "name": folder.name,
        "path": live.path,
        "configured": folder.configured,
        "mode": live.mode,
        "filesystem": live.filesystem,
        "state": live.state,
        "since": iso(live.since),
        "last_scan_at": iso(live.last_scan_at),
        "settling": live.settling,
        "quiet_s": live.quiet_s,
        "writers": live.writers,
        "ignored_by": dict(live.ignored_by),
        "detail": live.detail,
        "counts": {str(state): n for state, n in folder.counts.items() if n},
        "held": [_group(group) for group in folder.held],
        "after": _after(folder.after),
    }


def _after(totals: AfterTotals | None) -> Document:
    """After-actions that are still to come; `detail`: why some of them could not be done yet."""
    waiting, troubled, trouble = totals or (0, 0, None)
    return {"waiting": waiting, "troubled": troubled, "detail": trouble}


def _upload(upload: LiveUpload) -> Document:
    return {
        "id": upload.id,
        **path_keys(upload.path),
        "sent": upload.sent,
        "size": upload.size,
        "bytes_per_second": upload.bytes_per_second,
        "phase": upload.phase,
        "since": iso(upload.since),
    }


def _group(group: Group) -> Document:
    return {
        "state": group.state,
        "reason": group.reason,
        "files": group.files,
        "bytes": group.bytes,
        "minutes": round(group.seconds / 60, 3),
        "billed": group.billed,
    }


def _usage(report: Report) -> Document:
    spent = report.spent
    return {
        "uploads_today": spent.uploads_today,
        "minutes_today": round(spent.minutes_today, 3),
        "minutes_month": round(spent.minutes_month, 3),
        "minutes_per_day": spent.limit_today,
        "minutes_per_month": spent.limit_month,
        "price_per_minute": report.price_per_minute,
        "currency": report.currency,
    }
