"""Description of a spiking network: what the user writes, cut into blocks of layers."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from golden.checks import require_integer
from golden.cutting import block_lengths, cut
from golden.layers import (
    KINDS,
    AvgPool,
    Block,
    Conv,
    Dense,
    Layer,
    LayerSpec,
    Residual,
    Shape,
)  # fmt: skip
from golden.neuron import Lif

__all__ = [
    "CLASSIFIERS",
    "ENCODINGS",
    "AvgPool",
    "Block",
    "Conv",
    "Dense",
    "Layer",
    "LayerSpec",
    "Network",
    "Residual",
    "Shape",
    "lenet1_events",
    "require_integer_model",
]

CLASSIFIERS = ("trainable", "random")
"""Kinds of local classifiers."""

ENCODINGS = ("events", "direct")
"""Kinds of input: frames of 0 and 1, or an image of 0 .. 255 that drives the first layer."""


@dataclass(frozen=True)
class Network:
    """A feed-forward spiking network, cut into blocks that each learn from a local classifier.

    Parameters
    ----------
    input_shape : Shape
        Height, width and channels of an input frame.
    layers : tuple of Conv, AvgPool, Dense, Residual
        Hidden layers, bottom to top. A pool follows a convolution or residual.
    classes : int
        Neurons of every classifier, N_c.
    block_length : int or tuple of int
        n, hidden layers with weights per block (a pool belongs to the convolution before it);
        a tuple gives each block's own length. For an int the last block may be shorter, and one
        that a residual would straddle is a layer longer.
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
            if not isinstance(spec, LayerSpec):
                raise TypeError(
                    f"layers[{position}] must be Conv, AvgPool, Dense or Residual, not {spec!r}"
                )
            before = self.layers[position - 1] if position else None
            kind = type(spec).__name__
            if isinstance(spec, AvgPool) and not isinstance(before, Conv | Residual):
                raise ValueError(f"layers[{position}] is an AvgPool and must follow a Conv")
            if isinstance(spec, Conv | Residual) and isinstance(before, Dense):
                raise ValueError(f"layers[{position}] is a {kind} and must not follow a Dense")
            if isinstance(spec, Residual) and before is None:
                raise ValueError("layers[0] is a Residual and must follow a Conv")
        block_lengths(self.layers, self.block_length)
        for layer in self.resolved:
            if min(layer.out_shape) < 1:
                raise ValueError(
                    f"{layer.name} has no output: input {layer.in_shape}, kernel {layer.kernel}, "
                    f"padding {layer.padding}, stride {layer.stride}, window {layer.window}"
                )

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, bottom to top, each with its resolved layers and classifier."""
        return cut(
            self.layers, self.block_length, self.input_shape, self.classes, self.lif,
            random=self.classifier == "random", direct=self.encoding == "direct",
        )  # fmt: skip

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
        kinds = {spec: kind for kind, spec in KINDS.items()}
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
        try:
            specs = []
            for entry in data["layers"]:
                fields = dict(entry)
                kind = fields.pop("kind")
                if kind not in KINDS:
                    raise ValueError(f"layer kind must be one of {sorted(KINDS)}, not {kind!r}")
                specs.append(KINDS[kind](**fields))
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


def require_integer_model(network: Network) -> None:
    """Refuse a network that the integer model and the gateware cannot run.

    Raises
    ------
    ValueError
        It has batch normalisation or residuals; the message names the first such layer.
    """
    for layer in network.resolved:
        if layer.batch_norm or layer.kind == "add":
            what = "a residual" if layer.kind == "add" else "batch normalisation"
            raise ValueError(
                f"{layer.name} of network {network.name!r} has {what}, which only the float "
                "reference can do: leave it out for the accelerator and its integer model"
            )
