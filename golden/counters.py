"""What the gateware counts: saturations per kind, lane operations per layer and phase."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from golden import synapse
from golden.layout import map_layout
from golden.lif import Bits, Integers
from golden.network import Layer, Shape

SATURATIONS = ("carry", "delta", "gamma", "weight")
"""Points where values saturate, each with a counter."""

PHASES = ("forward", "pool", "gradient", "backward")
"""Walks over events that issue lane operations, named like the gateware's instructions."""


def word_spikes(bits: Bits, lanes: int, pack_max: int) -> Integers:
    """Return how many ones each word of P lanes holds.

    Parameters
    ----------
    bits : Bits
        Shape (steps, H, W, C).
    lanes, pack_max : int
        P, and log2 of the positions that may share a word.

    Returns
    -------
    Integers
        Shape (steps, H, x_words, groups), placed as `golden.layout.map_layout` does.
    """
    steps, height, width, channels = bits.shape
    area = map_layout((height, width, channels), lanes, pack_max)
    wide, deep = area.x_words << area.pack, area.groups * area.slot_lanes
    padded = np.zeros((steps, height, wide, deep), np.bool_)
    padded[:, :, :width, :channels] = bits
    words = padded.reshape(
        steps, height, area.x_words, 1 << area.pack, area.groups, area.slot_lanes
    )
    ones: Integers = words.sum(axis=(3, 5), dtype=np.int64)
    return ones


@dataclass
class Counters:
    """Saturations and lane operations, exact; pass one to `GoldenModel.run_interval`.

    A lane operation handles one word of P output channels. An operation is issued

    - forward: per input spike, kernel offset inside the map and output group;
    - gradient: the same, where the output position's gamma is not zero at that step. A position of
      a convolution counts as a whole, all its channels and groups; of a dense layer, each group
      alone;
    - backward of layer l: per neuron of its source whose mask is 1, kernel offset and group, under
      gradient's rule for the gamma of l;
    - pool: per word of the source that holds a spike and lies inside the words of the pool's map,
      ``y >> w < height`` and ``x word >> w < x_words``; its useful lanes are its spikes.

    The error of a pool goes back inside a pass over words, not by operations of a walk.

    Parameters
    ----------
    lanes : int
        P, a power of two. 0 counts saturations only.
    pack_max : int
        log2 of the positions of a narrow layer that may share a word.

    Attributes
    ----------
    saturations : dict
        Number of clipped values per kind of `SATURATIONS`.
    operations, useful : dict
        Keys (layer name, phase): operations issued, and lanes in them that carry a channel.

    Raises
    ------
    ValueError
        `lanes` is no power of two, or `pack_max` leaves less than 2 lanes a position.
    """

    lanes: int = 0
    pack_max: int = 0
    saturations: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SATURATIONS, 0))
    operations: dict[tuple[str, str], int] = field(default_factory=dict)
    useful: dict[tuple[str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.lanes < 0 or self.lanes & (self.lanes - 1):
            raise ValueError(f"lanes must be 0 or a power of two, not {self.lanes}")
        if self.pack_max < 0 or (self.pack_max and self.lanes >> self.pack_max < 2):
            raise ValueError(
                f"pack_max must leave 2 of {self.lanes} lanes a position, not {self.pack_max}"
            )

    def interval(self, steps: int, *, start: bool, learn: bool, update: bool) -> None:
        """Note that an interval has ended: `golden.cycles` adds up its cycles here."""

    def saturated(self, kind: str, count: int) -> None:
        """Add clipped values."""
        self.saturations[kind] += count

    def _issue(self, layer: Layer, phase: str, operations: int, useful: int) -> None:
        key = (layer.name, phase)
        self.operations[key] = self.operations.get(key, 0) + operations
        self.useful[key] = self.useful.get(key, 0) + useful

    def _groups(self, layer: Layer) -> Integers:
        """Return the channels in each output group."""
        channels = layer.out_shape[2]
        starts = np.arange(0, channels, self.lanes)
        return np.minimum(self.lanes, channels - starts)

    def _words(self, bits: Bits) -> Bits:
        """Return whether each group of P channels holds a one, shape (..., groups)."""
        starts = np.arange(0, bits.shape[-1], self.lanes)
        return np.logical_or.reduceat(bits, starts, axis=-1)

    def forward(self, layer: Layer, spikes: Bits) -> None:
        """Count the forward operations for the source's spikes, shape (steps, *in_shape)."""
        if not self.lanes:
            return
        if layer.kind == "pool":
            words = word_spikes(spikes, self.lanes, self.pack_max)
            height, columns = self._pool_words(layer.out_shape)
            inside = words[:, : height * layer.window, : columns * layer.window]
            self._issue(layer, "pool", int(np.count_nonzero(inside)), int(inside.sum()))
        else:
            self._weighted(layer, "forward", spikes, None)

    def _pool_words(self, shape: Shape) -> tuple[int, int]:
        """Return the rows of a pool's map and the words in each."""
        return shape[0], map_layout(shape, self.lanes, self.pack_max).x_words

    def gradient(self, layer: Layer, spikes: Bits, gamma: Integers) -> None:
        """Count the gradient operations of a layer with weights."""
        if self.lanes:
            self._weighted(layer, "gradient", spikes, gamma != 0)

    def backward(self, layer: Layer, mask: Bits, gamma: Integers) -> None:
        """Count the operations that form e of the layer's source, whose mask is given."""
        if self.lanes and layer.has_weights:
            self._weighted(layer, "backward", mask, gamma != 0)

    def _weighted(self, layer: Layer, phase: str, events: Bits, nonzero: Bits | None) -> None:
        """Count triples (event, position, group), those with an error if `nonzero` is given."""
        seen = synapse.inputs(events, layer, np.float32).sum(axis=1, dtype=np.float64)
        channels = layer.out_shape[2]
        groups = self._groups(layer)
        if nonzero is None:
            pairs = np.full(len(groups), seen.sum())
        elif layer.kind == "conv":
            pairs = np.full(len(groups), seen @ nonzero.any(axis=-1).ravel())
        else:
            pairs = seen @ self._words(nonzero.reshape(-1, channels))
        self._issue(layer, phase, int(pairs.sum()), int(pairs @ groups))
