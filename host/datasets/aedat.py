"""Reader of AEDAT 3.1 files with polarity events, as in IBM's DvsGesture.

A file is a text header, lines that start with ``#`` up to ``#!END-HEADER``, then packets. A packet
is a header of 28 bytes, little-endian, and ``eventCapacity`` events of ``eventSize`` bytes; the
first ``eventNumber`` of them are in use:

====== ==== ================= =========================================
offset size field             meaning
====== ==== ================= =========================================
0      2    eventType         1 = polarity; packets of others are skipped
2      2    eventSource       device
4      4    eventSize         bytes per event
8      4    eventTSOffset     where the time is inside an event
12     4    eventTSOverflow   bits 31 and up of the time
16     4    eventCapacity     events the packet has room for
20     4    eventNumber       events in use
24     4    eventValid        valid events
====== ==== ================= =========================================

A polarity event is two 32-bit words: bit 0 valid, bit 1 polarity, bits 2-16 y, bits 17-31 x; then
the time in us (31 bits).
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from host.datasets.data_set import DataSetError
from host.datasets.folders import read_bytes
from host.datasets.frames import Events

POLARITY_EVENT = 1

_VERSION = b"#!AER-DAT3"
_END = b"#!END-HEADER"
_PACKET = struct.Struct("<HHIIIIII")
_EVENT_BYTES = 8
_TIME_OFFSET = 4


def _data_start(content: bytes, name: str) -> int:
    """Return the offset of the first packet."""
    if not content.startswith(_VERSION):
        raise DataSetError(
            f"{name}: corrupt at byte 0: an AEDAT 3 file starts with {_VERSION.decode()!r}, "
            f"not {content[: len(_VERSION)]!r}"
        )
    position = 0
    while position < len(content):
        line_end = content.find(b"\n", position)
        if line_end < 0 or content[position : position + 1] != b"#":
            break
        if content[position:line_end].rstrip() == _END:
            return line_end + 1
        position = line_end + 1
    raise DataSetError(f"{name}: corrupt at byte {position}: {_END.decode()!r} is missing")


def _event_words(content: bytes, name: str, start: int) -> list[tuple[int, int, int]]:
    """Return (offset, number of events, overflow) of each polarity packet."""
    packets: list[tuple[int, int, int]] = []
    position = start
    while position < len(content):
        left = len(content) - position
        if left < _PACKET.size:
            raise DataSetError(
                f"{name}: truncated at byte {position}: {left} bytes are left of a packet header "
                f"of {_PACKET.size}"
            )
        kind, _, size, offset, overflow, capacity, number, valid = _PACKET.unpack_from(
            content, position
        )
        if number > capacity or valid > number:
            raise DataSetError(
                f"{name}: corrupt at byte {position}: packet header says {valid} valid events of "
                f"{number} in room for {capacity}"
            )
        if kind == POLARITY_EVENT and (size != _EVENT_BYTES or offset != _TIME_OFFSET):
            raise DataSetError(
                f"{name}: corrupt at byte {position}: polarity events must have {_EVENT_BYTES} "
                f"bytes with the time at {_TIME_OFFSET}, not {size} with the time at {offset}"
            )
        data = position + _PACKET.size
        position = data + capacity * size
        if position > len(content):
            raise DataSetError(
                f"{name}: truncated at byte {len(content)}: the packet at byte "
                f"{data - _PACKET.size} needs {capacity * size} bytes of events, "
                f"{len(content) - data} are left"
            )
        if kind == POLARITY_EVENT and number:
            packets.append((data, number, overflow))
    return packets


def parse_aedat(content: bytes, name: str, sensor: int) -> Events:
    """Return the valid polarity events of a file's bytes.

    Parameters
    ----------
    content
        The whole file.
    name
        Name of the file, for messages.
    sensor
        Edge of the square sensor [pixels].

    Raises
    ------
    DataSetError
        If the header is missing, a packet is cut or contradicts itself, or an event lies outside
        the sensor; the message names the byte.
    """
    packets = _event_words(content, name, _data_start(content, name))
    numbers = np.array([number for _, number, _ in packets], dtype=np.int64)
    starts = np.array([data for data, _, _ in packets], dtype=np.int64)
    overflows = np.array([overflow for _, _, overflow in packets], dtype=np.int64)
    if packets:
        words = np.concatenate(
            [
                np.frombuffer(content, dtype="<u4", count=2 * number, offset=data)
                for data, number, _ in packets
            ]
        ).reshape(-1, 2)
    else:
        words = np.zeros((0, 2), dtype="<u4")
    data = words[:, 0].astype(np.int64)
    t_us = (words[:, 1].astype(np.int64) & 0x7FFFFFFF) | np.repeat(overflows, numbers) << 31
    x, y = data >> 17, data >> 2 & 0x7FFF
    valid = (data & 1).astype(bool)
    outside = np.flatnonzero(valid & ((x >= sensor) | (y >= sensor)))
    if len(outside):
        first = int(outside[0])
        ends = np.cumsum(numbers)
        packet = int(np.searchsorted(ends, first, side="right"))
        place = int(starts[packet]) + _EVENT_BYTES * (first - int(ends[packet] - numbers[packet]))
        raise DataSetError(
            f"{name}: corrupt at byte {place}: event at x = {x[first]}, y = {y[first]} is outside "
            f"the {sensor}x{sensor} sensor"
        )
    return Events(x[valid], y[valid], (data >> 1 & 1)[valid], t_us[valid])


def read_aedat(path: Path, sensor: int) -> Events:
    """Return the valid polarity events of a file; errors name the file and the byte."""
    return parse_aedat(read_bytes(path), str(path), sensor)
