"""From a NIR graph to a network with weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from golden import random_weights
from golden.formats import COEFFICIENT_FRACTION, Formats
from golden.network import AvgPool, Dense, Network, Shape
from golden.neuron import Lif
from golden.qformat import Int
from golden.settings import Settings
from golden.trainer import checked_codes
from host import presets
from host.exchange.classifiers import with_classifiers, without_branches
from host.exchange.description import Description, description
from host.exchange.exporter import neurons
from host.exchange.files import ExchangeError, Node, chain
from host.exchange.layout import Float
from host.exchange.neurons import RESETS, SAME, Neuron, Steps, lif
from host.exchange.stages import Row, Stage, Walk


@dataclass(frozen=True)
class Wishes:
    """What the user says about an import.

    Parameters
    ----------
    steps : Steps
        What NIR does not say about neurons.
    pool_neurons : bool
        Add neurons behind pools that have none.
    threshold : float, optional
        Reset and threshold of all layers; the graph's if None.
    block_length : int, optional
        n; None takes all hidden layers, or what a file of ours holds.
    encoding : str
        ``events`` or ``direct``.
    input_shape : Shape, optional
        Height, width and channels where the graph's input has one axis.
    name : str
        Of the network.
    seed : int
        Draws classifiers that the graph has not.
    formats : Formats, optional
        Of the codes; default those of the file, else of the default board.
    """

    steps: Steps = field(default_factory=Steps)
    pool_neurons: bool = False
    threshold: float | None = None
    block_length: int | None = None
    encoding: str = "events"
    input_shape: Shape | None = None
    name: str = "imported"
    seed: int = 1
    formats: Formats | None = None


@dataclass(frozen=True, eq=False)
class Imported:
    """A network with weights.

    Attributes
    ----------
    weights : list of Float
        Real weights, shape `Layer.weight_shape`, order of `hash_id`.
    codes : list of Int
        The same, quantised to `Formats.weight_format`.
    rows : list of Row
        What became of the nodes.
    notes : list of str
        What differs from the graph.
    """

    network: Network
    formats: Formats
    settings: Settings
    weights: list[Float]
    codes: list[Int]
    rows: list[Row]
    notes: list[str]


def from_nir(graph: Node, wishes: Wishes | None = None, rows: list[Row] | None = None) -> Imported:
    """Map a graph to a network with weights.

    Parameters
    ----------
    graph : NIRGraph
        The graph, which stays as it is.
    wishes : Wishes, optional
        What the graph does not say, or what is to be changed.
    rows : list of Row, optional
        Filled with what became of the nodes, also where one is refused.

    Raises
    ------
    ExchangeError
        The graph cannot be mapped; the message names the node and the remedy.
    """
    wishes = wishes or Wishes()
    own = description(graph)
    branches: dict[str, Float] = {}
    if own is not None:
        graph, branches = without_branches(graph, own)
        wishes = replace(
            wishes,
            steps=replace(wishes.steps, reset=wishes.steps.reset or "soft"),
            input_shape=own.network.input_shape,
        )
    walk = Walk(wishes.steps, wishes.pool_neurons)
    try:
        walk.follow(chain(graph), wishes.input_shape)
    finally:
        if rows is not None:
            rows += walk.rows
    return _of_others(walk, wishes) if own is None else _of_ours(walk, wishes, own, branches)


def _of_others(walk: Walk, wishes: Wishes) -> Imported:
    """Make a network of a graph that another program wrote."""
    formats = wishes.formats or Formats()
    reset = wishes.steps.reset
    assert reset is not None
    stages, notes = walk.stages, walk.notes
    notes.append(f"reset: {RESETS[reset]}; NIR's own would be to v_reset")
    tau = _common_tau(stages)
    threshold = _threshold(stages, wishes.threshold)
    try:
        constants = lif(tau, threshold, reset, formats)
        hidden = tuple(stage.spec for stage in stages[:-1])
        classes = stages[-1].spec
        assert isinstance(classes, Dense)
        network = Network(
            walk.input_shape, hidden, classes.neurons,
            wishes.block_length or max(1, sum(not isinstance(s, AvgPool) for s in hidden)),
            constants, wishes.name, encoding=wishes.encoding,
        )  # fmt: skip
        for layer in network.resolved:
            checked_codes(layer, formats)
    except (TypeError, ValueError) as error:
        raise ExchangeError(str(error)) from error
    notes += _constant_notes(constants, threshold, formats)
    scaled = []
    for stage in stages:
        if stage.weight is not None:
            assert stage.neuron is not None
            factor = threshold / stage.neuron.threshold
            scaled.append(stage.weight * factor)
            if abs(factor - 1) > SAME:
                notes.append(
                    f"{stage.name}: weights times {factor:.6g}, which takes the threshold of its "
                    f"inputs from {stage.neuron.threshold:.6g} to {threshold:.6g}; same spikes"
                )
    if network.encoding == "direct":
        notes.append("direct encoding: the first layer reads pixels 0 .. 255 as x/256")
    settings = Settings(layer_shifts=presets.layer_shifts(network), seed=wishes.seed)
    weights = with_classifiers(network, scaled, {}, wishes.seed, notes)
    codes = [formats.weight_format.quantize(weight) for weight in weights]
    return Imported(network, formats, settings, weights, codes, walk.rows, notes)


def _of_ours(walk: Walk, wishes: Wishes, own: Description, branches: dict[str, Float]) -> Imported:
    """Restore a network from a graph that `host.exchange.exporter` wrote."""
    formats = wishes.formats or own.formats
    network, settings, notes = own.network, own.settings, walk.notes
    found = (walk.input_shape, *(stage.spec for stage in walk.stages))
    wanted = (network.input_shape, *network.layers, Dense(network.classes))
    if found != wanted:
        raise ExchangeError(f"metadata describes {wanted}, the graph holds {found}")
    layers = [*(x for block in network.blocks for x in block.layers), network.resolved[-1]]
    for stage, layer in zip(walk.stages, layers, strict=True):
        assert stage.neuron is not None
        described = neurons(layer, network, own.formats, settings)
        if not _alike(stage.neuron, described):
            raise ExchangeError(
                f"its tau {stage.neuron.tau:.6g} and threshold {stage.neuron.threshold:.6g} must "
                f"be {described.tau:.6g} and {described.threshold:.6g} as metadata says: remove "
                "the metadata 'tlbptt' of a graph whose neurons were changed",
                stage.neurons,
            )
    if wishes.threshold is not None or wishes.encoding not in ("events", network.encoding):
        raise ExchangeError("this file says its own thresholds and encoding: leave out the options")
    weights = [stage.weight for stage in walk.stages if stage.weight is not None]
    if own.complete and wishes.block_length in (None, network.block_length):
        ordered = with_classifiers(network, weights, branches, wishes.seed, notes)
    else:
        try:
            network = replace(
                network, classifier="trainable",
                block_length=wishes.block_length or len(weights) - 1,
            )  # fmt: skip
        except ValueError as error:
            raise ExchangeError(str(error)) from error
        notes.append(f"block length {network.block_length}, not {own.network.block_length}")
        settings = Settings(layer_shifts=presets.layer_shifts(network), seed=settings.seed)
        ordered = with_classifiers(network, weights, {}, wishes.seed, notes)
    codes = [formats.weight_format.quantize(weight) for weight in ordered]
    for layer in network.weighted:
        if layer.random:
            try:
                random_weights.find_scale(settings.seed, layer, codes[layer.hash_id])
            except ValueError as error:
                raise ExchangeError(str(error), layer.name) from error
    return Imported(network, formats, settings, ordered, codes, walk.rows, notes)


def _alike(one: Neuron, other: Neuron) -> bool:
    return _same(one.tau, other.tau) and _same(one.threshold, other.threshold)


def _same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=SAME, abs_tol=SAME)


def _common_tau(stages: Sequence[Stage]) -> float:
    first = stages[0].neuron
    assert first is not None
    for stage in stages:
        if stage.neuron and not _same(stage.neuron.tau, first.tau):
            raise ExchangeError(
                f"its leak per step {stage.neuron.tau:.6g} must be the {first.tau:.6g} of "
                f"{stages[0].neurons}: all layers share one tau, train with the same",
                stage.neurons,
            )
    return first.tau


def _threshold(stages: Sequence[Stage], wanted: float | None) -> float:
    """Return the threshold of all layers; pools have no weights that could be scaled to another."""
    pools = {
        stage.neurons: stage.neuron.threshold / stage.sums
        for stage in stages
        if stage.neuron and isinstance(stage.spec, AvgPool)
    }
    for name, threshold in pools.items():
        if wanted is None:
            wanted = threshold
        if not _same(threshold, wanted):
            raise ExchangeError(
                f"these neurons of a pool fire above a mean of {threshold:.6g}, not {wanted:.6g}: "
                "pools have no weights that could be scaled, train all pools with one threshold"
                + ("" if len(pools) > 1 else " and leave out --threshold"),
                name,
            )
    if wanted is None:
        first = stages[0].neuron
        assert first is not None
        wanted = first.threshold
    return wanted


def _constant_notes(constants: Lif, threshold: float, formats: Formats) -> list[str]:
    """Say how the hardware rounds the constants."""
    codes = constants.codes(formats)
    tau = math.ldexp(codes.tau, -COEFFICIENT_FRACTION)
    u_th, theta = (math.ldexp(x, -formats.state_fraction) for x in (codes.u_th, codes.theta))
    return [
        f"hardware: tau {constants.tau:.6g} is {tau:.6g}, threshold {threshold:.6g} (fires above) "
        f"is {u_th:.6g} (fires from), reset {constants.theta:.6g} is {theta:.6g}"
    ]
