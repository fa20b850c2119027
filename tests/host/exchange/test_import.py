"""What a graph of another framework becomes, and what is refused."""

import math

import numpy as np
import pytest

from golden import synapse
from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense
from golden.neuron import Lif
from host.exchange import files
from host.exchange.files import ExchangeError
from host.exchange.importer import Wishes, from_nir
from host.exchange.neurons import Steps, strict

nir = pytest.importorskip("nir", reason="needs the extra exchange")
graphs = pytest.importorskip("tests.host.exchange.graphs", reason="needs the extra exchange")
chain, conv, flatten, lif = graphs.chain, graphs.conv, graphs.flatten, graphs.lif
plain, pool, weights = graphs.plain, graphs.pool, graphs.weights

SOFT = Wishes(Steps(reset="soft"))


def soft(**wishes):
    return Wishes(Steps(reset="soft"), **wishes)


def head(features, classes=2, **fields):
    """A last layer with its neurons."""
    return nir.Linear(weights(classes, features, seed=9)), lif(classes, **fields)


def refused(graph, text, wishes=SOFT, node=None):
    with pytest.raises(ExchangeError, match=text) as raised:
        from_nir(graph, wishes)
    if node is not None:
        assert raised.value.node == node
        assert str(raised.value).startswith(f"node {node}: ")


# ---- what is mapped ----------------------------------------------------------------------------


def test_layers_and_neurons():
    made = from_nir(plain(), SOFT)
    network = made.network
    assert network.input_shape == (8, 6, 2)
    assert network.layers == (Conv(4, 3), AvgPool(2), Dense(5))
    assert network.classes == 3
    assert network.block_length == 2
    assert (network.lif.tau, network.lif.theta, network.lif.a) == (0.75, 1.0, 2.0)
    assert [layer.name for layer in network.weighted] == ["conv1", "fc2", "classifier2"]


def test_weights_are_ordered_channels_last():
    made = from_nir(plain(), SOFT)
    first, dense, _ = made.weights
    kernel, matrix = weights(4, 2, 3, 3), weights(5, 24, seed=1)
    for out, channel, y, x in np.ndindex(4, 2, 3, 3):
        assert first[(channel * 3 + y) * 3 + x, out] == kernel[out, channel, y, x]
    for out, channel, y, x in np.ndindex(5, 4, 3, 2):
        assert dense[(y * 2 + x) * 4 + channel, out] == matrix[out, (channel * 3 + y) * 2 + x]


def test_codes_are_the_weights_quantised():
    made = from_nir(plain(), SOFT)
    for real, code in zip(made.weights, made.codes, strict=True):
        np.testing.assert_array_equal(code, made.formats.weight_format.quantize(real))


@pytest.mark.parametrize(("gain", "threshold"), [(2.0, 1.0), (0.25, 0.5)])
def test_gain_and_threshold_go_into_the_weights(gain, threshold):
    """Per input the second layer fires at threshold/gain; the first one's 1 is everyone's."""
    graph = chain(
        (2, 4, 4), conv(weights(3, 2, 4, 4)), lif(3, 1, 1), flatten(),
        nir.Linear(weights(2, 3)), lif(2, gain=gain, threshold=threshold),
    )  # fmt: skip
    made = from_nir(graph, SOFT)
    np.testing.assert_allclose(made.weights[1], weights(2, 3).T * gain / threshold)
    np.testing.assert_array_equal(made.weights[0], weights(3, 2, 4, 4).reshape(3, -1).T)
    assert made.network.lif.theta == 1.0
    assert sum("weights times" in note for note in made.notes) == 1


def test_the_threshold_can_be_chosen():
    graph = chain((4,), nir.Linear(weights(3, 4)), lif(3), *head(3))
    made = from_nir(graph, soft(threshold=0.25))
    assert made.network.lif.theta == 0.25
    np.testing.assert_allclose(made.weights[0], 0.25 * weights(3, 4).T)


