"""What never may stand in a log line: secrets, and what would split it or steer a terminal."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.typing import EventDict, WrappedLogger

_secrets: set[str] = set()
HIDDEN = "[key hidden]"
#: Values that are several lines by right.
MANY_LINES = frozenset({"exception", "stack"})


def keep_secret(secret: str) -> None:
    """Never let this text into a log line, whatever it comes in."""
    if secret:
        _secrets.add(secret)


def hide_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Replace every known secret in every value."""
    return {key: _clean(value) for key, value in event.items()}


def _clean(value: object) -> object:
    if isinstance(value, str):
        for secret in _secrets:
            value = value.replace(secret, HIDDEN)
        return value
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, dict):
        return {_clean(key): _clean(one) for key, one in value.items()}
    if value is None or isinstance(value, bool | int | float | logging.LogRecord):
        return value
    return _clean_shown(value)


def _clean_shown(value: object) -> object:
    """Clean what a renderer would show by its repr: an exception may quote a request."""
    try:
        shown = repr(value)
    except Exception:  # noqa: BLE001 - a value's own bug must not reach the caller
        return f"<{type(value).__name__}>"
    return _clean(shown) if any(secret in shown for secret in _secrets) else value


def make_encodable(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Escape what would lose or split a line, or steer a terminal: odd bytes of a name."""
    return {
        key: _visible(value, keep="\n\t" if key in MANY_LINES else "")
        if isinstance(value, str)
        else value
        for key, value in event.items()
    }


def _visible(text: str, keep: str) -> str:
    safe = text.encode("utf-8", "backslashreplace").decode("utf-8")
    if safe.isprintable():
        return safe
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode()
        for char in safe
    )
