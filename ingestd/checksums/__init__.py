"""Checksum lists (MHL) and markers that offload tools leave when a card is whole.

Classic lists (mediahashlist.org, versions 1.0 and 1.1) and ASC MHL (SMPTE-like, `ascmhl/` with its
generations and their chain). Everything that touches the disk blocks: it runs in workers.
"""

from ingestd.checksums.around import Around, look_around
from ingestd.checksums.checking import Checked, Verdict, check
from ingestd.checksums.lists import ListReader
from ingestd.checksums.root import Root

__all__ = ["Around", "Checked", "ListReader", "Root", "Verdict", "check", "look_around"]