def test_a_pool_that_adds_has_a_lower_threshold_as_mean():
    nodes = (conv(weights(4, 2, 3, 3)), lif(4, 6, 4), pool(kind=nir.SumPool2d))
    graph = chain((2, 8, 6), *nodes, lif(4, 3, 2, threshold=2.0), flatten(), *head(24))
    made = from_nir(graph, SOFT)
    assert made.network.layers == (Conv(4, 3), AvgPool(2))
    assert made.network.lif.theta == 0.5
    np.testing.assert_allclose(made.weights[0][0], 0.5 * weights(4, 2, 3, 3)[:, 0, 0, 0])


@pytest.mark.parametrize("kind", [nir.AvgPool2d, nir.SumPool2d])
@pytest.mark.parametrize(
    ("kernel", "stride", "padding", "window"), [(3, 1, 1, 2), (2, 2, 0, 2), (4, 1, 2, 4)]
)
def test_a_pool_before_the_neurons_is_part_of_the_convolution(
    kind, kernel, stride, padding, window
):
    kernels = weights(3, 2, kernel, kernel)
    size = 11
    outputs = (size + 2 * padding - kernel) // stride + 1
    shape = (3, outputs // window, outputs // window)
    graph = chain(
        (2, size, size), conv(kernels, stride, padding), pool(window, kind), lif(*shape),
        flatten(), *head(math.prod(shape)),
    )  # fmt: skip
    made = from_nir(graph, SOFT)
    layer = made.network.weighted[0]
    assert layer.stride == stride * window
    assert layer.out_shape == (*shape[1:], 3)
    frames = (np.random.default_rng(3).random((1, size, size, 2)) < 0.5).astype(np.uint8)
    ours = synapse.inputs(frames, layer, np.float64) @ made.weights[0]
    np.testing.assert_allclose(
        ours.reshape(layer.out_shape),
        _pooled(_convolved(frames[0], kernels, stride, padding), window, kind is nir.SumPool2d),
        atol=1e-12,
    )
    assert any("folded into" in note for note in made.notes)


def _convolved(frame, kernels, stride, padding):
    padded = np.pad(frame.astype(float), ((padding, padding), (padding, padding), (0, 0)))
    size = kernels.shape[2]
    count = (len(padded) - size) // stride + 1
    out = np.empty((count, count, len(kernels)))
    for y, x in np.ndindex(count, count):
        part = padded[y * stride : y * stride + size, x * stride : x * stride + size]
        out[y, x] = np.einsum("oiyx,yxi->o", kernels, part)
    return out


def _pooled(values, window, adds):
    count = len(values) // window
    parts = values[: count * window, : count * window].reshape(count, window, count, window, -1)
    return parts.sum(axis=(1, 3)) if adds else parts.mean(axis=(1, 3))


def test_neurons_can_be_added_behind_a_pool():
    graph = chain((2, 8, 6), conv(weights(4, 2, 3, 3)), lif(4, 6, 4), pool(), flatten(), *head(24))
    made = from_nir(graph, soft(pool_neurons=True))
    assert made.network.layers == (Conv(4, 3), AvgPool(2))
    assert any("neurons added behind the pool" in note for note in made.notes)


def test_neurons_without_leak():
    nodes = (nir.IF(np.ones(3), np.full(3, 0.5)), nir.IF(np.ones(2), np.full(2, 0.5)))
    graph = chain((4,), nir.Linear(weights(3, 4)), nodes[0], nir.Linear(weights(2, 3)), nodes[1])
    made = from_nir(graph, SOFT)
    assert (made.network.lif.tau, made.network.lif.theta) == (1.0, 0.5)


def test_a_synapse_that_forgets_at_once_is_none():
    ones = np.ones(3)
    cuba = nir.CubaLIF(
        tau_syn=1e-4 * ones, tau_mem=4e-4 * ones, r=4 * ones, v_leak=0 * ones,
        v_threshold=ones, w_in=2.0,
    )  # fmt: skip
    made = from_nir(chain((4,), nir.Linear(weights(3, 4)), cuba, *head(3)), SOFT)
    assert made.network.lif.tau == 0.75
    assert made.network.lif.theta == 0.5  # inputs count twice


@pytest.mark.parametrize(
    ("leak", "beta"), [("euler", 1 - 1 / 4), ("exponential", math.exp(-1 / 4))]
)
def test_step_and_leak_are_the_user_s(leak, beta):
    nodes = (lif(3, tau=4.0, r=1 / (1 - beta)), lif(2, tau=4.0, r=1 / (1 - beta)))
    graph = chain((4,), nir.Linear(weights(3, 4)), nodes[0], nir.Linear(weights(2, 3)), nodes[1])
    made = from_nir(graph, Wishes(Steps(dt=1.0, leak=leak, reset="soft")))
    assert made.network.lif.tau == pytest.approx(beta)
    assert made.network.lif.theta == 1.0


def test_the_reset_before_the_leak_leaks():
    made = from_nir(plain(), Wishes(Steps(reset="soft-before-leak")))
    assert made.network.lif.theta == 0.75


def test_dense_features_may_stand_for_a_map():
    graph = chain((24,), nir.Linear(weights(5, 24)), lif(5), *head(5))
    assert from_nir(graph, SOFT).network.input_shape == (1, 1, 24)
    made = from_nir(graph, soft(input_shape=(3, 2, 4)))
    assert made.network.input_shape == (3, 2, 4)
    assert made.weights[0][(2 * 2 + 1) * 4 + 3, 0] == weights(5, 24)[0, (3 * 3 + 2) * 2 + 1]


def test_a_bias_of_zeros_is_none():
    affine = nir.Affine(weights(3, 4), np.zeros(3))
    assert from_nir(chain((4,), affine, lif(3), *head(3)), SOFT).network.layers == (Dense(3),)


def test_padding_by_name():
    for name, padding in (("same", 1), ("valid", 0)):
        edge = 6 - 2 * (1 - padding)
        nodes = conv(weights(2, 2, 3, 3), padding=name), lif(2, edge, edge), flatten()
        made = from_nir(chain((2, 6, 6), *nodes, *head(2 * edge * edge)), SOFT)
        assert made.network.layers == (Conv(2, 3, padding=padding),)


def test_classifiers_of_shorter_blocks_are_drawn():
    made, again = (from_nir(plain(), soft(block_length=1, seed=5)) for _ in range(2))
    names = [layer.name for layer in made.network.weighted]
    assert names == ["conv1", "classifier1", "fc2", "classifier2"]
    np.testing.assert_array_equal(made.weights[1], again.weights[1])
    np.testing.assert_array_equal(made.weights[3], weights(3, 5, seed=2).T)
    other = from_nir(plain(), soft(block_length=1, seed=6))
    assert not np.array_equal(made.weights[1], other.weights[1])
    assert "drawn anew, not in the graph: classifier1 (seed 5)" in made.notes


@pytest.mark.parametrize("tau", [0.0, 0.5, 0.9])
def test_a_drawn_classifier_fires(tau):
    """Inputs that fire in 10 % of the steps make it fire in about 5 %."""
    features, classes, steps = 400, 200, 100
    first = nir.Linear(weights(features, 4)), lif(features, beta=tau)
    second = nir.Linear(weights(20, features)), lif(20, beta=tau)
    graph = chain((4,), *first, *second, *head(20, classes, beta=tau))
    made = from_nir(graph, soft(block_length=1))
    generator, u, fired = np.random.default_rng(0), np.zeros(classes), 0
    for _ in range(steps):
        u = u + (generator.random(features) < 0.1) @ made.weights[1]
        s = u >= made.network.lif.u_th
        u, fired = tau * u - made.network.lif.theta * s, fired + s.sum()
    assert 0.02 < fired / (steps * classes) < 0.1


@pytest.mark.parametrize("threshold", [1.0, 0.3, 0.25, 1 / 3, 0.7 / 4096])
def test_firing_above_a_threshold_is_firing_from_the_next_code(threshold):
    formats = Formats()
    u_th = strict(threshold, formats)
    assert u_th > threshold
    codes = Lif(u_th=u_th, theta=threshold, a=u_th).codes(formats)
    scale = 2**formats.state_fraction
    values = np.arange(2 * scale)
    np.testing.assert_array_equal(values >= codes.u_th, values / scale > threshold)


def test_direct_encoding():
    made = from_nir(plain(), soft(encoding="direct"))
    assert made.network.encoding == "direct"
    assert any("pixels 0 .. 255 as x/256" in note for note in made.notes)


def test_the_graph_stays_as_it_is():
    graph = plain()
    before = {name: dict(vars(node)) for name, node in graph.nodes.items()}
    from_nir(graph, SOFT)
    assert {name: dict(vars(node)) for name, node in graph.nodes.items()} == before


# ---- what is refused: neurons ------------------------------------------------------------------


def dense_chain(neurons, **fields):
    return chain((4,), nir.Linear(weights(3, 4)), neurons, *head(3, **fields))


def test_a_reset_that_nobody_told():
    refused(plain(), "NIR's LIF is reset to v_reset.*--reset soft", Wishes(), "lif1")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"v_leak": 0.1}, "v_leak must be 0, not 0.1: our neuron rests at 0"),
        ({"v_reset": -0.1}, "v_reset must be 0, not -0.1"),
        ({"v_threshold": 0.0}, "v_threshold must be above 0, not 0"),
        (
            {"v_threshold": np.array([1.0, 1.0, 1.5])},
            "v_threshold must be the same .* not 1 to 1.5",
        ),
        ({"r": -1.0}, r"the gain r \(1 - beta\) of inputs must be above 0, not -0.25"),
        ({"tau": np.inf}, "tau must be above 0 and finite, not inf: neurons without leak are"),
        ({"tau": 5e-5}, "tau 5e-05 is shorter than a step of 0.0001: say --dt"),
        ({"v_threshold": 9.0}, "theta must be between 0 and 8, not 9"),
    ],
)
def test_neurons_that_are_not_ours(fields, text):
    node = None if "theta" in text else "lif1"
    refused(dense_chain(lif(3, **fields)), text, node=node)


