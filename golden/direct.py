"""Direct encoding: an image of 8-bit pixels drives the first layer at every step of a sample.

The image is the same at every step, so that W x is constant within an interval: the drive. It is
made once per interval from the image's bit planes, which are frames of 0 and 1 like any other, so
that no multiplier is needed::

    D := 0;  for plane b = 0 .. 7:  D := sat((D + sum of W over the set bits of plane b) >> 1)

The floors of the halvings compose: without saturation ``D = (sum W x) >> 8`` exactly, a pixel x
standing for x/256. At each step ``u = carry + D``. In the backward pass gamma of the interval's
steps is summed, S, and the gradient x S is again taken plane by plane, each rounded half up::

    V += sum over planes b of bit b of x  times  sat((2**b S + 128) >> 8)
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.lif import Integers
from golden.qformat import QFormat, round_shift

PLANES = 8
"""Bits of a pixel."""


def bit_planes(image: NDArray[Any]) -> NDArray[np.bool_]:
    """Return the bit planes of an image, lowest first, shape (8, H, W, C)."""
    shifts = np.arange(PLANES, dtype=np.uint8).reshape(-1, 1, 1, 1)
    planes: NDArray[np.bool_] = (image.astype(np.uint8) >> shifts & 1).astype(np.bool_)
    return planes


def drive(sums: Integers, limit: QFormat) -> tuple[Integers, int]:
    """Return the drive D, fraction f_u, and how many halvings were clipped.

    Parameters
    ----------
    sums : Integers
        Sum of W over the set bits of each plane, lowest first, shape (8, *out_shape).
    limit : QFormat
        Format of the carry.
    """
    total, clipped = np.zeros_like(sums[0]), 0
    for added in sums:
        total, count = limit.saturate((total + added) >> 1)
        clipped += count
    return total, clipped


def gamma_sum(gamma: Integers, limit: QFormat) -> tuple[Integers, int]:
    """Return S, the sum of gamma from the last step to the first, and how many were clipped.

    Parameters
    ----------
    gamma : Integers
        Shape (steps, *out_shape), fraction f_e.
    limit : QFormat
        Format of e, that of S.
    """
    total, clipped = limit.saturate(gamma[-1].astype(np.int64))
    for now in gamma[-2::-1]:
        total, count = limit.saturate(total + now)
        clipped += count
    return total, clipped


def plane_gammas(total: Integers, limit: QFormat) -> tuple[Integers, int]:
    """Return what GRADIENT adds for each plane, shape (8, *out_shape), and how many were clipped.

    Parameters
    ----------
    total : Integers
        S from `gamma_sum`.
    limit : QFormat
        Format of gamma.
    """
    weights = (1 << np.arange(PLANES, dtype=np.int64)).reshape(-1, *[1] * total.ndim)
    return limit.saturate(round_shift(total * weights, PLANES))
