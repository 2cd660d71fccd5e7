"""The stand-in as one object: start it, let clients loose on it, look at what it accepted."""

from __future__ import annotations

import threading
import time
import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ingestd.sim.answers import spring_error
from ingestd.sim.bodies import PeerGone
from ingestd.sim.callbacks import CallbackSender
from ingestd.sim.control import handle_control
from ingestd.sim.exchange import KEPT_BODY, After, Exchange
from ingestd.sim.far_side import FarSide
from ingestd.sim.faults import Fault
from ingestd.sim.library import Details, Fate, Received
from ingestd.sim.routes import BASE_PATH, CONTROL_PATH
from ingestd.sim.server import Server
from ingestd.sim.settings import SimSettings, from_json
from ingestd.sim.wire import BadHead

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from ingestd.sim.wire import Request, Wire

LOOK_EVERY_S: Final = 0.02
"""Real seconds between looks at the clock during a pause: an injected clock may jump."""


class Sim:
    """A far side on this machine.

    Every duration is measured with `clock`; without one of their own, tests wait in real time.
    Threads: one that accepts, one for each connection, one for callbacks; all end with `stop`.

    Example:
        >>> with Sim(SimSettings(parse_seconds=0)) as sim:
        ...     sim.set_fault("drop", accepted=True)
        ...     print(sim.url)
    """

    def __init__(
        self,
        settings: SimSettings | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings or SimSettings()
        self._clock = clock
        self._far_side = FarSide(self._settings, clock)
        self._stopping = threading.Event()
        self._server: Server | None = None
        self._callbacks: CallbackSender | None = None
        self._origin, self._port = "", self._settings.port

    def start(self) -> Self:
        """Listen and serve in the background; after a `stop` again at the same address.

        Raises:
            OSError: The address cannot be had, or the certificate cannot be read.
        """
        self._stopping.clear()
        self._server = Server(replace(self._settings, port=self._port), self._serve)
        self._origin, self._port = self._server.origin, self._server.port
        self._callbacks = CallbackSender(self._far_side.callbacks, self._far_side.due_callbacks)
        self._callbacks.start()
        self._server.start()
        return self

    def stop(self) -> None:
        """End every connection and thread; the library stays, as after an outage."""
        self._stopping.set()
        if self._server is not None:
            self._server.stop()
            self._server = None
        if self._callbacks is not None:
            self._callbacks.stop()
            self._callbacks = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        trouble: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def origin(self) -> str:
        """Scheme, host and port, known once it was started."""
        return self._origin

    @property
    def url(self) -> str:
        """Base URL of the API, for the client's configuration."""
        return self._origin + BASE_PATH

    @property
    def settings(self) -> SimSettings:
        """The settings in force."""
        return self._far_side.settings

    def change(self, **changes: object) -> None:
        """Change settings while it runs.

        Raises:
            ValueError: A name is unknown or fixed at the start, or a value has the wrong type.
        """
        self._far_side.change(changes)

    def set_fault(self, kind: str | Fault, **details: object) -> None:
        """Arm a fault: a kind with its details, or a finished one.

        Raises:
            ValueError: The kind or a detail is unknown or wrong.
        """
        fault = kind if isinstance(kind, Fault) else from_json(Fault, {"kind": kind, **details})
        self._far_side.set_fault(fault)

    def clear_faults(self) -> None:
        """Disarm all faults; what already hangs goes on hanging."""
        self._far_side.clear_faults()

    def finish(self, video_no: str, fate: str = "parse") -> None:
        """End the indexing of a video now: "parse", "fail", or "stuck" to take it back.

        Raises:
            KeyError: There is no such video.
            ValueError: There is no such fate.
        """
        self._far_side.finish(video_no, Fate(fate))

    def add_video(
        self,
        file_name: str,
        *,
        size: int = 1,
        unique_id: str = "default",
        age_s: float = 0.0,
        duration_s: float | None = None,
        finished: bool = True,
    ) -> str:
        """Put a video into the library that nobody uploaded here; its video number."""
        received = Received(file_name=file_name, size=size, duration_s=duration_s)
        details = Details(unique_id=unique_id)
        video = self._far_side.add_video(received, details, age_s=age_s, finished=finished)
        return video.video_no

    def report(self) -> dict[str, Any]:
        """What it accepted and what it was asked, as JSON values."""
        return {"url": self.url, **self._far_side.report()}

    def _serve(self, wire: Wire, peer: str) -> None:
        """One connection, request after request."""
        after = After.KEEP
        while after is After.KEEP:
            try:
                request = wire.next_request(self._far_side.settings.idle_seconds)
            except BadHead:
                wire.answer(spring_error(400, "/", self._clock()), self._clock(), close=True)
                return
            if request is None:
                return
            after = self._one_request(wire, request, peer)
        wire.close(reset=after is After.RESET)

    def _one_request(self, wire: Wire, request: Request, peer: str) -> After:
        try:
            if request.path.startswith(CONTROL_PATH):
                return self._control(wire, request, peer)
            return Exchange(wire, self._far_side, request, self._pause).run()
        except Exception:  # noqa: BLE001 - whatever breaks here must show in the report
            self._far_side.error(traceback.format_exc())
            error = spring_error(500, request.path, self._clock())
            wire.answer(error, self._clock(), close=True)
            return After.CLOSE

    def _control(self, wire: Wire, request: Request, peer: str) -> After:
        body = bytearray()
        try:
            wire.say_continue()
            while piece := wire.body.read():
                body += piece[: KEPT_BODY - len(body)]
        except PeerGone:
            return After.CLOSE
        answer = handle_control(self._far_side, request.method, request.path, bytes(body), peer)
        wire.answer(answer, self._clock(), close=False)
        return After.KEEP if wire.reusable else After.CLOSE

    def _pause(self, seconds: float) -> None:
        """Let so much time pass on the clock, unless the stand-in stops."""
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 and not self._stopping.is_set():
            self._stopping.wait(min(left, LOOK_EVERY_S))
