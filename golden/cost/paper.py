"""Cost of training as the paper counts it: its Eqs (8) to (18) in our reading.

Source: Guo, Fouda, Eltawil, Salama, Front. Neurosci. 17:1047008 (2023). What its text leaves open
was settled by the numbers that it prints (`golden.cost.printed`). Per block and step, with |W| the
weights of a layer, |U| = batch x neurons, c the block's classifier, and M = batch x neurons x
weights of a neuron (a convolution: |W||U| / C_o; a dense layer: |W||U| / N)::

    (11) forward    reads      sum(|W| + |U|) + |W_c| + |U_c|
                    writes     sum|U| + |U_c|
    (12) backward   reads      sum(|W| + 2|U|) + sum' |W| + 2|W_c| + 3|U_c|
    (14)            the same at an interval's last step   sum' (|W| + |U_below|) + |W_c|
    (13)            writes     sum(|W| + |U|) + |W_c| + |U_c|; the |U| not for an interval's first
    (15) forward    additions  sum alpha M + alpha_c M_c
    (16) backward   additions  sum(2|U| + batch alpha |W|) + 2|U_c| + batch alpha_c |W_c|; each |U|
                               once less at an interval's last step
    (17) MACs                  sum' M + M_c

``sum'`` runs over layers that pass errors down inside the block: all but its lowest, and |U_below|
are the others' neurons but for the top layer's. A random classifier is neither read at a step other
than an interval's last nor has it a gradient: what remains of it is |U_c|, |W_c| in (14), M_c.
Pools, sums of residuals and batch normalisation are not counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

from golden.checks import require_integer
from golden.layers import Block, Layer
from golden.network import Network
from golden.settings import intervals

BATCH = 128
"""Samples per batch in the paper's cost model."""

ALPHA = 0.25
"""Share of neurons that spike in a step; with this one value all printed additions follow."""

QUANTITIES = ("memory_access", "additions", "macs", "memory")
"""Costs in the figure of merit, names of fields or properties of `Cost`."""


@dataclass(frozen=True)
class Cost:
    """Cost of a training step for a whole batch, averaged over the steps of a sample.

    Attributes
    ----------
    reads_forward, writes_forward, reads_backward, writes_backward : float
        Accesses to main memory, Eqs (11) to (14) [values].
    additions_forward, additions_backward : float
        Eqs (15) and (16).
    macs : float
        Multiplications with an addition in the backward pass, Eq (17).
    memory : float
        What is held at once, Eqs (9) and (10) [values].
    """

    reads_forward: float
    writes_forward: float
    reads_backward: float
    writes_backward: float
    additions_forward: float
    additions_backward: float
    macs: float
    memory: float

    @property
    def reads(self) -> float:
        """Values read, forward and backward."""
        return self.reads_forward + self.reads_backward

    @property
    def writes(self) -> float:
        """Values written, forward and backward."""
        return self.writes_forward + self.writes_backward

    @property
    def memory_access(self) -> float:
        """Values read and written, Eq (8)."""
        return self.reads + self.writes

    @property
    def additions(self) -> float:
        """Additions, forward and backward."""
        return self.additions_forward + self.additions_backward


class _Sizes(NamedTuple):
    """Sizes of one layer: |W|, |U| and M."""

    weights: int
    neurons: int
    products: int


def _sizes(layer: Layer, batch: int) -> _Sizes:
    neurons = batch * layer.neurons
    return _Sizes(math.prod(layer.weight_shape), neurons, layer.rows * neurons)


@dataclass(frozen=True)
class _BlockSizes:
    """Sums over a block: all its layers with weights, and those of `inner` that pass errors down.

    Attributes
    ----------
    below : int
        |U| of all layers but the top one.
    trained : int
        1 if the classifier is trainable, 0 if it is random.
    """

    all: _Sizes
    inner: _Sizes
    below: int
    classifier: _Sizes
    trained: int

    @classmethod
    def of(cls, block: Block, batch: int) -> _BlockSizes:
        """Return the sums of a block."""
        own = {layer.index for layer in block.layers}
        weighted = [layer for layer in block.layers if layer.has_weights]
        sizes = [_sizes(layer, batch) for layer in weighted]
        inner = [_sizes(layer, batch) for layer in weighted if layer.source in own]
        return cls(
            _add(sizes), _add(inner), sum(size.neurons for size in sizes[:-1]),
            _sizes(block.classifier, batch), int(block.classifier.trainable),
        )  # fmt: skip


def _add(sizes: list[_Sizes]) -> _Sizes:
    return _Sizes(*(sum(size[position] for size in sizes) for position in range(3)))


