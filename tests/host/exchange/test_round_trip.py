"""Networks to NIR files and back: the same network, the same codes."""

import dataclasses
import json

import numpy as np
import pytest

from golden import random_weights
from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network, Residual
from golden.neuron import Lif
from golden.settings import Settings
from host.checkpoint import Checkpoint
from host.exchange import exporter, files
from host.exchange.description import KEY
from host.exchange.exporter import to_nir_graph
from host.exchange.files import ExchangeError
from host.exchange.importer import Wishes, from_nir
from host.exchange.neurons import Steps

nir = pytest.importorskip("nir", reason="needs the extra exchange")


def generated(seed):
    """A random network with random codes, of every kind and option that can be exported."""
    rng = np.random.default_rng(seed)
    pick = lambda *values: values[rng.integers(len(values))]  # noqa: E731
    shape = (int(rng.integers(6, 13)), int(rng.integers(6, 13)), int(rng.integers(1, 4)))
    layers, edge = [], min(shape[:2])
    for _ in range(rng.integers(0, 3)):
        kernel = int(rng.integers(1, min(4, edge) + 1))
        padding, stride = int(rng.integers(0, kernel)), pick(1, 1, 2)
        layers.append(Conv(int(rng.integers(1, 6)), kernel, padding, stride))
        edge = (edge + 2 * padding - kernel) // stride + 1
        if edge >= 2 and rng.random() < 0.6:
            layers.append(AvgPool(2))
            edge //= 2
    layers += [Dense(int(rng.integers(2, 9))) for _ in range(rng.integers(0 if layers else 1, 3))]
    hidden = sum(not isinstance(spec, AvgPool) for spec in layers)
    lengths = [int(rng.integers(1, hidden + 1))]
    lengths += [hidden - lengths[0]] if hidden > lengths[0] else []
    u_th = pick(0.3, 0.5, 1.0)
    lif = Lif(pick(0.0, 0.5, 0.8, 0.9, 1.0), pick(u_th, 0.7 * u_th), u_th, pick(2.0, 1.5) * u_th)
    network = Network(
        shape, tuple(layers), int(rng.integers(2, 6)), pick(tuple(lengths), lengths[0]), lif,
        f"generated-{seed}", pick("trainable", "random"), pick("events", "direct"),
    )  # fmt: skip
    formats = pick(Formats(), Formats(weight=24, weight_fraction=20, forward_shift=6))
    settings = Settings(seed=int(rng.integers(1, 99)), interval=int(rng.integers(1, 20)))
    if rng.random() < 0.5:
        settings = dataclasses.replace(settings, dropout=0.25, dropout_correction=True)
    limit = formats.weight_format.maximum
    codes = []
    for layer in network.weighted:
        if layer.random:
            scale = int(rng.integers(1, 2**random_weights.SCALE_BITS))
            codes.append(random_weights.pattern(settings.seed, layer) * scale)
        else:
            code = rng.integers(-limit, limit + 1, layer.weight_shape)
            code.flat[0] = pick(-limit, limit)
            codes.append(code)
    return Checkpoint(network, formats, settings, codes, codes)


def through_a_file(state, path, wishes=None, **options):
    files.write(path, to_nir_graph(state, **options))
    assert nir.read(path).nodes.keys() == files.read(path).nodes.keys()  # the types agree
    return from_nir(files.read(path), wishes)


def assert_same(made, state):
    assert made.network == state.network
    assert made.formats == state.formats
    assert made.settings == state.settings
    assert len(made.codes) == len(state.weights)
    for layer, one, other in zip(state.network.weighted, made.codes, state.weights, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=layer.name)


@pytest.mark.parametrize("seed", range(40))
def test_everything_comes_back(seed, tmp_path):
    state = generated(seed)
    made = through_a_file(state, tmp_path / "model.nir", local_classifiers=True)
    assert_same(made, state)
    assert not any("drawn" in note for note in made.notes)


def test_the_generator_makes_every_kind():
    networks = [generated(seed).network for seed in range(40)]
    kinds = {type(spec) for network in networks for spec in network.layers}
    assert kinds == {Conv, AvgPool, Dense}
    assert {len(network.blocks) for network in networks} >= {1, 2}
    assert {network.lif.tau for network in networks} == {0.0, 0.5, 0.8, 0.9, 1.0}
    for field in ("classifier", "encoding"):
        assert len({getattr(network, field) for network in networks}) == 2


@pytest.mark.parametrize("seed", range(12))
def test_hidden_layers_and_output_come_back_without_local_classifiers(seed, tmp_path):
    state = generated(seed)
    made = through_a_file(state, tmp_path / "model.nir")
    if len(state.network.blocks) == 1:
        assert_same(made, state)
        return
    network = made.network
    assert len(network.blocks) == 1
    assert network.lif == state.network.lif
    assert network.classifier == "trainable"
    names = [layer.name for layer in state.network.weighted]
    for layer, code in zip(network.weighted, made.codes, strict=True):
        np.testing.assert_array_equal(code, state.weights[names.index(layer.name)])


def two_blocks():
    network = Network((4, 4, 1), (Conv(3, 2), Dense(5)), 3, 1)
    rng = np.random.default_rng(1)
    codes = [rng.integers(-99, 99, layer.weight_shape) for layer in network.weighted]
    return Checkpoint(network, Formats(), Settings(layer_shifts=(1, 2, 3, 4)), codes, codes)


