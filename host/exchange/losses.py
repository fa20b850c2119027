"""What quantising imported weights loses, in numbers and in spikes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.formats import Formats
from golden.network import Network
from golden.qformat import Int
from golden.reference.recursion import FloatModel
from golden.settings import Settings
from golden.trace import Trace
from golden.trainer import GoldenModel

WORTH = 2.0
"""A threshold is worth changing if it makes weights this much larger."""

HIGHEST = 4.0
"""Threshold beyond which the range of the carry, 8 by default, is too near."""


@dataclass(frozen=True)
class Loss:
    """Quantisation of one layer's weights.

    Attributes
    ----------
    saturated : int
        Weights beyond the largest code.
    largest : float
        Largest magnitude of a real weight.
    max_error, rms_error : float
        Of the weights that codes stand for, saturated ones included [code steps].
    noise_ratio : float
        Power of the weights over power of the errors [dB]; infinite where nothing is lost.
    zeros : float
        Share of zero codes.
    """

    name: str
    weights: int
    saturated: int
    largest: float
    max_error: float
    rms_error: float
    noise_ratio: float
    zeros: float


def losses(
    network: Network, formats: Formats, weights: Sequence[NDArray[Any]], codes: Sequence[Int]
) -> list[Loss]:
    """Compare real weights with their codes, layer by layer in the order of `hash_id`."""
    q = formats.weight_format
    found = []
    for layer, real, code in zip(network.weighted, weights, codes, strict=True):
        error = (real - q.dequantize(code)) / q.lsb
        beyond = int(np.count_nonzero(np.abs(real) > (q.maximum + 0.5) * q.lsb))
        signal, noise = float(np.mean((real / q.lsb) ** 2)), float(np.mean(error**2))
        ratio = 10 * math.log10(signal / noise) if noise and signal else math.inf
        found.append(
            Loss(
                layer.name, real.size, beyond, float(np.abs(real).max()),
                float(np.abs(error).max()), math.sqrt(noise), ratio, float(np.mean(code == 0)),
            )
        )  # fmt: skip
    return found


def table(found: Sequence[Loss], network: Network, formats: Formats) -> list[str]:
    """Return the losses as lines of text, with a better threshold where there is one."""
    q = formats.weight_format
    lines = [
        f"weights in {q}, steps of 2^-{formats.weight_fraction}, largest {q.maximum * q.lsb:.5g}:",
        f"{'layer':<12}{'weights':>9}{'largest':>9}{'saturated':>11}{'error max':>11}"
        f"{'rms [steps]':>13}{'SQNR [dB]':>11}{'zeros':>8}",
    ]
    for loss in found:
        ratio = "exact" if math.isinf(loss.noise_ratio) else f"{loss.noise_ratio:.1f}"
        lines.append(
            f"{loss.name:<12}{loss.weights:>9,}{loss.largest:>9.4g}{loss.saturated:>11,}"
            f"{loss.max_error:>11.3g}{loss.rms_error:>13.3g}{ratio:>11}{loss.zeros:>8.1%}"
        )
    return [*lines, *_better(found, network, formats)]


def _better(found: Sequence[Loss], network: Network, formats: Formats) -> list[str]:
    """Return what would lose less."""
    q = formats.weight_format
    largest = max(loss.largest for loss in found)
    saturated = any(loss.saturated for loss in found)
    if not largest or any(layer.kind == "pool" for layer in network.resolved):
        if not saturated:
            return []
        return ["weights saturate and pools fix the threshold: train with smaller weights"]
    factor = q.maximum * q.lsb / largest
    lossless = all(math.isinf(loss.noise_ratio) for loss in found)
    if lossless or (not saturated and factor < WORTH):
        return []
    best = min(0.995 * factor * network.lif.u_th, HIGHEST)  # not too large as printed
    return [f"weights {'would' if saturated else 'still'} fit with --threshold {best:.3g}"]


@dataclass(frozen=True)
class Difference:
    """Spikes of the float model and of the golden model on the same recordings.

    Attributes
    ----------
    layers : dict
        By layer: spikes of the float model, and neuron-steps at which one of both fires.
    recordings, same_class : int
        Recordings, and those to which both give the same class.
    """

    layers: dict[str, tuple[int, int]]
    recordings: int
    same_class: int

    def table(self) -> list[str]:
        """Return the differences as lines of text."""
        lines = [
            f"spikes of {self.recordings} recordings, real weights and codes:",
            f"{'layer':<12}{'spikes':>11}{'differ':>11}{'share':>9}",
        ]
        for name, (spikes, differ) in self.layers.items():
            share = f"{differ / spikes:.2%}" if spikes else "-"
            lines.append(f"{name:<12}{spikes:>11,}{differ:>11,}{share:>9}")
        lines.append(f"the same class: {self.same_class} of {self.recordings}")
        return lines


def difference(
    network: Network,
    formats: Formats,
    settings: Settings,
    weights: Sequence[NDArray[Any]],
    codes: Sequence[Int],
    recordings: Sequence[NDArray[Any]],
) -> Difference:
    """Run recordings through the float model with real weights and the golden model with codes.

    Raises
    ------
    ValueError
        Recordings do not suit the network, or the network the formats.
    """
    real = FloatModel(network, settings, list(weights))
    golden = GoldenModel(network, formats, settings, list(codes))
    layers = {layer.name: (0, 0) for layer in network.resolved}
    models: tuple[FloatModel | GoldenModel, ...] = (real, golden)
    same = 0
    longest = (1 << formats.count) - 1
    for frames in recordings:
        counts: list[NDArray[Any]] = [np.zeros(network.classes, np.int64) for _ in range(2)]
        for first in range(0, len(frames), longest):
            traces = Trace(), Trace()
            for number, (model, trace) in enumerate(zip(models, traces, strict=True)):
                counts[number] += model.run_interval(
                    frames[first : first + longest], 0, start=first == 0, learn=False, trace=trace
                )
            for name, (spikes, differ) in layers.items():
                one, other = (trace[0, name, "s"] for trace in traces)
                layers[name] = (
                    spikes + int(one.sum()), differ + int(np.count_nonzero(one != other)),
                )  # fmt: skip
        same += int(np.argmax(counts[0]) == np.argmax(counts[1]))
    return Difference(layers, len(recordings), same)
