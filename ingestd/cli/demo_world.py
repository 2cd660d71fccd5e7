"""What the demo plays in: a stand-in, a daemon as its own process, and clips that arrive."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import click

from ingestd import clips
from ingestd.cli.demo_story import Story, arrival
from ingestd.errors import IngestdError
from ingestd.sim import Sim, SimSettings

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import Self


#: Seconds between two clips, between two looks at the journal, and until the daemon must end.
ARRIVAL: Final = 0.6
LOOK: Final = 0.1
END: Final = 10.0
#: Indexing takes so long here, seconds.
PARSE: Final = 1.5
#: So much of the daemon's log is shown when something goes wrong, bytes.
LAST_WORDS: Final = 2000
_CONFIG: Final = """\
state_dir: {state}
api: {{base_url: "{url}", reads_per_second: 0}}
folders:
  - path: {drop}
    settle: 0.5s
    poll_interval: 0.5s
    rescan_interval: 0.5s
upload: {{per_minute: 0}}
indexing: {{poll_min: 0.3s, poll_max: 1s}}
stop_grace: 2s
"""


class World:
    """Starts it all, and ends it all, whatever happens in between."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.state_dir = place / "state"
        self.drop = place / "drop"
        self._log = place / "daemon.log"
        self._sim = Sim(SimSettings(parse_seconds=PARSE))
        self._daemon: subprocess.Popen[bytes] | None = None
        self._films = _films()

    def __enter__(self) -> Self:
        """Start the stand-in, then the daemon."""
        self.drop.mkdir()
        self._sim.start()
        config = self._place / "config.yaml"
        config.write_text(_CONFIG.format(state=self.state_dir, drop=self.drop, url=self.url))
        try:
            with self._log.open("wb") as log:
                self._daemon = subprocess.Popen(  # noqa: S603 - this very program
                    [sys.executable, "-m", "ingestd", "-c", str(config), "run"],
                    env=_environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us: we end it in order
                )
        except BaseException:
            self._sim.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._daemon is not None:
            self._daemon.terminate()
            try:
                self._daemon.wait(END)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
                self._daemon.wait()
        self._sim.stop()

    @property
    def url(self) -> str:
        """Where the stand-in's API is."""
        return self._sim.url

    @property
    def clips(self) -> int:
        """How many clips will arrive."""
        return len(self._films)

    def play(self, story: Story, patience: float) -> bool:
        """Let the clips arrive and tell what happens; False: it did not end in time."""
        end = time.monotonic() + patience
        films = list(self._films.items())
        next_film = time.monotonic()
        while time.monotonic() < end:
            self._check_daemon()
            ended = story.tell_news()
            if films and story.begun and time.monotonic() >= next_film:
                self._arrive(*films.pop(0))
                next_film = time.monotonic() + ARRIVAL
            if not films and ended == self.clips:
                return True
            time.sleep(LOOK)
        return False

    def _arrive(self, name: str, content: bytes) -> None:
        """Copy as people do: under its own name, piece by piece."""
        with (self.drop / name).open("wb") as file:
            half = len(content) // 2
            file.write(content[:half])
            file.flush()
            file.write(content[half:])
        click.echo(arrival(name, time.time()))

    def _check_daemon(self) -> None:
        if self._daemon is not None and self._daemon.poll() is not None:
            raise IngestdError(f"The demo's daemon ended by itself:\n{self.last_words()}")

    def accepted(self) -> list[dict[str, object]]:
        """What the stand-in accepted: each a bill in real life."""
        videos = self._sim.report().get("videos", [])
        return list(videos)

    def last_words(self) -> str:
        """The end of the daemon's log."""
        with suppress(OSError):
            return self._log.read_bytes()[-LAST_WORDS:].decode("utf-8", "replace").strip()
        return ""


def _films() -> dict[str, bytes]:
    """Real clips like no others, one that cannot be taken, and one of them a second time."""
    salt = secrets.token_bytes(16)
    films = {name: clips.unique(name, salt) for name in clips.names()}
    first = next(iter(films))
    bad_name, bad = clips.bad(salt)
    return {**films, bad_name: bad, f"copy of {first}": films[first]}


def _environment() -> dict[str, str]:
    """This process's environment without anything that is meant for a daemon of one's own."""
    odd = ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("INGESTD_") and name not in odd
    }
    return {**kept, "INGESTD_API_KEY": "sk-demo-no-real-key", "INGESTD_LOG_LEVEL": "info"}
