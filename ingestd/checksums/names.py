"""How checksum lists are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ingestd.checksums.root import Opened

#: The folder of an ASC MHL's generations.
ASC: Final = "ascmhl"


def lists_in(below: Opened, directory: str) -> list[str]:
    """The lists that lie in a directory: classic ones by name, then the `ascmhl` folder.

    Raises:
        OSError: the directory cannot be read.
    """
    names = below.names(directory)
    classic = [f"{directory}/{name}" for name in names if is_list_name(name)]
    return classic + [f"{directory}/{ASC}" for name in names if name == ASC]


def is_list_name(name: str) -> bool:
    """Tell whether a file is called like a list; what macOS puts beside one is none."""
    return name.lower().endswith(".mhl") and not name.startswith("._")
