"""What may become of an upload: every way of losing an answer, every refusal, every delay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ingestd.remote.contract import Refusal, Trouble
from soak.farside import DOWN, HTML, LIMIT, SPRING, Fate, envelope, read_trouble

if TYPE_CHECKING:
    import random

    from soak.variant import Variant

ANSWER_TIMEOUT_S = 1800.0


NO_ID = json.dumps({"code": "0000", "msg": "success", "data": None, "success": True}).encode()

#: Ways to lose the answer of a whole body: name, the rest of the fate, readable.
LOSSES: tuple[tuple[str, dict[str, object], bool], ...] = (
    ("cut after acceptance", {"lost": "The connection was cut"}, False),
    ("truncated JSON", {"half": True}, False),
    ("502", {"http": 502, "body": HTML}, False),
    ("504", {"http": 504, "body": HTML}, False),
    ("500 with a Spring body", {"http": 500, "body": SPRING % 500}, False),
    ("200 with HTML", {"body": HTML}, False),
    ("0001", {"body": envelope("0001")}, True),
    ("0409", {"body": envelope("0409")}, True),
    ("400", {"http": 400, "body": HTML}, True),
    ("499", {"http": 499, "body": b""}, False),
    ("302", {"http": 302, "body": b""}, False),
    ("0000 without an id", {"body": NO_ID}, False),
    ("timeout", {"lost": "no answer came in time", "seconds": ANSWER_TIMEOUT_S}, False),
)
#: Refusals for the account's own reasons.
GATES: tuple[tuple[str, dict[str, object]], ...] = (
    ("gate 0429", {"body": envelope("0429")}),
    ("gate 429", {"http": 429, "body": HTML, "retry_after": "120"}),
    ("gate 0402", {"body": envelope("0402")}),
    ("gate 402", {"http": 402, "body": HTML}),
    ("gate 0401", {"body": envelope("0401")}),
    ("gate 9009", {"body": envelope("9009")}),
    ("gate 0403", {"body": envelope("0403")}),
)
#: What the far side says of one clip each time, though it takes all others.
POISON: dict[str, Fate] = {
    "limit": Fate("poison 0001", body=envelope("0001", LIMIT), stores=False),
    "0001": Fate("poison 0001", body=envelope("0001"), stores=False),
    "500": Fate("poison 500", http=500, body=SPRING % 500, stores=False),
    "0429": Fate("gate of poison", body=envelope("0429"), stores=False),
    "0402": Fate("gate of poison", body=envelope("0402"), stores=False),
}
TOO_LARGE = Fate("too large", http=413, body=HTML, early=True, stores=False)
DEAD = Fate("dead", connected=False, stores=False)


def loss(chance: random.Random, variant: Variant) -> Fate:
    """A lost answer, of a body that was taken or was not."""
    wanted = [one for one in LOSSES if variant.only in ("", one[0])]
    name, how, readable = chance.choice(wanted)
    late = chance.choice(variant.late_lost or variant.late)
    if readable:
        late = min(late, variant.readable_late)
    stores = name == "truncated JSON" or chance.random() < 0.6
    return Fate(name, stores=stores, visible_after=late, **how)


def any_fate(chance: random.Random, variant: Variant) -> Fate:
    """One of all."""
    if variant.theme == "losses" and chance.random() < 0.5:
        return loss(chance, variant)
    (make,) = chance.choices((loss, _gate, _plain), (55, 15, 30))
    return make(chance, variant)


def _gate(chance: random.Random, variant: Variant) -> Fate:
    del variant
    name, how = chance.choice(GATES)
    return Fate(name, stores=False, early=chance.random() < 0.5, **how)


def _plain(chance: random.Random, variant: Variant) -> Fate:
    failed = chance.choice(("FAIL", "FAILED", "PARSE_ERROR"))
    late = chance.choice(variant.late)
    slow = Fate("slow", seconds=chance.choice((0.5, 20.0, 400.0)), visible_after=late)
    fates = (
        (Fate("cut before the end", lost="The connection was cut", early=True, stores=False), 3),
        (DEAD, 3),
        (TOO_LARGE, 1),
        (Fate("fails to index", ends_as=failed), 2),
        (Fate("never indexed", ends_as="UNPARSE"), 1),
        (slow, 5),
    )
    (fate,) = chance.choices([one for one, _ in fates], [weight for _, weight in fates])
    return fate


READ_TROUBLES: tuple[Trouble, ...] = (
    DOWN,
    Trouble(Refusal.RATE, "too fast"),
    Trouble(Refusal.GARBLED, "half an answer"),
    read_trouble(502, HTML),
    read_trouble(200, envelope("0001")),
    read_trouble(200, HTML),
)
