"""Local classifiers of a NIR graph: branches of one that is ours, or drawn anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from golden.network import Layer, Network
from host.exchange import layout
from host.exchange.description import Description, classifier_nodes
from host.exchange.files import ExchangeError, Node, kind
from host.exchange.layout import Float

INPUT_RATE, FIRING_RATE_QUANTILE = 0.1, 1.645
"""Fresh classifiers: spikes per neuron and step they expect, and the normal distribution's quantile
of the 5 % that they are to fire themselves."""


def with_classifiers(
    network: Network,
    weights: Sequence[Float],
    branches: dict[str, Float],
    seed: int,
    notes: list[str],
) -> list[Float]:
    """Return all weights in the order of `hash_id`: local classifiers of the file, or fresh ones.

    A fresh one is drawn normally with the deviation at which it fires 5 % of the steps if its
    inputs fire 10 %, independently: u_th/1.645 = deviation sqrt(0.1 rows / (1 - tau^2)).
    """
    generator = np.random.default_rng(seed)
    given = iter(weights)
    ordered, fresh = [], []
    for layer in network.weighted:
        if layer.kind != "classifier" or layer is network.resolved[-1]:
            ordered.append(next(given))
        elif layer.name in branches:
            ordered.append(branches[layer.name])
        else:
            memory = 1 / max(1 - layer.lif.tau**2, 2.0**-6)  # no leak: a sum that grows
            spread = math.sqrt(INPUT_RATE * layer.rows * memory) * FIRING_RATE_QUANTILE
            ordered.append(generator.normal(0.0, layer.lif.u_th / spread, layer.weight_shape))
            fresh.append(layer.name)
    if fresh:
        notes.append(f"drawn anew, not in the graph: {', '.join(fresh)} (seed {seed})")
    return ordered


def without_branches(graph: Node, own: Description) -> tuple[Node, dict[str, Float]]:
    """Return a graph without its local classifiers, and their weights by name."""
    if not own.local_classifiers:
        return graph, {}
    weights: dict[str, Float] = {}
    gone: set[str] = set()
    for block in own.network.blocks[:-1]:
        names = classifier_nodes(block.classifier.name)
        for name in names:
            if name not in graph.nodes:
                raise ExchangeError(f"local classifier {block.classifier.name}: {name} is missing")
        node = graph.nodes[names[1]]
        if kind(node) != "Linear":
            raise ExchangeError(f"it must be Linear, not {kind(node)}", names[1])
        weights[block.classifier.name] = _rows(node, block.classifier)
        gone |= set(names)
    return _Part(
        {name: node for name, node in graph.nodes.items() if name not in gone},
        [(a, b) for a, b in graph.edges if a not in gone and b not in gone],
    ), weights


def _rows(node: Node, layer: Layer) -> Float:
    """Return the weights of a classifier's node in our layout."""
    weight = layout.real(node.weight)
    if weight.shape != layer.weight_shape[::-1]:
        raise ExchangeError(
            f"its weights must have shape {layer.weight_shape[::-1]}, not {weight.shape}",
            layer.name,
        )
    return layout.dense_rows(weight, layer.in_shape)


@dataclass(frozen=True)
class _Part:
    """Nodes and edges of a graph, which `chain` takes like the whole."""

    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
