"""`health --prometheus`: the text that node_exporter's textfile collector reads; pure.

Metric names are stable. Format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from ingestd import __version__
from ingestd.model import GateName, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ingestd.cli.health_report import Health

    Sample = tuple[dict[str, str], float]

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def exposition(health: Health) -> str:
    """Write every metric with its HELP and TYPE; what is not known has no sample."""
    return "".join(
        text
        for name, kind, meaning, samples in (*_service(health), *_files(health), *_live(health))
        for text in _metric(f"ingestd_{name}", kind, meaning, samples)
    )


_Metric = tuple[str, str, str, "Iterable[Sample]"]


def _service(health: Health) -> Iterator[_Metric]:
    yield "build_info", "gauge", "The release of the command.", [({"version": __version__}, 1)]
    yield "up", "gauge", "1: the daemon runs and moves.", [({}, not health.life.trouble)]
    said = "As the exit code of health: 0 fine, 1 needs a person, 3 not running or stuck."
    yield "health_status", "gauge", said, [({}, health.code)]
    since = health.life.since
    yield "start_time_seconds", "gauge", "When the daemon started.", _known({}, since)
    closed = {gate.name: gate for gate in health.gates}
    yield (
        *("gate_closed", "gauge", "1: uploads pause for this reason."),
        [({"gate": name.value}, name in closed) for name in GateName],
    )
    yield (
        *("gate_closed_since_timestamp_seconds", "gauge", "Since when a closed gate is closed."),
        [({"gate": gate.name.value}, gate.since) for gate in health.gates],
    )
    kinds = [({"kind": alarm.kind}, sum(alarm.about.values())) for alarm in health.alarms]
    yield "troubles", "gauge", "What needs a person, by kind.", kinds


def _files(health: Health) -> Iterator[_Metric]:
    files: dict[tuple[str, str], int] = defaultdict(int)
    reasons: dict[tuple[str, str], int] = defaultdict(int)
    for tally in health.tallies:
        files[tally.folder or "", tally.state.value] += tally.files
        if tally.reason:
            reasons[tally.state.value, tally.reason.value] += tally.files
    yield (
        *("files", "gauge", "Files by folder and state."),
        [({"folder": folder, "state": state}, n) for (folder, state), n in sorted(files.items())],
    )
    yield (
        *("files_by_reason", "gauge", "Files by state and reason."),
        [({"state": state, "reason": why}, n) for (state, why), n in sorted(reasons.items())],
    )
    line = [tally for tally in health.tallies if tally.state is State.QUEUED]
    yield "queue_bytes", "gauge", "Bytes in line.", [({}, sum(one.bytes for one in line))]
    seconds = sum(one.seconds for one in line)
    yield "queue_duration_seconds", "gauge", "Playing time in line.", [({}, seconds)]
    usage = health.usage
    yield "uploads_total", "counter", "Uploads taken.", [({}, sum(one.uploads for one in usage))]
    paid = sum(one.seconds for one in usage)
    yield "uploaded_duration_seconds_total", "counter", "Playing time paid for.", [({}, paid)]
    size = sum(one.bytes for one in usage)
    yield "uploaded_bytes_total", "counter", "Bytes of uploads taken.", [({}, size)]


def _live(health: Health) -> Iterator[_Metric]:
    told = health.snapshot
    if told is None:
        return
    folders = told.folders
    yield (
        *("folder_ok", "gauge", "1: the folder can be watched."),
        [({"folder": one.name}, one.state in (None, "ok")) for one in folders],
    )
    yield (
        *("folder_last_scan_timestamp_seconds", "gauge", "When a folder was last scanned."),
        [one for each in folders for one in _known({"folder": each.name}, each.last_scan_at)],
    )
    yield "settling_files", "gauge", "Files that are not yet quiet.", [({}, told.settling)]
    yield "uploads_in_flight", "gauge", "Bodies under way.", [({}, len(told.uploads))]
    answered = _known({}, told.api.last_ok_at)
    yield "api_last_answer_timestamp_seconds", "gauge", "When memories.ai last answered.", answered


def _known(labels: dict[str, str], value: float | None) -> list[Sample]:
    return [] if value is None else [(labels, value)]


def _metric(name: str, kind: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {meaning}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        told = ",".join(f'{key}="{_label(text)}"' for key, text in labels.items())
        braces = f"{{{told}}}" if told else ""
        yield f"{name}{braces} {float(value):.17g}\n"


def _label(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode().translate(_ESCAPES)
