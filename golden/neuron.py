"""Constants of the leaky integrate-and-fire neuron, real and as the hardware uses them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from golden.formats import COEFFICIENT_FRACTION, Formats


@dataclass(frozen=True)
class Lif:
    """Constants of a leaky integrate-and-fire neuron (paper Eqs 1, 2 and 6).

    Parameters
    ----------
    tau : float
        Leak per step, 0 to 1.
    theta : float
        Soft reset subtracted after a spike.
    u_th : float
        Threshold of the membrane potential.
    a : float
        Width of the rectangular surrogate gradient; its height is 1/a. ``a/2 <= u_th``.
    """

    tau: float = 0.8
    theta: float = 0.3
    u_th: float = 0.3
    a: float = 0.6

    def __post_init__(self) -> None:
        if not 0 <= self.tau <= 1:
            raise ValueError(f"tau must be between 0 and 1, not {self.tau!r}")
        for name in ("theta", "u_th"):
            if not 0 < getattr(self, name) < 8:
                raise ValueError(f"{name} must be between 0 and 8, not {getattr(self, name)!r}")
        if not 0 < self.a / 2 <= self.u_th:
            raise ValueError(
                f"a must be above 0 and at most 2*u_th = {2 * self.u_th!r}, not {self.a!r}"
            )

    def codes(self, formats: Formats, pool_area: int = 1) -> LifCodes:
        """Quantise the constants.

        Parameters
        ----------
        formats : Formats
            Supplies f_u.
        pool_area : int
            Window area of an average pool that reads this layer; it divides A (1/4 for 2x2).
        """
        one = 1 << COEFFICIENT_FRACTION
        scale = 1 << formats.state_fraction

        def half_up(value: float) -> int:
            return math.floor(value + 0.5)

        return LifCodes(
            tau=half_up(one * self.tau),
            theta=half_up(scale * self.theta),
            u_th=half_up(scale * self.u_th),
            half_a=min(half_up(scale * self.a / 2), half_up(scale * self.u_th)),
            a=half_up(one / (self.a * pool_area)),
            c0=half_up(one * self.tau),
            c1=half_up(one * (self.tau - self.theta / self.a)),
        )


@dataclass(frozen=True)
class LifCodes:
    """Integer constants of a layer as the hardware uses them.

    Attributes
    ----------
    tau : int
        round(256 tau).
    theta, u_th, half_a : int
        Reset, threshold and half the surrogate's width, fraction f_u.
    a : int
        A = round(256 / (a * pool area)).
    c0, c1 : int
        C_0 = round(256 tau) and C_1 = round(256 (tau - theta/a)), which may be negative.
    """

    tau: int
    theta: int
    u_th: int
    half_a: int
    a: int
    c0: int
    c1: int