def test_local_classifiers_can_be_drawn_anew(tmp_path):
    state = two_blocks()
    made = through_a_file(state, tmp_path / "model.nir", Wishes(block_length=1, seed=4))
    assert made.network == state.network
    assert "drawn anew, not in the graph: classifier1 (seed 4)" in made.notes
    for number in (0, 2, 3):
        np.testing.assert_array_equal(made.codes[number], state.weights[number])


def test_another_block_length_is_told(tmp_path):
    made = through_a_file(two_blocks(), tmp_path / "model.nir", local_classifiers=True)
    assert made.network.block_length == 1
    made = from_nir(files.read(tmp_path / "model.nir"), Wishes(block_length=2))
    assert made.network.block_length == 2
    assert "block length 2, not 1" in made.notes
    with pytest.raises(ExchangeError, match="block_length must be between 1 and 2, not 3"):
        from_nir(files.read(tmp_path / "model.nir"), Wishes(block_length=3))


def test_thresholds_at_inference_are_those_of_the_dropout_correction():
    state = two_blocks()
    settings = Settings(dropout=0.5, dropout_correction=True)
    graph = to_nir_graph(dataclasses.replace(state, settings=settings))
    thresholds = [graph.nodes[f"{name}_lif"].v_threshold.max() for name in ("conv1", "fc2")]
    np.testing.assert_allclose(thresholds, [0.3, 0.6], rtol=1e-3)


def test_what_others_have_to_know():
    state = two_blocks()
    text = "\n".join(exporter.notes(state))
    assert "reset_mechanism='subtract', reset_delay=True" in text
    assert "left out: classifier1 (--local-classifiers takes them along)" in text
    network = dataclasses.replace(state.network, lif=Lif(theta=0.2), encoding="direct")
    text = "\n".join(
        exporter.notes(dataclasses.replace(state, network=network), local_classifiers=True)
    )
    assert "reset 0.2 is not the threshold 0.3: only in metadata" in text
    assert "direct encoding: divide pixels 0 .. 255 by 256" in text
    assert "left out" not in text


# ---- what is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "text"),
    [
        ((Conv(2, 3, batch_norm=True),), r"layers\[0\] has batch_norm True, which NIR cannot"),
        ((Conv(2, 3), Residual(2)), r"layers\[1\] is a Residual, which NIR cannot express"),
    ],
)
def test_layers_that_nir_has_not(layers, text):
    with pytest.raises(ExchangeError, match=text):
        exporter.check(Network((8, 8, 2), layers, 2))


def edited(tmp_path, change):
    """A file of ours that somebody changed."""
    graph = to_nir_graph(two_blocks(), local_classifiers=True)
    change(graph)
    nir.write(tmp_path / "edited.nir", graph)
    return files.read(tmp_path / "edited.nir")


def entry(graph, **changes):
    return {**json.loads(graph.metadata[KEY]), **changes}


def set_entry(**changes):
    def change(graph):
        graph.metadata[KEY] = json.dumps(entry(graph, **changes))

    return change


def set_network(**changes):
    def change(graph):
        network = {**entry(graph)["network"], **changes}
        graph.metadata[KEY] = json.dumps(entry(graph, network=network))

    return change


def remove(name):
    def change(graph):
        del graph.nodes[name]
        graph.edges = [edge for edge in graph.edges if name not in edge]

    return change


def replace_node(name, node):
    def change(graph):
        graph.nodes[name] = node

    return change


FC2 = {"kind": "dense", "neurons": 6}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (set_entry(version=2), "metadata 'tlbptt' is damaged: version must be 1, not 2"),
        (set_entry(formats={"weight": 99}), "is damaged: weight must be between"),
        (set_entry(network={}), "is damaged: network description is not valid"),
        (
            set_network(layers=[{"kind": "conv", "channels": 3, "kernel": 2}, FC2]),
            r"metadata describes .* the graph holds",
        ),
        (set_network(lif={"tau": 0.5}), "tau 0.800781 and threshold .* must be 0.5 and"),
        (remove("classifier1_lif"), "local classifier classifier1: classifier1_lif is missing"),
        (
            replace_node("classifier1", nir.Scale(np.ones(3))),
            "node classifier1: it must be Linear, not Scale",
        ),
        (
            replace_node("classifier1", nir.Linear(np.ones((3, 5)))),
            r"node classifier1: its weights must have shape \(3, 27\), not \(3, 5\)",
        ),
        (set_network(classifier="random"), "node classifier1: weights of classifier1 are random"),
    ],
)
def test_a_file_that_was_changed(change, text, tmp_path):
    with pytest.raises(ExchangeError, match=text):
        from_nir(edited(tmp_path, change))


def test_trained_further_elsewhere(tmp_path):
    """Changed weights are taken and quantised."""
    weight = np.full((5, 27), 0.25)
    made = from_nir(edited(tmp_path, replace_node("fc2", nir.Linear(weight))))
    assert np.all(made.codes[2] == 0.25 * 2**14)


@pytest.mark.parametrize("wishes", [Wishes(threshold=0.5), Wishes(encoding="direct")])
def test_options_that_a_file_of_ours_has_no_use_for(wishes):
    with pytest.raises(ExchangeError, match="says its own thresholds and encoding"):
        from_nir(to_nir_graph(two_blocks()), wishes)


def test_without_its_metadata_it_is_any_graph():
    state = two_blocks()
    graph = to_nir_graph(state)
    graph.metadata = {}
    made = from_nir(graph, Wishes(Steps(reset="soft")))
    assert made.network.layers == state.network.layers
    assert made.network.lif.tau == pytest.approx(205 / 256)
    np.testing.assert_array_equal(made.codes[0], state.weights[0])
    assert made.network.lif.codes(Formats()).u_th == state.network.lif.codes(Formats()).u_th
