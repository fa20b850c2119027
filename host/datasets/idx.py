"""Reader of idx files with unsigned bytes, as MNIST and its kin are stored, plain or gzip.

====== =========================================== ===================================
offset size                                        meaning
====== =========================================== ===================================
0      2                                           0
2      1                                           type of an element: 8, unsigned byte
3      1                                           number of dimensions
4      4 for each dimension, big-endian            sizes
…      product of the sizes                        elements, last dimension fastest
====== =========================================== ===================================

Axes are returned in the order of the file. Where a data set stores images transposed (EMNIST:
columns before rows) its own module swaps them.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets.data_set import DataSetError
from host.datasets.folders import read_bytes

UNSIGNED_BYTE = 8

_GZIP = b"\x1f\x8b"
_MAGIC_BYTES = 4
_SIZE_BYTES = 4


def parse_idx(content: bytes, name: str, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an idx file's bytes, read-only.

    Parameters
    ----------
    content
        The whole file, unpacked.
    name
        Name of the file, for messages.
    dimensions
        How many the array must have: 3 for images, 1 for labels.

    Raises
    ------
    DataSetError
        The header is that of something else, the file is cut, or bytes are left over; the message
        names the byte and what was expected.
    """
    expected = bytes([0, 0, UNSIGNED_BYTE, dimensions])
    if not content.startswith(expected):
        what = f"{dimensions} dimension" + ("s" if dimensions > 1 else "")
        found = content[:_MAGIC_BYTES].hex(" ") or "nothing"
        raise DataSetError(
            f"{name}: corrupt at byte 0: an idx file of unsigned bytes in {what} starts with "
            f"{expected.hex(' ')}, not {found}"
        )
    header = _MAGIC_BYTES + _SIZE_BYTES * dimensions
    if len(content) < header:
        raise DataSetError(
            f"{name}: truncated at byte {len(content)}: the header of {dimensions} sizes has "
            f"{header} bytes"
        )
    sizes = [int(size) for size in np.frombuffer(content, ">u4", dimensions, _MAGIC_BYTES)]
    wanted = header + math.prod(sizes)
    shape = " x ".join(map(str, sizes))
    if len(content) < wanted:
        raise DataSetError(
            f"{name}: truncated at byte {len(content)}: {shape} elements behind the header end at "
            f"byte {wanted}"
        )
    if len(content) > wanted:
        raise DataSetError(
            f"{name}: corrupt at byte {wanted}: {shape} elements end here, "
            f"{len(content) - wanted} more bytes follow"
        )
    return np.frombuffer(content, np.uint8, offset=header).reshape(sizes)


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of an idx file, unpacked if it is gzip, whatever its name.

    Raises
    ------
    DataSetError
        The file cannot be read or unpacked, or is damaged; the message names it.
    """
    content = read_bytes(path)
    if content.startswith(_GZIP):
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataSetError(
                f"{path}: damaged gzip file of {len(content)} bytes ({error}): fetch it again"
            ) from error
    return parse_idx(content, str(path), dimensions)
