"""What the stand-in is told to be, with a knob for every point that the contract leaves open."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Profile = Literal["docs2026", "recorded2025"]
NameStyle = Literal["stem", "hex"]

GIGABYTE: Final = 10**9

FIXED_AT_START: Final = frozenset(
    {"host", "port", "certfile", "keyfile", "seed", "receive_buffer"},
)
"""Settings that a running stand-in cannot change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimSettings:
    """How the stand-in behaves; the defaults are the friendliest far side the contract allows.

    Seconds are those of the stand-in's clock. "Contract 9.n" names the unknown a knob covers.

    Attributes:
        host: Address to listen on.
        port: TCP port, 0 for any free one.
        certfile: PEM certificate chain; with it the stand-in speaks TLS.
        keyfile: PEM key of `certfile`, if it is not in the same file.
        seed: Fixes ids and hash names, so that a run can be repeated.
        receive_buffer: SO_RCVBUF in bytes; small values make a stalled body felt early.
        profile: Which generation of answers (contract 10).
        names: How uploads are stored; None follows the profile (contract 9.6).
        api_key: The only key that is taken; None takes any that is not empty.
        http_refusals: Codes 0401 0402 0403 0429 9009 come with their HTTP status (contract 9.1).
        retry_after: Whether limiters send Retry-After, and in which form (contract 9.4).
        per_minute: Uploads per minute and account, 0 = unlimited, fractions allowed (contract 9.3).
        per_day: Uploads per 24 hours and account, 0 = unlimited (contract 9.3).
        read_limits: Lists 5, metadata 1, deletes 5 per second (contract 5.1).
        indexing_cap: Unparsed uploads of the last two hours at which new ones are refused.
        cap_code: Envelope code of that refusal (contract 9.2).
        cap_msg: Text of that refusal.
        credits_minutes: Minutes of video left to pay for; None = unlimited.
        parse_seconds: From acceptance to the end of indexing.
        fail_names: Globs of received file names whose indexing fails.
        max_bytes: Largest file taken.
        hash_content: Whether contents are hashed while they arrive.
        hash_name: With which hash.
        scopes: Which of `unique_id` and `folder_id` the account knows (contract 9.7).
        folders: Folder ids of the account; None = every positive one.
        invalid_code: Code of broken constraints (contract 1.4).
        split_tags: A single `tags` text is split at commas (contract 9.13).
        api_tag_counts: The appended tag `api` counts towards the 20 (contract 9.13).
        coordinate_ranges: Latitude and longitude are range-checked on upload.
        stem_cut: Which dot ends the stored stem.
        name_max: Stored names are cut to so many characters.
        taken_zone_hours: Offset from UTC in which `datetime_taken` is read (contract 9.12).
        unparsed_metadata: What get_metadata says before the video is parsed (contract 9.9).
        sizes_in_lists: Whether list rows carry `size` (contract 3.3).
        page_size_over: What a page size above 200 does (contract 9.11).
        double_delete: Code of deleting a deleted video (contract 6).
        callback_on: When callbacks are sent (contract 4, 9.8).
        callback_times: How often each is sent.
        callback_fail_word: Status of a failed video in callbacks; None follows the profile.
        accept_after_disconnect: A whole body whose client has gone makes a video (contract 9.10).
        continue_100: `Expect: 100-continue` is answered (contract 9.14).
        upload_time_limit: A body that takes longer is cut off (contract 9.15).
        idle_seconds: Real seconds after which an idle connection is closed; 0 = after each answer.
    """

    host: str = "127.0.0.1"
    port: int = 0
    certfile: str | None = None
    keyfile: str | None = None
    seed: int = 0
    receive_buffer: int | None = None
    profile: Profile = "docs2026"
    names: NameStyle | None = None
    api_key: str | None = None
    http_refusals: bool = False
    retry_after: Literal["absent", "seconds", "date"] = "absent"
    per_minute: float = 0
    per_day: int = 0
    read_limits: bool = False
    indexing_cap: int | None = None
    cap_code: str = "0429"
    cap_msg: str = "Request has exceeded the limit."
    credits_minutes: float | None = None
    parse_seconds: float = 2.0
    fail_names: tuple[str, ...] = ()
    max_bytes: int = 3 * GIGABYTE
    hash_content: bool = True
    hash_name: Literal["blake3", "sha256"] = "blake3"
    scopes: Literal["both", "unique_id", "folder_id"] = "both"
    folders: tuple[int, ...] | None = None
    invalid_code: Literal["0001", "0003"] = "0001"
    split_tags: bool = True
    api_tag_counts: bool = False
    coordinate_ranges: bool = True
    stem_cut: Literal["last_dot", "first_dot"] = "last_dot"
    name_max: int | None = None
    taken_zone_hours: float = 0
    unparsed_metadata: Literal["zeros", "null", "absent"] = "zeros"
    sizes_in_lists: bool = True
    page_size_over: Literal["clamp", "refuse", "allow"] = "clamp"
    double_delete: Literal["0000", "0409"] = "0000"
    callback_on: tuple[Literal["uploaded", "finished"], ...] = ("finished",)
    callback_times: int = 1
    callback_fail_word: str | None = None
    accept_after_disconnect: bool = True
    continue_100: bool = True
    upload_time_limit: float | None = None
    idle_seconds: float = 60.0

    def stored_names(self) -> NameStyle:
        """How stored names look: as told, else as the profile has them (contract 10)."""
        return self.names or ("hex" if self.profile == "docs2026" else "stem")

    def changed(self, changes: Mapping[str, object]) -> SimSettings:
        """These settings with `changes`, as they come in a JSON object.

        Raises:
            ValueError: A name is unknown or fixed at the start, or a value has the wrong type.
        """
        fixed = sorted(FIXED_AT_START & changes.keys())
        if fixed:
            raise ValueError(f"{', '.join(fixed)} cannot change while the stand-in runs.")
        return from_json(SimSettings, {**dataclasses.asdict(self), **changes})


Value = TypeVar("Value")


def from_json(kind: type[Value], values: Mapping[str, object]) -> Value:
    """A settings-like dataclass from a JSON object, with every key and type checked.

    Raises:
        ValueError: Says which key is unknown, or which value is wrong.
    """
    known = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]  # callers pass dataclasses; `type` cannot say so
    for name in values:
        if name not in known:
            raise ValueError(f"unknown key {name!r}{_near_miss(name, known)}")
    try:
        return TypeAdapter(kind).validate_python(dict(values))
    except ValidationError as trouble:
        raise ValueError(_first_problem(trouble.errors()[0])) from trouble


def _near_miss(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _first_problem(problem: Mapping[str, Any]) -> str:
    where = ".".join(str(part) for part in problem["loc"])
    return f"{where}: {problem['msg']}"
