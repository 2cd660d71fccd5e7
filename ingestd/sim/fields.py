"""The constraints of an upload's form, each as documented (contract 1.1)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, NoReturn

from ingestd.sim.answers import Refused
from ingestd.sim.library import DEFAULT_FOLDER, DEFAULT_UNIQUE_ID, Details

if TYPE_CHECKING:
    from ingestd.sim.form import FilePart, UploadForm
    from ingestd.sim.settings import SimSettings

EXTENSIONS: Final = (".mp4", ".avi", ".mkv", ".mov")
CALLBACK_MAX: Final = 299
CAMERA_MODEL_MAX: Final = 200
TAGS_MAX: Final = 20
API_TAG: Final = "api"
LATITUDE_LIMIT: Final = 90.0
LONGITUDE_LIMIT: Final = 180.0

_DATETIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_DECIMAL: Final = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_INDEXED_TAG: Final = re.compile(r"tags\[([0-9]{1,3})\]")
_TRUE: Final = frozenset({"true", "1", "on", "yes"})
_FALSE: Final = frozenset({"false", "0", "off", "no"})


class FieldReader:
    """Reads the fields of one form; the first broken constraint refuses the upload."""

    def __init__(self, form: UploadForm, settings: SimSettings) -> None:
        self._form = form
        self._settings = settings
        self._texts: dict[str, str] = {}
        for name, value in form.fields:
            self._texts.setdefault(name, value)

    def file(self) -> FilePart:
        """The file part, checked.

        Raises:
            Refused: A constraint is broken.
        """
        if self._form.problem or not self._form.complete:
            self._refuse("Failed to parse multipart servlet request")
        part = self._form.file
        if part is None:
            self._refuse("Required part 'file' is not present.")
        if not part.name.lower().endswith(EXTENSIONS):
            self._refuse(f"Unsupported file extension. Allowed: {' '.join(EXTENSIONS)}")
        if not part.content_type.lower().startswith("video/"):
            self._refuse("The file's content type must be video/*")
        if part.size == 0:
            self._refuse("The file must not be empty")
        if part.size > self._settings.max_bytes:
            self._refuse("The file exceeds the maximum size")
        return part

    def details(self) -> Details:
        """The text fields, checked; fields that the far side does not know are ignored.

        Raises:
            Refused: A constraint is broken.
        """
        return Details(
            unique_id=self._unique_id(),
            folder_id=self._folder_id(),
            callback=self._text("callback", CALLBACK_MAX),
            datetime_taken_ms=self._datetime_taken(),
            camera_model=self._text("camera_model", CAMERA_MODEL_MAX),
            latitude=self._decimal("latitude", LATITUDE_LIMIT),
            longitude=self._decimal("longitude", LONGITUDE_LIMIT),
            tags=self._tags(),
            retain_original_video=self._boolean("retain_original_video", default=True),
            video_transcription_prompt=self._texts.get("video_transcription_prompt"),
        )

    def _refuse(self, msg: str) -> NoReturn:
        raise Refused(self._settings.invalid_code, msg)

    def _unique_id(self) -> str:
        value = self._texts.get("unique_id", DEFAULT_UNIQUE_ID)
        if self._settings.scopes == "folder_id":
            return DEFAULT_UNIQUE_ID
        if not value.strip():
            self._refuse("unique_id must not be empty")
        return value

    def _folder_id(self) -> int:
        text = self._texts.get("folder_id")
        if text is None or self._settings.scopes == "unique_id":
            return DEFAULT_FOLDER
        if not _INTEGER.fullmatch(text):
            self._refuse("folder_id must be an integer")
        folder = int(text)
        owned = self._settings.folders
        if folder == DEFAULT_FOLDER:
            return folder
        if folder <= 0 or (owned is not None and folder not in owned):
            self._refuse("folder_id does not belong to this account")
        return folder

    def _text(self, name: str, limit: int) -> str | None:
        value = self._texts.get(name)
        if value is not None and len(value) > limit:
            self._refuse(f"{name} must not exceed {limit} characters")
        return value

    def _datetime_taken(self) -> int | None:
        text = self._texts.get("datetime_taken")
        if text is None:
            return None
        if not _DATETIME.fullmatch(text):
            self._refuse("datetime_taken must be yyyy-MM-dd HH:mm:ss")
        try:
            local = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            self._refuse("datetime_taken is no date")
        moment = local - timedelta(hours=self._settings.taken_zone_hours)
        return int(moment.timestamp() * 1000)

    def _decimal(self, name: str, limit: float) -> float | None:
        text = self._texts.get(name)
        if text is None:
            return None
        if not _DECIMAL.fullmatch(text):
            self._refuse(f"{name} must be a decimal number")
        number = float(text)
        if self._settings.coordinate_ranges and abs(number) > limit:
            self._refuse(f"{name} is out of range")
        return number

    def _boolean(self, name: str, *, default: bool) -> bool:
        text = self._texts.get(name)
        if text is None:
            return default
        if text.lower() not in _TRUE | _FALSE:
            self._refuse(f"{name} must be true or false")
        return text.lower() in _TRUE

    def _tags(self) -> tuple[str, ...]:
        tags = self._sent_tags()
        given = [*tags, API_TAG] if self._settings.api_tag_counts else tags
        if len(given) > TAGS_MAX:
            self._refuse(f"tags must not exceed {TAGS_MAX}")
        return tuple(dict.fromkeys([*tags, API_TAG]))

    def _sent_tags(self) -> list[str]:
        """Repeated `tags` and indexed `tags[0]` alike (contract 1.2)."""
        repeated = [value for name, value in self._form.fields if name == "tags"]
        if len(repeated) == 1 and self._settings.split_tags:
            repeated = repeated[0].split(",")
        indexed = {
            int(match[1]): value
            for name, value in self._form.fields
            if (match := _INDEXED_TAG.fullmatch(name))
        }
        ordered = [indexed[index] for index in sorted(indexed)]
        return [tag.strip() for tag in (*repeated, *ordered) if tag.strip()]


def stored_stem(file_name: str, settings: SimSettings) -> str:
    """The received name without its extension (contract 3.4)."""
    cut = file_name.rpartition(".") if settings.stem_cut == "last_dot" else file_name.partition(".")
    stem = cut[0] or file_name
    return stem if settings.name_max is None else stem[: settings.name_max]
