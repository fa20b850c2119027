"""The nodes of a NIR graph as layers: convolutions, pools and dense layers, each with neurons."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from golden.network import AvgPool, Conv, Dense, LayerSpec, Shape
from host.exchange import layout
from host.exchange.files import ExchangeError, Node, kind
from host.exchange.layout import Float
from host.exchange.neurons import NEURONS, Neuron, Steps, neuron

REFUSED = "refused, see below"
"""Use of the node that cannot be mapped."""


@dataclass
class Row:
    """What became of one node, for the table of ``show``."""

    name: str
    kind: str
    values: str
    use: str = ""


@dataclass(frozen=True)
class Stage:
    """A layer of the graph.

    Attributes
    ----------
    name : str
        Of its weights' node, or the pool's.
    neurons : str
        Name of its neurons' node.
    spec : LayerSpec
        The layer; of the last dense one the classifier.
    weight : Float, optional
        In our layout, `golden.network.Layer.weight_shape`, as the graph has it; None for a pool.
    neuron : Neuron, optional
        None where a pool has none and takes those of the network.
    sums : int
        Area of a pool that adds instead of averaging, else 1.
    """

    name: str
    neurons: str
    spec: LayerSpec
    weight: Float | None
    neuron: Neuron | None
    sums: int = 1


@dataclass
class Walk:
    """State while a graph is followed from its Input.

    Attributes
    ----------
    shape : Shape
        Height, width and channels of what comes out of the last node.
    input_shape : Shape
        Of the network.
    flat : bool
        Whether the graph has one axis here, channels first.
    pending : Stage, optional
        Weights or a pool whose neurons have not come yet.
    """

    steps: Steps
    pool_neurons: bool = False
    shape: Shape = (0, 0, 0)
    input_shape: Shape = (0, 0, 0)
    flat: bool = False
    pending: Stage | None = None
    stages: list[Stage] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def follow(self, nodes: Sequence[tuple[str, Node]], wanted: Shape | None) -> None:
        """Follow the nodes in their order.

        Parameters
        ----------
        nodes : sequence
            Names and nodes.
        wanted : Shape, optional
            Height, width and channels of the input where the graph has only one axis.

        Raises
        ------
        ExchangeError
            A node cannot be mapped; rows tell which and why, those behind it are not looked at.
        """
        self.rows = [Row(name, kind(node), _values(node)) for name, node in nodes]
        steps = {
            "Conv2d": self._conv, "AvgPool2d": self._pool, "SumPool2d": self._pool,
            "Flatten": self._flatten, "Linear": self._dense, "Affine": self._dense,
            "Output": self._end, **dict.fromkeys(NEURONS, self._fire),
        }  # fmt: skip
        for row, (name, node) in zip(self.rows, nodes, strict=True):
            try:
                if row.kind == "Input":
                    row.use = self._begin(name, node, wanted)
                elif row.kind in steps:
                    row.use = steps[row.kind](name, node)
                else:
                    raise ExchangeError(
                        f"{row.kind} cannot be mapped: only Conv2d, AvgPool2d, SumPool2d, Flatten, "
                        f"Linear, Affine and {', '.join(NEURONS)} can",
                        name,
                    )
            except ExchangeError:
                row.use = REFUSED
                raise
            except (TypeError, ValueError) as error:  # a bound of our layers
                row.use = REFUSED
                raise ExchangeError(str(error), name) from error

    def _begin(self, name: str, node: Node, wanted: Shape | None) -> str:
        sizes = [int(size) for size in np.ravel(node.input_type["input"])]
        if len(sizes) == 3:
            self.shape = (sizes[1], sizes[2], sizes[0])
            if wanted not in (None, self.shape):
                raise ExchangeError(f"the input has shape {self.shape}, not {wanted}", name)
        elif len(sizes) == 1:
            self.shape, self.flat = wanted or (1, 1, sizes[0]), True
            if math.prod(self.shape) != sizes[0]:
                raise ExchangeError(
                    f"the input has {sizes[0]} features, not those of {self.shape}", name
                )
        else:
            raise ExchangeError(
                f"the input must be (channels, height, width) or (features,), not {tuple(sizes)}: "
                "leave out batch and time when exporting (snnTorch: ignore_dims=[0])",
                name,
            )
        self.input_shape = self.shape
        return f"frames {_text(self.shape)} (height, width, channels)"

    def _weights_may_follow(self, name: str) -> None:
        """Refuse weights behind weights, and behind a pool without neurons unless asked for."""
        before = self.pending
        if before is None:
            return
        if not isinstance(before.spec, AvgPool):
            raise ExchangeError(
                f"it follows {before.name} without neurons in between: every layer spikes", name
            )
        if not self.pool_neurons:
            raise ExchangeError(
                f"it reads pool {before.name}, which has no neurons; ours have: put neurons "
                "behind the pool in training, move the pool between convolution and neurons, or "
                "say --pool-neurons to add them, which changes what the network does",
                name,
            )
        self.notes.append(f"{before.name}: neurons added behind the pool; spikes change")
        self.stages.append(before)
        self.pending = None

    def _conv(self, name: str, node: Node) -> str:
        self._weights_may_follow(name)
        weight = layout.real(node.weight)
        out, channels, height, width = weight.shape
        if self.flat:
            raise ExchangeError("it follows a Flatten: convolutions come before dense layers", name)
        if height != width:
            raise ExchangeError(f"its kernel must be square, not {height}x{width}", name)
        if channels != self.shape[2]:
            groups = int(node.groups)
            text = f"has {groups} groups" if groups != 1 else f"reads {channels} channels"
            raise ExchangeError(f"it {text}, {self.shape[2]} channels come in", name)
        for what in ("groups", "dilation"):
            value = getattr(node, what)
            if np.any(np.ravel(value) != 1):
                raise ExchangeError(f"{what} must be 1, not {layout.sizes(value)}", name)
        self._no_bias(name, node.bias)
        stride = layout.one_size(name, "stride", node.stride)
        spec = Conv(out, height, layout.padding(name, node.padding, height, stride), stride)
        self.pending = Stage(name, "", spec, layout.conv_rows(weight), None)
        self.shape = _convolved(self.shape, spec)
        return _conv_text(spec)

    def _pool(self, name: str, node: Node) -> str:
        window = layout.one_size(name, "kernel_size", node.kernel_size)
        if layout.one_size(name, "stride", node.stride) != window:
            raise ExchangeError(f"its stride must be its window {window}", name)
        if np.any(np.ravel(node.padding)):
            raise ExchangeError(f"its padding must be 0, not {layout.sizes(node.padding)}", name)
        if self.flat:
            raise ExchangeError("it follows a Flatten: pools come before dense layers", name)
        area = window**2 if kind(node) == "SumPool2d" else 1
        height, width, channels = self.shape
        self.shape = (height // window, width // window, channels)
        before = self.pending
        if before is not None and isinstance(before.spec, Conv):
            self.pending = _folded(before, window, area)
            text = f"folded into {before.name}: {_conv_text(self.pending.spec)}"
            self.notes.append(f"{name}: the pool stands before the neurons and is {text}, exactly")
            return text
        spec = AvgPool(window)
        if before is not None or not self.stages or not isinstance(self.stages[-1].spec, Conv):
            raise ExchangeError("a pool must follow a convolution", name)
        self.pending = Stage(name, "", spec, None, None, area)
        return f"AvgPool({window})"

    def _flatten(self, name: str, node: Node) -> str:
        first, last = int(node.start_dim), int(node.end_dim)
        if not self.flat and (first, last) not in ((0, -1), (0, 2), (-3, -1)):
            raise ExchangeError(
                f"it must flatten all of (channels, height, width), not axes {first} to {last}",
                name,
            )
        self.flat = True
        return "features ordered anew, channels last"

    def _dense(self, name: str, node: Node) -> str:
        self._weights_may_follow(name)
        weight = layout.real(node.weight)
        if not self.flat:
            raise ExchangeError("it reads a map: put a Flatten before it", name)
        if weight.ndim != 2 or weight.shape[1] != math.prod(self.shape):
            raise ExchangeError(
                f"its weights must have shape (neurons, {math.prod(self.shape)}), "
                f"not {weight.shape}",
                name,
            )
        if kind(node) == "Affine":
            self._no_bias(name, node.bias)
        spec = Dense(len(weight))
        self.pending = Stage(name, "", spec, layout.dense_rows(weight, self.shape), None)
        self.shape = (1, 1, len(weight))
        return f"Dense({len(weight)})"

    def _no_bias(self, name: str, bias: Any) -> None:
        values = layout.real(bias)
        if np.any(values):
            raise ExchangeError(
                f"its bias must be 0, not up to {np.abs(values).max():g}: our layers have none, "
                "train with bias=False",
                name,
            )

    def _fire(self, name: str, node: Node) -> str:
        if self.pending is None:
            raise ExchangeError("neurons must follow weights or a pool", name)
        constants = neuron(name, node, self.steps)
        self.stages.append(replace(self.pending, neurons=name, neuron=constants))
        self.pending = None
        return (
            f"neurons of {self.stages[-1].name}: tau {constants.tau:.6g}, "
            f"threshold {constants.threshold:.6g}"
        )

    def _end(self, name: str, node: Node) -> str:
        if self.pending is not None:
            raise ExchangeError(
                f"{self.pending.name} before it has no neurons: classes are told by their spikes",
                name,
            )
        last = self.stages[-1].spec if self.stages else None
        if not isinstance(last, Dense):
            raise ExchangeError("the last layer must be Linear, one neuron per class", name)
        return f"spikes of {last.neurons} classes"


def _folded(conv: Stage, window: int, area: int) -> Stage:
    """Return a convolution followed by a pool, without neurons in between, as one convolution."""
    spec, weight = conv.spec, conv.weight
    assert isinstance(spec, Conv)
    assert weight is not None
    reach = (window - 1) * spec.stride
    wide = Conv(spec.channels, spec.kernel + reach, spec.padding, spec.stride * window)
    return replace(conv, spec=wide, weight=layout.widened(weight, spec, window) * area)


def _convolved(shape: Shape, spec: Conv) -> Shape:
    height, width = (
        (size + 2 * spec.padding - spec.kernel) // spec.stride + 1 for size in shape[:2]
    )
    return (height, width, spec.channels)


def _text(shape: Shape) -> str:
    return "×".join(map(str, shape))


def _conv_text(spec: LayerSpec) -> str:
    assert isinstance(spec, Conv)
    extra = "".join(
        f", {what}={value}"
        for what, value, usual in (("padding", spec.padding, 0), ("stride", spec.stride, 1))
        if value != usual
    )
    return f"Conv({spec.channels}, {spec.kernel}{extra})"


def _values(node: Node) -> str:
    """Return a node's parameters in short: arrays of one value as that, others as their shape."""
    parts = []
    for name, value in vars(node).items():
        if name in ("metadata", "input_type", "output_type", "input_shape") or value is None:
            continue
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            parts.append(f"{name} {value}")
        elif name != "weight" and array.size and np.all(array == array.flat[0]):
            parts.append(f"{name} {float(array.flat[0]):.6g}")
        else:
            parts.append(f"{name} {'×'.join(map(str, array.shape))}")
    return ", ".join(parts)
