"""`pause` and `resume`: stop and restart uploading; survives restarts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import click

from ingestd.cli import live, wishes
from ingestd.cli.options import common_options, json_option, read_duration
from ingestd.cli.session import journal_session

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds between two looks of `--wait`.
_PERIOD: Final = 0.3


@click.command()
@click.option("--now", is_flag=True, help="Stop uploads before their last byte; free of charge.")
@click.option("--for", "span", callback=read_duration, metavar="TIME", help="For so long: 2h.")
@click.option("--wait", is_flag=True, help="Return when no upload is in flight.")
@json_option
@common_options
@click.pass_context
def pause(ctx: click.Context, *, now: bool, span: float | None, wait: bool, as_json: bool) -> int:
    """Start no further upload until `resume`.

    What is in flight is finished, what is uploaded is followed. Survives restarts.
    """
    session = journal_session(ctx)
    until = None if span is None else time.time() + span
    answer = wishes.leave(session.state_dir, "pause", {"now": now, "until": until})
    if wait and answer.acted:
        _until_still(session.state_dir)
    return wishes.tell(answer, as_json=as_json)


def _until_still(state_dir: Path) -> None:
    while True:
        daemon = live.look(state_dir)
        if not daemon.running or (daemon.snapshot is not None and not daemon.snapshot.uploads):
            return
        time.sleep(_PERIOD)


@click.command()
@click.option("--over-budget", is_flag=True, help="Go on although the budget is used up.")
@click.option("--new-account", is_flag=True, help="Yes, the key is of another account now.")
@click.option("--same-account", is_flag=True, help="No, only the last videos were deleted there.")
@click.option("--foreign-ok", is_flag=True, help="Yes, others upload to this account too.")
@json_option
@common_options
@click.pass_context
def resume(ctx: click.Context, /, *, as_json: bool, **said: bool) -> int:
    """Go on uploading; every closed gate lets one upload try."""
    session = journal_session(ctx)
    return wishes.tell(wishes.leave(session.state_dir, "resume", said), as_json=as_json)
