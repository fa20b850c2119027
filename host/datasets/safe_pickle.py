"""Reader of pickles with NumPy arrays of bytes that runs nothing a file names.

A pickle may name any function of any module and have it called. The batches of CIFAR-10 name
three: those with which NumPy makes an array. They are stood in for by classes that only keep what
they are called with, and every other name is refused.
"""

from __future__ import annotations

import io
import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.datasets.data_set import DataSetError
from host.datasets.folders import read_bytes


class StoredType:
    """Stands for ``numpy.dtype``; keeps the arguments."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        """Leave byte order and alignment alone: a byte has neither."""


class StoredArray:
    """Stands for ``numpy.ndarray`` and for what makes one; keeps the state that follows."""

    def __init__(self, *arguments: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        """Keep (version, shape, type, order, bytes)."""
        self.state = state

    def bytes_array(self, what: str) -> NDArray[np.uint8]:
        """Return the array, read-only, if it is one of unsigned bytes.

        Parameters
        ----------
        what
            File and field, for messages.

        Raises
        ------
        DataSetError
            If the state is not that of such an array.
        """
        state = self.state if isinstance(self.state, tuple) else ()
        _, shape, kind, fortran, content = state if len(state) == 5 else (None,) * 5
        letters = kind.arguments[:1] if isinstance(kind, StoredType) else ()
        if letters not in ((b"u1",), ("u1",)) or not isinstance(content, bytes):
            raise DataSetError(f"{what} must be an array of unsigned bytes")
        if not isinstance(shape, tuple) or not all(type(edge) is int for edge in shape):
            raise DataSetError(f"{what} must have a shape of integers, not {shape!r}")
        if min(shape, default=0) < 0 or math.prod(shape) != len(content):
            raise DataSetError(f"{what} must have {shape!r} bytes, not {len(content)}")
        flat = np.frombuffer(content, np.uint8)
        return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)


STAND_INS = {
    "numpy.core.multiarray._reconstruct": StoredArray,
    "numpy.ndarray": StoredArray,
    "numpy.dtype": StoredType,
}
"""Every name that a file may use."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(io.BytesIO(content), encoding="bytes")
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        found = STAND_INS.get(f"{module}.{name}")
        if found is None:
            raise DataSetError(
                f"{self._name}: names {module}.{name}, which is refused: the original file needs "
                f"{', '.join(STAND_INS)} only"
            )
        return found


def read_pickle(path: Path) -> Any:
    """Return what a file holds; strings of Python 2 as bytes, arrays as `StoredArray`.

    Raises
    ------
    DataSetError
        If the file cannot be read, is damaged, or names anything but `STAND_INS`.
    """
    content = read_bytes(path)
    try:
        return _Unpickler(content, str(path)).load()
    except DataSetError:
        raise
    except Exception as error:  # what damaged bytes can raise is anything
        raise DataSetError(
            f"{path}: damaged pickle of {len(content)} bytes ({type(error).__name__}: {error}): "
            "fetch it again"
        ) from error
