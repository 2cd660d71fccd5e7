"""The control paths of a running stand-in: report, faults and settings, for loopback clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from ingestd.sim.answers import Answer
from ingestd.sim.callbacks import is_loopback
from ingestd.sim.fault_kinds import SPECS
from ingestd.sim.faults import Fault
from ingestd.sim.library import Details, Fate, Received
from ingestd.sim.routes import CONTROL_PATH
from ingestd.sim.settings import from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ingestd.sim.far_side import FarSide

INTRODUCTION: Final = """\
A stand-in of the far side. The API is below /serve/api/v1; these paths steer it:
  GET    /_sim/report     what it accepted, counters, armed faults
  POST   /_sim/faults     arm a fault, or a list of them: {"kind": "drop", "accepted": true}
  DELETE /_sim/faults     disarm all
  POST   /_sim/settings   change settings: {"parse_seconds": 0, "per_minute": 1}
  POST   /_sim/finish     end an indexing: {"video_no": "VI...", "fate": "parse|fail|stuck"}
  POST   /_sim/videos     add a video: {"file_name": "a.mp4", "size": 5, "age_s": 60}

Every fault: kind, endpoint (or "any"), times (null = until cleared), skip, name (a glob).
Kinds, with the endpoint that they hit unless told otherwise:
"""


def help_text() -> str:
    """The text of `GET /_sim/`."""
    lines = [f"  {kind.value:18} {spec.endpoint:13} {spec.help}\n" for kind, spec in SPECS.items()]
    return INTRODUCTION + "".join(lines)


def handle_control(far_side: FarSide, method: str, path: str, body: bytes, peer: str) -> Answer:
    """Answer a request below `/_sim`."""
    if not is_loopback(peer):
        return _said(403, "Only clients on this machine may steer the stand-in.")
    name = path.removeprefix(CONTROL_PATH).strip("/")
    if (method, name) == ("GET", ""):
        return Answer(body=help_text().encode(), content_type="text/plain; charset=utf-8")
    action = _ACTIONS.get((method, name))
    if action is None:
        return _said(404, f"There is no {method} {path}; GET {CONTROL_PATH}/ explains.")
    try:
        return Answer(envelope=action(far_side, json.loads(body or b"{}")))
    except (ValueError, TypeError) as mistake:
        return _said(400, str(mistake))
    except KeyError as unknown:
        return _said(404, f"There is no video {unknown}.")


def _said(status: int, sentence: str) -> Answer:
    return Answer(status=status, envelope={"error": sentence})


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a JSON object is expected")
    return value


def _report(far_side: FarSide, _: Any) -> dict[str, Any]:
    return far_side.report()


def _set_faults(far_side: FarSide, value: Any) -> dict[str, Any]:
    """All faults are read before the first is armed."""
    items = value if isinstance(value, list) else [value]
    faults = [from_json(Fault, _object(item)) for item in items]
    for fault in faults:
        far_side.set_fault(fault)
    return {"armed": len(faults)}


def _clear_faults(far_side: FarSide, _: Any) -> dict[str, Any]:
    far_side.clear_faults()
    return {"armed": 0}


def _change(far_side: FarSide, value: Any) -> dict[str, Any]:
    far_side.change(_object(value))
    return {"changed": sorted(value)}


def _finish(far_side: FarSide, value: Any) -> dict[str, Any]:
    video_no = str(_object(value).get("video_no"))
    far_side.finish(video_no, Fate(value.get("fate", "parse")))
    return {"finished": video_no}


def _add_video(far_side: FarSide, value: Any) -> dict[str, Any]:
    rest = dict(_object(value))
    age_s, finished = float(rest.pop("age_s", 0)), bool(rest.pop("finished", True))
    details = from_json(Details, {k: rest.pop(k) for k in ("unique_id", "folder_id") if k in rest})
    video = far_side.add_video(from_json(Received, rest), details, age_s=age_s, finished=finished)
    return {"video_no": video.video_no, "video_name": video.name}


_ACTIONS: Final[Mapping[tuple[str, str], Callable[[FarSide, Any], dict[str, Any]]]] = {
    ("GET", "report"): _report,
    ("POST", "faults"): _set_faults,
    ("DELETE", "faults"): _clear_faults,
    ("POST", "settings"): _change,
    ("POST", "finish"): _finish,
    ("POST", "videos"): _add_video,
}