def test_neurons_without_any_constants():
    refused(dense_chain(lif(0)), "tau is empty", node="lif1")


def test_a_synapse_with_state():
    ones = np.ones(3)
    cuba = nir.CubaLIF(2e-4 * ones, 4e-4 * ones, 4 * ones, 0 * ones, ones)
    refused(dense_chain(cuba), "its synaptic current decays", node="cubalif1")


def test_leaks_of_layers_differ():
    refused(
        dense_chain(lif(3), beta=0.8), "its leak per step 0.8 must be the 0.75 of lif1", node="lif3"
    )


def test_pools_fire_at_different_means():
    graph = chain(
        (2, 12, 12),
        conv(weights(4, 2, 3, 3)), lif(4, 10, 10), pool(), lif(4, 5, 5, threshold=0.5),
        conv(weights(4, 4, 2, 2)), lif(4, 4, 4), pool(), lif(4, 2, 2, threshold=0.25),
        flatten(), *head(16),
    )  # fmt: skip
    refused(graph, "fire above a mean of 0.25, not 0.5: pools have no weights", node="lif7")


def test_a_pool_s_threshold_cannot_be_chosen():
    refused(plain(), "a mean of 1, not 0.5.*leave out --threshold", soft(threshold=0.5), "lif3")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"dt": 0.0}, "dt must be above 0, not 0.0"),
        ({"leak": "none"}, "leak must be one of"),
        ({"reset": "hard"}, "reset must be one of"),
    ],
)
def test_steps_are_checked(fields, text):
    with pytest.raises(ExchangeError, match=text):
        Steps(**fields)


