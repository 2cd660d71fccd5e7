"""Values that are fine alone and impossible together (interface 4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ingestd.config.actions import AfterKind
from ingestd.config.findings import Finding
from ingestd.config.settings import ScopeKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ingestd.config.actions import After
    from ingestd.config.findings import Loc
    from ingestd.config.settings import Folder, Settings

_FOLDER_ID = re.compile(r"default|-1|[1-9][0-9]{0,18}")  # -1: the default one (contract 1.1)
_AFTER = ("after_parsed", "after_duplicate", "after_rejected")
_MOST_TAGS = 20  # contract 1.1
_MOST_UPLOADS_AT_ONCE = 64  # each holds a thread and a descriptor


def conflicts(settings: Settings, numbers: Sequence[int]) -> Iterator[Finding]:
    """Find all that cannot be meant together; `numbers` says which place a folder has in the file.

    They differ where folders were left out because something is wrong with them.
    """
    numbered = dict(zip(numbers, settings.folders, strict=False))
    yield from _ranges(settings)
    yield from _places(settings)
    yield from _taken_twice(numbered)
    yield from _moved_in_circles(numbered)
    for number, folder in numbered.items():
        yield from _folder(folder, settings.api.scope, ("folders", number))


def _ranges(settings: Settings) -> Iterator[Finding]:
    validate, upload, indexing = settings.validate, settings.upload, settings.indexing
    for section, low, high, wrong in (
        ("validate", "min_size", "max_size", validate.min_size > validate.max_size),
        ("upload", "retry_min", "retry_max", upload.retry_min > upload.retry_max),
        ("indexing", "poll_min", "poll_max", indexing.poll_min > indexing.poll_max),
    ):
        if wrong:
            message = f"must not be more than {section}.{high}"
            yield Finding((section, low), message, others=((section, high),))
    if upload.concurrency > _MOST_UPLOADS_AT_ONCE:
        yield Finding(("upload", "concurrency"), f"must be at most {_MOST_UPLOADS_AT_ONCE}")
    for key, taken in (("extensions", validate.extensions), ("codecs", validate.codecs)):
        if not taken:
            yield Finding(("validate", key), "must not be empty: no file would be accepted")


def _places(settings: Settings) -> Iterator[Finding]:
    if not settings.folders:
        message = "must name at least one folder, as in `folders: [/path/to/videos]`"
        yield Finding(("folders",), message, show_value=False)
    if settings.mirror_dir == settings.state_dir:
        message = "must be another directory than state_dir, better on another disk"
        yield Finding(("mirror_dir",), message, others=(("state_dir",),))


def _taken_twice(folders: Mapping[int, Folder]) -> Iterator[Finding]:
    names: dict[str, int] = {}
    paths: dict[str, int] = {}
    for number, folder in folders.items():
        first = paths.setdefault(str(folder.path), number)
        if first != number:
            yield Finding(
                ("folders", number, "path"),
                f"is the path of folders[{first}] already: leave one of the two out",
                others=(("folders", first, "path"),),
            )
            continue
        first = names.setdefault(folder.name, number)
        if first != number:
            yield Finding(
                ("folders", number, "name"),
                f'must be unique, but folders[{first}] is called "{folder.name}" too: give one of '
                "the two another name",
                others=(("folders", first, "name"),),
                show_value=False,
            )


def _moved_in_circles(folders: Mapping[int, Folder]) -> Iterator[Finding]:
    """Find directories to move to from which files would be taken again."""
    for number, folder in folders.items():
        for key in _AFTER:
            target = getattr(folder, key).move_to
            if target is None:
                continue
            for other, watched in folders.items():
                if watched.path.is_relative_to(target):
                    yield Finding(
                        ("folders", number, key),
                        f"must not move to {target}: the watched folder {watched.path} is or lies "
                        "in it. Choose a directory beside or inside a watched folder",
                        others=(("folders", other, "path"),),
                        show_value=False,
                    )
                    break


def _folder(folder: Folder, scope: ScopeKind, loc: Loc) -> Iterator[Finding]:
    if not folder.name:
        message = f"is needed: {folder.path} has no last part to be called by"
        yield Finding((*loc, "name"), message, show_value=False)
    if not folder.include:
        message = 'must not be empty: no file would be taken; ["*"] takes all'
        yield Finding((*loc, "include"), message, show_value=False)
    for key in _AFTER[:2]:
        action: After = getattr(folder, key)
        if action.kind is AfterKind.DELETE and not folder.fields.retain_original_video:
            yield Finding(
                (*loc, key),
                "must not be delete while fields.retain_original_video is false: no copy of the "
                "original would be left anywhere",
                others=((*loc, "fields", "retain_original_video"),),
                show_value=False,
            )
    yield from _fields(folder, scope, (*loc, "fields"))


def _fields(folder: Folder, scope: ScopeKind, loc: Loc) -> Iterator[Finding]:
    fields = folder.fields
    if len(fields.tags) > _MOST_TAGS:
        message = f"must be at most {_MOST_TAGS} tags; there are {len(fields.tags)}"
        yield Finding((*loc, "tags"), message, show_value=False)
    for here, there in (("latitude", "longitude"), ("longitude", "latitude")):
        if getattr(fields, here) is None and getattr(fields, there) is not None:
            message = f"is needed beside {there}: set both, or both to off"
            place = (*loc, here)
            yield Finding(place, message, others=((*loc, there),), show_value=False)
    if scope is ScopeKind.FOLDER_ID and not _FOLDER_ID.fullmatch(fields.unique_id):
        message = "must be the folder's number, or default, while api.scope is folder_id"
        yield Finding((*loc, "unique_id"), message, others=(("api", "scope"),))
