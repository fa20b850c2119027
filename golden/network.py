"""Description of a spiking network: what the user writes, and its layers with shapes resolved."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from golden.checks import require_integer
from golden.neuron import Lif

Shape = tuple[int, int, int]
"""Height, width, channels: everything is channel-last."""


@dataclass(frozen=True)
class Conv:
    """Convolution with its LIF neurons."""

    channels: int
    kernel: int
    padding: int = 0
    stride: int = 1

    def __post_init__(self) -> None:
        require_integer("channels", self.channels, 1, 4096)
        require_integer("kernel", self.kernel, 1, 8)
        require_integer("padding", self.padding, 0, self.kernel - 1)
        if self.stride not in (1, 2, 4):
            raise ValueError(f"stride must be 1, 2 or 4, not {self.stride!r}")


@dataclass(frozen=True)
class AvgPool:
    """Average pool with its LIF neurons; belongs to the convolution before it."""

    window: int = 2

    def __post_init__(self) -> None:
        if self.window not in (2, 4):
            raise ValueError(f"pool window must be 2 or 4, not {self.window!r}")


@dataclass(frozen=True)
class Dense:
    """Fully connected layer with its LIF neurons."""

    neurons: int

    def __post_init__(self) -> None:
        require_integer("neurons", self.neurons, 1, 4096)


LayerSpec = Conv | AvgPool | Dense


CLASSIFIERS = ("trainable", "random")
"""Kinds of local classifiers."""

ENCODINGS = ("events", "direct")
"""Kinds of input: frames of 0 and 1, or an image of 0 .. 255 that drives the first layer."""


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
        ``conv``, ``pool``, ``dense`` or ``classifier``.
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

    @property
    def has_weights(self) -> bool:
        """Whether the layer owns a weight tensor (all but pools)."""
        return self.kind != "pool"

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


@dataclass(frozen=True)
class Network:
    """A feed-forward spiking network, cut into blocks that each learn from a local classifier.

    Parameters
    ----------
    input_shape : Shape
        Height, width and channels of an input frame.
    layers : tuple of Conv, AvgPool, Dense
        Hidden layers, bottom to top. A pool follows a convolution.
    classes : int
        Neurons of every classifier, N_c.
    block_length : int or tuple of int
        n, hidden layers with weights per block (a pool belongs to the convolution before it);
        a tuple gives each block's own length. The last block may be shorter for an int.
    lif : Lif
        Neuron constants of all layers.
    name : str
        For messages and run folders.
    classifier : str
        ``trainable``, or ``random``: the weights of all classifiers are a hash of their address,
        used in both directions, never stored and never updated.
    encoding : str
        ``events``: frames of 0 and 1; ``direct``: an image of 0 .. 255, the same at every step.

    Raises
    ------
    TypeError, ValueError
        A field is wrong; the message names it, its value and the bound.
    """

    input_shape: Shape
    layers: tuple[LayerSpec, ...]
    classes: int
    block_length: int | tuple[int, ...] = 1
    lif: Lif = field(default_factory=Lif)
    name: str = "network"
    classifier: str = "trainable"
    encoding: str = "events"

    def __post_init__(self) -> None:
        object.__setattr__(self, "input_shape", tuple(self.input_shape))
        object.__setattr__(self, "layers", tuple(self.layers))
        if not isinstance(self.block_length, int):
            object.__setattr__(self, "block_length", tuple(self.block_length))
        if len(self.input_shape) != 3:
            raise ValueError(
                f"input_shape must be (height, width, channels), not {self.input_shape!r}"
            )
        for name, size in zip(("height", "width", "channels"), self.input_shape, strict=True):
            require_integer(f"input {name}", size, 1, 4096)
        require_integer("classes", self.classes, 2, 4096)
        if self.classifier not in CLASSIFIERS:
            raise ValueError(f"classifier must be one of {CLASSIFIERS}, not {self.classifier!r}")
        if self.encoding not in ENCODINGS:
            raise ValueError(f"encoding must be one of {ENCODINGS}, not {self.encoding!r}")
        if not self.layers:
            raise ValueError("layers must hold at least one Conv or Dense layer")
        for position, spec in enumerate(self.layers):
            if not isinstance(spec, Conv | AvgPool | Dense):
                raise TypeError(f"layers[{position}] must be Conv, AvgPool or Dense, not {spec!r}")
            before = self.layers[position - 1] if position else None
            if isinstance(spec, AvgPool) and not isinstance(before, Conv):
                raise ValueError(f"layers[{position}] is an AvgPool and must follow a Conv")
            if isinstance(spec, Conv) and isinstance(before, Dense):
                raise ValueError(f"layers[{position}] is a Conv and must not follow a Dense")
        self._cut()
        for layer in self.resolved:
            if min(layer.out_shape) < 1:
                raise ValueError(
                    f"{layer.name} has no output: input {layer.in_shape}, kernel {layer.kernel}, "
                    f"padding {layer.padding}, stride {layer.stride}, window {layer.window}"
                )

    def _cut(self) -> list[int]:
        """Return the hidden-layer count of each block."""
        hidden = sum(not isinstance(spec, AvgPool) for spec in self.layers)
        if isinstance(self.block_length, int):
            require_integer("block_length", self.block_length, 1, hidden)
            full, rest = divmod(hidden, self.block_length)
            return [self.block_length] * full + ([rest] if rest else [])
        for length in self.block_length:
            require_integer("block_length", length, 1, hidden)
        if sum(self.block_length) != hidden:
            raise ValueError(
                f"block_length must add up to the {hidden} hidden layers, not {self.block_length}"
            )
        return list(self.block_length)

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, bottom to top, each with its resolved layers and classifier."""
        lengths = self._cut()
        blocks: list[Block] = []
        members: list[Layer] = []
        shape, source, index, hash_id, trained, hidden = self.input_shape, -1, 0, 0, 0, 0
        for position, spec in enumerate(self.layers):
            after = self.layers[position + 1] if position + 1 < len(self.layers) else None
            if isinstance(spec, Conv):
                hidden, trained = hidden + 1, trained + 1
                height, width = (
                    (size + 2 * spec.padding - spec.kernel) // spec.stride + 1 for size in shape[:2]
                )
                layer = Layer(
                    index, f"conv{hidden}", "conv", source, shape,
                    (height, width, spec.channels), self.lif,
                    kernel=spec.kernel, stride=spec.stride, padding=spec.padding, hash_id=hash_id,
                    pool_area=after.window**2 if isinstance(after, AvgPool) else 1,
                    direct=source < 0 and self.encoding == "direct",
                )  # fmt: skip
            elif isinstance(spec, AvgPool):
                out = (shape[0] // spec.window, shape[1] // spec.window)
                layer = Layer(
                    index, f"pool{hidden}", "pool", source, shape, (*out, shape[2]), self.lif,
                    kernel=spec.window, stride=spec.window, window=spec.window,
                )  # fmt: skip
            else:
                hidden, trained = hidden + 1, trained + 1
                layer = Layer(
                    index, f"fc{hidden}", "dense", source, shape, (1, 1, spec.neurons), self.lif,
                    hash_id=hash_id, direct=source < 0 and self.encoding == "direct",
                )  # fmt: skip
            hash_id += layer.has_weights
            members.append(layer)
            shape, source, index = layer.out_shape, index, index + 1
            if trained == lengths[len(blocks)] and not isinstance(after, AvgPool):
                classifier = Layer(
                    index, f"classifier{hidden}", "classifier", source, shape,
                    (1, 1, self.classes), self.lif, hash_id=hash_id,
                    random=self.classifier == "random",
                )  # fmt: skip
                blocks.append(Block(tuple(members), classifier))
                members, trained, index, hash_id = [], 0, index + 1, hash_id + 1
        return tuple(blocks)

    @cached_property
    def resolved(self) -> tuple[Layer, ...]:
        """All layers in the order of their `index`, classifiers included."""
        return tuple(layer for block in self.blocks for layer in block.all_layers)

    @cached_property
    def weighted(self) -> tuple[Layer, ...]:
        """Layers with weights in the order of their `hash_id`."""
        return tuple(layer for layer in self.resolved if layer.has_weights)

    @property
    def weights(self) -> int:
        """Number of weights, classifiers included, random ones too."""
        return sum(math.prod(layer.weight_shape) for layer in self.weighted)

    @property
    def stored_weights(self) -> int:
        """Number of weights that take memory."""
        return sum(math.prod(layer.weight_shape) for layer in self.weighted if layer.trainable)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; `from_dict` reads it back."""
        kinds = {Conv: "conv", AvgPool: "avgpool", Dense: "dense"}
        return {
            "name": self.name,
            "input_shape": list(self.input_shape),
            "layers": [{"kind": kinds[type(spec)], **vars(spec)} for spec in self.layers],
            "classes": self.classes,
            "block_length": self.block_length
            if isinstance(self.block_length, int)
            else list(self.block_length),
            "lif": dict(vars(self.lif)),
            "classifier": self.classifier,
            "encoding": self.encoding,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Network:
        """Build a network from `to_dict`'s plain data.

        Raises
        ------
        ValueError
            A key is missing, unknown, or a layer kind is not known.
        """
        kinds: dict[str, type[LayerSpec]] = {"conv": Conv, "avgpool": AvgPool, "dense": Dense}
        try:
            specs = []
            for entry in data["layers"]:
                fields = dict(entry)
                kind = fields.pop("kind")
                if kind not in kinds:
                    raise ValueError(f"layer kind must be one of {sorted(kinds)}, not {kind!r}")
                specs.append(kinds[kind](**fields))
            return cls(
                tuple(data["input_shape"]),
                tuple(specs),
                data["classes"],
                data.get("block_length", 1),
                Lif(**data.get("lif", {})),
                data.get("name", "network"),
                data.get("classifier", "trainable"),
                data.get("encoding", "events"),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"network description is not valid: {error}") from error


def lenet1_events(classes: int = 10, block_length: int | tuple[int, ...] = 1) -> Network:
    """Return LeNet-1 for 2x28x28 event frames (paper.md, Networks)."""
    return Network(
        (28, 28, 2),
        (Conv(6, 5, padding=2), AvgPool(2), Conv(16, 5), AvgPool(2), Dense(120), Dense(84)),
        classes,
        block_length,
        name="lenet1",
    )
