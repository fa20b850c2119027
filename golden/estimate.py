"""Cycles of a network before it has seen a recording: `golden.cycles` with expected activity."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from golden import synapse
from golden.cycles import (
    CLEAR,
    DECODE,
    ERROR,
    IDLE_TO_START,
    LIF,
    LIST,
    LOSS,
    UPDATE,
    error_wait,
)
from golden.direct import PLANES
from golden.layout import Layout
from golden.network import Layer, Network
from golden.settings import intervals
from golden.walk_cycles import DRAIN, DRAIN_BACKWARD, FIRST_ROW


@dataclass(frozen=True)
class Activity:
    """Fractions of a layer's neurons in a step.

    Attributes
    ----------
    spikes, masks, errors : float
        Neurons that spike, whose surrogate mask is set, whose gamma is not zero.
    """

    spikes: float
    masks: float
    errors: float


MEASURED = {
    "conv": (Activity(0.08, 0.25, 0.22), Activity(0.05, 0.31, 0.19)),
    "pool": (Activity(0.16, 0.49, 0.44), Activity(0.10, 0.42, 0.31)),
    "dense": (Activity(0.09, 0.25, 0.11), Activity(0.11, 0.20, 0.05)),
    "classifier": (Activity(0.05, 0.2, 1.0),),
}
"""Trained LeNet-1 on N-MNIST at k = 10, by kind from input to output; later layers are taken to be
like the last one listed. Errors of classifiers are an upper limit."""

INPUT_SPIKES = 0.056
"""Pixels of an N-MNIST frame of 10 ms with an event."""

INPUT_BITS = 0.12
"""Bits set in a bit plane of MNIST's images, on average over planes and images."""


def input_density(network: Network) -> float:
    """Return the share of bits that are set in what a network reads."""
    return INPUT_BITS if network.encoding == "direct" else INPUT_SPIKES


def expected_activity(network: Network) -> dict[int, Activity]:
    """Return the activity of every layer, keyed by its index."""
    seen = dict.fromkeys(MEASURED, 0)
    activity = {}
    for layer in network.resolved:
        known = MEASURED[layer.kind]
        activity[layer.index] = known[min(seen[layer.kind], len(known) - 1)]
        seen[layer.kind] += 1
    return activity


@dataclass
class Estimate:
    """Cycles of a training recording.

    Attributes
    ----------
    cycles, operations : dict
        Keys (layer name, instruction such as ``FORWARD``).
    idle : int
        Cycles before the first instruction of each interval.
    """

    cycles: dict[tuple[str, str], float] = field(default_factory=dict)
    operations: dict[tuple[str, str], float] = field(default_factory=dict)
    idle: int = 0

    @property
    def total(self) -> float:
        """Cycles of all instructions."""
        return self.idle + sum(self.cycles.values())

    def by_phase(self) -> dict[str, float]:
        """Return the cycles per instruction kind."""
        phases: dict[str, float] = {}
        for (_, op), cycles in self.cycles.items():
            phases[op] = phases.get(op, 0) + cycles
        return phases


def synapses_per_channel(layer: Layer) -> int:
    """Return the (input neuron, output position) pairs of a layer with weights."""
    ones = np.ones((1, *layer.in_shape), np.bool_)
    return int(synapse.inputs(ones, layer, np.float32).sum(dtype=np.float64))


def any_of(density: float, count: float) -> float:
    """Return the chance that one of `count` independent bits is set."""
    return float(1 - (1 - density) ** count)


def estimate(
    layout: Layout,
    steps: int,
    activity: dict[int, Activity] | None = None,
    input_spikes: float | None = None,
) -> Estimate:
    """Estimate the cycles of training on one recording.

    Walks are taken at their operations plus a constant, without the few idle cycles between rows.
    An error anywhere in a position or in a group makes GRADIENT and BACKWARD visit it: the channels
    of a position count as sqrt(C) independent ones, which is what trained convolutions show, those
    of a dense group as independent.

    Parameters
    ----------
    layout : Layout
        The network in its core.
    steps : int
        T of a recording.
    activity : dict, optional
        By layer index; `expected_activity` by default.
    input_spikes : float, optional
        Density of input frames, or of the bit planes of images; of N-MNIST or MNIST by default.
    """
    network, lanes = layout.network, layout.config.lanes
    chosen = expected_activity(network) if activity is None else activity
    cut = intervals(steps, min(steps, layout.interval))
    result = Estimate(idle=len(cut) * IDLE_TO_START)
    if input_spikes is None:
        input_spikes = input_density(network)

    def add(layer: Layer, op: str, times: int, operations: float, constant: float) -> None:
        key = (layer.name, op)
        result.operations[key] = times * operations
        result.cycles[key] = times * max(operations + constant, DECODE)

    walk, back = FIRST_ROW + DRAIN, FIRST_ROW + DRAIN_BACKWARD + 1
    for block in network.blocks:
        for layer in block.all_layers:
            placed, own = layout.layers[layer.index], chosen[layer.index]
            words = placed.map.words
            source = chosen.get(layer.source)
            spikes = input_spikes if source is None else source.spikes
            planes = len(cut) * PLANES
            add(layer, "CLEAR", 1, words, CLEAR)
            moves = planes + 2 * len(cut) if layer.direct else 0
            add(layer, "LIF", steps + moves, words, LIF)
            waits = layer is not block.classifier and layer.pool_area == 1
            sums = steps + planes if layer.direct else 0
            listed = LIST + error_wait(lanes) * waits
            add(layer, "ERROR", steps + sums, words, ERROR + listed * steps / (steps + sums))
            if layer.kind == "pool":
                below = layout.layers[layer.source].map
                ones = min(lanes, layer.in_shape[2] << below.pack)
                add(layer, "POOL", steps, below.words * any_of(spikes, ones), walk)
                continue
            if layer.kind == "conv":
                errors = any_of(own.errors, layer.out_shape[2] ** 0.5)
            else:
                errors = any_of(own.errors, min(lanes, layer.out_shape[2]))
            pairs = synapses_per_channel(layer) * placed.map.groups
            frames = planes if layer.direct else steps
            add(layer, "FORWARD", frames, pairs * spikes, walk)
            if layer.trainable:
                add(layer, "GRADIENT", frames, pairs * spikes * errors, walk)
                add(layer, "UPDATE", len(cut), placed.weight_rows, UPDATE)
            if layer is not block.layers[0]:
                assert source is not None
                add(layer, "BACKWARD", steps, pairs * source.masks * errors, back)
        groups = layout.layers[block.classifier.index].map.groups
        add(block.classifier, "LOSS", len(cut), groups * lanes, LOSS)
    return result
