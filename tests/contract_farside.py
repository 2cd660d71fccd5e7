"""What every far side must keep, whoever plays it: run against the fake, the client, the stand-in.

A subclass gives a fixture `side` that keeps `Side`.
"""

from __future__ import annotations

import dataclasses
import os
import threading
from enum import Enum, auto
from typing import TYPE_CHECKING, Protocol

import pytest
from blake3 import blake3

from farside import upload_of
from ingestd.model import Scope
from ingestd.naming import stem_of
from ingestd.remote.contract import (
    Aborted,
    Accepted,
    Failed,
    FarSide,
    LocalKind,
    NotSent,
    Page,
    Refusal,
    Refused,
    Unknown,
)

if TYPE_CHECKING:
    from pathlib import Path


class Plan(Enum):
    """What becomes of the next upload."""

    RATE = auto()  # 0429 after the whole body, no row
    CREDITS = auto()  # 0402
    AUTH = auto()  # 0401
    DISABLED = auto()  # 0403
    CATCH_ALL = auto()  # 0001 after the whole body, no row
    CATCH_ALL_STORED = auto()  # 0001 after the row was made
    BAD_GATEWAY = auto()  # HTTP 502 in HTML after the whole body, no row
    CUT_STORED = auto()  # the connection ends after the row was made
    CUT_UNSTORED = auto()  # the connection ends after the whole body, no row
    CUT_MIDWAY = auto()  # the connection ends in the middle of the body
    EARLY_RATE = auto()  # HTTP 429 in the middle of the body
    EARLY_CREDITS = auto()  # 0402 in HTTP 200 there
    EARLY_TOO_LARGE = auto()  # HTTP 413 there


class Side(Protocol):
    """A far side and the strings that move it."""

    far: FarSide

    def plan(self, plan: Plan) -> None:
        """Say what becomes of the next upload; without a plan it is taken."""
        ...

    def fail_reads(self) -> None:
        """Make all reads fail from now on: nobody answers."""
        ...

    def finish_indexing(self, video_no: str, status: str, cause: str | None = None) -> None:
        """Give a video its final status."""
        ...


DEFAULT = Scope("unique_id", "default")
OTHER = Scope("unique_id", "other")
BIG = 24 << 20  # bytes: more than the buffers between two sockets hold


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "holiday.mp4"
    path.write_bytes(os.urandom(100_000))
    return path


@pytest.fixture
def long_clip(tmp_path: Path) -> Path:
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(BIG)
    return path


def names(page: Page | Failed) -> list[str | None]:
    assert isinstance(page, Page)
    return [video.name for video in page.videos]


