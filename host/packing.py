"""Frames and rows of lanes as bytes of the link."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.qformat import Int
from host.protocol.packets import Coding

LONGEST_GAP = 254
"""Most bits that one byte of a gap coded frame skips before a set bit."""


def encode_frame(frame: NDArray[Any]) -> bytes:
    """Return a frame, any shape (H, W, C) of 0 and 1, in the shorter coding."""
    bits = np.ascontiguousarray(frame, dtype=np.uint8).reshape(-1)
    bitmap = np.packbits(bits, bitorder="little").tobytes()
    ones = np.flatnonzero(bits)
    # At least one byte per set bit: no need to look closer when that is too long already.
    if len(ones) + 2 < len(bitmap):
        gaps = _gap_bytes(ones)
        if len(gaps) + 2 < len(bitmap):
            return bytes([Coding.GAPS]) + len(gaps).to_bytes(2, "little") + gaps
    return bytes([Coding.BITMAP]) + bitmap


def _gap_bytes(ones: NDArray[np.intp]) -> bytes:
    gaps = np.diff(ones, prepend=-1) - 1
    skips, rest = np.divmod(gaps, LONGEST_GAP + 1)
    coded = np.full(int(skips.sum()) + len(ones), LONGEST_GAP + 1, np.uint8)
    coded[np.cumsum(skips + 1) - 1] = rest
    return coded.tobytes()


def decode_frame(data: bytes, bits: int) -> tuple[NDArray[np.uint8], int]:
    """Return a frame's `bits` bits and how many bytes of `data` it took.

    Raises
    ------
    ValueError
        The coding is unknown, cut, or leads beyond the map.
    """
    if not data or data[0] not in (Coding.BITMAP, Coding.GAPS):
        raise ValueError("frame has no known coding")
    if data[0] == Coding.BITMAP:
        size = -(-bits // 8)
        if len(data) < 1 + size:
            raise ValueError(f"bitmap needs {size} bytes, not {len(data) - 1}")
        raw = np.frombuffer(data, np.uint8, size, 1)
        return np.unpackbits(raw, count=bits, bitorder="little"), 1 + size
    size = int.from_bytes(data[1:3], "little")
    if len(data) < 3 + size:
        raise ValueError(f"gaps need {size} bytes, not {len(data) - 3}")
    gaps = np.frombuffer(data, np.uint8, size, 3).astype(np.int64)
    sets = gaps <= LONGEST_GAP
    ends = np.cumsum(gaps + sets)
    if size and ends[-1] > bits:
        raise ValueError(f"gaps lead to bit {ends[-1]} of {bits}")
    frame = np.zeros(bits, np.uint8)
    frame[ends[sets] - 1] = 1
    return frame, 3 + size


def pack_rows(lanes: Int, width: int) -> bytes:
    """Return rows of P signed lanes of `width` bits, lane 0 lowest, each row padded to bytes.

    Raises
    ------
    ValueError
        A value does not fit.
    """
    limit = 1 << (width - 1)
    if lanes.size and (lanes.min() < -limit or lanes.max() >= limit):
        raise ValueError(f"values must fit {width} bits, not {lanes.min()} to {lanes.max()}")
    bits = (lanes[:, :, None] >> np.arange(width)) & 1
    flat = bits.astype(np.uint8).reshape(len(lanes), -1)
    return np.packbits(flat, axis=1, bitorder="little").tobytes()


def unpack_rows(data: bytes, lanes: int, width: int) -> Int:
    """Return rows of signed lanes, shape (rows, P), of what `pack_rows` returned."""
    size = -(-lanes * width // 8)
    raw = np.frombuffer(data, np.uint8).reshape(-1, size)
    bits = np.unpackbits(raw, axis=1, count=lanes * width, bitorder="little")
    weights = np.int64(1) << np.arange(width, dtype=np.int64)
    weights[-1] = -weights[-1]
    return bits.reshape(len(raw), lanes, width).astype(np.int64) @ weights
