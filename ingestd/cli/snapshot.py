"""What a running daemon tells of itself, read with care: it may be of another release."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestd.model import Gate, GateName

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class LiveApi:
    """The far side as the daemon knows it."""

    base_url: str | None = None
    key_id: str | None = None
    key_source: str | None = None
    key_since: float | None = None  # when this key came into use
    last_ok_at: float | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A changed configuration that the daemon did not take."""

    at: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class LiveFolder:
    """One watched folder as the daemon sees it now."""

    name: str
    path: str | None = None
    mode: str | None = None  # events or poll
    filesystem: str | None = None
    state: str | None = None  # ok, missing, foreign, hung or unreadable
    last_scan_at: float | None = None
    settling: int = 0
    ignored_by: Mapping[str, int] = field(default_factory=dict)
    detail: str | None = None
    since: float | None = None  # when it came into this state
    settle_s: float | None = None  # for how long files must be quiet, as configured
    quiet_s: float | None = None  # and as learned from slow producers: at least that
    writers: str | None = None  # whose open files can be seen: all, own, local or none


@dataclass(frozen=True, slots=True)
class LiveUpload:
    """One upload in flight."""

    id: int
    path: str
    sent: int
    size: int
    bytes_per_second: float | None
    phase: str  # sending or awaiting_answer
    since: float | None  # when this phase began


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that only the running daemon knows; times are seconds since the epoch."""

    version: str | None = None
    pid: int | None = None
    since: float | None = None
    config: str | None = None
    refused: Refused | None = None  # the old configuration is in force
    settling: int = 0
    api: LiveApi = field(default_factory=LiveApi)
    folders: tuple[LiveFolder, ...] = ()
    uploads: tuple[LiveUpload, ...] = ()
    gates: tuple[Gate, ...] = ()  # also those that cannot be written down: a full disk
    eta: float | None = None
    waiting_for: str | None = None


def read_snapshot(told: Mapping[str, object]) -> Snapshot:
    """Read the answer to `{"ask": "snapshot"}`; what is missing or odd is left out."""
    queue = _mapping(told.get("queue"))
    api = _mapping(told.get("api"))
    return Snapshot(
        version=_text(told.get("version")),
        pid=_whole(told.get("pid")),
        since=_real(told.get("since")),
        config=_text(told.get("config")),
        refused=_refused(_mapping(told.get("config_refused"))),
        settling=_whole(told.get("settling")) or 0,
        api=LiveApi(
            base_url=_text(api.get("base_url")),
            key_id=_text(api.get("key_id")),
            key_source=_text(api.get("key_source")),
            key_since=_real(api.get("key_since")),
            last_ok_at=_real(api.get("last_ok_at")),
        ),
        folders=tuple(_folder(one) for one in _mappings(told.get("folders"))),
        uploads=tuple(_upload(one) for one in _mappings(told.get("uploads"))),
        gates=tuple(gate for one in _mappings(told.get("gates")) if (gate := _gate(one))),
        eta=_real(queue.get("eta")),
        waiting_for=_text(queue.get("waiting_for")),
    )


def _refused(told: Mapping[str, Any]) -> Refused | None:
    detail = _text(told.get("detail"))
    return Refused(_real(told.get("at")), detail) if detail else None


def _folder(told: Mapping[str, Any]) -> LiveFolder:
    ignored = _mapping(told.get("ignored_by"))
    return LiveFolder(
        name=_text(told.get("name")) or "",
        path=_text(told.get("path")),
        mode=_text(told.get("mode")),
        filesystem=_text(told.get("filesystem")),
        state=_text(told.get("state")),
        last_scan_at=_real(told.get("last_scan_at")),
        settling=_whole(told.get("settling")) or 0,
        ignored_by={str(kind): _whole(n) or 0 for kind, n in ignored.items()},
        detail=_text(told.get("detail")),
        since=_real(told.get("since")),
        settle_s=_real(told.get("settle_s")),
        quiet_s=_real(told.get("quiet_s")),
        writers=_text(told.get("writers")),
    )


def _gate(told: Mapping[str, Any]) -> Gate | None:
    name, since = _text(told.get("name")), _real(told.get("since"))
    if name not in set(GateName) or since is None:
        return None
    detail = _text(told.get("detail")) or ""
    return Gate(GateName(name), since, _real(told.get("until")), detail)


def _upload(told: Mapping[str, Any]) -> LiveUpload:
    return LiveUpload(
        id=_whole(told.get("id")) or 0,
        path=_text(told.get("path")) or "",
        sent=_whole(told.get("sent")) or 0,
        size=_whole(told.get("size")) or 0,
        bytes_per_second=_real(told.get("bytes_per_second")),
        phase=_text(told.get("phase")) or "sending",
        since=_real(told.get("since")),
    )


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _real(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value)


def _whole(value: object) -> int | None:
    real = _real(value)
    return None if real is None else int(real)
