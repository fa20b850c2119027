"""Layers of a spiking network: what the user writes, and what that becomes with every shape."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from golden.checks import require_integer
from golden.neuron import Lif

Shape = tuple[int, int, int]
"""Height, width, channels: everything is channel-last."""


@dataclass(frozen=True)
class Conv:
    """Convolution with its LIF neurons.

    Parameters
    ----------
    channels : int
        Output channels.
    kernel : int
        Edge of the kernel [pixels].
    padding, stride : int
        Zeros around the map; distance of positions, 1, 2 or 4 [pixels].
    batch_norm : bool
        Batch normalisation between sum and neurons; the float reference only.
    """

    hidden: ClassVar[int] = 1

    channels: int
    kernel: int
    padding: int = 0
    stride: int = 1
    batch_norm: bool = False

    def __post_init__(self) -> None:
        require_integer("channels", self.channels, 1, 4096)
        require_integer("kernel", self.kernel, 1, 8)
        require_integer("padding", self.padding, 0, self.kernel - 1)
        if self.stride not in (1, 2, 4):
            raise ValueError(f"stride must be 1, 2 or 4, not {self.stride!r}")


@dataclass(frozen=True)
class AvgPool:
    """Average pool with its LIF neurons; belongs to the convolution or residual before it."""

    hidden: ClassVar[int] = 0

    window: int = 2

    def __post_init__(self) -> None:
        if self.window not in (2, 4):
            raise ValueError(f"pool window must be 2 or 4, not {self.window!r}")


@dataclass(frozen=True)
class Dense:
    """Fully connected layer with its LIF neurons; `batch_norm` as for `Conv`."""

    hidden: ClassVar[int] = 1

    neurons: int
    batch_norm: bool = False

    def __post_init__(self) -> None:
        require_integer("neurons", self.neurons, 1, 4096)


@dataclass(frozen=True)
class Residual:
    """Spike-element-wise block (Fang et al., NeurIPS 2021) with ADD; the float reference only.

    Two 3x3 convolutions, each with batch normalisation and LIF neurons, whose spikes are added to
    those that come in; where stride or channels change these first pass a 1x1 convolution with
    batch normalisation and LIF neurons. The sum is 0, 1, 2 and so on, one more per block. It counts
    as two hidden layers and is never cut.

    Parameters
    ----------
    channels : int
        Output channels.
    stride : int
        Of the first convolution and of the 1x1 convolution, 1 or 2 [pixels].
    """

    hidden: ClassVar[int] = 2

    channels: int
    stride: int = 1

    def __post_init__(self) -> None:
        require_integer("channels", self.channels, 1, 4096)
        if self.stride not in (1, 2):
            raise ValueError(f"stride of a residual must be 1 or 2, not {self.stride!r}")


LayerSpec = Conv | AvgPool | Dense | Residual

KINDS: dict[str, type[LayerSpec]] = {
    "conv": Conv, "avgpool": AvgPool, "dense": Dense, "residual": Residual,
}  # fmt: skip
"""Specifications by the name of their kind in files."""


@dataclass(frozen=True)
class Layer:
    """A layer with every shape resolved; dense layers and classifiers have a 1x1 output map.

    Attributes
    ----------
    index : int
        Position among all layers, hardware's layer number minus one (0 is the input frame).
    name : str
        For instance ``conv1``, ``pool1``, ``classifier1``, ``fc3``.
    kind : str
        ``conv``, ``pool``, ``dense`` or ``classifier``; ``add`` sums spikes and has no neurons.
    source : int
        `index` of the layer whose spikes it reads; -1 is the input frame.
    in_shape, out_shape : Shape
        Height, width, channels.
    kernel, stride, padding, window : int
        Geometry; `window` of a pool, else 1.
    hash_id : int
        Number of this layer among those with weights: keys its random bits.
    pool_area : int
        Area of the pool that reads this layer, else 1; divides this layer's A.
    random : bool
        Its weights are `golden.random_weights`, generated where they are used and never updated.
    direct : bool
        It reads an image by direct encoding (`golden.direct`).
    batch_norm : bool
        Batch normalisation between sum and neurons; the float reference only.
    addend : int
        Of an ``add``: `index` of the layer whose spikes it adds to those of `source`.
    """

    index: int
    name: str
    kind: str
    source: int
    in_shape: Shape
    out_shape: Shape
    lif: Lif
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    window: int = 1
    hash_id: int = -1
    pool_area: int = 1
    random: bool = False
    direct: bool = False
    batch_norm: bool = False
    addend: int = -1

    @property
    def has_weights(self) -> bool:
        """Whether the layer owns a weight tensor (all but pools and sums)."""
        return self.kind not in ("pool", "add")

    @property
    def trainable(self) -> bool:
        """Whether its weights are stored and updated."""
        return self.has_weights and not self.random

    @property
    def rows(self) -> int:
        """Weight rows of one output group: c_in * ky * kx, or a dense layer's flat features."""
        if self.kind == "conv":
            return self.in_shape[2] * self.kernel**2
        return math.prod(self.in_shape)

    @property
    def weight_shape(self) -> tuple[int, int]:
        """Shape (rows, c_out) of the weight matrix.

        Row of a convolution: ``(c_in * K + ky) * K + kx``; of a dense layer: the channel-last
        feature ``(y * W + x) * C + c``.
        """
        return (self.rows, self.out_shape[2])

    @property
    def fan_in(self) -> int:
        """Largest number of synapses that can add to one neuron in a step."""
        return self.window**2 if self.kind == "pool" else self.rows

    @property
    def fan_out(self) -> int:
        """Largest number of synapses of this layer that leave one input neuron."""
        if self.kind == "pool":
            return 1
        per_axis = -(-self.kernel // self.stride) if self.kind == "conv" else 1
        return per_axis**2 * self.out_shape[2]

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return math.prod(self.out_shape)


@dataclass(frozen=True)
class Block:
    """Layers trained by one local classifier, bottom to top."""

    layers: tuple[Layer, ...]
    classifier: Layer

    @property
    def all_layers(self) -> tuple[Layer, ...]:
        """Hidden layers, then the classifier."""
        return (*self.layers, self.classifier)
