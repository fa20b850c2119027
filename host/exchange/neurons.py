r"""Neurons of NIR, written for continuous time, as steps of our neuron, and back.

NIR's LIF obeys ``tau dv/dt = v_leak - v + r I`` and fires where ``v > v_threshold``. Frameworks
step it with a time dt of their own, which the file does not hold:

    v_t = beta v_{t-1} + (1 - beta) r I_t,   beta = 1 - dt/tau (Euler) or exp(-dt/tau)

Ours is ``u_t = tau u_{t-1} + W s_t - theta s_{t-1}``, ``s = u >= u_th`` (paper Eqs 1, 2): beta is
its tau, and the gain ``(1 - beta) r`` goes into the weights. Measured in inputs, the threshold is
``v_threshold / gain``; scaling threshold, reset and weights by one factor changes no spike.

By the letter of NIR a spike sets v to v_reset. Frameworks that subtract the threshold instead write
the same node, so that whoever reads it has to say which was meant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from golden.formats import COEFFICIENT_FRACTION, Formats
from golden.neuron import Lif, LifCodes
from host.exchange.files import ExchangeError, Node, kind, library

DT = 1e-4
"""Time of a step that snnTorch writes and reads [s]."""

NEURONS = ("LIF", "IF", "CubaLIF")
"""Nodes that fire and can be mapped."""

LEAKS = ("euler", "exponential")
"""How a framework steps the leak."""

RESETS = {
    "soft": "the threshold is subtracted in the step after a spike, past the leak",
    "soft-before-leak": "the threshold is subtracted with the spike and leaks with the rest",
}
"""Resets by subtraction: theta = u_th (snnTorch's Leaky), theta = tau u_th (SpikingJelly)."""

SAME = 1e-5
"""Relative difference up to which two constants are the same: some ulps of float32."""


@dataclass(frozen=True)
class Steps:
    """What a NIR file does not say about its neurons.

    Parameters
    ----------
    dt : float
        Time of a step [s, or the unit of the file's tau].
    leak : str
        One of `LEAKS`.
    reset : str, optional
        One of `RESETS`; None where nobody said.
    """

    dt: float = DT
    leak: str = "euler"
    reset: str | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise ExchangeError(f"dt must be above 0, not {self.dt!r}")
        if self.leak not in LEAKS:
            raise ExchangeError(f"leak must be one of {LEAKS}, not {self.leak!r}")
        if self.reset is not None and self.reset not in RESETS:
            raise ExchangeError(f"reset must be one of {tuple(RESETS)}, not {self.reset!r}")


@dataclass(frozen=True)
class Neuron:
    """Constants of one layer's neurons.

    Attributes
    ----------
    tau : float
        Leak per step, our tau.
    threshold : float
        Of the sum of inputs: v_threshold / gain.
    gain : float
        What NIR multiplies inputs by.
    """

    tau: float
    threshold: float
    gain: float = 1.0


def neuron(name: str, node: Node, steps: Steps) -> Neuron:
    """Return the constants of a LIF, IF or CubaLIF node.

    Raises
    ------
    ExchangeError
        They differ within the layer or stand for another neuron than ours.
    """
    values = {
        field: _uniform(name, field, getattr(node, field))
        for field in ("tau", "tau_mem", "tau_syn", "r", "v_leak", "v_threshold", "v_reset", "w_in")
        if getattr(node, field, None) is not None
    }
    for field in ("v_leak", "v_reset"):
        if values.get(field, 0.0) != 0:
            raise ExchangeError(
                f"{field} must be 0, not {values[field]:g}: our neuron rests at 0", name
            )
    if steps.reset is None:
        raise ExchangeError(
            f"NIR's {kind(node)} is reset to v_reset, our neuron by subtraction, and frameworks "
            "that subtract (snnTorch's default) write the same: if the network was trained so, "
            "or is to be changed, say --reset soft (or soft-before-leak, see docs/exchange.md)",
            name,
        )
    if kind(node) == "IF":
        tau, gain = 1.0, values["r"]  # frameworks that write IF count time in steps
    else:
        tau = _leak(name, values.get("tau", values.get("tau_mem", 0.0)), steps)
        gain = values["r"] * (1 - tau)
    if kind(node) == "CubaLIF":
        gain *= values.get("w_in", 1.0)
        if steps.leak != "euler" or abs(values["tau_syn"] / steps.dt - 1) > SAME:
            raise ExchangeError(
                f"its synaptic current decays (tau_syn {values['tau_syn']:g}), our synapses have "
                f"no state: only tau_syn = dt = {steps.dt:g} without decay can be mapped",
                name,
            )
    if not (math.isfinite(gain) and gain > 0):
        raise ExchangeError(f"the gain r (1 - beta) of inputs must be above 0, not {gain:g}", name)
    if not (math.isfinite(values["v_threshold"]) and values["v_threshold"] > 0):
        raise ExchangeError(f"v_threshold must be above 0, not {values['v_threshold']:g}", name)
    gain = 1.0 if abs(gain - 1) <= SAME else gain  # r = tau/dt in float32
    return Neuron(tau, values["v_threshold"] / gain, gain)


def _uniform(name: str, field: str, value: Any) -> float:
    """Return the one value of a constant."""
    array = np.asarray(value, dtype=np.float64)
    if not array.size:
        raise ExchangeError(f"{field} is empty", name)
    low, high = float(array.min()), float(array.max())
    if high - low > SAME * max(abs(low), abs(high)):
        raise ExchangeError(
            f"{field} must be the same for all neurons of a layer, not {low:g} to {high:g}", name
        )
    return float(array.flat[0])


def _leak(name: str, tau: float, steps: Steps) -> float:
    """Return beta."""
    if not (math.isfinite(tau) and tau > 0):
        raise ExchangeError(
            f"tau must be above 0 and finite, not {tau:g}: neurons without leak are an IF", name
        )
    if steps.leak == "exponential":
        return math.exp(-steps.dt / tau)
    beta = 1 - steps.dt / tau
    if beta < -SAME:
        raise ExchangeError(
            f"tau {tau:g} is shorter than a step of {steps.dt:g}: say --dt, the step of the "
            "framework that wrote the file, or --leak exponential",
            name,
        )
    return max(beta, 0.0)


def strict(threshold: float, formats: Formats) -> float:
    """Return u_th for neurons that fire above a threshold, while ours fire at u_th.

    On the codes of u, ``u >= u_th`` holds where ``u > threshold`` does, also where a sum is exactly
    the threshold, as sums of pools often are; on real numbers where u is more than half a code
    above it at the latest.
    """
    codes = math.ldexp(threshold, formats.state_fraction)
    between = math.ldexp(math.floor(codes) + 0.5, -formats.state_fraction)
    return max(math.nextafter(threshold, math.inf), between)


def lif(tau: float, threshold: float, reset: str, formats: Formats) -> Lif:
    """Return our constants of neurons with a threshold, `RESETS` and the widest surrogate."""
    theta = threshold if reset == "soft" else tau * threshold
    return Lif(tau=tau, theta=theta, u_th=strict(threshold, formats), a=2 * threshold)


def from_codes(codes: LifCodes, formats: Formats) -> Neuron:
    """Return what the hardware's constants are for neurons that fire above a threshold.

    The threshold is the largest float32 below u_th.
    """
    u_th = np.float32(math.ldexp(codes.u_th, -formats.state_fraction))
    below = float(np.nextafter(u_th, np.float32(0)))
    return Neuron(math.ldexp(codes.tau, -COEFFICIENT_FRACTION), below)


def to_nir(neuron: Neuron, shape: tuple[int, ...]) -> Node:
    """Return an LIF node, IF where nothing leaks, as snnTorch writes them: unit gain at `DT`."""
    nir = library()

    def full(value: float) -> Any:
        return np.full(shape, value, np.float32)

    reset, threshold = full(0.0), full(neuron.threshold)
    if neuron.tau == 1:
        return nir.IF(r=full(1.0), v_threshold=threshold, v_reset=reset)
    steps = 1 / (1 - neuron.tau)
    return nir.LIF(
        tau=full(DT * steps), r=full(steps), v_leak=full(0.0), v_threshold=threshold, v_reset=reset
    )
