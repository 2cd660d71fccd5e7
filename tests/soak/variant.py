"""What kind of world a seed gets: the account, the settings, the files and the troubles."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

#: Each seed has one of these as its theme, in turn; what the theme leaves open is drawn.
THEMES = (
    "plain",
    "crashes",
    "hashed",
    "unsized",
    "nameless",
    "late",
    "scopes",
    "twins",
    "foreign",
    "hold",
    "few",
    "losses",
    "people",
    "poison",
    "capped",
    "budget",
    "restored",
    "guarded",
)


@dataclass(frozen=True, slots=True)
class Variant:
    """One kind of world. Seconds, unless it says otherwise."""

    theme: str
    names: bool = True  # the far side shows our names; else hashes
    sizes: bool = True  # it shows sizes
    texts: bool = False  # its numbers are texts, as recorded in 2025
    late: tuple[float, ...] = (0.0,)  # how long until a row is listed
    scopes: int = 1  # folders, each with a scope of its own
    twins: bool = False  # contents with equal size, head, middle and tail
    foreign: bool = False  # others upload to the account, the same clips too
    resend: bool = True  # confirm_then
    max_attempts: int = 1000
    concurrency: int = 2
    young: bool = True  # the journal is young: names are asked for before each first attempt
    page: int = 200  # rows of one list page
    events: bool = False  # hints come; else only scans
    confirm_for: float = 600.0
    per_minute: float | None = None
    index_s: float = 3.0
    deeds: int = 20
    luck: float = 0.5  # of all uploads: those that simply go well
    crashes: bool = True
    clock: bool = True  # its steps are among the troubles
    nested: float = 0.15  # of all bodies: those during which other things happen
    #: After a readable answer three looks over 30 s suffice (rules R1): what is listed later than
    #: that, the rules pay for again. The far side of a soak shows such rows in time.
    readable_late: float = 20.0
    late_lost: tuple[float, ...] = ()  # in place of `late` for rows whose answer was lost
    only: str = ""  # the one way in which answers are lost
    unheard: float = 0.0  # of all questions: those that bring no answer
    fails: float = 0.0  # of all uploads that go well: those that cannot be indexed
    poison: str = ""  # what the far side says of one clip each time
    cap_says: str = "0429"  # what it says then
    cap: int | None = None  # so many may be in the queue of the indexing
    budget: float | None = None  # clips a day
    restored: bool = False  # the journal is lost, or put back from a copy, and recovered
    guard: int | None = None  # files that go within an hour; None: as many as anybody writes
    window: bool = False  # from 21:00 to 22:00 nothing may be sent
    folders: bool = False  # the account is of the generation that has `folder_id`
    often: tuple[str, ...] = ()  # deeds that are done more often
    never: tuple[str, ...] = ()  # deeds that are not done

    @property
    def evident(self) -> bool:
        """Tell whether the far side shows all that a proof needs, and nothing looks alike."""
        return self.names and self.sizes and not self.twins and not self.foreign


def variant_of(seed: int) -> Variant:
    """The world of a seed."""
    chance = random.Random(f"variant {seed}")
    theme = THEMES[seed % len(THEMES)]
    plain = Variant(
        theme,
        texts=chance.random() < 0.4,
        late=chance.choice(((0.0,), (0.0,), (0.0, 8.0, 20.0))),
        concurrency=chance.choice((1, 2, 3)),
        young=chance.random() < 0.5,
        page=chance.choice((2, 5, 200)),
        events=chance.random() < 0.5,
        per_minute=chance.choice((None, None, None, 6.0)),
        index_s=chance.choice((3.0, 3.0, 3.0, 90.0)),
        deeds=chance.choice((4, 5, 6, 6, 8, 8, 8, 12, 12, 20, 30, 60)),
        unheard=chance.choice((0.0, 0.0, 0.0, 0.05, 0.3)),
        luck=chance.choice((0.3, 0.5, 0.7)),
        folders=chance.random() < 0.15,
        crashes=theme == "crashes" or chance.random() < 0.6,
    )
    return replace(plain, **_OF_THEME.get(theme, {}), **_drawn(theme, chance))


def _drawn(theme: str, chance: random.Random) -> dict[str, object]:
    """What a theme leaves open."""
    match theme:
        case "people":  # what is lost is held more often, for them to say what it is
            shown = chance.random() < 0.5
            return {"names": shown, "sizes": shown, "resend": chance.random() < 0.5}
        case "poison":
            return {"poison": chance.choice(("0001", "limit", "500", "0429", "0402"))}
        case "capped":
            return {"cap": chance.choice((1, 2, 3)), "cap_says": chance.choice(("0429", "0001"))}
        case "guarded":
            return {"guard": chance.choice((1, 2, 3)), "window": chance.random() < 0.5}
        case "budget":
            return {"budget": chance.choice((0.5, 2.0, 3.0, 3.0))}
        case _:
            return {}


_LATE = (0.0, 20.0, 35.0, 120.0, 450.0)
_OF_THEME: dict[str, dict[str, object]] = {
    "hashed": {"names": False},
    "unsized": {"sizes": False},
    "nameless": {"names": False, "sizes": False},
    "late": {"late": _LATE},
    "scopes": {"scopes": 2},
    "twins": {"twins": True},
    "foreign": {"foreign": True},
    "hold": {"resend": False},
    "poison": {"max_attempts": 4, "luck": 1.0, "often": ("put",)},
    "capped": {"index_s": 90.0, "luck": 0.8, "often": ("put",)},
    "budget": {"clock": False, "luck": 0.7, "often": ("put",)},
    "guarded": {"clock": False, "often": ("put", "approve")},
    "restored": {"restored": True, "never": ("link",)},
    "few": {"max_attempts": 3},
    "people": {"often": ("approve", "skip", "link", "pay_again", "add")},
}
