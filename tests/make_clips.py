"""Makes the clips in `ingestd/clips/`: python tests/make_clips.py [FOLDER].

Run it only to change them; what it makes depends on the encoders of the PyAV at hand. The pattern
is drawn here, so the clips carry nobody's pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import av

WIDTH, HEIGHT, RATE, SECONDS = 128, 72, 10, 1.5
FOLDER = Path(__file__).parent.parent / "ingestd" / "clips"

CLIPS = {
    "pattern-h264.mp4": ("libx264", "", {"movflags": "faststart"}, {"crf": "30"}),
    "pattern-hevc.mov": ("libx265", "hvc1", {}, {"crf": "32", "x265-params": "log-level=none"}),
    "pattern-vp9.mkv": ("libvpx-vp9", "", {}, {"crf": "40", "b": "0"}),
    "pattern-h264.avi": ("libx264", "", {}, {"crf": "30", "bf": "0"}),
    "pattern-prores.mov": ("prores_ks", "apco", {}, {"profile": "proxy"}),
}
"""Name to encoder, sample entry, options of the muxer, options of the encoder."""


def make(path: Path) -> None:
    """Encode one clip."""
    codec, tag, muxer, encoder = CLIPS[path.name]
    frames = 3 if codec == "prores_ks" else int(RATE * SECONDS)
    with av.open(str(path), "w", options=muxer) as container:
        stream = container.add_stream(codec, rate=RATE, options=encoder)
        stream.width, stream.height = WIDTH, HEIGHT
        stream.pix_fmt = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
        stream.codec_context.thread_count = 1
        if tag:
            stream.codec_context.codec_tag = tag
        for index in range(frames):
            container.mux(stream.encode(picture(index, stream.pix_fmt)))
        container.mux(stream.encode(None))


def picture(index: int, pixels: str) -> av.VideoFrame:
    """Draw one picture: diagonal colour bands that wander, and a square that crosses them."""
    frame = av.VideoFrame(WIDTH, HEIGHT, "rgb24")
    lines = b"".join(_line(index, y).ljust(frame.planes[0].line_size, b"\0") for y in range(HEIGHT))
    frame.planes[0].update(lines)
    frame = frame.reformat(format=pixels)
    frame.pts = index
    return frame


def _line(index: int, y: int) -> bytes:
    return bytes(channel for x in range(WIDTH) for channel in _pixel(index, x, y))


def _pixel(index: int, x: int, y: int) -> tuple[int, int, int]:
    if 0 <= x - 6 * index < 16 and 28 <= y < 44:
        return 255, 255, 255
    band = (x + y + 4 * index) // 16 % 6
    return 40 + 30 * band, 200 - 30 * band, 90 + 20 * (band % 3)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    for name in CLIPS:
        make(target / name)
        print(f"{name}: {(target / name).stat().st_size} bytes")
