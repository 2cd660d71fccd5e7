"""Logging: structlog events with stable dotted names through the standard library's handlers.

The handlers matter: structlog's own PrintLogger raises a full disk and undecodable file names into
the caller, those of the standard library do not (field notes, structlog).
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from ingestd.lean import without
from ingestd.log.journald import JournalHandler, is_journal
from ingestd.log.repeats import Repeats
from ingestd.log.secrets import HIDDEN, hide_secrets, keep_secret, make_encodable

with without("rich"):
    import structlog

if TYPE_CHECKING:
    from structlog.typing import Processor

__all__ = ["HIDDEN", "configure", "get_logger", "keep_secret"]

get_logger = structlog.get_logger


def configure(level: str, form: str) -> None:
    """Send events to stderr.

    Args:
        level: debug, info, warning or error.
        form: auto (native fields on the systemd journal, colour on a terminal, plain lines
            elsewhere) or json.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        hide_secrets,
        make_encodable,
    ]
    handler = _handler(form, shared)
    handler.addFilter(Repeats(handler.handle))
    root = logging.getLogger()
    for old in root.handlers:
        if isinstance(old, JournalHandler):
            old.close()
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


def _handler(form: str, shared: list[Processor]) -> logging.Handler:
    if form != "json" and is_journal(sys.stderr):
        fields = _formatter(shared, structlog.processors.JSONRenderer())
        return JournalHandler(sys.stderr, fields, _formatter(shared, _lines()))
    handler = logging.StreamHandler(sys.stderr)
    as_json = structlog.processors.JSONRenderer()
    handler.setFormatter(_formatter(shared, as_json if form == "json" else _lines()))
    return handler


def _formatter(shared: list[Processor], renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _lines() -> Processor:
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0)
