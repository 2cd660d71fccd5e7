"""Sends as the daemon does: look, sampled fingerprint, upload with the content hash on the way."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from ingestd.filestat import FdSource, stat_of
from ingestd.fingerprint import sampled
from ingestd.model import Container, Scope
from ingestd.naming import upload_name
from ingestd.remote import Accepted, HttpxFarSide, Upload

if TYPE_CHECKING:
    from collections.abc import Callable


def sending(url: str, key: str, ca: str | None) -> Callable[[str], None]:
    """Make a client and return what sends one file with it."""
    far = HttpxFarSide(url, lambda: key, ca_file=ca)

    def send(path: str) -> None:
        outcome = far.upload(_attempt(path))
        if not isinstance(outcome, Accepted):
            sys.exit(f"not accepted: {outcome}")

    return send


def _attempt(path: str) -> Upload:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        stat = stat_of(os.fstat(descriptor))
        fingerprint = sampled(FdSource(descriptor))
    finally:
        os.close(descriptor)
    return Upload(
        path=path,
        open=lambda: os.open(path, os.O_RDONLY),
        stat=stat,
        fingerprint=fingerprint,
        upload_name=upload_name(path, fingerprint, token=True),
        container=Container.MP4,
        scope=Scope("unique_id", "default"),
        form=(),
        may_finish=lambda _: True,
    )