class FarSideContract:
    """The suite."""

    def test_an_upload_is_taken_named_and_listed(self, side: Side, clip: Path):
        upload = upload_of(clip)
        outcome = side.far.upload(upload)
        assert isinstance(outcome, Accepted)
        assert outcome.content_hash == blake3(clip.read_bytes()).hexdigest()
        page = side.far.list_videos(DEFAULT)
        assert isinstance(page, Page)
        (video,) = page.videos
        assert video.video_no == outcome.video_no
        assert video.name == stem_of(upload.upload_name)
        assert video.size == clip.stat().st_size
        assert video.status == "UNPARSE"
        assert video.create_time is not None
        assert page.date is not None
        assert upload.progress.sent == clip.stat().st_size
        assert upload.progress.phase == "awaiting_answer"

    @pytest.mark.parametrize(
        ("plan", "kind"),
        [
            (Plan.RATE, Refusal.RATE),
            (Plan.CREDITS, Refusal.CREDITS),
            (Plan.AUTH, Refusal.AUTH),
            (Plan.DISABLED, Refusal.DISABLED),
        ],
    )
    def test_an_explicit_no_is_a_refusal(self, side: Side, clip: Path, plan: Plan, kind: Refusal):
        side.plan(plan)
        outcome = side.far.upload(upload_of(clip))
        assert isinstance(outcome, Refused)
        assert outcome.trouble.kind is kind
        assert names(side.far.list_videos(DEFAULT)) == []

    @pytest.mark.parametrize(
        ("plan", "readable", "stored"),
        [
            (Plan.CATCH_ALL, True, 0),
            (Plan.CATCH_ALL_STORED, True, 1),
            (Plan.BAD_GATEWAY, False, 0),
            (Plan.CUT_STORED, False, 1),
            (Plan.CUT_UNSTORED, False, 0),
        ],
    )
    def test_anything_else_after_the_last_byte_is_unknown_and_the_list_tells(
        self, side: Side, clip: Path, plan: Plan, readable: bool, stored: int
    ):
        side.plan(plan)
        upload = upload_of(clip)
        outcome = side.far.upload(upload)
        assert isinstance(outcome, Unknown)
        assert outcome.readable is readable
        found = side.far.list_videos(DEFAULT, video_name=stem_of(upload.upload_name))
        assert len(names(found)) == stored

    def test_a_cut_in_the_middle_is_not_sent(self, side: Side, long_clip: Path):
        side.plan(Plan.CUT_MIDWAY)
        outcome = side.far.upload(upload_of(long_clip))
        assert isinstance(outcome, NotSent)
        assert outcome.trouble.kind is Refusal.UNREACHABLE
        assert names(side.far.list_videos(DEFAULT)) == []

    @pytest.mark.parametrize(
        ("plan", "kind"),
        [
            (Plan.EARLY_RATE, Refusal.RATE),
            (Plan.EARLY_CREDITS, Refusal.CREDITS),
            (Plan.EARLY_TOO_LARGE, Refusal.FILE),
        ],
    )
    def test_an_early_no_costs_a_piece_and_no_mark(
        self, side: Side, long_clip: Path, plan: Plan, kind: Refusal
    ):
        side.plan(plan)
        marks: list[bool] = []
        upload = upload_of(long_clip, may_finish=lambda _: marks.append(True) or True)
        outcome = side.far.upload(upload)
        assert isinstance(outcome, Refused)
        assert outcome.trouble.kind is kind
        assert upload.progress.sent < BIG
        assert marks == []

    def test_without_the_mark_nothing_arrives(self, side: Side, clip: Path):
        outcome = side.far.upload(upload_of(clip, may_finish=lambda _: False))
        assert isinstance(outcome, Aborted)
        assert outcome.kind is LocalKind.NO_MARK
        assert names(side.far.list_videos(DEFAULT)) == []

    def test_a_stopped_upload_never_arrives(self, side: Side, clip: Path):
        stop = threading.Event()
        stop.set()
        outcome = side.far.upload(upload_of(clip, stop=stop))
        assert isinstance(outcome, Aborted)
        assert outcome.kind is LocalKind.STOPPED
        assert names(side.far.list_videos(DEFAULT)) == []

    def test_a_stop_after_the_mark_is_ignored(self, side: Side, clip: Path):
        stop = threading.Event()
        outcome = side.far.upload(upload_of(clip, stop=stop, may_finish=lambda _: not stop.set()))
        assert isinstance(outcome, Accepted)

    def test_a_file_that_is_no_longer_what_was_judged_never_arrives(self, side: Side, clip: Path):
        upload = upload_of(clip)
        clip.write_bytes(os.urandom(100_000))
        outcome = side.far.upload(upload)
        assert isinstance(outcome, Aborted)
        assert outcome.kind is LocalKind.CHANGED
        assert names(side.far.list_videos(DEFAULT)) == []

    def test_bytes_that_differ_from_the_sample_never_arrive(self, side: Side, clip: Path):
        outcome = side.far.upload(upload_of(clip, fingerprint="0" * 32))
        assert isinstance(outcome, Aborted)
        assert outcome.kind is LocalKind.CHANGED
        assert names(side.far.list_videos(DEFAULT)) == []

    def test_a_vanished_file_is_told_apart_from_an_unreadable_one(self, side: Side, clip: Path):
        def denied() -> int:
            raise PermissionError(13, "denied")

        unreadable = side.far.upload(upload_of(clip, open=denied))
        upload = upload_of(clip)
        clip.unlink()
        vanished = side.far.upload(upload)
        assert isinstance(unreadable, Aborted)
        assert unreadable.kind is LocalKind.UNREADABLE
        assert isinstance(vanished, Aborted)
        assert vanished.kind is LocalKind.VANISHED

    def test_the_same_file_twice_is_two_videos(self, side: Side, clip: Path):
        first, second = side.far.upload(upload_of(clip)), side.far.upload(upload_of(clip))
        assert isinstance(first, Accepted)
        assert isinstance(second, Accepted)
        assert first.video_no != second.video_no
        assert len(names(side.far.list_videos(DEFAULT))) == 2

    def test_scopes_are_apart_and_no_scope_is_everything(self, side: Side, clip: Path):
        side.far.upload(upload_of(clip))
        side.far.upload(upload_of(clip, scope=OTHER))
        assert len(names(side.far.list_videos(DEFAULT))) == 1
        assert len(names(side.far.list_videos(OTHER))) == 1
        assert len(names(side.far.list_videos(None))) == 2

    def test_pages_run_from_the_newest_to_an_empty_one(self, side: Side, clip: Path):
        upload = upload_of(clip)
        taken = [
            side.far.upload(dataclasses.replace(upload, upload_name=f"clip{n}.mp4"))
            for n in range(3)
        ]
        assert all(isinstance(outcome, Accepted) for outcome in taken)
        assert names(side.far.list_videos(DEFAULT, size=2)) == ["clip2", "clip1"]
        assert names(side.far.list_videos(DEFAULT, page=2, size=2)) == ["clip0"]
        last = side.far.list_videos(DEFAULT, page=3, size=2)
        assert isinstance(last, Page)
        assert last.rows == 0
        assert last.total == 3

    def test_filters_find_by_exact_name_and_by_numbers(self, side: Side, clip: Path):
        upload = upload_of(clip)
        one, two = (
            side.far.upload(dataclasses.replace(upload, upload_name=f"{name}.mp4"))
            for name in ("one", "two")
        )
        assert isinstance(one, Accepted)
        assert isinstance(two, Accepted)
        assert names(side.far.list_videos(DEFAULT, video_name="one")) == ["one"]
        assert names(side.far.list_videos(DEFAULT, video_name="on")) == []
        assert names(side.far.list_videos(DEFAULT, video_nos=[two.video_no])) == ["two"]

    def test_an_unknown_number_is_none_and_no_failure(self, side: Side):
        assert side.far.metadata("VI1", DEFAULT) is None

    def test_the_final_status_shows(self, side: Side, clip: Path):
        good, bad = side.far.upload(upload_of(clip)), side.far.upload(upload_of(clip))
        assert isinstance(good, Accepted)
        assert isinstance(bad, Accepted)
        side.finish_indexing(good.video_no, "PARSE")
        side.finish_indexing(bad.video_no, "FAIL", "Indexing failed.")
        parsed, failed = (side.far.metadata(v.video_no, DEFAULT) for v in (good, bad))
        assert parsed is not None
        assert not isinstance(parsed, Failed)
        assert (parsed.video_no, parsed.status) == (good.video_no, "PARSE")
        assert parsed.cause is None
        assert failed is not None
        assert not isinstance(failed, Failed)
        assert (failed.status, failed.cause) == ("FAIL", "Indexing failed.")

    def test_reads_that_nobody_answers_fail_without_saying_anything(self, side: Side):
        side.fail_reads()
        page, video = side.far.list_videos(DEFAULT), side.far.metadata("VI1", DEFAULT)
        assert isinstance(page, Failed)
        assert isinstance(video, Failed)
        assert page.trouble.kind is video.trouble.kind is Refusal.UNREACHABLE

    def test_after_close_nothing_is_sent(self, side: Side, clip: Path):
        side.far.close()
        assert isinstance(side.far.upload(upload_of(clip)), NotSent)
        assert isinstance(side.far.list_videos(DEFAULT), Failed)
        assert isinstance(side.far.metadata("VI1", DEFAULT), Failed)
