"""`ingestd run`: puts the parts together, runs the loop, ends it in order."""

from __future__ import annotations

import faulthandler
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack, suppress
from operator import attrgetter
from typing import TYPE_CHECKING

from ingestd import log
from ingestd.config import read_key
from ingestd.control import ControlServer, Lock
from ingestd.daemon import late
from ingestd.daemon.asking.lane import LANE as ASKING_LANE
from ingestd.daemon.asking.reads import ReadPace
from ingestd.daemon.context import Context
from ingestd.daemon.core import Daemon
from ingestd.daemon.inbox import Inbox
from ingestd.daemon.intake.newrules import would_be_taken
from ingestd.daemon.messages import Asked, Hint, HintsLost, MountsChanged
from ingestd.daemon.once import Once, Pass
from ingestd.daemon.place import refuse_lost_state
from ingestd.daemon.reloads import Reloads
from ingestd.daemon.sending.preflight import LANE as UPLOAD_LANE
from ingestd.daemon.signals import Signals
from ingestd.daemon.telling.pulse import Pulse
from ingestd.daemon.telling.supervision import Lanes, Supervision
from ingestd.daemon.workers import ThreadWorkers
from ingestd.errors import Exit, IngestdError, UsageError
from ingestd.journal import Journal
from ingestd.model import Now
from ingestd.notify import ServiceManager
from ingestd.remote import HttpxFarSide, Pace
from ingestd.watch.cookies import Cookies, cookie_place
from ingestd.watch.hints import Hints
from ingestd.watch.mounts import read_mounts
from ingestd.watch.mountwatch import MountWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ingestd.config import ApiKey, Settings
    from ingestd.daemon.reloads import Reread

    Reload = Callable[[], tuple[Settings, ApiKey]]

#: How long a command waits for the loop to answer, seconds.
ANSWER_S = 5.0


#: Sources of the key that a running process cannot read anew, and what takes in another one.
AT_START = {
    "credential": "sudo systemctl restart ingestd.",
    "INGESTD_API_KEY": "a restart.",
}


class SystemClock:
    """The machine's clocks."""

    def now(self) -> Now:
        """Read both."""
        return Now(time.time(), time.monotonic())


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
    clock, inbox, signals = SystemClock(), Inbox(), Signals()
    if sys.__stderr__ is not None:  # a watchdog ends a hang with SIGABRT: where was each thread?
        faulthandler.enable(sys.__stderr__)
    mounts = read_mounts()
    refuse_lost_state(settings.state_dir, mounts, os.environ)
    _make_state_dir(settings.state_dir)
    mount = mounts.of(os.path.realpath(settings.state_dir))
    with ExitStack() as stack:
        stack.callback(signals.close)
        signals.catch(inbox.wake)
        lock = Lock(settings.state_dir, clock.now().wall)
        stack.callback(lock.release)
        journal = Journal.create_or_open(settings.state_dir, fstype=mount.fstype if mount else None)
        stack.callback(journal.close)
        service = _Service(settings, api_key, journal, inbox, signals, config)
        stack.callback(service.close)
        return service.run(once, Reloads(reload, inbox.wake))


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
    keys = ("api.base_url", "api.proxy", "api.ca_file")
    return [key for key in keys if attrgetter(key)(before) != attrgetter(key)(after)]


def _restart_for(changed: list[str]) -> str:
    return f"In force after a restart only: {', '.join(changed)}." if changed else ""


def _key_stays(key: ApiKey) -> str:
    """What is handed over at the start stays as it was then, whatever a person has changed."""
    if key.source not in AT_START:
        return ""
    return f"The key is the one of the start ({key.source}): a new one needs {AT_START[key.source]}"


def _why(error: Exception) -> str:
    if isinstance(error, IngestdError):
        return str(error)
    return f"This is a mistake in ingestd ({type(error).__name__}: {error})."


