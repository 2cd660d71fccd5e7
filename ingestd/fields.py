"""The optional fields of an upload, with their templates filled in (interface 4, contract 1.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from ingestd.model import Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ingestd.config import Fields

#: Limits of the far side: characters, and number of tags (contract 1.1).
MAX_CAMERA_MODEL = 200
MAX_CALLBACK = 299
MAX_TAGS = 20
#: The scope of an upload that names none; the newer generation's name for it is -1 (contract 1.1).
DEFAULT_SCOPE = "default"
ROOT_FOLDER = "-1"
_BRACES = re.compile(r"\{([a-z]+)\}")


@dataclass(frozen=True, slots=True)
class Context:
    """What the templates know about one file."""

    path: str
    root: str  # the watched folder's path
    folder: str  # its name
    date: str  # yyyy-mm-dd, local date of the file's modification
    host: str

    def values(self) -> dict[str, str]:
        """The template names and what they stand for here."""
        path = PurePath(self.path)
        root = PurePath(self.root)
        below = path.relative_to(root).parts if path.is_relative_to(root) else (path.name,)
        top = below[0] if len(below) > 1 else self.folder
        return {
            "folder": self.folder,
            "top": top,
            "parent": path.parent.name or self.folder,
            "stem": path.stem,
            "date": self.date,
            "host": self.host,
        }


def fill(text: str, context: Context) -> str:
    """Fill a template; what is not a known name in braces stays as it is.

    In one pass: a file or folder that is named like a template is not filled in turn.
    """
    values = context.values()
    return printable(_BRACES.sub(lambda found: values.get(found[1], found[0]), text))


def printable(text: str) -> str:
    """Make a text safe for a form field: undecodable bytes and control characters are replaced."""
    safe = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(char if char.isprintable() else "_" for char in safe).strip()


def resolve(fields: Fields, context: Context) -> dict[str, object]:
    """The fields as they will be sent, plain values for the journal; absent ones are left out."""
    tags: list[str] = []
    for raw in fields.tags:
        tag = fill(raw, context).replace(",", " ")  # a server may split at commas (contract 1.2)
        if tag and tag not in tags:
            tags.append(tag)
    values: dict[str, object] = {
        "unique_id": fill(fields.unique_id, context) or DEFAULT_SCOPE,
        "tags": tags[:MAX_TAGS],
        "callback": _cut(fields.callback, context, MAX_CALLBACK),
        "datetime_taken": fields.datetime_taken,
        "camera_model": _cut(fields.camera_model, context, MAX_CAMERA_MODEL),
        "latitude": fields.latitude,
        "longitude": fields.longitude,
        "retain_original_video": fields.retain_original_video,
        "video_transcription_prompt": _cut(fields.video_transcription_prompt, context, None),
    }
    return {name: value for name, value in values.items() if value not in (None, [], "")}


def _cut(text: str | None, context: Context, most: int | None) -> str | None:
    return None if text is None else fill(text, context)[:most]


def scope_of(resolved: Mapping[str, object], kind: str) -> Scope:
    """Where the video goes, by the configured generation of the API (contract 1.1, drift)."""
    value = str(resolved.get("unique_id", DEFAULT_SCOPE))
    return Scope(kind, ROOT_FOLDER if kind == "folder_id" and value == DEFAULT_SCOPE else value)


def form_of(resolved: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The further text fields in the order of the documentation; `tags` repeats."""
    form: list[tuple[str, str]] = []
    for name, value in resolved.items():
        if name == "unique_id":
            continue
        if isinstance(value, list | tuple):
            form += [(name, str(one)) for one in value]
        elif isinstance(value, bool):
            form.append((name, "true" if value else "false"))
        else:
            form.append((name, str(value)))
    return tuple(form)
