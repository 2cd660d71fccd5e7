"""The contract suite, against the fake and against the client over plain and secure HTTP."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from contract_farside import FarSideContract, Plan, clip, long_clip
from fake_farside import CUT, LOST, LOST_BUT_STORED, FakeFarSide, Fate, answer, refused
from ingestd.remote import HttpxFarSide, retry
from library_server import LibraryServer
from tls import make_trust

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["clip", "long_clip"]  # fixtures of the suite

_FATES = {
    Plan.RATE: refused("429"),
    Plan.CREDITS: refused("402"),
    Plan.AUTH: refused("401"),
    Plan.DISABLED: refused("403"),
    Plan.CATCH_ALL: refused("1"),
    Plan.CATCH_ALL_STORED: refused("1", stored=True),
    Plan.BAD_GATEWAY: Fate(answer(http=502)),
    Plan.CUT_STORED: LOST_BUT_STORED,
    Plan.CUT_UNSTORED: LOST,
    Plan.CUT_MIDWAY: CUT,
    Plan.EARLY_RATE: Fate(answer("429", http=429), early=True),
    Plan.EARLY_CREDITS: Fate(answer("402"), early=True),
    Plan.EARLY_TOO_LARGE: Fate(answer(http=413), early=True),
}


class FakeSide:
    def __init__(self) -> None:
        seconds = itertools.count(1_700_000_000)
        self.far = FakeFarSide(lambda: float(next(seconds)), index_s=1e9)

    def plan(self, plan: Plan) -> None:
        self.far.plan(_FATES[plan])

    def fail_reads(self) -> None:
        self.far.down = True

    def finish_indexing(self, video_no: str, status: str, cause: str | None = None) -> None:
        row = self.far.row(video_no)
        row.indexed_at, row.indexed_as = 0.0, status


class HttpSide:
    def __init__(self, server: LibraryServer, ca_file: str | None) -> None:
        self.server = server
        self.far = HttpxFarSide(server.url, lambda: "sk-mavi-test", ca_file=ca_file)

    def plan(self, plan: Plan) -> None:
        self.server.plans.append(plan)

    def fail_reads(self) -> None:
        self.server.silent = True

    def finish_indexing(self, video_no: str, status: str, cause: str | None = None) -> None:
        row = next(row for row in self.server.rows if row["video_no"] == video_no)
        row.update(status=status, cause=cause or "null", duration="12")


class TestFake(FarSideContract):
    @pytest.fixture
    def side(self) -> FakeSide:
        return FakeSide()


class TestClient(FarSideContract):
    @pytest.fixture(params=["plain", "tls"])
    def side(
        self, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[HttpSide]:
        monkeypatch.setattr(retry, "_FIRST_WAIT", 0.01)
        trust = make_trust(tmp_path) if request.param == "tls" else None
        with LibraryServer(trust.server if trust else None) as server:
            side = HttpSide(server, trust.ca_file if trust else None)
            yield side
            side.far.close()
            assert server.errors == []
