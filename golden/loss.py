"""Errors of a block's loss, from the spike counts of its classifier in an interval (paper Eq 3)."""

from __future__ import annotations

import numpy as np

from golden.qformat import Int, QFormat, round_shift

LOSSES = ("mse", "cross-entropy")
"""Mean square of (y - mean rate), or cross-entropy of a softmax over the counts."""

OCTAVE = 8
"""Table entries per halving of a class's weight in the softmax."""

UNIT = 15
"""Fractional bits of a class's weight; the largest weight is 1."""

WEIGHTS = np.array([round(2**UNIT * 2 ** (-i / OCTAVE)) for i in range(OCTAVE)], np.int64)
"""Weights of the first octave: round(2**(15 - i/8))."""

SHARE = 16
"""Fractional bits of a class's share of the softmax."""


def square_difference(counts: Int, label: int, steps: int) -> Int:
    """Return ``count - steps * y``, shape (classes,)."""
    difference = counts.astype(np.int64)
    difference[label] -= steps
    return difference


def softmax(counts: Int, temperature_shift: int) -> Int:
    """Return each class's share, 16 fractional bits, of ``2**(count / 2**temperature_shift)``.

    With d = largest count - count, in eighths of an octave ``x = d << (3 - temperature_shift)``::

        t = WEIGHTS[x & 7] >> (x >> 3)        R = 2**31 // sum t        share = (t R) >> 15

    Parameters
    ----------
    counts : Int
        Spikes of each class, shape (classes,).
    temperature_shift : int
        A class with 2**temperature_shift spikes less weighs half.
    """
    eighths = (counts.max() - counts).astype(np.int64) << (3 - temperature_shift)
    weights = WEIGHTS[eighths & (OCTAVE - 1)] >> np.minimum(eighths >> 3, UNIT + 1)
    reciprocal = (1 << (UNIT + SHARE)) // int(weights.sum())
    shares: Int = (weights * reciprocal) >> UNIT
    return shares


def entropy_difference(counts: Int, label: int, temperature_shift: int) -> Int:
    """Return ``share - y`` of a softmax, 16 fractional bits, shape (classes,)."""
    difference = softmax(counts, temperature_shift)
    difference[label] -= 1 << SHARE
    return difference


def class_errors(difference: Int, scale: tuple[int, int], limit: QFormat) -> tuple[Int, int]:
    """Return a classifier's spike errors e_c, constant over an interval, and how many were clipped.

    ``e_c = sat((K * difference + 2**(r-1)) >> r)``

    Parameters
    ----------
    difference : Int
        Of one of the two losses.
    scale : tuple of int
        (K, r) from `Settings.loss_scale`.
    limit : QFormat
        Format of e.
    """
    return limit.saturate(round_shift(difference * scale[0], scale[1]))