# ---- what is refused: layers -------------------------------------------------------------------


def conv_chain(node, *more):
    return chain((2, 8, 8), node, *(more or (lif(3, 6, 6), flatten(), *head(108))))


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (conv(weights(3, 2, 3, 2)), "its kernel must be square, not 3x2"),
        (conv(weights(3, 1, 3, 3), groups=2), "it has 2 groups, 2 channels come in"),
        (conv(weights(3, 4, 3, 3)), "it reads 4 channels, 2 channels come in"),
        (conv(weights(3, 2, 3, 3), dilation=(2, 2)), "dilation must be 1, not 2x2"),
        (conv(weights(3, 2, 3, 3), bias=np.full(3, 0.5)), "its bias must be 0, not up to 0.5"),
        (
            conv(weights(3, 2, 3, 3), stride=(1, 2)),
            "stride must be the same along both axes, not 1x2",
        ),
        (conv(weights(3, 2, 3, 3), stride=3), "stride must be 1, 2 or 4, not 3"),
        (conv(weights(3, 2, 3, 3), padding=3), "padding must be between 0 and 2, not 3"),
        (conv(weights(3, 2, 9, 9)), "kernel must be between 1 and 8, not 9"),
        (
            conv(weights(3, 2, 2, 2), padding="same"),
            "'same' needs an odd kernel and stride 1, not 2 and 1",
        ),
    ],
)
def test_convolutions_that_are_not_ours(node, text):
    refused(conv_chain(node), text, node="conv2d0")


