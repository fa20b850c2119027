"""First weights: normal, deviation 1/sqrt(fan-in), each layer scaled to a wanted firing rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import random_weights, synapse
from golden.direct import PLANES
from golden.formats import Formats
from golden.network import Layer, Network, require_integer_model
from golden.qformat import Int
from golden.trainer import check_frames

Float = NDArray[np.float64]

BISECTIONS = 24
"""Halvings of the scale's exponent, between 2**-6 and 2**6: finer than one weight code."""


def initialise(
    network: Network,
    recordings: Sequence[NDArray[Any]],
    formats: Formats | None = None,
    *,
    seed: int = 0,
    run_seed: int = 1,
    hidden_rate: float = 0.10,
    classifier_rate: float = 0.05,
) -> tuple[list[Float], list[Int]]:
    """Draw weights with which every layer fires at a wanted rate on some recordings.

    Weights are drawn from a normal distribution with deviation 1/sqrt(rows). From the input to the
    output each layer's scale is found by bisection, given the layers below it. Same arguments, same
    weights.

    Parameters
    ----------
    network : Network
        What to initialise.
    recordings : sequence of NDArray
        Frames of a few training recordings, 0 or 1, or with direct encoding an image of 0 .. 255 at
        every step; each of shape (T, H, W, C) with the same T.
    formats : Formats, optional
        Format of the codes.
    seed : int
        Seeds the numpy generator.
    run_seed : int
        `Settings.seed` of the run, which keys the patterns of random classifiers; only their scale
        is found here.
    hidden_rate, classifier_rate : float
        Wanted spikes per neuron and step.

    Returns
    -------
    weights : list of Float
        Real weights, shape `Layer.weight_shape`, in the order of `hash_id`.
    codes : list of Int
        The same, quantised to `Formats.weight_format`.

    Raises
    ------
    ValueError
        Recordings differ in shape, images from step to step, or a layer gets no input spikes or
        cannot reach its rate.
    """
    require_integer_model(network)
    formats = formats or Formats()
    shapes = {frames.shape for frames in recordings}
    if len(shapes) != 1 or next(iter(shapes))[1:] != network.input_shape:
        raise ValueError(
            f"recordings must all have shape (T, {', '.join(map(str, network.input_shape))}) "
            f"with one T, not {sorted(shapes)}"
        )
    generator = np.random.default_rng(seed)
    source = np.stack([np.asarray(frames, dtype=np.float64) for frames in recordings])
    if network.encoding == "direct":
        for frames in recordings:
            check_frames(frames, network)
        source /= 1 << PLANES  # a pixel x stands for x/256
    weights: list[Float] = []
    for block in network.blocks:
        for layer in block.all_layers:
            if layer.has_weights:
                if layer.random:
                    unit = layer.rows**-0.5 / random_weights.RMS
                    weight = random_weights.pattern(run_seed, layer) * unit
                else:
                    unit = 0.0
                    weight = generator.normal(0.0, layer.rows**-0.5, layer.weight_shape)
                drive = _drive(source, layer, weight)
                rate = classifier_rate if layer.kind == "classifier" else hidden_rate
                scale = _scale(drive, layer, rate)
                if layer.random:  # one weight code fine
                    lsb = formats.weight_format.lsb
                    limit = min(
                        2**random_weights.SCALE_BITS - 1, formats.weight_format.maximum // 3
                    )
                    scale = min(max(1, round(scale * unit / lsb)), limit) * lsb / unit
                weights.append(weight * scale)
                drive *= scale
            else:
                drive = _drive(source, layer, None)
            if layer.kind != "classifier":
                source = _fire(drive, layer)
    return weights, [formats.weight_format.quantize(weight) for weight in weights]


def _drive(source: Float, layer: Layer, weight: Float | None) -> Float:
    """Return synaptic sums, shape (recordings, T, *out_shape), one recording at a time."""
    drives = []
    for spikes in source:
        if weight is None:
            drives.append(synapse.pooled(spikes > 0, layer, np.float64) / layer.window**2)
        else:
            product = synapse.inputs(spikes, layer, np.float64) @ weight
            drives.append(product.reshape(len(spikes), *layer.out_shape))
    return np.stack(drives)


def _fire(drive: Float, layer: Layer) -> Float:
    """Return the spikes of LIF neurons that start from rest."""
    lif = layer.lif
    spikes = np.empty_like(drive)
    u = np.zeros_like(drive[:, 0])
    for t in range(drive.shape[1]):
        u += drive[:, t]
        s = u >= lif.u_th
        spikes[:, t] = s
        u = lif.tau * u - lif.theta * s
    return spikes


def _scale(drive: Float, layer: Layer, rate: float) -> float:
    low, high = -6.0, 6.0
    reached = float(_fire(drive * 2.0**high, layer).mean())
    if reached < rate:
        raise ValueError(
            f"{layer.name} fires at {reached:.3f} per step at most, {rate} wanted: "
            "use recordings with more events, brighter images or a lower rate"
        )
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if float(_fire(drive * 2.0**middle, layer).mean()) < rate:
            low = middle
        else:
            high = middle
    return float(2.0**high)
