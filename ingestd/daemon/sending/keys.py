"""The key that is in use, and taking in another one from its file once it is refused (R7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestd.daemon.messages import KeyRead
from ingestd.errors import IngestdError
from ingestd.model import GateName

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.config import ApiKey
    from ingestd.daemon.context import Context
    from ingestd.daemon.sending.gatekeeper import Gatekeeper
    from ingestd.model import Gate

LANE = "key"
#: While the key is refused, its file is read again so often, seconds.
READ_AGAIN_S = 30.0
#: What a person does about a key that was refused, by where the key came from.
_REMEDIES = {
    "credential": (
        "A systemd credential cannot change while the service runs. Put the right key in its "
        "place, then: sudo systemctl restart ingestd"
    ),
    "INGESTD_API_KEY": (
        "An environment variable cannot change while ingestd runs. Set INGESTD_API_KEY to the "
        "right key and restart ingestd"
    ),
    "INGESTD_API_KEY_FILE": (
        "Put the right key into the file that INGESTD_API_KEY_FILE names: it is read again by "
        "itself"
    ),
    "api.key_file": (
        "Put the right key into the file that api.key_file names: it is read again by itself"
    ),
}
_ELSEWHERE = "Put the right key in its place and restart ingestd"
FILES = frozenset({"INGESTD_API_KEY_FILE", "api.key_file"})


class Keys:
    """The desk of the key."""

    def __init__(self, ctx: Context, keeper: Gatekeeper, use: Callable[[ApiKey], None]) -> None:
        """Take the desk; `use` puts a key into use everywhere."""
        self._ctx, self._keeper, self._use = ctx, keeper, use
        self._key: ApiKey | None = None
        self._seen: Gate | None = None  # the closed gate for which the file was read last
        self._due = 0.0
        self._reading = False
        keeper.remedies[GateName.AUTH] = f"{_ELSEWHERE}. If it is right: ingestd resume"

    def used(self, key: ApiKey) -> None:
        """A key is in use: what to do about it, should it be refused?"""
        self._key = key
        remedy = _REMEDIES.get(key.source, _ELSEWHERE)
        self._keeper.remedies[GateName.AUTH] = (
            f"The refused one is {key.key_id}. {remedy}. If it is right: ingestd resume"
        )

    def tick(self) -> float | None:
        """Read the file again while the key is refused; when to come again, monotonic."""
        gate, read = self._keeper.gate(GateName.AUTH), self._ctx.reread_key
        if gate is None or read is None or self._key is None or self._key.source not in FILES:
            self._seen = None
            return None
        now = self._ctx.now.mono
        if self._reading or (gate == self._seen and now < self._due):
            return None if self._reading else self._due
        self._seen, self._due, self._reading = gate, now + READ_AGAIN_S, True
        self._ctx.workers.submit(LANE, lambda: _read(read), KeyRead(None))
        return self._due

    def read(self, message: KeyRead) -> None:
        """Take in what the file holds now, if that is another key."""
        self._reading = False
        key = message.key
        if key is None or self._key is None or key.secret == self._key.secret:
            return
        self._ctx.log.info("key.changed", key=key.key_id, source=key.source)
        self._ctx.take_key(key)
        self._use(key)


def _read(read: Callable[[], ApiKey]) -> KeyRead:
    try:
        return KeyRead(read())
    except IngestdError:
        return KeyRead(None)  # half written, or taken away for a moment: later again
