"""Throw-away certificates for loopback servers."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trustme

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trust:
    """A server's side and the file a client needs to trust it."""

    server: ssl.SSLContext
    ca_file: str


def make_trust(directory: Path, *names: str) -> Trust:
    """Make an authority and a certificate for `names` (default: loopback)."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("127.0.0.1", "localhost"))).configure_cert(context)
    ca_file = directory / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return Trust(context, str(ca_file))
