"""Run-time settings of training: interval, error fraction, rates, momentum, seed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from golden.checks import require_integers
from golden.formats import Formats
from golden.loss import LOSSES, SHARE
from golden.network import Layer, Network
from golden.neuron import LifCodes

LOSS_BITS = 16
"""Width of the unsigned loss coefficient K [bits]."""

DROPOUT_BITS = 8
"""Dropout rates are multiples of 2**-8."""

CONSTANT_BITS = 16
"""Width of threshold and reset, unsigned [bits]."""

MAX_SHIFT = 31
"""Largest shift of the loss (r) and of the update (q)."""


@dataclass(frozen=True)
class Settings:
    """How a network is trained; nothing here needs another bitstream.

    Parameters
    ----------
    interval : int
        Truncation interval k [steps].
    error_fraction : int
        f_e, fractional bits of e, gamma and V; one per run.
    rate_shift : int
        Learning rate 2**-rate_shift.
    layer_shifts : tuple of int
        Further halvings of the rate per layer with weights, in the order of `Layer.hash_id`;
        a single value stands for all.
    momentum_shift : int
        d of mu = 1 - 2**-d; 0 switches momentum off.
    decay_to_zero : bool
        V decays to 0 from either side. Otherwise V of 1 .. 2**d - 1 never decays, which pulls
        weights down where updates are many and gradients few: at k = 1.
    seed : int
        Keys the random bits of stochastic rounding, 32 bits.

    frozen : tuple of str
        Names of layers that keep their weights: no gradient, no update. Errors still pass through
        them to the layers below.
    dropout : float
        p, the share of the neurons of convolutions and dense layers that is dropped while training,
        in steps of 1/256 (`golden.dropout`).
    dropout_correction : bool
        At inference, layers that read the spikes of such a layer have threshold and reset divided
        by 1 - p, which equals weights times 1 - p.
    loss : str
        ``mse`` (paper Eq 3) or ``cross-entropy`` of a softmax over an interval's spike counts
        (`golden.loss`).
    temperature_shift : int
        Of the softmax: a class with 2**temperature_shift spikes less weighs half.

    Raises
    ------
    ValueError
        A value is out of bounds; the message names it.
    """

    interval: int = 10
    error_fraction: int = 16
    rate_shift: int = 6
    layer_shifts: tuple[int, ...] = (0,)
    momentum_shift: int = 3
    seed: int = 1
    frozen: tuple[str, ...] = ()
    dropout: float = 0.0
    dropout_correction: bool = False
    loss: str = "mse"
    temperature_shift: int = 0
    decay_to_zero: bool = False

    BOUNDS: ClassVar[dict[str, tuple[int, int]]] = {
        "interval": (1, 255),
        "error_fraction": (1, 30),
        "rate_shift": (-8, 24),
        "momentum_shift": (0, 15),
        "seed": (0, 2**32 - 1),
        "temperature_shift": (0, 3),
    }

    def __post_init__(self) -> None:
        object.__setattr__(self, "layer_shifts", tuple(self.layer_shifts))
        object.__setattr__(self, "frozen", tuple(self.frozen))
        require_integers(self, self.BOUNDS)
        if not 0 <= self.dropout_code < 1 << DROPOUT_BITS:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout!r}")
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {LOSSES}, not {self.loss!r}")

    @property
    def dropout_code(self) -> int:
        """P in 1/256: the byte below which a neuron is dropped."""
        return round(self.dropout * (1 << DROPOUT_BITS))

    def drops(self, layer: Layer) -> bool:
        """Return whether spikes of the layer are dropped while training."""
        return self.dropout_code > 0 and layer.kind in ("conv", "dense")

    def corrects(self, layer: Layer, network: Network) -> bool:
        """Return whether the layer has constants of its own for inference."""
        if not self.dropout_correction or layer.source < 0:
            return False
        return self.drops(network.resolved[layer.source])

    def inference_codes(self, codes: LifCodes) -> LifCodes:
        """Return constants of a layer that reads more spikes at inference than while training."""
        kept = (1 << DROPOUT_BITS) - self.dropout_code

        def scaled(code: int) -> int:
            return (2 * code * (1 << DROPOUT_BITS) + kept) // (2 * kept)

        return replace(codes, u_th=scaled(codes.u_th), theta=scaled(codes.theta))

    def learns(self, layer: Layer) -> bool:
        """Return whether the layer has weights that are updated."""
        return layer.trainable and layer.name not in self.frozen

    def layer_shift(self, layer: Layer) -> int:
        """Return the further halvings of `layer`'s rate."""
        if len(self.layer_shifts) == 1:
            return self.layer_shifts[0]
        return self.layer_shifts[layer.hash_id]

    def update_shift(self, layer: Layer, formats: Formats, halvings: int = 0) -> int:
        """Return q, the right shift from V to W: rate, layer shift and halvings, plus f_e - f_w.

        Raises
        ------
        ValueError
            q is above 31 or below -15.
        """
        fractions = self.error_fraction - formats.weight_fraction
        q = self.rate_shift + self.layer_shift(layer) + halvings + fractions
        if not -15 <= q <= MAX_SHIFT:
            raise ValueError(
                f"update shift of {layer.name} must be between -15 and {MAX_SHIFT}, not {q}: "
                f"rate_shift {self.rate_shift}, layer shift {self.layer_shift(layer)}, "
                f"halvings {halvings}, f_e - f_w {fractions}"
            )
        return q

    def loss_scale(self, steps: int, classes: int) -> tuple[int, int]:
        """Return (K, r) of an interval of `steps` steps: e_c = (K * difference) >> r.

        Mean square, difference count - steps*y: K = round(2**(f_e + r) * 2 / (classes * steps**2))
        with the largest r for which K fits 16 bits (paper Eq 3's derivative, the mean and the 1/k
        of the rate in one factor). Cross-entropy, difference share - y with 16 fractional bits:
        K = round(2**(f_e + r - 16) * 2 / (classes * steps)), so that a silent classifier gets the
        errors that the mean square gives it.

        Raises
        ------
        ValueError
            K overflows 16 bits even at r = 0, or K rounds to 0 at the largest r.
        """
        base = 2.0 ** (self.error_fraction + 1) / (classes * steps**2)
        if self.loss == "cross-entropy":
            base *= steps / 2.0**SHARE
        for r in range(MAX_SHIFT, -1, -1):
            loss = math.floor(base * 2.0**r + 0.5)
            if loss < 1 << LOSS_BITS:
                if loss == 0:
                    break
                return loss, r
        raise ValueError(
            f"error_fraction {self.error_fraction} leaves no 16-bit loss coefficient for "
            f"{classes} classes and {steps} steps"
        )

    def check(self, network: Network, formats: Formats) -> None:
        """Raise ValueError where the settings do not suit the network.

        Raises
        ------
        ValueError
            `layer_shifts` has the wrong length, or a layer's update shift is out of range.
        """
        layers = network.weighted
        if len(self.layer_shifts) not in (1, len(layers)):
            raise ValueError(
                f"layer_shifts must hold 1 or {len(layers)} values, not {len(self.layer_shifts)}"
            )
        names = [layer.name for layer in layers if layer.trainable]
        for name in self.frozen:
            if name not in names:
                raise ValueError(f"frozen must name layers among {', '.join(names)}, not {name!r}")
        for layer in layers:
            self.update_shift(layer, formats)
        for layer in network.resolved:
            if self.corrects(layer, network):
                codes = self.inference_codes(layer.lif.codes(formats))
                if max(codes.u_th, codes.theta) >= 1 << CONSTANT_BITS:
                    raise ValueError(
                        f"dropout {self.dropout} takes threshold or reset of {layer.name} beyond "
                        f"{CONSTANT_BITS} bits at inference: lower it, or dropout_correction=False"
                    )


def intervals(steps: int, interval: int) -> list[tuple[int, int]]:
    """Cut `steps` time steps into (first, length) intervals; the last may be shorter.

    Raises
    ------
    ValueError
        `interval` is outside 1 .. `steps`.
    """
    if not 1 <= interval <= steps:
        raise ValueError(f"k must be between 1 and T = {steps}, not {interval}")
    return [(first, min(interval, steps - first)) for first in range(0, steps, interval)]
