"""Placement of a network in the memories of a core: words, packing, bases and strides.

A neuron word holds P lanes of one map position, channels `g * P` to `g * P + P - 1` in group g. A
layer of at most P/2 channels packs ``2**pack`` neighbouring positions of a row into a word, each in
a slot of ``P >> pack`` lanes. Rows start on a word. Word index inside a layer:
``(y * x_words + (x >> pack)) * groups + g``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from golden.core_config import CoreConfig
from golden.direct import PLANES
from golden.network import Block, Layer, Network, Shape, require_integer_model
from golden.qformat import Int


@dataclass(frozen=True)
class MapLayout:
    """Words of one map of neurons or of the input frame.

    Attributes
    ----------
    shape : Shape
        Height, width, channels.
    pack : int
        log2 of the positions per word.
    x_words : int
        Words of a row (per group).
    groups : int
        Groups of P channels.
    """

    shape: Shape
    lanes: int
    pack: int
    x_words: int
    groups: int

    @property
    def words(self) -> int:
        """Words of the whole map."""
        return self.shape[0] * self.x_words * self.groups

    @property
    def slot_lanes(self) -> int:
        """Lanes of one position inside a word."""
        return self.lanes >> self.pack

    def position(self, y: int, x: int, c: int) -> tuple[int, int]:
        """Return (word index, lane) of a neuron."""
        group, lane = divmod(c, self.lanes)
        word = (y * self.x_words + (x >> self.pack)) * self.groups + group
        return word, (x & ((1 << self.pack) - 1)) * self.slot_lanes + lane

    @cached_property
    def _places(self) -> tuple[Int, Int]:
        height, width, channels = self.shape
        y, x, c = np.indices((height, width, channels))
        word = (y * self.x_words + (x >> self.pack)) * self.groups + c // self.lanes
        return word, (x & ((1 << self.pack) - 1)) * self.slot_lanes + c % self.lanes

    def to_lanes(self, values: Int) -> Int:
        """Place a map, shape (height, width, channels), in lanes, shape (words, P); others are 0.

        Raises
        ------
        ValueError
            The shape differs from the map's.
        """
        if values.shape != self.shape:
            raise ValueError(f"values must have shape {self.shape}, not {values.shape}")
        lanes = np.zeros((self.words, self.lanes), np.int64)
        lanes[self._places] = values
        return lanes

    def from_lanes(self, lanes: Int) -> Int:
        """Return the map, shape (height, width, channels), of lanes of shape (words, P)."""
        if lanes.shape != (self.words, self.lanes):
            raise ValueError(f"lanes must have shape {(self.words, self.lanes)}, not {lanes.shape}")
        return lanes[self._places]


def map_layout(shape: Shape, lanes: int, pack_max: int) -> MapLayout:
    """Lay out a map; `pack_max` 0 keeps one position a word.

    The packing depends on the channels alone, so that a pool is packed like the layer it reads,
    whatever is left of the map: POOL adds words lane by lane.
    """
    _, width, channels = shape
    pack = 0
    while pack < pack_max and (lanes >> (pack + 1)) >= channels:
        pack += 1
    return MapLayout(shape, lanes, pack, -(-width // (1 << pack)), -(-channels // lanes))


@dataclass(frozen=True)
class LayerLayout:
    """Addresses of one layer.

    Attributes
    ----------
    map : MapLayout
        Words of its neurons.
    weight_base, state_base, error_base : int
        First row or word in the W/V, U and gamma/e memories.
    spike_base, spike_stride : int
        First entry of its spike list and entries from step to step; stride 0 keeps one step.
    mask_base, mask_stride : int
        The same for its mask list.
    drive_base : int
        First word of drive and gamma sum in the e memory, for direct encoding.
    """

    layer: Layer
    map: MapLayout
    weight_base: int
    state_base: int
    error_base: int
    spike_base: int
    spike_stride: int
    mask_base: int
    mask_stride: int
    drive_base: int = 0

    @property
    def weight_rows(self) -> int:
        """Rows of its weights over all groups."""
        return self.layer.rows * self.map.groups if self.layer.trainable else 0

    def weights_to_lanes(self, weights: Int) -> Int:
        """Place a weight matrix, shape (rows, c_out), in lanes, shape (groups * rows, P)."""
        rows, channels = weights.shape
        padded = np.zeros((rows, self.map.groups * self.map.lanes), np.int64)
        padded[:, :channels] = weights
        grouped = padded.reshape(rows, self.map.groups, self.map.lanes)
        return grouped.transpose(1, 0, 2).reshape(-1, self.map.lanes)

    def weights_from_lanes(self, lanes: Int) -> Int:
        """Return the weight matrix, shape (rows, c_out), of lanes (groups * rows, P)."""
        rows, channels = self.layer.weight_shape
        grouped = lanes.reshape(self.map.groups, rows, self.map.lanes)
        return grouped.transpose(1, 0, 2).reshape(rows, -1)[:, :channels]


class DoesNotFitError(ValueError):
    """A network needs more than a core has; the message lists every limit exceeded."""


@dataclass(frozen=True)
class Layout:
    """A network placed in the memories of a core for intervals of up to `interval` steps.

    Attributes
    ----------
    layers : tuple of LayerLayout
        In the order of `Network.resolved`.
    frame : MapLayout
        Words of an input frame; a frame buffer holds `interval` of them, or the planes of an
        image.
    needs : dict
        Words or rows needed per limit of `CoreConfig`, for instance ``weight_rows``.
    """

    network: Network
    config: CoreConfig
    interval: int
    layers: tuple[LayerLayout, ...]
    frame: MapLayout
    needs: dict[str, int]

    def excess(self) -> list[str]:
        """Return one line for every limit exceeded; empty when the network fits."""
        has = self.config.to_words()
        lines = [
            f"{name}: needs {need}, has {has[name]} ({need - has[name]} too many)"
            for name, need in self.needs.items()
            if need > has[name]
        ]
        for name, need in self.bits.items():
            if need > has[f"format_{name}"]:
                lines.append(f"{name} width: needs {need} bits, has {has[f'format_{name}']}")
        return lines

    @property
    def bits(self) -> dict[str, int]:
        """Widths that the network needs, by name of the format [bits]."""
        f = self.config.formats
        pooled = f.state_fraction + 2
        need = max(
            f.state_bits(x.fan_in, pooled if x.kind == "pool" else None)
            for x in self.network.resolved
        )
        return {"state": need, "count": self.interval.bit_length()}

    def check(self) -> None:
        """Raise where the network does not fit.

        Raises
        ------
        DoesNotFitError
            The message says which memory or width, what it needs and what there is.
        """
        lines = self.excess()
        if lines:
            raise DoesNotFitError(
                f"network {self.network.name!r} with k = {self.interval} does not fit "
                f"P = {self.config.lanes}: " + "; ".join(lines)
            )


class _Heap:
    """First-fit allocator of list entries with a high-water mark."""

    def __init__(self) -> None:
        self.live: list[tuple[int, int]] = []
        self.high = 0

    def take(self, size: int) -> int:
        base = 0
        for start, end in sorted(self.live):
            if start - base >= size:
                break
            base = max(base, end)
        self.live.append((base, base + size))
        self.high = max(self.high, base + size)
        return base

    def give(self, base: int) -> None:
        self.live = [span for span in self.live if span[0] != base]


def _single_step(block: Block, layer: Layer) -> bool:
    """Whether only the pool above reads the layer's spikes, in the step they arise."""
    return any(other.kind == "pool" and other.source == layer.index for other in block.layers)


