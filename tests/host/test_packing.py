"""Frames and rows as bytes: the shorter coding, exact round trips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from host.packing import decode_frame, encode_frame, pack_rows, unpack_rows
from host.protocol.packets import Coding


@settings(max_examples=100, deadline=None, derandomize=True)
@given(arrays.arrays(np.uint8, st.integers(1, 900), elements=st.integers(0, 1)))
def test_frames_round_trip(bits):
    coded = encode_frame(bits)
    got, used = decode_frame(coded + b"rest", len(bits))
    assert np.array_equal(got, bits)
    assert used == len(coded)
    assert len(coded) <= 1 + -(-len(bits) // 8)


@pytest.mark.parametrize(
    ("ones", "coded"),
    [
        ([], [1, 0, 0]),
        ([0], [1, 1, 0, 0]),
        ([254], [1, 1, 0, 254]),
        ([255], [1, 2, 0, 255, 0]),
        ([0, 1, 600], [1, 5, 0, 0, 0, 255, 255, 88]),
        ([999], [1, 4, 0, 255, 255, 255, 234]),
    ],
)
def test_sparse_frames_are_gaps(ones, coded):
    frame = np.zeros((10, 50, 2), np.uint8)
    frame.reshape(-1)[ones] = 1
    assert list(encode_frame(frame)) == coded


def test_the_shorter_coding_is_taken():
    frame = np.zeros(1600, np.uint8)
    frame[:197] = 1  # 197 gaps and a length, against 200 bytes
    assert encode_frame(frame)[0] == Coding.GAPS
    frame[197] = 1
    assert encode_frame(frame)[0] == Coding.BITMAP


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "no known coding"),
        (b"\x07", "no known coding"),
        (b"\0a", "bitmap needs 2 bytes, not 1"),
        (b"\1\5\0a", "gaps need 5 bytes, not 1"),
        (b"\1\1\0\x10", "gaps lead to bit 17 of 16"),
    ],
)
def test_malformed_frames_are_refused(data, message):
    with pytest.raises(ValueError, match=message):
        decode_frame(data, 16)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data(), st.integers(2, 40), st.sampled_from([4, 8, 16]))
def test_rows_round_trip(data, width, lanes):
    limit = 1 << (width - 1)
    values = data.draw(arrays.arrays(np.int64, (3, lanes), elements=st.integers(-limit, limit - 1)))
    packed = pack_rows(values, width)
    size = -(-lanes * width // 8)
    assert len(packed) == 3 * size
    assert np.array_equal(unpack_rows(packed, lanes, width), values)
    first = int.from_bytes(packed[:size], "little")
    assert first & ((1 << width) - 1) == int(values[0, 0]) & ((1 << width) - 1)


@pytest.mark.parametrize("value", [8, -9])
def test_rows_that_do_not_fit_are_refused(value):
    with pytest.raises(ValueError, match="values must fit 4 bits"):
        pack_rows(np.full((1, 4), value), 4)
