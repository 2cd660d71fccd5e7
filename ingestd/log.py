"""Logging: structlog events with stable dotted names through the standard library's handlers.

The handlers matter: structlog's own PrintLogger raises a full disk and undecodable file names into
the caller, those of the standard library do not (field notes, structlog).
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from ingestd.lean import without

with without("rich"):
    import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

get_logger = structlog.get_logger

_secrets: set[str] = set()
HIDDEN = "[key hidden]"
#: Values that are several lines by right.
MANY_LINES = frozenset({"exception", "stack"})


def configure(level: str, form: str) -> None:
    """Send events to stderr.

    Args:
        level: debug, info, warning or error.
        form: auto (colour on a terminal, plain lines elsewhere) or json.
    """
    handler = logging.StreamHandler(sys.stderr)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
        make_encodable,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(form)],
    )
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)  # what libraries say below that is not for an operator
    logging.getLogger("ingestd").setLevel(level.upper())
    logging.raiseExceptions = False  # a full disk must not print tracebacks in a loop
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=lambda *_args: logging.getLogger("ingestd"),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _renderer(form: str) -> Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), pad_event_to=0)


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
