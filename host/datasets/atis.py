"""Reader of recordings of the ATIS camera with five bytes per event, as N-MNIST and N-Caltech101.

A file is a list of events of five bytes: x, y, then polarity (1 bit, 1 = ON) and time in us (23
bits), big-endian. An event at y = 240 is none: it adds 2**13 us to the times that follow it.

This reader exists beside tonic's ``read_mnist_file`` because that one takes any bytes for events.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from host.datasets.data_set import DataSetError
from host.datasets.folders import read_bytes
from host.datasets.frames import Events

EVENT_BYTES = 5

_OVERFLOW_Y = 240
_OVERFLOW_US = 1 << 13


def parse_atis(
    content: bytes, name: str, width: int, height: int, *, ordered: bool = True
) -> Events:
    """Return the events of a recording's bytes.

    Parameters
    ----------
    content
        The whole file.
    name
        Name of the file, for messages.
    width, height
        Edges of the sensor [pixels], at most 256 and 240.
    ordered
        Whether time that runs backwards is an error; frames do not need it to run forwards.

    Raises
    ------
    DataSetError
        If the content ends inside an event, an event lies outside the sensor, or time runs
        backwards; the message names the byte.
    """
    whole, rest = divmod(len(content), EVENT_BYTES)
    if rest:
        raise DataSetError(
            f"{name}: truncated at byte {whole * EVENT_BYTES}: {rest} bytes are left of an event "
            f"of {EVENT_BYTES} (the file has {len(content)})"
        )
    raw = np.frombuffer(content, dtype=np.uint8).reshape(whole, EVENT_BYTES).astype(np.int64)
    x, y = raw[:, 0], raw[:, 1]
    t_us = (raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4]
    overflow = y == _OVERFLOW_Y
    t_us = t_us + np.cumsum(overflow) * _OVERFLOW_US
    real = np.flatnonzero(~overflow)
    x, y, polarity, t_us = x[real], y[real], raw[real, 2] >> 7, t_us[real]
    outside = np.flatnonzero((x >= width) | (y >= height))
    if len(outside):
        first = outside[0]
        raise DataSetError(
            f"{name}: corrupt at byte {real[first] * EVENT_BYTES}: event at x = {x[first]}, "
            f"y = {y[first]} is outside the {width}x{height} sensor"
        )
    backwards = np.flatnonzero(np.diff(t_us) < 0)
    if ordered and len(backwards):
        first = backwards[0] + 1
        raise DataSetError(
            f"{name}: corrupt at byte {real[first] * EVENT_BYTES}: time goes back from "
            f"{t_us[first - 1]} to {t_us[first]} us"
        )
    return Events(x, y, polarity, t_us)


def read_atis(path: Path, width: int, height: int, *, ordered: bool = True) -> Events:
    """Return the events of a file; errors name the file and the byte."""
    return parse_atis(read_bytes(path), str(path), width, height, ordered=ordered)


def check_size(path: Path, size: int) -> None:
    """Refuse a file that is empty or ends inside an event by its size alone [bytes].

    A cut file is so found before training starts, at the cost of a directory scan.
    """
    if size == 0 or size % EVENT_BYTES:
        read_atis(path, 256, _OVERFLOW_Y)  # raises, with the reason
