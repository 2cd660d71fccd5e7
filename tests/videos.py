"""Real videos, made on the spot and kept for the session: 64x64, a few frames, a moving pattern.

Import as `from videos import video, write_video`. The same arguments give the same bytes; another
`seed` gives another content (other pictures, another fingerprint) of the same kind.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import av

SIDE = 64
RATE = 10

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".avi": "avi", ".webm": "webm"}
"""Extension to the name of its muxer."""

_PIXELS = {"prores_ks": "yuv422p10le", "mjpeg": "yuvj420p", "png": "rgb24"}
_QUICK = {
    "libx264": {"preset": "ultrafast"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:pools=1"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
}


@cache
def _made(
    form: str,
    codecs: tuple[str, ...],
    frames: int,
    seed: int,
    audio: bool,
    tag: str,
    options: tuple[tuple[str, str], ...],
) -> bytes:
    with tempfile.TemporaryDirectory() as folder:  # faststart reads back what it wrote
        target = Path(folder, "video")
        _encode(target, form, codecs, frames, seed, audio=audio, tag=tag, options=dict(options))
        return target.read_bytes()


def _encode(target, form, codecs, frames, seed, *, audio, tag, options):
    with av.open(str(target), "w", format=form, options=options) as container:
        streams = [_video_stream(container, codec, tag) for codec in codecs]
        sound = _audio_stream(container, form) if audio else None
        for index in range(frames):
            for stream in streams:
                container.mux(stream.encode(_picture(index, seed, stream.pix_fmt)))
            if sound is not None:
                container.mux(sound.encode(_silence(index)))
        for stream in [*streams, *([sound] if sound else [])]:
            container.mux(stream.encode(None))


def _video_stream(container, codec: str, tag: str):
    stream = container.add_stream(codec, rate=RATE, options=dict(_QUICK.get(codec, {})))
    stream.width = stream.height = SIDE
    stream.pix_fmt = _PIXELS.get(codec, "yuv420p")
    stream.codec_context.thread_count = 1
    if tag:
        stream.codec_context.codec_tag = tag
    return stream


def _audio_stream(container, form: str):
    codec = "libopus" if form == "webm" else "aac"
    stream = container.add_stream(codec, rate=48_000)
    stream.layout = "mono"
    return stream


def _picture(index: int, seed: int, pixels: str):
    frame = av.VideoFrame(SIDE, SIDE, "rgb24")
    row = bytes((3 * x + 7 * index + 31 * seed) % 256 for x in range(3 * SIDE))
    plane = frame.planes[0]
    plane.update((row.ljust(plane.line_size, b"\0")) * SIDE)
    frame = frame.reformat(format=pixels)
    frame.pts = index
    return frame


def _silence(index: int):
    samples = 48_000 // RATE
    frame = av.AudioFrame(format="fltp", layout="mono", samples=samples)
    frame.planes[0].update(bytes(4 * samples))
    frame.sample_rate = 48_000
    frame.pts = index * samples
    return frame


def video(
    extension: str = ".mp4",
    codec: str | tuple[str, ...] = "libx264",
    *,
    frames: int = 5,
    seed: int = 0,
    audio: bool = False,
    tag: str = "",
    **options: str,
) -> bytes:
    """Make a real video: its muxer by extension (or by name), one stream for each codec.

    `options` go to the muxer: `movflags="faststart"`, `live="1"` ... `codec=()` with `audio=True`
    gives sound alone. `tag` sets the sample entry's name.
    """
    codecs = (codec,) if isinstance(codec, str) else codec
    form = FORMATS.get(extension, extension.removeprefix("."))
    return _made(form, codecs, frames, seed, audio, tag, tuple(sorted(options.items())))


def write_video(path: Path, **how) -> Path:
    """Write a real video to `path` (parents are made); the extension tells the container."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(video(path.suffix.lower(), **how))
    return path
