"""The configuration as values: one definition of each key, its type and its default (interface 4).

Attribute names equal the keys of the YAML file. Durations are seconds, sizes bytes, rates bytes per
second; paths are absolute. What stands in `Annotated` says how a key is read from text; pydantic
finds it there when a file is loaded and is not imported by anybody who only holds the values.

A new key needs a line here and the same line in config.example.yaml (a test compares the two).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import Annotated, ClassVar

from ingestd.config import actions, addresses, fieldtexts, kinds, timetable, values
from ingestd.config.actions import KEEP, After
from ingestd.config.addresses import Address
from ingestd.config.kinds import Before, Reads, ReadsPath
from ingestd.config.timetable import BandwidthStep


class ScopeKind(StrEnum):
    """Which parameter says where in the account a video goes (contract 1.1, generation drift)."""

    UNIQUE_ID = "unique_id"
    FOLDER_ID = "folder_id"


class WatchMode(StrEnum):
    """How a folder is noticed to change; the scan runs in every mode (rules R5)."""

    AUTO = "auto"  # events where the file system is known to deliver them, else poll
    EVENTS = "events"
    POLL = "poll"


class Oversize(StrEnum):
    """What becomes of a file over `validate.max_size`."""

    REJECT = "reject"
    HOLD = "hold"
    SPLIT = "split"


class ConfirmThen(StrEnum):
    """What follows when `indexing.confirm_for` is over and the video was not found (rules R2)."""

    RESEND = "resend"
    HOLD = "hold"


class LogLevel(StrEnum):
    """The least important kind of event that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """How an event is written."""

    AUTO = "auto"  # colour on a terminal, native fields on the journal, plain lines elsewhere
    JSON = "json"


class Section:
    """A mapping of the file; the attribute tells pydantic to refuse unknown keys."""

    __slots__ = ()
    __pydantic_config__: ClassVar = {"extra": "forbid"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Api(Section):
    """The far side and the way to it."""

    base_url: Annotated[str, Reads(addresses.base_url)] = "https://api.memories.ai/serve/api/v1"
    key_file: kinds.OptionalPath = None
    scope: Annotated[ScopeKind, Reads(values.one_of(ScopeKind))] = ScopeKind.UNIQUE_ID
    reads_per_second: kinds.ZeroIsUnlimited = 1.0  # None: unlimited
    proxy: Annotated[str | None, Reads(addresses.proxy)] = None  # None: a direct connection
    ca_file: kinds.OptionalPath = None  # None: the certificates that httpx brings


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields(Section):
    """The API's own upload fields (contract 1.1), as text with `{templates}` not yet filled in.

    None means that the field is not sent. `auto` stands for "from the file's own metadata". With
    `api.scope: folder_id` the value of `unique_id` is the folder's number, or `default`.
    """

    unique_id: Annotated[str, Reads(fieldtexts.unique_id)] = "default"
    tags: Annotated[tuple[kinds.Tag, ...], Before(values.one_or_many)] = ()
    callback: Annotated[str | None, Reads(fieldtexts.callback)] = None
    datetime_taken: Annotated[str | None, Reads(fieldtexts.datetime_taken)] = None  # None: off
    camera_model: Annotated[str | None, Reads(fieldtexts.camera_model)] = None  # None: off
    latitude: Annotated[str | None, Reads(fieldtexts.latitude)] = None  # None: off
    longitude: Annotated[str | None, Reads(fieldtexts.longitude)] = None  # None: off
    retain_original_video: kinds.Boolean = True
    video_transcription_prompt: Annotated[str | None, Reads(fieldtexts.prompt)] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder(Section):
    """One watched folder. An empty `name` becomes the last part of `path`."""

    path: kinds.AbsolutePath
    name: Annotated[str, Reads(fieldtexts.folder_name)] = ""
    recursive: kinds.Boolean = True
    mode: Annotated[WatchMode, Reads(values.one_of(WatchMode))] = WatchMode.AUTO
    poll_interval: kinds.PositiveDuration = 60.0
    rescan_interval: kinds.PositiveDuration = 600.0
    full_rescan_interval: kinds.PositiveDuration = 3600.0
    settle: kinds.Duration = 60.0
    incomplete_after: kinds.Duration = 1800.0
    include: kinds.Patterns = ("*",)
    exclude: kinds.Patterns = ()
    junk: kinds.Boolean = True
    follow_symlinks: kinds.Boolean = False
    removable: kinds.Boolean = False
    done_marker: Annotated[str | None, Reads(fieldtexts.done_marker)] = None  # None: no marker
    wait_for_mhl: kinds.Boolean = False
    marker_timeout: kinds.Duration = 43_200.0
    fields: Annotated[Fields, Before(values.section)] = field(default_factory=Fields)
    after_parsed: Annotated[After, ReadsPath(actions.after)] = KEEP
    after_duplicate: Annotated[After, ReadsPath(actions.after)] = KEEP
    after_rejected: Annotated[After, ReadsPath(actions.after_rejected)] = KEEP
    grace: kinds.OptionalDuration = None  # None: 7 days before a delete, 0 s before a move
    prune_empty: kinds.Boolean = False

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.path.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validate(Section):
    """Which files are acceptable (contract 1.1)."""

    extensions: Annotated[tuple[kinds.Extension, ...], Before(values.one_or_many)] = (
        ".mp4",
        ".avi",
        ".mkv",
        ".mov",
    )  # lower case, with the dot
    min_size: kinds.Size = 1
    max_size: kinds.Size = 3_000_000_000
    codecs: Annotated[tuple[kinds.Codec, ...], Before(values.one_or_many)] = ("h264", "hevc", "vp9")
    oversize: Annotated[Oversize, Reads(values.one_of(Oversize))] = Oversize.REJECT


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Section):
    """How files go out (rules R1, R7)."""

    per_minute: kinds.ZeroIsUnlimited = 1.0  # None: unlimited
    concurrency: kinds.PositiveCount = 2
    bandwidth: Annotated[tuple[BandwidthStep, ...], Reads(timetable.bandwidth)] = ()
    stall_timeout: kinds.PositiveDuration = 120.0
    answer_timeout: kinds.PositiveDuration = 1800.0
    dedupe: kinds.Boolean = True
    max_attempts: kinds.PositiveCount = 10
    retry_min: kinds.PositiveDuration = 5.0
    retry_max: kinds.PositiveDuration = 900.0
    name_token: kinds.Boolean = True

    def bandwidth_at(self, minute: int) -> int | None:
        """Return the limit in bytes/s at a minute of the local day (0 to 1439); None: unlimited.

        Before the first step of the day the last one of the day before still holds.
        """
        if not self.bandwidth:
            return None
        past = [step for step in self.bandwidth if step.at <= minute]
        return (past or self.bandwidth)[-1].limit


