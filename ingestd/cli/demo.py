"""`demo`: the whole thing on this machine, without a key: real clips become searchable."""

from __future__ import annotations

import shutil
import signal
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestd.cli.demo_story import Story, ending
from ingestd.cli.demo_world import World
from ingestd.cli.options import common_options
from ingestd.errors import Exit, IngestdError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

#: It takes some 10 s; after this long something is wrong, seconds.
PATIENCE = 60.0


@click.command()
@click.option("--keep", is_flag=True, help="Leave its directory behind, to look around in.")
@common_options
def demo(*, keep: bool) -> int:
    """Show it all on this machine in half a minute: no key, no network, nothing to pay.

    Starts a stand-in of memories.ai and a real daemon, drops real clips into its folder, one that
    cannot be taken and one twice, and shows what becomes of each.
    """
    with ExitStack() as stack:
        stack.enter_context(_ended_like_ctrl_c())
        place = Path(tempfile.mkdtemp(prefix="ingestd-demo-"))
        stack.callback(_clean_up, place, keep=keep)
        world = stack.enter_context(World(place))
        return _tell(world)


def _tell(world: World) -> int:
    click.echo(f"A stand-in of memories.ai listens at {world.url}.")
    click.echo(f"A daemon watches {world.drop}. {world.clips} clips arrive there, one by one:\n")
    story = Story(world.state_dir)
    ended = world.play(story, PATIENCE)
    if not ended:
        raise IngestdError(
            f"The demo did not come to its end within {PATIENCE:.0f} s. "
            f"What the daemon said last:\n{world.last_words()}"
        )
    click.echo("")
    for text in ending(story, world.accepted()):
        click.echo(text)
    return Exit.DONE


def _clean_up(place: Path, *, keep: bool) -> None:
    if keep:
        click.echo(f"Kept: {place}. Look around: ingestd -c {place}/config.yaml status")
    else:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """SIGTERM ends the demo as Ctrl-C does, so that it cleans up behind itself."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
