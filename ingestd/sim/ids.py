"""Video numbers and stored hash names, repeatable from a seed."""

from __future__ import annotations

import random
from typing import Final

EPOCH_MS: Final = 1_609_459_200_000
"""2021-01-01T00:00:00Z, from which the far side's ids count (contract 0.1)."""

TIME_SHIFT: Final = 22
ALLOCATED_BEFORE_MS: Final = (46, 63)
"""How long before `create_time` recorded ids were allocated (contract 0.1)."""


class Ids:
    """Hands out ids that look like recorded ones and never repeat, however slow the clock is."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose, nothing secret
        self._last = 0

    def video_no(self, now_ms: int) -> str:
        """`VI` and an 18-digit snowflake whose time part lies shortly before `now_ms`."""
        allocated = max(now_ms - self._random.randint(*ALLOCATED_BEFORE_MS) - EPOCH_MS, 0)
        low_bits = self._random.getrandbits(10) << 12
        self._last = max((allocated << TIME_SHIFT) | low_bits, self._last + 1)
        return f"VI{self._last:018d}"

    def hex_name(self) -> str:
        """32 hex digits, the other way that stored names may look (contract 3.4)."""
        return f"{self._random.getrandbits(128):032x}"