@dataclass(frozen=True, slots=True, kw_only=True)
class Indexing(Section):
    """Following a video until it is searchable, and looking for a lost one (rules R2, R3)."""

    poll_min: kinds.PositiveDuration = 5.0
    poll_max: kinds.PositiveDuration = 300.0
    deadline: kinds.PositiveDuration = 86_400.0
    confirm_for: kinds.Duration = 3600.0
    confirm_then: Annotated[ConfirmThen, Reads(values.one_of(ConfirmThen))] = ConfirmThen.RESEND


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard(Section):
    """The surge brake: what exceeds it is held until `approve`; `max_files` 0 switches it off."""

    max_files: kinds.Count = 1000  # 0: the whole guard is off
    max_bytes: kinds.OptionalSize = 1_000_000_000_000  # None: unlimited
    window: kinds.PositiveDuration = 3600.0
    first_look_files: kinds.OptionalCount = 100  # None: unlimited

    @property
    def enabled(self) -> bool:
        """Whether anything is held at all."""
        return self.max_files > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget(Section):
    """What may be spent, and what a minute costs."""

    minutes_per_day: kinds.OptionalNumber = None  # None: unlimited
    minutes_per_month: kinds.OptionalNumber = None  # None: unlimited
    price_per_1000_min: kinds.Number = 15.0
    currency: Annotated[str, Reads(fieldtexts.currency)] = "USD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Http(Section):
    """The status page, callback receiver and metrics."""

    listen: Annotated[Address | None, Reads(addresses.listen)] = None  # None: off


@dataclass(frozen=True, slots=True, kw_only=True)
class Log(Section):
    """What is logged and how."""

    level: Annotated[LogLevel, Reads(values.one_of(LogLevel))] = LogLevel.INFO
    format: Annotated[LogFormat, Reads(values.one_of(LogFormat))] = LogFormat.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Section):
    """The whole configuration. Only `state_dir` has no default here: it follows the file."""

    state_dir: kinds.AbsolutePath
    mirror_dir: kinds.OptionalPath = None  # None: the billing facts stay beside the journal
    api: Annotated[Api, Before(values.section)] = field(default_factory=Api)
    folders: Annotated[
        tuple[Annotated[Folder, Before(values.folder)], ...], Before(values.folder_list)
    ] = ()
    validate: Annotated[Validate, Before(values.section)] = field(default_factory=Validate)
    upload: Annotated[Upload, Before(values.section)] = field(default_factory=Upload)
    indexing: Annotated[Indexing, Before(values.section)] = field(default_factory=Indexing)
    guard: Annotated[Guard, Before(values.section)] = field(default_factory=Guard)
    budget: Annotated[Budget, Before(values.section)] = field(default_factory=Budget)
    http: Annotated[Http, Before(values.section)] = field(default_factory=Http)
    on_trouble: Annotated[tuple[str, ...] | None, Reads(actions.command)] = None  # None: nothing
    log: Annotated[Log, Before(values.section)] = field(default_factory=Log)
    stop_grace: kinds.Duration = 60.0


def nearest_folder(settings: Settings, path: str | PurePath) -> Folder | None:
    """Return the folder that a path belongs to: of nested folders the deepest, or None.

    The path is full and is not looked at on disk; a folder's own path belongs to it.
    """
    wanted = PurePath(path)
    around = [one for one in settings.folders if wanted.is_relative_to(one.path)]
    return max(around, key=lambda one: len(one.path.parts), default=None)
