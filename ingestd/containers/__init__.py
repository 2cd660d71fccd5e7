"""What the bytes of a file are: container, completeness, tracks, duration.

No library does this part: probers open a cut file without complaint and report its full duration,
for they read the header and never ask whether the rest is there. A walk over the top-level
structure tells, in about a millisecond also for gigabytes.
"""

from ingestd.containers.examine import examine
from ingestd.containers.source import BytesSource, Source

__all__ = ["BytesSource", "Source", "examine"]
