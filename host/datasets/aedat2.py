"""Reader of AEDAT 2.0 files of the DVS128 camera, as in CIFAR10-DVS.

A file is a text header, lines that start with ``#``, the first of them ``#!AER-DAT2.0``, then
events of two 32-bit words, big-endian: an address and the time in us. The address of a DVS128 is

===== =======================================================
bits  meaning
===== =======================================================
0     polarity, 0 = ON
1-7   x, from the right
8-14  y, from the bottom
15    1 = external event, not of a pixel: skipped
16-30 0
31    1 = special event, not of a pixel: skipped
===== =======================================================

Sources: docs.inivation.com, "AEDAT 2.0" and "AEDAT 1.0"; polarity, which is the other way round
there, from ``dat2mat.m``, the MATLAB reader that the authors of CIFAR10-DVS name. AEDAT 3.1 has a
reader of its own, `host.datasets.aedat`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from host.datasets.data_set import DataSetError
from host.datasets.folders import read_bytes
from host.datasets.frames import Events

_VERSION = b"#!AER-DAT2"
_EVENT_BYTES = 8
_NO_PIXEL = 1 << 31 | 1 << 15
_UNUSED = 0x7FFF0000
_LAST = 127


def _data_start(content: bytes, name: str) -> int:
    """Return the offset of the first event.

    An address starts with the byte 0 or 128, never with ``#``.
    """
    if not content.startswith(_VERSION):
        raise DataSetError(
            f"{name}: corrupt at byte 0: an AEDAT 2 file starts with {_VERSION.decode()!r}, "
            f"not {content[: len(_VERSION)]!r}"
        )
    position = 0
    while content[position : position + 1] == b"#":
        line_end = content.find(b"\n", position)
        if line_end < 0:
            raise DataSetError(
                f"{name}: truncated at byte {len(content)}: the header line at byte {position} "
                "does not end"
            )
        position = line_end + 1
    return position


def parse_aedat2(content: bytes, name: str) -> Events:
    """Return the polarity events of a file's bytes.

    Parameters
    ----------
    content
        The whole file.
    name
        Name of the file, for messages.

    Returns
    -------
    events
        x from the left, y from the top, as the camera sees; times as stored.

    Raises
    ------
    DataSetError
        If the header is missing, the content ends inside an event, or an address has bits that
        the camera never sets; the message names the byte.
    """
    start = _data_start(content, name)
    whole, rest = divmod(len(content) - start, _EVENT_BYTES)
    if rest:
        raise DataSetError(
            f"{name}: truncated at byte {len(content) - rest}: {rest} bytes are left of an event "
            f"of {_EVENT_BYTES} (the file has {len(content)})"
        )
    words = np.frombuffer(content, ">u4", 2 * whole, start).astype(np.int64).reshape(whole, 2)
    wrong = np.flatnonzero(words[:, 0] & _UNUSED)
    if len(wrong):
        first = int(wrong[0])
        raise DataSetError(
            f"{name}: corrupt at byte {start + _EVENT_BYTES * first}: bits 16 to 30 of an address "
            f"of DVS128 must be 0, not 0x{words[first, 0]:08x}"
        )
    address, t_us = words[(words[:, 0] & _NO_PIXEL) == 0].T
    return Events(
        x=_LAST - (address >> 1 & _LAST),
        y=_LAST - (address >> 8 & _LAST),
        polarity=1 - (address & 1),
        t_us=t_us,
    )


def read_aedat2(path: Path) -> Events:
    """Return the polarity events of a file; errors name the file and the byte."""
    return parse_aedat2(read_bytes(path), str(path))