def test_a_folded_convolution_that_is_too_large():
    refused(
        conv_chain(conv(weights(3, 2, 7, 7)), pool(4)),
        "kernel must be between 1 and 8, not 10",
        node="avgpool2d1",
    )


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (lambda: pool(3), "pool window must be 2 or 4, not 3"),
        (lambda: pool(2, stride=1), "its stride must be its window 2"),
        (lambda: pool(2, padding=1), "its padding must be 0, not 1x1"),
    ],
)
def test_pools_that_are_not_ours(node, text):
    graph = conv_chain(conv(weights(3, 2, 3, 3)), lif(3, 6, 6), node(), lif(3, 3, 3))
    refused(graph, text, node="avgpool2d2")


def test_a_pool_without_neurons():
    graph = conv_chain(conv(weights(3, 2, 3, 3)), lif(3, 6, 6), pool(), flatten(), *head(27))
    refused(graph, "reads pool avgpool2d2, which has no neurons.*--pool-neurons", node="linear4")


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        (lambda: (pool(),), "a pool must follow a convolution"),
        (lambda: (flatten(), conv(weights(3, 2, 3, 3))), "it follows a Flatten: convolutions come"),
        (lambda: (flatten(), pool()), "it follows a Flatten: pools come"),
        (lambda: (flatten(None, 1, 2),), "it must flatten all .* not axes 1 to 2"),
        (lambda: (nir.Linear(weights(3, 8)),), "it reads a map: put a Flatten before it"),
        (lambda: (flatten(), nir.Linear(weights(3, 8))), r"shape \(neurons, 128\), not \(3, 8\)"),
        (lambda: (flatten(), nir.Affine(weights(3, 128), np.ones(3))), "its bias must be 0"),
        (lambda: (lif(2, 8, 8),), "neurons must follow weights or a pool"),
        (
            lambda: (conv(weights(3, 2, 3, 3)), conv(weights(3, 3, 3, 3))),
            "it follows conv2d0 without neurons in between",
        ),
        (lambda: (nir.Delay(np.ones(2)),), "Delay cannot be mapped: only Conv2d"),
        (lambda: (nir.Scale(np.ones(2)),), "Scale cannot be mapped"),
        (
            lambda: (flatten(), nir.Linear(weights(3, 128)), lif(3), nir.Linear(weights(2, 3))),
            "linear3 before it has no neurons: classes",
        ),
        (lambda: (conv(weights(3, 2, 3, 3)), lif(3, 6, 6)), "the last layer must be Linear"),
        (lambda: (flatten(), *head(128)), "layers must hold at least one"),
    ],
)
def test_chains_that_are_no_network(nodes, text):
    refused(chain((2, 8, 8), *nodes()), text)


