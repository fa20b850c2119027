"""From a network with weights to a NIR graph."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Layer, Network
from golden.settings import Settings
from host.checkpoint import Checkpoint
from host.exchange import layout
from host.exchange.description import Description, classifier_nodes
from host.exchange.files import ExchangeError, Node, library
from host.exchange.neurons import Neuron, from_codes, to_nir

KNOWN: dict[type, tuple[str, ...]] = {
    Conv: ("channels", "kernel", "padding", "stride"),
    AvgPool: ("window",),
    Dense: ("neurons",),
    Network: (
        "input_shape", "layers", "classes", "block_length", "lif", "name", "classifier", "encoding",
    ),
}  # fmt: skip
"""Layers that NIR can express, with the fields that the export knows."""


def to_nir_graph(checkpoint: Checkpoint, *, local_classifiers: bool = False) -> Node:
    """Return the graph of a trained network.

    Hidden layers and the last block's classifier are a chain from ``input`` to ``output``, each
    with its neurons: ``conv1``, ``conv1_lif``, ``pool1``, ``pool1_lif``, ``flatten``, ``fc2`` and
    so on. Weights are codes times 2**-f_w, exactly; leak and threshold are those of the hardware at
    inference. Metadata holds the rest, so that an import restores network and codes.

    Parameters
    ----------
    checkpoint : Checkpoint
        Network, formats, settings and weights.
    local_classifiers : bool
        Whether the other classifiers become branches, each with an Output of its own.

    Raises
    ------
    ExchangeError
        The network has a layer that NIR cannot express.
    """
    nir = library()
    network, formats, settings = checkpoint.network, checkpoint.formats, checkpoint.settings
    check(network)
    described = Description(network, formats, settings, local_classifiers)
    height, width, channels = network.input_shape
    nodes: dict[str, Node] = {"input": nir.Input(np.array([channels, height, width]))}
    edges: list[tuple[str, str]] = []
    end, flat = "input", False

    def add(after: str, name: str, node: Node) -> str:
        nodes[name] = node
        edges.append((after, name))
        return name

    def add_layer(after: str, layer: Layer) -> str:
        weight = checkpoint.weights[layer.hash_id] if layer.has_weights else None
        after = add(after, layer.name, _node(layer, weight, formats))
        height, width, channels = layer.out_shape
        shape = (channels, height, width) if layer.kind in ("conv", "pool") else (channels,)
        return add(
            after, f"{layer.name}_lif", to_nir(neurons(layer, network, formats, settings), shape)
        )

    for block in network.blocks:
        last = block is network.blocks[-1]
        for layer in block.layers:
            if layer.kind == "dense" and not flat:
                end, flat = add(end, "flatten", _flatten(layer, flat)), True
            end = add_layer(end, layer)
        if last or local_classifiers:
            classifier = block.classifier
            flatten, _, _, output = classifier_nodes(classifier.name)
            start = end
            if not last or not flat:
                start = add(end, "flatten" if last else flatten, _flatten(classifier, flat))
            top = add_layer(start, classifier)
            add(top, "output" if last else output, nir.Output(np.array([network.classes])))
    return nir.NIRGraph(nodes, edges, metadata=described.metadata())


def neurons(layer: Layer, network: Network, formats: Formats, settings: Settings) -> Neuron:
    """Return the constants of a layer at inference, as the hardware has them."""
    codes = layer.lif.codes(formats, layer.pool_area)
    if settings.corrects(layer, network):
        codes = settings.inference_codes(codes)
    return from_codes(codes, formats)


def notes(checkpoint: Checkpoint, *, local_classifiers: bool = False) -> list[str]:
    """Return what another program that reads the graph has to know."""
    network, lif = checkpoint.network, checkpoint.network.lif
    found = [
        "reset: NIR has no word for ours; set reset by subtraction, one step after the spike "
        "(snnTorch: reset_mechanism='subtract', reset_delay=True)"
    ]
    if abs(lif.theta / lif.u_th - 1) > 1e-3:
        found.append(f"reset {lif.theta:g} is not the threshold {lif.u_th:g}: only in metadata")
    if network.encoding == "direct":
        found.append("direct encoding: divide pixels 0 .. 255 by 256 and repeat them every step")
    others = [block.classifier.name for block in network.blocks[:-1]]
    if others and not local_classifiers:
        found.append(f"left out: {', '.join(others)} (--local-classifiers takes them along)")
    return found


def check(network: Network) -> None:
    """Refuse what NIR, or this export, cannot express.

    Raises
    ------
    ExchangeError
        A layer's kind or a field that is set is not known; the message names it.
    """
    named = [(f"layers[{number}]", spec) for number, spec in enumerate(network.layers)]
    for name, item in [*named, ("network", network)]:
        if type(item) not in KNOWN:
            raise ExchangeError(
                f"{name} is a {type(item).__name__}, which NIR cannot express: only Conv, AvgPool "
                "and Dense can be exported"
            )
        for part in fields(item):
            if part.name in KNOWN[type(item)]:
                continue
            usual = part.default
            if part.default_factory is not MISSING:
                usual = part.default_factory()
            if getattr(item, part.name) != usual:
                raise ExchangeError(
                    f"{name} has {part.name} {getattr(item, part.name)!r}, which NIR cannot "
                    "express: networks with it cannot be exported"
                )


def _node(layer: Layer, weight: NDArray[Any] | None, formats: Formats) -> Node:
    nir = library()
    height, width, channels = layer.in_shape
    if weight is None:
        window = np.array([layer.window, layer.window])
        return nir.AvgPool2d(kernel_size=window, stride=window, padding=np.array([0, 0]))
    # Codes have 24 bits at most: exact in float32.
    real = formats.weight_format.dequantize(weight).astype(np.float32)
    if layer.kind == "conv":
        return nir.Conv2d(
            input_shape=(height, width),
            weight=layout.conv_kernels(real, channels, layer.kernel),
            stride=(layer.stride, layer.stride),
            padding=(layer.padding, layer.padding),
            dilation=(1, 1),
            groups=1,
            bias=np.zeros(layer.out_shape[2], np.float32),
        )
    return nir.Linear(weight=layout.dense_weight(real, layer.in_shape))


def _flatten(layer: Layer, flat: bool) -> Node:
    """Return the Flatten that a dense layer reads: channels first, as in torch."""
    height, width, channels = layer.in_shape
    shape = [layer.rows] if flat else [channels, height, width]
    return library().Flatten(np.array(shape), 0, -1)
