"""Keys whose promise a later version keeps: checked like all others, and refused when used.

Each is one line of a table below; the version that keeps a promise deletes its line.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from ingestd.config.fieldtexts import AUTO
from ingestd.config.findings import Finding
from ingestd.config.settings import Oversize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ingestd.config.findings import Loc
    from ingestd.config.settings import Settings

# Key, what of its value is used and not to be had ("": nothing), and what happens instead.
Promise = tuple[str, "Callable[[Any], str]", str]


def _true(value: object) -> str:
    return "true" if value else ""


def _set(what: str) -> Callable[[object], str]:
    return lambda value: "" if value is None else what


def _auto(value: object) -> str:
    return AUTO if value == AUTO else ""


def _oversize(value: object) -> str:
    return str(value) if value is Oversize.SPLIT else ""


_NO_METADATA = "nothing is read from a file's metadata. Set it to off or to a value."

_OF_ALL: tuple[Promise, ...] = (
    (
        "validate.oversize",
        _oversize,
        "files over max_size are rejected or held. Set it to reject or hold.",
    ),
    ("http.listen", _set("a server"), "`ingestd status` shows what is going on. Set it to off."),
)
_OF_A_FOLDER: tuple[Promise, ...] = (
    ("fields.datetime_taken", _auto, _NO_METADATA),
    ("fields.camera_model", _auto, _NO_METADATA),
    ("fields.latitude", _auto, _NO_METADATA),
    ("fields.longitude", _auto, _NO_METADATA),
)


def refusals(settings: Settings, numbers: Sequence[int]) -> Iterator[Finding]:
    """Find what is used and not yet available; `numbers` as in `checks.conflicts`."""
    yield from _used(_OF_ALL, settings, ())
    for number, folder in zip(numbers, settings.folders, strict=False):
        yield from _used(_OF_A_FOLDER, folder, ("folders", number))


def _used(promises: tuple[Promise, ...], section: object, loc: Loc) -> Iterator[Finding]:
    for key, used, instead in promises:
        what = used(attrgetter(key)(section))
        if what:
            message = f"{what} is not available in this version; {instead}"
            yield Finding((*loc, *key.split(".")), message, show_value=False)
