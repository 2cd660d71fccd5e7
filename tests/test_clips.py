"""The shipped clips: small, real, unique on demand."""

from __future__ import annotations

import io

import av
import pytest

from ingestd import clips
from ingestd.containers import BytesSource, examine
from ingestd.fingerprint import full_hash, sampled
from ingestd.model import Facts, Reason, Stat
from ingestd.validate import Accept, Rules, judge

SALTS = (b"", b"a", b"a\0", b"salt of the day", bytes(300), b"x" * 65_536)


def decoded(data: bytes) -> list[bytes]:
    with av.open(io.BytesIO(data)) as container:
        return [bytes(frame.planes[0]) for frame in container.decode(video=0)]


def verdict(name: str, data: bytes):
    source = BytesSource(data)
    stat = Stat(len(data), 0, 0, 0, 0)
    return judge(name, Facts(stat, examine(source), sampled(source)), Rules())


@pytest.mark.parametrize("name", clips.names())
def test_a_unique_clip_is_accepted_and_shows_the_same_pictures(name):
    pictures = decoded(clips.unique(name, b""))
    assert len(pictures) == 15
    assert len(set(pictures)) == 15
    for salt in SALTS:
        data = clips.unique(name, salt)
        assert verdict(name, data) == Accept()
        assert decoded(data) == pictures


@pytest.mark.parametrize("name", clips.names())
def test_every_salt_makes_another_clip(name):
    sources = [BytesSource(clips.unique(name, salt)) for salt in SALTS]
    assert len({sampled(source) for source in sources}) == len(SALTS)
    assert len({full_hash(source) for source in sources}) == len(SALTS)


@pytest.mark.parametrize("name", clips.names())
def test_the_same_salt_makes_the_same_clip(name):
    assert clips.unique(name, b"x") == clips.unique(name, b"x")


@pytest.mark.parametrize("name", clips.names())
def test_a_clip_is_small_and_lasts_a_second_or_two(name):
    data = clips.unique(name, b"")
    assert len(data) < 20_000
    seconds = examine(BytesSource(data)).duration_s
    assert seconds is not None
    assert 1 <= seconds <= 2


def test_the_clips_cover_every_extension_and_codec_that_is_taken():
    assert {"." + name.rpartition(".")[2] for name in clips.names()} == set(Rules().extensions)
    found = [examine(BytesSource(clips.unique(name, b""))).video for name in clips.names()]
    assert {track.codec for track in found if track} == set(Rules().codecs)


@pytest.mark.parametrize("salt", [b"", b"salt"])
def test_the_bad_clip_is_a_whole_video_that_is_rejected_for_its_codec(salt):
    name, data = clips.bad(salt)
    refusal = verdict(name, data)
    assert refusal.reason is Reason.CODEC
    assert "ProRes" in refusal.detail
    assert decoded(data)
    assert len(data) < 20_000


def test_an_unknown_clip_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"pattern-h264\.mp4"):
        clips.unique("../probe.py", b"")
