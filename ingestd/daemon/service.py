"""`ingestd run`: puts the parts together, runs the loop, ends it in order."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from ingestd import log
from ingestd.control import ControlServer, Lock
from ingestd.daemon.context import Context
from ingestd.daemon.core import Daemon
from ingestd.daemon.inbox import Inbox
from ingestd.daemon.messages import Asked, Hint, HintsLost
from ingestd.daemon.once import Once, Pass
from ingestd.daemon.preflight import LANE as UPLOAD_LANE
from ingestd.daemon.pulse import Pulse
from ingestd.daemon.reads import ReadPace
from ingestd.daemon.wakeup import SignalWakeup
from ingestd.daemon.workers import ThreadWorkers
from ingestd.errors import Exit, IngestdError, UsageError
from ingestd.journal import Journal
from ingestd.model import Now
from ingestd.remote import HttpxFarSide, Pace
from ingestd.watch.hints import Hints
from ingestd.watch.mounts import read_mounts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path
    from types import FrameType

    from ingestd.config import ApiKey, Settings

    Reload = Callable[[], tuple[Settings, ApiKey]]

#: How long a command waits for the loop to answer, seconds.
ANSWER_S = 5.0


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Now:
        """Read both."""
        return Now(time.time(), time.monotonic())


@dataclass(slots=True)
class Signals:
    """What signals asked for; set by their handlers, read by the loop."""

    stops: int = 0
    reload: bool = False


def serve(
    settings: Settings,
    api_key: ApiKey,
    *,
    config: Path | None = None,
    once: Once | None = None,
    reload: Reload | None = None,
) -> Exit:
    """Run the daemon in the foreground until a signal comes or the pass is over.

    Args:
        settings: the configuration in force.
        api_key: the key; its secret is kept out of logs and errors.
        config: the file it came from, for `status`.
        once: what one pass is about; None: run until a signal.
        reload: reads settings and key anew on SIGHUP.

    Raises:
        IngestdError: the state directory or the journal cannot be used.
    """
    log.keep_secret(api_key.secret)
    _make_state_dir(settings.state_dir)
    mount = read_mounts().of(os.path.realpath(settings.state_dir))
    clock, inbox = SystemClock(), Inbox()
    with ExitStack() as stack:
        lock = Lock(settings.state_dir, clock.now().wall)
        stack.callback(lock.release)
        journal = Journal.create_or_open(settings.state_dir, fstype=mount.fstype if mount else None)
        stack.callback(journal.close)
        service = _Service(settings, api_key, journal, inbox, clock, config)
        stack.callback(service.close)
        return service.run(once, reload)


def _make_state_dir(state_dir: Path) -> None:
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"The state directory {state_dir} cannot be made ({error.strerror}). Name another one "
            "with state_dir in the configuration, or make it for this user."
        ) from error


def _only_at_start(before: Settings, after: Settings) -> list[str]:
    """Which changed settings the connection to the far side takes in at the start only."""
    far_side = ("api.base_url", "api.proxy", "api.ca_file")
    keys = (*far_side, "upload.answer_timeout", "upload.stall_timeout", "log")
    return [key for key in keys if attrgetter(key)(before) != attrgetter(key)(after)]


class _Service:
    def __init__(
        self,
        settings: Settings,
        api_key: ApiKey,
        journal: Journal,
        inbox: Inbox,
        clock: SystemClock,
        config: Path | None,
    ) -> None:
        self._clock, self._inbox, self._key = clock, inbox, api_key
        self._signals = Signals()
        self._wakeup: SignalWakeup | None = None
        self._pulse, self._since = Pulse(clock.now().mono), clock.now().wall
        self._pace = ReadPace(settings.api.reads_per_second)
        self._bandwidth = Pace()
        self._far = HttpxFarSide(
            base_url=settings.api.base_url,
            key=lambda: self._key.secret,
            proxy=settings.api.proxy,
            ca_file=str(settings.api.ca_file) if settings.api.ca_file else None,
            answer_timeout=settings.upload.answer_timeout,
            stall_timeout=settings.upload.stall_timeout,
            bandwidth=self._bandwidth,
            read_limiter=self._pace.wait,
        )
        self._widths = {UPLOAD_LANE: settings.upload.concurrency}
        self._ctx = Context(
            settings=settings,
            journal=journal,
            far=self._far,
            workers=ThreadWorkers(inbox, self._widths),
            inbox=inbox,
            log=log.get_logger(),
            host=socket.gethostname(),
            set_bandwidth=self._bandwidth.set_rate,
        )
        hints = Hints(
            lambda root, path: inbox.post(Hint(root, path)),
            lambda root: inbox.post(HintsLost(root)),
        )
        self._daemon = Daemon(self._ctx, hints, clock.now(), config)
        self._daemon.use_key(api_key)
        self._control = ControlServer(settings.state_dir, self._ask_loop)

    def close(self) -> None:
        """Stop in order: commands, watchers and workers; the journal comes last, elsewhere."""
        self._control.close()
        if self._wakeup is not None:
            self._wakeup.close()
        self._pace.close()
        self._daemon.close()
        self._far.close()

    def run(self, once: Once | None, reload: Reload | None) -> Exit:
        """Loop until a signal or the end of the pass."""
        self._catch_signals()
        ctx, daemon = self._ctx, self._daemon
        watching = None
        if once is not None:
            watching = Pass(once, ctx, daemon.seeing, daemon.tracker, daemon.keeper)
        ctx.log.info(
            "daemon.started",
            folders=[folder.name for folder in ctx.settings.folders],
            state_dir=str(ctx.settings.state_dir),
            key=self._key.key_id,
        )
        over: Exit | None = None
        while over is None and not self._signals.stops:
            deadline = self._step(self._clock.now())
            if self._signals.reload:
                self._reload(reload)
                continue  # what it brought is due now
            over = watching.over() if watching else None
            if over is None and not self._signals.stops:
                self._sleep(deadline, watching.deadline() if watching else None)
        if watching and over:
            ctx.log.warning("pass.ended", code=int(over), detail=watching.why(over))
        self._stop()
        return Exit.DONE if over is None else over

    def _step(self, now: Now) -> float | None:
        self._pulse.awake(now.mono)
        return self._daemon.step(now)

    def _sleep(self, *deadlines: float | None) -> None:
        """Wait for a message, or for the first of these moments (monotonic)."""
        known = [at for at in deadlines if at is not None]
        wait = max(0.0, min(known) - self._clock.now().mono) if known else None
        self._pulse.asleep(min(known, default=None))
        self._inbox.wait(wait)
        self._pulse.awake(self._clock.now().mono)

    def _stop(self) -> None:
        """Bodies that can finish within the grace do; the others end before their last byte."""
        daemon, began = self._daemon, self._clock.now().mono
        daemon.begin_stop()
        until = began + self._ctx.settings.stop_grace
        asked = self._signals.stops
        while not daemon.stopped and self._signals.stops <= max(asked, 1):
            now = self._clock.now()
            if now.mono >= until:
                break
            self._step(now)
            if not daemon.stopped:
                self._inbox.wait(min(1.0, until - now.mono))
        daemon.abandon(self._clock.now())
        self._ctx.log.info("daemon.stopped")

    def _reload(self, reload: Reload | None) -> None:
        self._signals.reload = False
        if reload is None:
            return
        try:
            settings, key = reload()
            if settings.state_dir != self._ctx.settings.state_dir:
                raise UsageError("state_dir cannot change while ingestd runs: restart it for that.")
        except IngestdError as error:
            self._ctx.log.warning("config.refused", detail=f"{error} The old one stays in force.")
            return
        log.keep_secret(key.secret)
        self._key = key
        self._pace.change(settings.api.reads_per_second)
        self._widths[UPLOAD_LANE] = settings.upload.concurrency
        later = _only_at_start(self._ctx.settings, settings)
        self._daemon.reconfigure(settings, key)
        self._ctx.log.info(
            "config.reloaded",
            folders=[one.name for one in settings.folders],
            detail=f"In force after a restart only: {', '.join(later)}." if later else None,
        )

    def _catch_signals(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return  # embedded in a test: nobody sends it signals

        def stop(_number: int, _frame: FrameType | None) -> None:
            self._signals.stops += 1

        def reload(_number: int, _frame: FrameType | None) -> None:
            self._signals.reload = True

        self._wakeup = SignalWakeup(self._inbox.wake)
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        signal.signal(signal.SIGHUP, reload)

    def _ask_loop(self, request: Mapping[str, object]) -> Mapping[str, object]:
        """Hand a command's question to the loop and wait for its answer; runs in its thread."""
        if request.get("ask") == "pulse":  # answered without the loop: it may hang
            stuck = self._pulse.stuck_for(self._clock.now().mono)
            return {"pid": os.getpid(), "since": self._since, "stuck_for": stuck}
        answered = threading.Event()
        answers: list[Mapping[str, object]] = []

        def answer(value: Mapping[str, object]) -> None:
            answers.append(value)
            answered.set()

        self._inbox.post(Asked(request, answer))
        answered.wait(ANSWER_S)
        with suppress(IndexError):
            return answers[0]
        return {"error": "busy"}