def test_a_sum_that_does_not_fit_the_formats():
    graph = chain((4000,), nir.Linear(weights(3, 4000)), lif(3), *head(3))
    refused(graph, "the sum of fc1 needs", soft(formats=Formats(state=18)))


@pytest.mark.parametrize("shape", [(2, 8), (1, 2, 8, 6)])
def test_an_input_of_other_axes(shape):
    refused(chain(shape, *head(3)), "leave out batch and time when exporting", node="input")


def test_an_input_of_another_shape():
    refused(
        plain(), r"the input has shape \(8, 6, 2\), not \(6, 8, 2\)", soft(input_shape=(6, 8, 2))
    )
    graph = dense_chain(lif(3))
    refused(
        graph, r"the input has 4 features, not those of \(2, 2, 2\)", soft(input_shape=(2, 2, 2))
    )


# ---- what is refused: graphs -------------------------------------------------------------------


def nodes_of(graph):
    return dict(graph.nodes), list(graph.edges)


def test_a_branch():
    nodes, edges = nodes_of(plain())
    nodes["scale"] = nir.Scale(np.ones(5))
    refused(
        graphs.graph(nodes, [*edges, ("lif6", "scale")]),
        "must lead to one node, but leads to linear7, scale",
        node="lif6",
    )
    refused(
        graphs.graph(nodes, [*edges, ("scale", "lif6")]),
        "must have one input, not those of linear5, scale",
        node="lif6",
    )
    refused(graphs.graph(nodes, edges), "it is not on the way from Input to Output", node="scale")
    broken = [edge for edge in edges if edge != ("linear7", "lif8")]
    refused(graphs.graph(plain().nodes, broken), "but leads nowhere", node="linear7")


def test_a_recurrent_connection():
    nodes, edges = nodes_of(plain())
    nodes["back"] = nir.Linear(weights(5, 5))
    edges += [("lif6", "back"), ("back", "lif6")]
    refused(graphs.graph(nodes, edges), "connection to .* is recurrent")


def test_a_graph_inside_the_graph():
    nodes, edges = nodes_of(plain())
    nodes["lif6"] = plain()
    refused(graphs.graph(nodes, edges), "a graph inside the graph", node="lif6")


def test_an_edge_to_nowhere():
    nodes, edges = nodes_of(plain())
    refused(graphs.graph(nodes, [*edges, ("lif8", "gone")]), "an edge names node gone")


def test_two_outputs():
    nodes, edges = nodes_of(plain())
    nodes["more"] = nir.Output(np.array([3]))
    refused(graphs.graph(nodes, edges), r"one Output node, not 2 \(output, more\)")


# ---- files -------------------------------------------------------------------------------------


def test_a_missing_file(tmp_path):
    with pytest.raises(ExchangeError, match="does not exist"):
        files.read(tmp_path / "no.nir")


def test_a_file_that_is_none(tmp_path):
    path = tmp_path / "text.nir"
    path.write_text("no HDF5")
    with pytest.raises(ExchangeError, match="cannot be read"):
        files.read(path)


def test_a_file_of_one_node(tmp_path):
    path = tmp_path / "node.nir"
    nir.write(path, nir.Linear(weights(2, 2)))
    with pytest.raises(ExchangeError, match="cannot be read"):
        files.read(path)


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "model.nir"
    path.write_text("mine")
    with pytest.raises(ExchangeError, match="exists already"):
        files.write(path, plain())
    assert path.read_text() == "mine"


def test_a_write_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(AttributeError):
        files.write(tmp_path / "model.nir", object())
    assert list(tmp_path.iterdir()) == []


def test_a_file_reads_as_it_was_written(tmp_path):
    graph = plain()
    graph.infer_types()
    files.write(tmp_path / "model.nir", graph)
    one, other = from_nir(plain(), SOFT), from_nir(files.read(tmp_path / "model.nir"), SOFT)
    assert one.network == other.network
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)
