"""Sends as `way_ingestd.py` does, without the content hash: the difference is what it costs."""

from way_ingestd import sending

from ingestd.remote import body

__all__ = ["sending"]


class NoHash:
    """Stands where the hash stands."""

    def update(self, piece: bytes) -> None:
        """Take the piece and leave it."""

    def hexdigest(self) -> str:
        """Give something of the right form."""
        return "0" * 64


body.blake3 = NoHash