class _Service:
    def __init__(
        self,
        settings: Settings,
        api_key: ApiKey,
        journal: Journal,
        inbox: Inbox,
        signals: Signals,
        config: Path | None,
    ) -> None:
        clock = SystemClock()
        self._clock, self._inbox, self._key, self._signals = clock, inbox, api_key, signals
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
            # what may be wrong with a file or an address is said at the start
            at_once=settings.api.ca_file is not None or settings.api.proxy is not None,
        )
        self._widths = {UPLOAD_LANE: settings.upload.concurrency}
        workers = ThreadWorkers(inbox, self._widths)
        self._ctx = Context(
            settings=settings,
            journal=journal,
            far=self._far,
            workers=workers,
            inbox=inbox,
            log=log.get_logger(),
            host=socket.gethostname(),
            set_bandwidth=self._bandwidth.set_rate,
            reread_key=lambda: read_key(self._ctx.settings.api, os.environ),
            take_key=self._take_key,
        )
        hints = Hints(
            lambda root, path: inbox.post(Hint(root, path)),
            lambda root: inbox.post(HintsLost(root)),
            lambda root, state: inbox.post(HintsLost(root, state.detail)),
            Cookies(cookie_place(settings.state_dir, os.environ)[0]),
        )
        self._mounts = MountWatch(lambda table: inbox.post(MountsChanged(table)))
        self._daemon = Daemon(self._ctx, hints, clock.now(), config)
        self._daemon.use_key(api_key)
        self._supervision = Supervision(
            ServiceManager(os.environ, os.getpid()),
            self._daemon,
            Lanes(workers.dead, lambda: workers.busy_since(ASKING_LANE), lambda: self._pace.last),
            clock.now().mono,
        )
        self._control = ControlServer(settings.state_dir, self._ask_loop)

    def close(self) -> None:
        """Stop in order: commands, watchers and workers; the journal comes last, elsewhere."""
        self._control.close()
        self._mounts.close()
        self._pace.close()
        self._daemon.close()
        self._far.close()

    def run(self, once: Once | None, reloads: Reloads) -> Exit:
        """Loop until a signal or the end of the pass."""
        ctx, daemon = self._ctx, self._daemon
        watching = None
        if once is not None:
            watching = Pass(
                once, ctx, daemon.seeing, daemon.tracker, daemon.keeper, lambda: daemon.busy
            )
        ctx.log.info(
            "daemon.started",
            folders=[folder.name for folder in ctx.settings.folders],
            state_dir=str(ctx.settings.state_dir),
            key=self._key.key_id,
        )
        over: Exit | None = None
        while over is None and not self._signals.stops:
            deadline = self._step(self._clock.now())
            if self._reload(reloads):
                continue  # what it brought is due now
            told = self._supervision.tick(self._clock.now())
            if self._supervision.ready:
                late.take_in()
            over = watching.over() if watching else None
            if over is None and not self._signals.stops:
                self._sleep(deadline, told, watching.deadline() if watching else None)
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
        daemon, now = self._daemon, self._clock.now()
        until = now.mono + self._ctx.settings.stop_grace
        daemon.begin_stop()
        self._supervision.stopping(now, until)
        while not daemon.stopped and self._signals.stops <= 1 and now.mono < until:
            self._step(now)
            self._supervision.finishing(now, until - now.mono)
            if not daemon.stopped:
                self._inbox.wait(min(1.0, until - now.mono))
            now = self._clock.now()
        daemon.abandon(now)
        self._ctx.log.info("daemon.stopped")

    def _reload(self, reloads: Reloads) -> bool:
        """Begin what a signal asked for, take in what came of it; tell whether that was news."""
        if self._signals.reload and not reloads.under_way:
            self._signals.reload = False
            self._supervision.reloading(self._clock.now())
            reloads.begin()
        reread = reloads.take()
        if reread is None:
            return False
        refused = self._take_over(reread)
        if refused:
            said = f"{refused.rstrip('. ')}. The old one stays in force."
            self._ctx.log.warning("config.refused", detail=said)
        self._daemon.config_read(refused)
        self._supervision.reloaded(self._clock.now())
        return True

    def _take_over(self, reread: Reread) -> str:
        """Put a configuration in force; say why not, or ""."""
        settings, key = reread.settings, reread.key
        before, key_before = self._ctx.settings, self._key
        if settings is None or key is None:
            return reread.refused
        if settings.state_dir != before.state_dir:
            return "state_dir cannot change while ingestd runs: restart it for that."
        try:
            self._adopt(settings, key)
            self._say_taken(before, settings, key)
        except Exception as error:  # noqa: BLE001 - whatever it is, the old one stays in force
            with suppress(Exception):  # comes as far as the new one did, which undoes all of that
                self._adopt(before, key_before)
            return f"It could not be put in force. {_why(error)}"
        return ""

    def _adopt(self, settings: Settings, key: ApiKey) -> None:
        """Let every part work by these settings and this key."""
        self._take_key(key)
        self._daemon.reconfigure(settings, key)
        self._pace.change(settings.api.reads_per_second)
        upload = settings.upload
        self._far.patience(answer=upload.answer_timeout, stall=upload.stall_timeout)
        self._widths[UPLOAD_LANE] = upload.concurrency

    def _say_taken(self, before: Settings, settings: Settings, key: ApiKey) -> None:
        said = [
            would_be_taken(self._ctx.journal, before.validate, settings.validate),
            _restart_for(_only_at_start(before, settings)),
            _key_stays(key),
        ]
        if settings.log != before.log:
            log.configure(str(settings.log.level), str(settings.log.format))
        self._ctx.log.info(
            "config.reloaded",
            folders=[one.name for one in settings.folders],
            key=key.key_id,
            detail=" ".join(filter(None, said)) or None,
        )

    def _take_key(self, key: ApiKey) -> None:
        log.keep_secret(key.secret)
        self._key = key

    def _ask_loop(self, request: Mapping[str, object]) -> Mapping[str, object]:
        """Hand a command's question to the loop and wait for its answer; runs in its thread."""
        if request.get("ask") == "pulse":  # answered without the loop: it may hang
            stuck = self._pulse.stuck_for(self._clock.now().mono)
            hangs = self._supervision.stuck
            return {
                "pid": os.getpid(),
                "since": self._since,
                "stuck_for": stuck,
                "stuck_worker": hangs,
            }
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