def paper_cost(
    network: Network,
    k: int,
    steps: int,
    *,
    batch: int = BATCH,
    alpha: float = ALPHA,
    alpha_classifier: float | None = None,
    constant: float = 0.0,
) -> Cost:
    """Return the cost of a training step as the paper counts it.

    Block length and kind of classifier are the network's; `backpropagation` gives plain BP.

    Parameters
    ----------
    k : int
        Truncation interval [steps].
    steps : int
        T of a sample; a last interval may be shorter [steps].
    batch : int
        Samples at once.
    alpha, alpha_classifier : float
        Share of neurons that spike in a step, in what layers and classifiers read; the classifiers'
        is `alpha` by default.
    constant : float
        C of Eqs (9) and (10) [values].

    Raises
    ------
    TypeError, ValueError
        A number is out of bounds; the message names it.
    """
    require_integer("k", k, 1, require_steps(steps))
    require_integer("batch", batch, 1, 1 << 20)
    alpha_c = alpha if alpha_classifier is None else alpha_classifier
    for name, value in (("alpha", alpha), ("alpha_classifier", alpha_c)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} must be between 0 and 1, not {value!r}")
    if constant < 0:
        raise ValueError(f"constant must not be negative, not {constant!r}")
    last = len(intervals(steps, k)) / steps  # share of steps that end an interval
    costs = [
        _block_cost(_BlockSizes.of(block, batch), last, batch, alpha, alpha_c)
        for block in network.blocks
    ]
    names = [name for name in Cost.__dataclass_fields__ if name != "memory"]
    sums = {name: sum(values) for name, *values in zip(names, *costs, strict=True)}
    return Cost(**sums, memory=memory(network, k, batch) + constant)


def _block_cost(
    b: _BlockSizes, last: float, batch: int, alpha: float, alpha_c: float
) -> tuple[float, ...]:
    """Return the fields of `Cost` but memory for one block; `last` as in `paper_cost`."""
    w, u, _ = b.all
    w_c, u_c, m_c = b.classifier
    read_c, inside = b.trained * w_c, 1 - last
    return (
        w + u + read_c + u_c,
        u + u_c,
        inside * (w + 2 * u + b.inner.weights + 2 * read_c + 3 * u_c)
        + last * (b.inner.weights + b.below + w_c),
        w + read_c + inside * (u + u_c),
        alpha * b.all.products + alpha_c * m_c,
        (2 - last) * (u + u_c) + batch * (alpha * w + alpha_c * read_c),
        b.inner.products + m_c,
    )


def require_steps(steps: int) -> int:
    """Return T if it is a number of steps."""
    require_integer("steps", steps, 1, 1 << 20)
    return steps


def memory(network: Network, k: int, batch: int = BATCH) -> float:
    """Return what training holds at once, Eqs (9) and (10) without C [values].

    Plain BP (one block) keeps the graph of k steps, local training that of k - 1 steps of all
    blocks and at the last step that of the largest block. Our reading: the graph of a step holds u
    and s of every hidden, pool and classifier neuron, and N(w) is all weights. The paper defines
    neither, and the GPU memory that it prints does not follow from it.
    """
    graphs = [
        sum(2 * batch * layer.neurons for layer in block.all_layers if layer.kind != "add")
        for block in network.blocks
    ]
    return (k - 1) * sum(graphs) + max(graphs) + network.weights


def backpropagation(network: Network) -> Network:
    """Return the network as one block: plain BP with its output layer as classifier."""
    return replace(network, block_length=sum(spec.hidden for spec in network.layers))


def relative(cost: Cost, base: Cost) -> dict[str, float]:
    """Return `cost` over `base` by quantity; 1 is no change."""
    return {name: getattr(cost, name) / getattr(base, name) for name in QUANTITIES}


def figure_of_merit(
    cost: Cost, base: Cost, accuracy_loss: float = 0.0, memory_ratio: float | None = None
) -> float:
    """Return the figure of merit, Eq (18); less is better, plain BP at k = T has 1.

    ::

        FoM = AL + (MC + MA + ADD + MAC) / 4, each over that of plain BP at k = T

    Parameters
    ----------
    base : Cost
        Of `backpropagation` at k = T.
    accuracy_loss : float
        AL, accuracy of `base` minus that of `cost`, 0 to 1; our reading.
    memory_ratio : float, optional
        Measured memory over that of `base`, instead of Eqs (9) and (10).

    Raises
    ------
    ValueError
        `accuracy_loss` is outside -1 .. 1.
    """
    if not -1 <= accuracy_loss <= 1:
        raise ValueError(f"accuracy_loss must be between -1 and 1, not {accuracy_loss!r}")
    ratios = relative(cost, base)
    if memory_ratio is not None:
        ratios["memory"] = memory_ratio
    return accuracy_loss + sum(ratios.values()) / len(ratios)