def place(network: Network, config: CoreConfig, interval: int) -> Layout:
    """Place `network` in the memories of a core.

    Parameters
    ----------
    interval : int
        k, the longest interval [steps].

    Returns
    -------
    Layout
        `Layout.check` raises where something does not fit.
    """
    require_integer_model(network)
    lanes = config.lanes
    frame = map_layout(network.input_shape, lanes, int(math.log2(lanes)))
    heap, placed = _Heap(), []
    weight = state = errors = masks = 0
    below: int | None = None
    for block in network.blocks:
        error = mask = 0
        inner: list[int] = []
        top: int | None = None
        for layer in block.all_layers:
            shape = map_layout(layer.out_shape, lanes, config.pack_max)
            if layer.kind in ("dense", "classifier"):
                shape = map_layout(layer.out_shape, lanes, 0)
            spike_base = spike_stride = 0
            if layer.kind != "classifier":
                spike_stride = 0 if _single_step(block, layer) else shape.words
                spike_base = heap.take(shape.words * (interval if spike_stride else 1))
                if layer is block.layers[-1]:
                    top = spike_base
                else:
                    inner.append(spike_base)
            placed.append(
                LayerLayout(
                    layer, shape, weight, state, error, spike_base, spike_stride, mask, shape.words,
                    config.error_words if layer.direct else 0,
                )
            )  # fmt: skip
            weight += placed[-1].weight_rows
            state += shape.words
            error += shape.words
            mask += shape.words * interval
        for base in inner:
            heap.give(base)
        if below is not None:
            heap.give(below)
        below = top
        errors, masks = max(errors, error), max(masks, mask)
    needs = {
        "weight_rows": weight,
        "neuron_words": state,
        "error_words": errors,
        "drive_words": sum(x.map.words for x in placed if x.layer.direct),
        "spike_words": heap.high,
        "mask_words": masks,
        "frame_words": frame.words * (PLANES if network.encoding == "direct" else interval),
        "class_groups": max(x.map.groups for x in placed if x.layer.kind == "classifier"),
        "layers": len(placed) + 1,
    }
    sides = [network.input_shape, *(layer.out_shape for layer in network.resolved)]
    needs["map_bits"] = max((max(shape[:2]) - 1).bit_length() for shape in sides)
    needs["group_bits"] = max((x.map.groups - 1).bit_length() for x in placed)
    return Layout(network, config, interval, tuple(placed), frame, needs)
