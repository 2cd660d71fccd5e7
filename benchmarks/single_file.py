"""One large file: our uploader beside `curl -F` and httpx's own `files=`, by kind of line."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness import (
    GB,
    MB,
    Sample,
    Sizes,
    has,
    heading,
    interleaved,
    note,
    ratio,
    send_files,
    spread,
    table,
    timed,
)
from randomdata import random_file
from servers import Sink, make_trust

if TYPE_CHECKING:
    from pathlib import Path

GIGABIT = 125e6  # bytes per second

CURL = "`curl -F`"
HTTPX = "httpx `files=`"
OURS = "ingestd"
BARE = "ingestd without the content hash"


def curl(url: str, path: Path, ca: str | None) -> Sample:
    """Send one file as a person would; the time is curl's own, without its start-up."""
    words = ["curl", "-sS", "--fail", "-H", "Authorization: benchmark", "-F", "unique_id=default"]
    words += ["-F", f"file=@{path};type=video/mp4", *(["--cacert", ca] if ca else [])]
    words += ["-o", "/dev/null", "-w", "%{time_total}"]
    return timed([*words, f"{url}/upload"], says_seconds=True)


def plain(work: Path, sizes: Sizes) -> None:
    """HTTP without TLS: the copying costs most."""
    heading(f"One file of {sizes.big >> 20} MiB, plain HTTP")
    with Sink() as sink:
        _compare(sink, random_file(work / "big.mp4", sizes.big), sizes.rounds)


def tls(work: Path, sizes: Sizes) -> None:
    """TLS 1.3: the encryption costs most, on both sides of the same two cores."""
    heading(f"One file of {sizes.big >> 20} MiB, TLS")
    with Sink(make_trust(work)) as sink:
        _compare(sink, random_file(work / "big.mp4", sizes.big), sizes.rounds)


def paced(work: Path, sizes: Sizes) -> None:
    """A line of 1 Gbit/s: time is given, CPU is what is left to compare."""
    heading(f"One file of {sizes.paced >> 20} MiB, plain HTTP at 1 Gbit/s")
    with Sink(rate=GIGABIT) as sink:
        path = random_file(work / "paced.mp4", sizes.paced)
        _compare(sink, path, sizes.small_rounds, base=HTTPX)


def _compare(sink: Sink, path: Path, rounds: int, base: str = CURL) -> None:
    size, url, ca = path.stat().st_size, sink.url, sink.ca
    contenders = {
        CURL: partial(curl, url, path, ca),
        BARE: partial(send_files, "nohash", url, [path], ca=ca),
        OURS: partial(send_files, "ingestd", url, [path], ca=ca),
        HTTPX: partial(send_files, "httpx", url, [path], ca=ca),
    }
    if not has("curl"):
        del contenders[CURL]
        base = HTTPX
    began = sink.cpu
    samples = interleaved(contenders, rounds)
    uploads = (rounds + 1) * len(contenders)
    sink.expect(uploads, uploads * size)
    _show(samples, size, base)
    per_gb = (sink.cpu - began) / (uploads * size / GB)
    note(
        f"The sink itself used {per_gb:.2f} CPU s/GB. The content hash: "
        f"{ratio(_seconds(samples[OURS]), _seconds(samples[BARE]))} times the time, "
        f"{ratio(_cpu(samples[OURS]), _cpu(samples[BARE]))} times the CPU."
    )


def _show(samples: dict[str, list[Sample]], size: int, base: str) -> None:
    beside = samples[base]
    table(
        ["", "MB/s", f"speed vs {base}", "CPU s/GB", f"CPU vs {base}", "memory, MB"],
        [
            [
                name,
                spread([size / MB / one.seconds for one in taken], 0),
                ratio(_seconds(beside), _seconds(taken)),
                spread([one.cpu / (size / GB) for one in taken], 2),
                ratio(_cpu(taken), _cpu(beside)),
                _memory(taken),
            ]
            for name, taken in samples.items()
        ],
    )


def _memory(taken: list[Sample]) -> str:
    extra = [one.extra for one in taken if one.extra is not None]
    return spread(extra, 1) if extra else ""


def _seconds(samples: list[Sample]) -> list[float]:
    return [one.seconds for one in samples]


def _cpu(samples: list[Sample]) -> list[float]:
    return [one.cpu for one in samples]
