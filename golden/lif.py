"""Leaky integrate-and-fire neurons over the steps of one interval (paper Eqs 1, 2 and 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.formats import COEFFICIENT_FRACTION, Formats
from golden.neuron import LifCodes
from golden.qformat import QFormat

Integers = NDArray[Any]
Bits = NDArray[np.bool_]


@dataclass
class Activity:
    """What the neurons of one layer did in an interval of `steps` steps.

    Attributes
    ----------
    u : Integers
        Membrane potential before reset and saturation, fraction f_u, shape (steps, *out_shape).
    spikes, mask : Bits
        s and h, the same shape.
    carry : Integers
        Membrane potential carried beyond the last step, fraction f_u, shape out_shape.
    clipped : int
        Neuron-steps whose carry was saturated.
    """

    u: Integers
    spikes: Bits
    mask: Bits
    carry: Integers
    clipped: int


def working_dtype(largest: int) -> type[np.int32] | type[np.int64]:
    """Return int32 where values up to `largest` fit it, else int64.

    Raises
    ------
    OverflowError
        `largest` needs more than 62 bits.
    """
    if largest < 1 << 31:
        return np.int32
    if largest < 1 << 62:
        return np.int64
    raise OverflowError(f"values up to {largest} exceed int64: narrow the formats")


def membrane_dtype(formats: Formats, fan_in: int, codes: LifCodes) -> type:
    """Return an integer type for ``tau * u`` of neurons with `fan_in` synapses."""
    return working_dtype(codes.tau << formats.state_bits(fan_in))


def leak(u: Integers, spikes: Bits, codes: LifCodes) -> Integers:
    """Return the carry before saturation: ``(tau * u >> 8) - theta * s``."""
    kept: Integers = (u * codes.tau) >> COEFFICIENT_FRACTION
    return kept - spikes * u.dtype.type(codes.theta)


def surrogate(u: Integers, codes: LifCodes) -> Bits:
    """Return the mask ``h = |u - u_th| < a/2``, strict."""
    inside: Bits = np.abs(u - codes.u_th) < codes.half_a
    return inside


def integrate(
    drive: Integers, carry: Integers, codes: LifCodes, limit: QFormat, learn: bool = True
) -> Activity:
    """Run the neurons of a layer through the steps of an interval.

    ``u = carry + drive; s = u >= u_th; carry = sat((tau * u >> 8) - theta * s)``

    Parameters
    ----------
    drive : Integers
        Exact sums of the synapses, fraction f_u, shape (steps, *out_shape).
    carry : Integers
        Membrane potential carried into the interval, fraction f_u, shape out_shape.
    codes : LifCodes
        The layer's constants.
    limit : QFormat
        Format of the carry.
    learn : bool
        Whether the surrogate mask is wanted; else it is all zero.

    Notes
    -----
    Saturation is rare: the steps run without it first, and again with it if any could have
    needed it. Until the first carry beyond the limit both agree, so none is missed.
    """
    first = carry.astype(drive.dtype)
    u, spikes, end = _steps(drive, first, codes)
    clipped = 0
    largest, smallest = (int(x) * codes.tau >> COEFFICIENT_FRACTION for x in (u.max(), u.min()))
    if largest > limit.maximum or smallest - codes.theta < limit.minimum:
        u, spikes, end, clipped = _saturating_steps(drive, first, codes, limit)
    mask = surrogate(u, codes) if learn else np.zeros(u.shape, np.bool_)
    return Activity(u, spikes, mask, end, clipped)


def _steps(drive: Integers, first: Integers, codes: LifCodes) -> tuple[Integers, Bits, Integers]:
    tau, theta, u_th = (drive.dtype.type(c) for c in (codes.tau, codes.theta, codes.u_th))
    potential, spikes = np.empty_like(drive), np.empty(drive.shape, np.bool_)
    carry, reset = first.copy(), np.empty_like(first)
    for added, u, s in zip(drive, potential, spikes, strict=True):
        np.add(added, carry, out=u)
        np.greater_equal(u, u_th, out=s)
        np.multiply(u, tau, out=carry)
        np.right_shift(carry, COEFFICIENT_FRACTION, out=carry)
        np.multiply(s, theta, out=reset)
        np.subtract(carry, reset, out=carry)
    return potential, spikes, carry


def _saturating_steps(
    drive: Integers, first: Integers, codes: LifCodes, limit: QFormat
) -> tuple[Integers, Bits, Integers, int]:
    potential, spikes = np.empty_like(drive), np.empty(drive.shape, np.bool_)
    carry, clipped = first, 0
    for added, u, s in zip(drive, potential, spikes, strict=True):
        np.add(added, carry, out=u)
        np.greater_equal(u, codes.u_th, out=s)
        carry, count = limit.saturate(leak(u, s, codes))
        clipped += count
    return potential, spikes, carry, clipped
