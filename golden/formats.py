"""The frozen set of number formats shared by golden, gateware and host."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from golden.checks import require_integers
from golden.qformat import QFormat

COEFFICIENT_FRACTION = 8
"""Fractional bits of tau, A, C_0 and C_1."""


@dataclass(frozen=True)
class Formats:
    """Widths of everything the accelerator stores; the error's fraction f_e is a run-time number.

    Parameters
    ----------
    weight, weight_fraction : int
        Weight W, f_w fractional bits [bits].
    forward_shift : int
        FORWARD reads ``W >> forward_shift`` (floor), so that f_u = f_w - forward_shift [bits].
    carry : int
        Membrane potential carried from step to step, saturated, fraction f_u [bits].
    state : int
        Exact sum held in the U memory, fraction f_u [bits].
    gamma : int
        Potential error gamma, fraction f_e [bits].
    delta : int
        Spike error e, fraction f_e; two bits wider than gamma [bits].
    gradient : int
        Gradient accumulator and momentum V, fraction f_e; adds wrap [bits].
    coefficient : int
        A, C_0 and C_1, 8 fractional bits, signed [bits].
    count : int
        Spikes of a class in one interval, unsigned [bits].

    Raises
    ------
    ValueError
        A width is outside its bounds; the message names field, value and bound.
    """

    weight: int = 16
    weight_fraction: int = 14
    forward_shift: int = 2
    carry: int = 16
    state: int = 25
    gamma: int = 14
    delta: int = 16
    gradient: int = 18
    coefficient: int = 12
    count: int = 8

    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        "weight": (4, 24),
        "weight_fraction": (2, 23),
        "forward_shift": (0, 16),
        "carry": (4, 24),
        "state": (6, 40),
        "gamma": (4, 24),
        "delta": (4, 26),
        "gradient": (6, 32),
        "coefficient": (10, 16),
        "count": (2, 12),
    }

    def __post_init__(self) -> None:
        require_integers(self, self.BOUNDS, " bits")
        if self.forward_shift >= self.weight - 1:
            raise ValueError(
                f"forward_shift must leave at least 2 of {self.weight} weight bits, "
                f"not {self.forward_shift}"
            )
        if self.state_fraction < 2:
            raise ValueError(
                "weight_fraction - forward_shift must be at least 2 "
                f"(a pooled spike is 2**-2 or less), not {self.state_fraction}"
            )
        if self.state < self.carry + 1:
            raise ValueError(f"state must exceed carry ({self.carry} bits), not {self.state}")
        if self.delta < self.gamma:
            raise ValueError(f"delta must hold gamma ({self.gamma} bits), not {self.delta}")
        if self.gradient < self.gamma:
            raise ValueError(f"gradient must hold gamma ({self.gamma} bits), not {self.gradient}")

    @property
    def state_fraction(self) -> int:
        """f_u, fractional bits of the membrane potential."""
        return self.weight_fraction - self.forward_shift

    @property
    def weight_format(self) -> QFormat:
        """Format of W."""
        return QFormat(self.weight, self.weight_fraction)

    @property
    def carry_format(self) -> QFormat:
        """Format of the carried membrane potential."""
        return QFormat(self.carry, self.state_fraction)

    @property
    def forward_weight(self) -> int:
        """Width of the weight that FORWARD adds [bits]."""
        return self.weight - self.forward_shift

    def gamma_format(self, error_fraction: int) -> QFormat:
        """Format of gamma at f_e = `error_fraction`."""
        return QFormat(self.gamma, error_fraction)

    def delta_format(self, error_fraction: int) -> QFormat:
        """Format of the spike error e at f_e = `error_fraction`."""
        return QFormat(self.delta, error_fraction)

    def gradient_format(self, error_fraction: int) -> QFormat:
        """Format of V at f_e = `error_fraction`."""
        return QFormat(self.gradient, error_fraction)

    def state_bits(self, fan_in: int, addend_bits: int | None = None) -> int:
        """Return the bits an exact membrane sum needs: the carry plus `fan_in` addends.

        Parameters
        ----------
        fan_in : int
            Largest number of addends in one step.
        addend_bits : int, optional
            Width of one signed addend; the forward weight by default [bits].
        """
        addend = 1 << ((self.forward_weight if addend_bits is None else addend_bits) - 1)
        largest = fan_in * addend + (1 << (self.carry - 1))
        return largest.bit_length() + 1

    def backward_bits(self, fan_out: int) -> int:
        """Return the bits an exact sum of `fan_out` products W*gamma needs."""
        return (fan_out << (self.weight + self.gamma - 2)).bit_length() + 1
