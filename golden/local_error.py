"""Errors inside one block and one interval (paper Eqs 4 and 5): gamma, and the error below."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import synapse
from golden.formats import COEFFICIENT_FRACTION, Formats
from golden.lif import Bits, Integers, working_dtype
from golden.network import Layer
from golden.neuron import LifCodes
from golden.qformat import QFormat, round_shift


def gamma_dtype(formats: Formats) -> type:
    """Return an integer type for ``h * A * e + C_h * gamma + 128``."""
    widest = max(formats.delta, formats.gamma)
    return working_dtype(1 << (widest + formats.coefficient - 1))


def potential_errors(
    error: Integers, mask: Bits, codes: LifCodes, limit: QFormat
) -> tuple[Integers, int]:
    """Return gamma at every step of an interval and how many neuron-steps were clipped.

    ``gamma_t = sat((h A e + C_h gamma_{t+1} + 128) >> 8)``; gamma beyond the last step is 0.

    Parameters
    ----------
    error : Integers
        e, fraction f_e, shape (steps, *out_shape) or one that broadcasts to it; its type must hold
        the products (`gamma_dtype`).
    mask : Bits
        h, shape (steps, *out_shape).
    codes : LifCodes
        The layer's constants.
    limit : QFormat
        Format of gamma.

    Notes
    -----
    As in `golden.lif.integrate`, saturation is tried only after a run without it left the range.
    """
    dtype = error.dtype.type
    spatial = mask * (error * dtype(codes.a))
    spatial += dtype(1 << (COEFFICIENT_FRACTION - 1))
    keep = np.where(mask[:-1], dtype(codes.c1), dtype(codes.c0))
    gamma = np.empty_like(spatial)
    np.right_shift(spatial[-1], COEFFICIENT_FRACTION, out=gamma[-1])
    for t in range(len(gamma) - 2, -1, -1):
        now = gamma[t]
        np.multiply(keep[t], gamma[t + 1], out=now)
        np.add(now, spatial[t], out=now)
        np.right_shift(now, COEFFICIENT_FRACTION, out=now)
    if limit.holds(gamma):
        return gamma, 0
    gamma[-1], clipped = limit.saturate(spatial[-1] >> COEFFICIENT_FRACTION)
    for t in range(len(gamma) - 2, -1, -1):
        wide = (keep[t] * gamma[t + 1] + spatial[t]) >> COEFFICIENT_FRACTION
        gamma[t], count = limit.saturate(wide)
        clipped += count
    return gamma, clipped


def error_below(
    gamma: Integers, weight: NDArray[Any] | None, layer: Layer, mask: Bits, formats: Formats
) -> tuple[Integers, int]:
    """Return e of the neurons that `layer` reads, from its gamma, and how many were clipped.

    Below weights ``e = sat((sum W gamma + 2**(f_w-1)) >> f_w)`` with the full weight; below a pool
    e is the pool neuron's gamma. Neurons whose mask is 0 get e = 0: it would be multiplied by 0.

    Parameters
    ----------
    gamma : Integers
        Shape (steps, *out_shape), fraction f_e.
    weight : NDArray or None
        The full weights as floats that hold every sum exactly, shape `Layer.weight_shape`; None
        for a pool.
    layer : Layer
        The layer above.
    mask : Bits
        h of the source's neurons, shape (steps, *in_shape).
    formats : Formats
        Supplies the widths.
    """
    if weight is None:
        return synapse.unpooled(gamma, layer) * mask, 0
    sums = synapse.spread(gamma.astype(weight.dtype), weight, layer)
    rounded = round_shift(sums.astype(np.int64), formats.weight_fraction)
    rounded *= mask
    rounded, clipped = QFormat(formats.delta).saturate(rounded)
    return rounded.astype(gamma.dtype), clipped
