"""Record of every state at every step, for the benches that compare gateware with golden."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FIELDS = ("s", "h", "u", "carry", "e", "gamma", "V_sum", "V", "W", "drive", "gamma_sum")
"""Recorded arrays: per step s and h (both without dropped neurons), u (before reset and
saturation), carry after the step, e, gamma; per interval V before and after update and decay, W,
and with direct encoding the drive and the sum of gamma of the first layer."""


class Trace:
    """States of every layer over the intervals run, keyed ``(interval, layer name, field)``.

    Fields s, h, u, carry, e and gamma have shape (steps, height, width, channels); e is 0 where h
    is 0, a classifier's e is e_c at every step. ``V_sum`` is V before the update; ``V`` and ``W``
    follow it; their shape is `Layer.weight_shape`. Without learning only s, u and carry are
    recorded, without an update V_sum, V and W are not.
    """

    def __init__(self) -> None:
        self.intervals = 0
        self._data: dict[tuple[int, str, str], NDArray[Any]] = {}

    def begin(self) -> None:
        """Start the next interval."""
        self.intervals += 1

    def record(
        self, layer: str, field: str, value: NDArray[Any], dtype: type | None = None
    ) -> None:
        """Store a copy of the current interval's array: bits as uint8, else int64 or `dtype`."""
        kind = dtype or (np.uint8 if value.dtype == np.bool_ else np.int64)
        self._data[self.intervals - 1, layer, field] = np.array(value, dtype=kind)

    def __getitem__(self, key: tuple[int, str, str]) -> NDArray[Any]:
        """Return the array of (interval, layer name, field)."""
        if key not in self._data:
            raise KeyError(
                f"the trace holds no {key!r}: intervals 0..{self.intervals - 1}, fields {FIELDS}"
            )
        return self._data[key]

    def __contains__(self, key: tuple[int, str, str]) -> bool:
        """Return whether the array was recorded."""
        return key in self._data

    def keys(self) -> list[tuple[int, str, str]]:
        """Return all recorded keys in order."""
        return list(self._data)

    def save(self, path: Path | str) -> None:
        """Write all arrays to an npz file, named ``interval/layer/field``."""
        arrays = {"/".join(map(str, key)): value for key, value in self._data.items()}
        np.savez_compressed(Path(path), **arrays)  # type: ignore[arg-type]

    @classmethod
    def load(cls, path: Path | str) -> Trace:
        """Read what `save` wrote."""
        trace = cls()
        with np.load(Path(path)) as data:
            for name in data.files:
                interval, layer, field = name.split("/")
                trace._data[int(interval), layer, field] = data[name]
                trace.intervals = max(trace.intervals, int(interval) + 1)
        return trace
