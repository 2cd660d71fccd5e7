"""Sends with httpx's own `files=`, which makes no hash."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable


def sending(url: str, key: str, ca: str | None) -> Callable[[str], None]:
    """Make a client and return what sends one file with it."""
    trust = ssl.create_default_context(cafile=ca) if ca else False
    client = httpx.Client(verify=trust, trust_env=False, timeout=60)

    def send(path: str) -> None:
        with Path(path).open("rb") as file:
            answer = client.post(
                f"{url}/upload",
                headers={"Authorization": key},
                data={"unique_id": "default"},
                files={"file": (Path(path).name, file, "video/mp4")},
            )
        answer.raise_for_status()

    return send
