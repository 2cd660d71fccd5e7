"""The daemon: one loop that owns all state, desks for its concerns, workers for what blocks.

`core` is the loop; a desk is a class with one concern (`seeing`, `judging`, `content`, `uploads`,
`flights`, `asking`, `wishes`); `jobs` and `folders` hold what runs in workers; `service` puts it
all together for `ingestd run`.
"""

from ingestd.daemon.once import Once
from ingestd.daemon.service import serve

__all__ = ["Once", "serve"]
