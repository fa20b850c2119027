"""What the gateware counts: saturations per kind, lane operations per layer and phase."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from golden import synapse
from golden.lif import Bits, Integers
from golden.network import Layer

SATURATIONS = ("carry", "delta", "gamma", "weight")
"""Points where values saturate, each with a counter."""

PHASES = ("forward", "gradient", "backward")
"""Phases that issue lane operations."""


@dataclass
class Counters:
    """Saturations and lane operations, exact; pass one to `GoldenModel.run_interval`.

    A lane operation handles one word of P output channels. An operation is issued

    - forward: per input spike, kernel offset inside the map and output group;
    - gradient: the same, where the output position's gamma is not zero at that step. A position of
      a convolution counts as a whole, all its channels and groups; of a dense layer, each group
      alone;
    - backward of layer l: per neuron of its source whose mask is 1, kernel offset and group, under
      gradient's rule for the gamma of l.

    A pool works on words of P channels of its source: forward per word with a spike inside the
    windows, backward per word with a mask whose pool word of gamma is not zero.

    Parameters
    ----------
    lanes : int
        P. 0 counts saturations only.

    Attributes
    ----------
    saturations : dict
        Number of clipped values per kind of `SATURATIONS`.
    operations, useful : dict
        Keys (layer name, phase): operations issued, and lanes in them that carry a channel.
    """

    lanes: int = 0
    saturations: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SATURATIONS, 0))
    operations: dict[tuple[str, str], int] = field(default_factory=dict)
    useful: dict[tuple[str, str], int] = field(default_factory=dict)

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
        """Return whether each word of P channels holds a one, shape (..., groups)."""
        starts = np.arange(0, bits.shape[-1], self.lanes)
        return np.logical_or.reduceat(bits, starts, axis=-1)

    def forward(self, layer: Layer, spikes: Bits) -> None:
        """Count the forward operations for the source's spikes, shape (steps, *in_shape)."""
        if self.lanes:
            if layer.kind == "pool":
                self._pool(layer, "forward", self._words(self._inside(layer, spikes)))
            else:
                self._weighted(layer, "forward", spikes, None)

    def gradient(self, layer: Layer, spikes: Bits, gamma: Integers) -> None:
        """Count the gradient operations of a layer with weights."""
        if self.lanes:
            self._weighted(layer, "gradient", spikes, gamma != 0)

    def backward(self, layer: Layer, mask: Bits, gamma: Integers) -> None:
        """Count the operations that form e of the layer's source, whose mask is given."""
        if not self.lanes:
            return
        if layer.kind == "pool":
            window = layer.window
            nonzero = self._words(gamma != 0).repeat(window, axis=1).repeat(window, axis=2)
            self._pool(layer, "backward", self._words(self._inside(layer, mask)) & nonzero)
        else:
            self._weighted(layer, "backward", mask, gamma != 0)

    def _inside(self, layer: Layer, bits: Bits) -> Bits:
        height, width = (size * layer.window for size in layer.out_shape[:2])
        return bits[:, :height, :width]

    def _pool(self, layer: Layer, phase: str, words: Bits) -> None:
        per_group = np.count_nonzero(words, axis=(0, 1, 2))
        self._issue(layer, phase, int(per_group.sum()), int(per_group @ self._groups(layer)))

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
