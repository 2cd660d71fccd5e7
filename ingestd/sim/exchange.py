"""One request from its head to its answer, with everything that is made to go wrong on the way."""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import TYPE_CHECKING, Final

from blake3 import blake3

from ingestd.sim.answers import Answer, Delivery
from ingestd.sim.bodies import PIECE, PeerGone
from ingestd.sim.endpoints import Call
from ingestd.sim.fault_kinds import FaultKind
from ingestd.sim.form import FormReader, Hasher, boundary_of
from ingestd.sim.routes import Endpoint, find_route

if TYPE_CHECKING:
    from collections.abc import Callable

    from ingestd.sim.far_side import FarSide
    from ingestd.sim.faults import Fault
    from ingestd.sim.settings import SimSettings
    from ingestd.sim.wire import Request, Wire

KEPT_BODY: Final = 4 * 1024 * 1024
"""Bytes of a JSON body that are looked at; the rest is read and forgotten."""


BODY_FAULTS: Final = frozenset({FaultKind.STALL, FaultKind.CUT_BODY, FaultKind.EARLY_ANSWER})


class After(Enum):
    """What becomes of the connection after a request."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"


class _Ended(Exception):  # noqa: N818 - control flow: a fault has ended the exchange
    def __init__(self, after: After) -> None:
        super().__init__(after.value)
        self.after = after


class Exchange:
    """Carries one request of the API through; used once.

    The wire knows the bytes and the far side decides; this class knows the order of things.
    """

    def __init__(
        self, wire: Wire, far_side: FarSide, request: Request, pause: Callable[[float], None]
    ) -> None:
        self._wire = wire
        self._far = far_side
        self._settings = far_side.settings
        self._request = request
        self._pause = pause
        self._route = find_route(request.method, request.path)
        self._active = far_side.begin(self._route.endpoint)
        self._form = self._form_reader()
        self._kept = bytearray()
        self._name_was_known = False
        self._done_faults: set[FaultKind] = set()

    def run(self) -> After:
        """Read the request, answer it, and say what becomes of the connection."""
        try:
            self._receive()
            return self._deliver(self._far.answer(self._call(), self._active))
        except _Ended as ended:
            return ended.after
        except PeerGone:
            return After.CLOSE

    def _form_reader(self) -> FormReader | None:
        if self._route.endpoint is not Endpoint.UPLOAD:
            return None
        boundary = boundary_of(self._request.headers.get("content-type", ""))
        return None if boundary is None else FormReader(boundary, _new_hasher(self._settings))

    def _call(self) -> Call:
        return Call(
            route=self._route,
            request=self._request,
            body=bytes(self._kept),
            form=None if self._form is None else self._form.form(),
        )

    # The body

    def _receive(self) -> None:
        if self._route.endpoint is not Endpoint.UPLOAD:
            self._read_body()
            return
        self._far.upload_opens()
        aborted = True
        try:
            self._read_body()
            aborted = False
        except PeerGone:
            aborted = not (self._complete and self._settings.accept_after_disconnect)
            if aborted:
                raise
        finally:
            self._far.upload_closes(self._wire.body.received, aborted=aborted)
        if not self._settings.accept_after_disconnect and self._wire.wait_gone(0):
            raise PeerGone("the client did not wait for the answer")

    @property
    def _complete(self) -> bool:
        return self._form is not None and self._form.complete

    def _read_body(self) -> None:
        started = self._far.now()
        self._body_faults()
        if self._settings.continue_100:
            self._wire.say_continue()
        while piece := self._wire.body.read(self._until_next_fault()):
            self._take(piece)
            self._body_faults()
            self._check_time(started)

    def _take(self, piece: bytes) -> None:
        if self._form is None:
            self._kept += piece[: KEPT_BODY - len(self._kept)]
            return
        self._form.feed(piece)
        name = self._form.file_name
        if name is not None and not self._name_was_known:
            self._name_was_known = True
            self._far.name_known(self._route.endpoint, self._active, name)

    def _check_time(self, started: float) -> None:
        limit = self._settings.upload_time_limit
        if limit is not None and self._far.now() - started > limit:
            raise _Ended(After.CLOSE)

    # Faults that happen while the body is on its way

    def _pending(self) -> list[tuple[int, Fault]]:
        """Faults of this body that have not happened yet, with the byte at which they will."""
        length = self._wire.body.length
        return [
            (fault.position(length), fault)
            for fault in self._active
            if fault.kind in BODY_FAULTS and fault.kind not in self._done_faults
        ]

    def _until_next_fault(self) -> int:
        """How much may be read before the next fault happens."""
        received = self._wire.body.received
        return min([PIECE, *(max(1, at - received) for at, _ in self._pending())])

    def _body_faults(self) -> None:
        for at, fault in self._pending():
            if self._wire.body.received >= at:
                self._done_faults.add(fault.kind)
                self._suffer(fault)

    def _suffer(self, fault: Fault) -> None:
        if fault.kind is FaultKind.STALL:
            self._pause(fault.seconds)
            return
        if fault.kind is FaultKind.EARLY_ANSWER:
            self._answer_early(fault)
        raise _Ended(After.RESET if fault.reset else After.CLOSE)

    def _answer_early(self, fault: Fault) -> None:
        answer = self._far.early_answer(fault, self._request.path)
        self._wire.answer(answer, self._far.now(), close=True)
        if fault.then == "read_on":
            self._read_on(fault)
        elif fault.then == "stop":
            self._wire.wait_gone(None)

    def _read_on(self, fault: Fault) -> None:
        """Read the rest although the answer is out; it may take effect all the same."""
        while piece := self._wire.body.read():
            self._take(piece)
        if fault.takes_effect:
            self._far.answer(self._call(), self._active)

    # The answer

    def _deliver(self, answer: Answer) -> After:
        end = After.RESET if answer.reset else After.CLOSE
        if answer.delay_s:
            self._pause(answer.delay_s)
        if answer.delivery is Delivery.HANG:
            self._wire.wait_gone(None)
        if answer.delivery in {Delivery.HANG, Delivery.DROP}:
            return end
        close = self._settings.idle_seconds == 0 or not self._wire.body.ended
        if not self._wire.answer(answer, self._far.now(), close=close):
            self._far.undelivered()
            return end
        return After.KEEP if self._wire.reusable else After.CLOSE


def _new_hasher(settings: SimSettings) -> Hasher | None:
    if not settings.hash_content:
        return None
    return blake3() if settings.hash_name == "blake3" else hashlib.sha256()
