"""Addresses: of the far side, of a proxy, and where a server of ours listens.

Conventions are those of `ingestd.config.values`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from ingestd.config import values
from ingestd.config.values import BadValueError


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens; an IPv6 host stands without its brackets."""

    host: str
    port: int


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, without asking a name server."""
    if host.lower() == "localhost":
        return True
    import ipaddress  # noqa: PLC0415 - only where a file is loaded

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def base_url(value: object) -> str:
    """Read the API's address; returns it without a slash at its end (contract 0.1)."""
    written = values.line(value)
    parts = _split(written, ("https", "http"), "https://api.memories.ai/serve/api/v1")
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise BadValueError(
            "must begin with https://: plain http only to loopback, for the key would travel "
            "readable",
            "https" + written[len("http") :],
        )
    if parts.username is not None or parts.query or parts.fragment:
        raise BadValueError("must be an address without a user, a query or a fragment")
    return parts._replace(scheme=parts.scheme.lower(), path=parts.path.rstrip("/")).geturl()


def proxy(value: object) -> str | None:
    """Read the address of an HTTP proxy; `null` and `off` are None: a direct connection."""
    if values.is_off(value):
        return None
    written = values.line(value)
    _split(written, ("http", "https"), "http://proxy.example:3128")
    return written


def listen(value: object) -> Address | None:
    """Read where to listen; `off` and `null` are None."""
    if values.is_off(value):
        return None
    forms = "must be off or a host and a port such as 127.0.0.1:8787"
    match = re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})", values.line(value))
    if match is None or not 0 < int(match[2]) < 2**16:
        raise BadValueError(forms)
    return Address(match[1].strip("[]"), int(match[2]))


def _split(written: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    forms = f"must be an address such as {example}"
    try:
        parts = urlsplit(written)
        host, _ = parts.hostname, parts.port  # reading the port checks it
    except ValueError:
        raise BadValueError(forms) from None
    if parts.scheme not in schemes or not host or re.search(r"\s", written):
        raise BadValueError(forms)
    return parts
