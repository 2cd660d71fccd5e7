"""Checksum lists (MHL) and markers that offload tools leave when a card is whole.

Classic lists (mediahashlist.org, versions 1.0 and 1.1) and ASC MHL (SMPTE-like, `ascmhl/` with its
generations and their chain). Everything that touches the disk blocks: it runs in workers.

Nothing is exported here: a daemon that starts needs the names of lists, and their reader later.
"""
