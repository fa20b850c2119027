"""Fixed-point formats and the rounding and overflow modes that hardware and golden share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]


@dataclass(frozen=True)
class QFormat:
    """Signed two's-complement fixed-point format with a symmetric range.

    A value is ``code * 2**-fraction``. The most negative code is left unused so that a sign
    change never overflows.

    Parameters
    ----------
    width : int
        Total width including the sign [bits].
    fraction : int
        Fractional bits; may be negative or exceed `width`.

    Raises
    ------
    TypeError
        A field is not an integer.
    ValueError
        `width` is below 2 or above 62 (golden computes in int64).
    """

    width: int
    fraction: int = 0

    def __post_init__(self) -> None:
        for name in ("width", "fraction"):
            if not isinstance(getattr(self, name), int):
                raise TypeError(f"{name} must be an int, not {getattr(self, name)!r}")
        if not 2 <= self.width <= 62:
            raise ValueError(f"width must be between 2 and 62 bits, not {self.width}")

    @cached_property
    def maximum(self) -> int:
        """Largest code."""
        return (1 << (self.width - 1)) - 1

    @cached_property
    def minimum(self) -> int:
        """Smallest code of the symmetric range."""
        return -self.maximum

    @property
    def lsb(self) -> float:
        """Value of one code step."""
        return 2.0**-self.fraction

    def quantize(self, value: NDArray[np.float64] | float) -> Int:
        """Round real values half up to codes and saturate them: the border from float to integer.

        Raises
        ------
        ValueError
            A value is NaN or infinite.
        """
        array = np.asarray(value, dtype=np.float64)
        if not np.all(np.isfinite(array)):
            raise ValueError("values to quantize must be finite; found NaN or infinity")
        scaled = np.floor(np.ldexp(array, self.fraction) + 0.5)
        return np.clip(scaled, self.minimum, self.maximum).astype(np.int64)

    def dequantize(self, code: Int) -> NDArray[np.float64]:
        """Return the real values of codes."""
        return np.ldexp(np.asarray(code, dtype=np.float64), -self.fraction)

    def holds(self, value: NDArray[Any]) -> bool:
        """Return whether all codes lie in the symmetric range."""
        if not value.size:
            return True
        largest, smallest = np.maximum.reduce(value, axis=None), np.minimum.reduce(value, axis=None)
        return int(largest) <= self.maximum and int(smallest) >= self.minimum

    def saturate(self, value: Int) -> tuple[Int, int]:
        """Clip codes to the symmetric range; also return how many were clipped.

        Where none is, the codes themselves are returned, not a copy.
        """
        if self.holds(value):
            return value, 0
        clipped = np.clip(value, self.minimum, self.maximum)
        return clipped, int(np.count_nonzero(clipped != value))

    def wrap(self, value: Int) -> Int:
        """Keep the low `width` bits, as an adder without overflow handling does."""
        half = np.int64(1) << np.int64(self.width - 1)
        mask = (np.int64(1) << np.int64(self.width)) - np.int64(1)
        return ((value + half) & mask) - half

    def __str__(self) -> str:
        """Return for instance ``s16.14``."""
        return f"s{self.width}.{self.fraction}"


def round_shift(value: Int, shift: int) -> Int:
    """Shift right by `shift` bits, rounding half up; a negative shift multiplies exactly.

    ``(value + 2**(shift-1)) >> shift`` for a positive shift.
    """
    value = np.asarray(value, dtype=np.int64)
    if shift <= 0:
        return value << np.int64(-shift)
    return (value + (np.int64(1) << np.int64(shift - 1))) >> np.int64(shift)
