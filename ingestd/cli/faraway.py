"""Asking memories.ai from a command, at the pace of `api.reads_per_second`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from ingestd.daemon.asking.reads import ReadPace
from ingestd.remote import HttpxFarSide

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ingestd.config import ApiKey, Settings
    from ingestd.remote import FarSide


@contextmanager
def far_side(settings: Settings, key: ApiKey) -> Iterator[FarSide]:
    """The far side, for reading."""
    api = settings.api
    pace = ReadPace(api.reads_per_second)
    far = HttpxFarSide(
        api.base_url,
        lambda: key.secret,
        proxy=api.proxy,
        ca_file=str(api.ca_file) if api.ca_file else None,
        read_limiter=pace.wait,
    )
    try:
        yield far
    finally:
        far.close()
