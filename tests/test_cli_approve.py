"""approve, skip, link: the sum before it is spent, the risk by its name, nothing unasked."""

from __future__ import annotations

import pytest

from ingestd.model import Reason, State, Video
from ingestd.remote import Failed
from ingestd.remote.contract import Refusal, Trouble
from test_cli_acting import pending
from test_cli_kit import Home, a_row, at_a_terminal

FIRST = {"reason": Reason.FIRST_LOOK}
LOST = {"reason": Reason.UNCONFIRMED}


@pytest.fixture
def home(tmp_path, capsys, monkeypatch):
    at_a_terminal(monkeypatch, None)
    return Home(tmp_path, capsys)


def three_held(home: Home) -> None:
    home.journal(
        a_row("/srv/a.mp4", State.HELD, **FIRST),
        a_row("/srv/b.mp4", State.HELD, **FIRST),
        a_row("/srv/lost.mp4", State.HELD, **LOST),
        a_row("/srv/queued.mp4"),
    )


def test_without_a_terminal_and_without_yes_nothing_is_spent(home):
    three_held(home)
    said = home.run("approve", "--all")
    assert said.code == 2
    assert "To be uploaded: 2 clips, 2.0 kB, 4.0 min, about 0.06 USD" in said.err
    assert pending(home) == []


def test_by_filter_what_may_be_paid_is_left_out_and_that_is_said(home):
    three_held(home)
    said = home.run("approve", "--folder", "drop", "--yes")
    assert said.code == 0
    assert "1 file whose upload's answer was lost left out" in said.err
    args = {"ids": [1, 2], "bulk": True, "states": ["held"]}
    assert pending(home) == [("approve", args)]


def test_by_its_number_the_risk_is_named_first(home):
    three_held(home)
    said = home.run("approve", "/srv/lost.mp4")
    assert said.code == 2
    assert "RISK: /srv/lost.mp4 (file 3) went out before" in said.err
    assert "paid for twice" in said.err
    assert home.run("approve", "3", "--yes").code == 0
    assert pending(home) == [("approve", {"ids": [3], "bulk": False})]


def test_who_says_no_is_believed(home, monkeypatch):
    three_held(home)
    at_a_terminal(monkeypatch, lambda *_args, **_more: False)
    said = home.run("approve", "--all")
    assert (said.code, pending(home)) == (1, [])
    assert "Nothing was done." in said.err


@pytest.mark.parametrize("reason", [Reason.CODEC, Reason.INCOMPLETE])
def test_what_cannot_be_approved_is_not_asked_for_money(home, reason):
    home.journal(
        a_row("/srv/a.mp4", State.PARSED, video_no="VI1"),
        a_row("/srv/b.mp4", State.REJECTED, reason=reason),
    )
    said = home.run("approve", "1", "2")
    assert "To be uploaded" not in said.err
    assert pending(home) == [("approve", {"ids": [1, 2], "bulk": False})]
    assert "nothing, none of it is held" in home.run("approve", "1", "--dry-run").out


def test_a_dry_run_names_the_files_and_the_sum(home):
    three_held(home)
    said = home.run("approve", "--reason", "first_look", "--dry-run")
    assert said.code == 0
    assert "/srv/a.mp4" in said.out
    assert "/srv/lost.mp4" not in said.out
    assert "2 clips" in said.out
    assert [row["id"] for row in home.run("approve", "--all", "-n", "--json").json] == [1, 2]
    assert pending(home) == []


def test_skip_costs_nothing_and_asks_nothing(home):
    three_held(home)
    assert home.run("skip", "--path", "/srv").code == 0
    assert home.run("skip", "--state", "queued", "--all").code == 0
    assert pending(home) == [
        ("skip", {"ids": [1, 2], "bulk": True}),
        ("skip", {"ids": [4], "bulk": True}),
    ]


def test_where_nothing_is_held_there_is_nothing_to_do(home):
    home.journal(a_row("/srv/queued.mp4"))
    said = home.run("approve", "--all")
    assert (said.code, said.out) == (0, "No held file matches: nothing to do.\n")


def test_very_many_are_left_in_portions(home):
    home.journal(*(a_row(f"/srv/{number}.mp4", State.HELD, **FIRST) for number in range(2500)))
    assert home.run("approve", "--all", "--yes").code == 0
    ids = [args["ids"] for verb, args in pending(home) if verb == "approve"]
    assert [len(portion) for portion in ids] == [1000, 1000, 500]
    assert [one for portion in ids for one in portion] == list(range(1, 2501))


# --- link ---------------------------------------------------------------------------------------


class Far:
    """Answers the one question of `link`."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def __call__(self, *_args: object, **_more: object) -> Far:
        return self

    def metadata(self, *_args: object) -> object:
        return self._answer

    def close(self) -> None:
        pass


def linking(home: Home, monkeypatch, answer: object, *argv: str):
    three_held(home)
    monkeypatch.setenv("INGESTD_API_KEY", "sk-mavi-0123456789abcdef")
    monkeypatch.setattr("ingestd.cli.link.HttpxFarSide", Far(answer))
    return home.run("link", "/srv/lost.mp4", "VI7", *argv)


def test_a_video_that_memories_ai_knows_is_linked_without_a_question(home, monkeypatch):
    said = linking(home, monkeypatch, Video("VI7", "PARSE", size=1000))
    assert said.code == 0
    assert pending(home) == [("link", {"ids": [3], "video_no": "VI7"})]


@pytest.mark.parametrize(
    ("answer", "doubt"),
    [
        (None, "does not know a video VI7"),
        (Video("VI7", "PARSE", size=999), "999 bytes at memories.ai, this file has 1 000"),
        (Failed(Trouble(Refusal.UNREACHABLE, "no route")), "could not be asked for VI7: no route"),
    ],
)
def test_what_is_doubtful_needs_a_yes(home, monkeypatch, answer, doubt):
    said = linking(home, monkeypatch, answer)
    assert said.code == 2
    assert doubt in said.err
    assert pending(home) == []
    assert home.run("link", "3", "VI7", "--yes").code == 0
    assert pending(home) == [("link", {"ids": [3], "video_no": "VI7"})]


def test_a_video_of_another_file_is_refused_whatever_is_said(home):
    home.journal(
        a_row("/srv/lost.mp4", State.HELD, **LOST),
        a_row("/srv/other.mp4", State.PARSED, video_no="VI7"),
    )
    said = home.run("link", "1", "VI7", "--yes")
    assert said.code == 1
    assert "belongs to file 2 already (/srv/other.mp4)" in said.err


def test_only_what_waits_for_it_is_linked(home):
    home.journal(a_row("/srv/queued.mp4"))
    said = home.run("link", "1", "VI7", "--yes")
    assert said.code == 1
    assert "only what is held: unconfirmed can be linked" in said.err
