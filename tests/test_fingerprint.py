"""The sampled fingerprint, also from bytes as they stream past, and the full hash."""

from __future__ import annotations

import os
import random
import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestd.containers import BytesSource
from ingestd.filestat import FdSource
from ingestd.fingerprint import PIECE, Sampler, ShrunkError, full_hash, sampled, spans

CONTENT = random.Random(7).randbytes(5 * PIECE + 12345)


def streamed(data: bytes, size: int, cuts: list[int]) -> str:
    sampler = Sampler(size)
    edges = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for begin, end in pairwise(edges):
        sampler.update(memoryview(data)[begin:end])
    return sampler.hexdigest()


@settings(max_examples=150, deadline=None)
@given(
    size=st.one_of(
        st.integers(0, 5000),
        st.integers(3 * PIECE - 3, 3 * PIECE + 3),
        st.integers(0, len(CONTENT)),
    ),
    cuts=st.lists(st.integers(0, len(CONTENT)), max_size=40),
)
def test_bytes_that_stream_past_in_any_pieces_give_the_sample_of_the_file(size, cuts):
    data = CONTENT[:size]
    assert streamed(data, size, cuts) == sampled(BytesSource(data))


def test_a_sample_is_32_hex_digits():
    sample = sampled(BytesSource(b"clip"))
    assert len(sample) == 32
    assert int(sample, 16) >= 0


def test_the_sample_of_known_bytes_never_changes():
    assert sampled(BytesSource(b"")) == "2c0a8a99dc147d5445c3b49d035665b2"
    assert sampled(BytesSource(b"clip" * 2_000_000)) == "b69a7dfeeb0082e7e2c745d57700d23b"


def test_a_small_file_counts_whole():
    data = bytearray(CONTENT[: 3 * PIECE])
    before = sampled(BytesSource(bytes(data)))
    data[PIECE + PIECE // 3] ^= 1
    assert sampled(BytesSource(bytes(data))) != before


@pytest.mark.parametrize("where", ["head", "middle", "tail"])
def test_head_middle_and_tail_of_a_large_file_count(where):
    data = bytearray(CONTENT)
    before = sampled(BytesSource(bytes(data)))
    at = {"head": 0, "middle": (len(data) - PIECE) // 2, "tail": len(data) - 1}[where]
    data[at] ^= 1
    assert sampled(BytesSource(bytes(data))) != before


def test_what_lies_between_the_samples_does_not_count_but_the_size_does():
    data = bytearray(CONTENT)
    data[PIECE + 100] ^= 1
    assert sampled(BytesSource(bytes(data))) == sampled(BytesSource(CONTENT))
    assert sampled(BytesSource(bytes(4 * PIECE))) != sampled(BytesSource(bytes(5 * PIECE)))


@pytest.mark.parametrize("size", [0, 1, 3 * PIECE, 3 * PIECE + 1, 10**12])
def test_the_sampled_spans_are_in_order_and_within_the_file(size):
    end = 0
    for offset, length in spans(size):
        assert offset >= end
        end = offset + length
    assert end == size


@pytest.mark.parametrize("sent", [0, 999, 1001])
def test_a_stream_of_another_length_never_matches(sent):
    assert streamed(CONTENT[:sent], 1000, []) == ""


def test_every_kind_of_buffer_may_stream_past():
    sampler = Sampler(9)
    sampler.update(b"abc")
    sampler.update(bytearray(b"def"))
    sampler.update(memoryview(b"ghi"))
    assert sampler.hexdigest() == sampled(BytesSource(b"abcdefghi"))


def test_the_full_hash_is_blake3():
    expected = "d74981efa70a0c880b8d8c1985d075dbcbf679b99a5f9914e5aaf96b831a9e24"
    assert full_hash(BytesSource(b"hello world")) == expected


def test_every_byte_counts_in_the_full_hash():
    data = bytearray(CONTENT)
    data[PIECE + 100] ^= 1
    assert full_hash(BytesSource(bytes(data))) != full_hash(BytesSource(CONTENT))


def test_hashing_stops_when_it_is_told_to():
    stop = threading.Event()
    stop.set()
    assert full_hash(BytesSource(CONTENT), stop) is None


class Stopping(BytesSource):
    """Sets the event when it is read for the second time."""

    def __init__(self, data, stop) -> None:
        super().__init__(data)
        self.stop, self.reads = stop, 0

    def read(self, offset, length):
        self.reads += 1
        if self.reads == 2:
            self.stop.set()
        return super().read(offset, length)


def test_hashing_stops_in_the_middle_of_a_file():
    stop = threading.Event()
    source = Stopping(CONTENT, stop)
    assert full_hash(source, stop) is None
    assert source.reads == 2


@pytest.mark.parametrize("compute", [sampled, full_hash])
def test_a_file_that_became_shorter_is_no_file_to_judge(tmp_path, compute):
    path = tmp_path / "clip.mp4"
    path.write_bytes(CONTENT)
    with path.open("rb+") as file:
        source = FdSource(file.fileno())
        os.truncate(path, len(CONTENT) - 10)
        with pytest.raises(ShrunkError):
            compute(source)


def test_bytes_that_arrive_after_the_source_was_made_are_not_seen(tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"abc")
    with path.open("rb+") as file:
        source = FdSource(file.fileno())
        path.write_bytes(b"abcdef")
        assert source.read(0, 100) == b"abc"
        assert source.read(3, 100) == b""
        assert sampled(source) == sampled(BytesSource(b"abc"))
