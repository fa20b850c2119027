"""Random numbers that depend on a key alone: not on order, NumPy's version or the machine.

Every recording that is generated here draws from ``(seed, split, index, purpose)``, so a single
recording can be made again without those before it, and its bits never change. NumPy promises no
stable streams for its ``Generator`` distributions; this is SplitMix64 in counter mode.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15
_MUL_1 = 0xBF58476D1CE4E5B9
_MUL_2 = 0x94D049BB133111EB


def _mix(value: int) -> int:
    value = ((value ^ (value >> 30)) * _MUL_1) & _MASK
    value = ((value ^ (value >> 27)) * _MUL_2) & _MASK
    return value ^ (value >> 31)


def keyed_bits(count: int, *key: int) -> NDArray[np.uint64]:
    """Return 64 random bits for each of ``count`` counters under a key of integers."""
    state = 0
    for part in key:
        state = _mix((state + _STEP + (part & _MASK)) & _MASK)
    value = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_STEP) + np.uint64(state)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(_MUL_1)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(_MUL_2)
    return value ^ (value >> np.uint64(31))


def keyed_uniform(count: int, *key: int) -> NDArray[np.float64]:
    """Return ``count`` multiples of 2**-53, uniform in [0, 1)."""
    return (keyed_bits(count, *key) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def keyed_normal(count: int, *key: int) -> NDArray[np.float64]:
    """Return ``count`` nearly normal numbers of variance 1: twelve uniform ones less 6.

    No logarithm or cosine takes part, so that no mathematical library can change a bit.
    """
    total = np.zeros(count)
    for part in keyed_uniform(12 * count, *key).reshape(12, count):
        total += part
    return total - 6.0


def keyed_order(count: int, *key: int) -> NDArray[np.int64]:
    """Return a permutation of ``range(count)``."""
    return np.argsort(keyed_bits(count, *key), kind="stable").astype(np.int64)
