"""The paper's accounting: its printed ratios, an enumeration, wrong terms."""

import inspect
import types
from dataclasses import replace

import numpy as np
import pytest

from golden.cost import paper, printed
from golden.cost.paper import backpropagation, figure_of_merit, memory, paper_cost, relative
from golden.cost.printed import LINES, Line, check_all
from golden.cost.workloads import WORKLOADS
from golden.layers import Residual
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import intervals
from tests.golden import cases

pytestmark = pytest.mark.unit

PINNED = ["-72.30", "+31.3", "+15.8", "+4.65", "-22.6", "-28.6", "-10.89", "-99.640", "+0.67"]
TINY = Network((5, 4, 2), (Conv(3, 3, 1), AvgPool(2), Conv(2, 2), Dense(4)), 3, (2, 1))


def test_printed_ratios_come_out_to_the_digits_of_the_reading():
    results = [result for result in check_all() if result.ours is not None]
    assert [f"{r.ours:+.{r.line.digits}f}" for r in results] == PINNED
    assert all(result.agrees for result in results)
    assert [line.text for line in LINES if line.ours is None] == [
        "AlexNet, CIFAR10-DVS, (10, 1) against BPTT: GPU memory",
        "AlexNet, CIFAR10-DVS, (10, 1) against BPTT: accuracy [points]",
    ]


def test_only_plain_bp_of_the_same_kind_gives_the_additions_of_random_classifiers():
    work = WORKLOADS["EMNIST"]
    cost, base = paper_cost(work.build(1, "random"), 1, 20), paper_cost(work.build(4), 1, 20)
    assert printed.change(cost.additions, base.additions) == pytest.approx(14.95, abs=0.005)


@pytest.mark.parametrize(
    ("paper_value", "ours", "below", "agrees"),
    [
        (-72, -72.9, False, True), (-72, -73.1, False, False), (-72, -70.9, False, False),
        (5, 4.9, True, True), (5, 5.1, True, False), (5, -0.1, True, False),
    ],
)  # fmt: skip
def test_a_line_that_is_off_does_not_agree(paper_value, ours, below, agrees):
    assert Line("x", paper_value, lambda: ours, below=below).check().agrees is agrees


def test_networks_have_the_sizes_that_the_ratios_gave():
    lenet = WORKLOADS["EMNIST"].base
    weighted = [layer for layer in lenet.resolved if layer.has_weights]
    hidden = [layer for layer in weighted if layer.kind != "classifier"]
    assert sum(np.prod(layer.weight_shape) for layer in hidden) == 60_630
    assert sum(layer.neurons for layer in hidden) == 6_508


def synapses(layer):
    """Count the synapses of a layer and those of each neuron, one by one."""
    count = 0
    per_neuron = 0
    height, width, channels = layer.out_shape
    for _ in range(height * width * channels):
        per_neuron = 0
        taps = layer.kernel**2 if layer.kind == "conv" else int(np.prod(layer.in_shape[:2]))
        for _ in range(taps):
            for _ in range(layer.in_shape[2]):
                per_neuron += 1
        count += per_neuron
    return count, per_neuron * channels


def enumerated(network, k, steps, batch, alpha, alpha_c):
    """Count a sample step by step; a backward pass starts at the interval's last step."""
    names = (
        "reads_forward", "writes_forward", "reads_backward", "writes_backward",
        "additions_forward", "additions_backward", "macs",
    )  # fmt: skip
    total = dict.fromkeys(names, 0.0)
    for _, length in intervals(steps, k):
        for t in range(length):
            first, last = t == 0, t == length - 1
            for block in network.blocks:
                layers = [layer for layer in block.all_layers if layer.kind != "pool"]
                for place, layer in enumerate(layers):
                    own = layer is block.classifier
                    pairs, weights = synapses(layer)
                    neurons, density = batch * layer.neurons, alpha_c if own else alpha
                    stored = not layer.random
                    total["reads_forward"] += neurons + stored * weights
                    total["writes_forward"] += neurons
                    total["additions_forward"] += density * batch * pairs
                    # gradient of the weights: added to what the step after has left
                    total["writes_backward"] += stored * weights
                    total["reads_backward"] += 0 if last or not stored else weights
                    total["additions_backward"] += stored * batch * density * weights
                    # error of the neurons; nobody reads that of the first step
                    total["writes_backward"] += 0 if first else neurons
                    total["additions_backward"] += neurons * (1 if last else 2)
                    if not last:
                        total["reads_backward"] += neurons * (3 if own else 2)
                    elif place < len(layers) - 2:
                        total["reads_backward"] += neurons
                    # error for the layer below, inside the block
                    if place:
                        total["macs"] += batch * pairs
                        total["reads_backward"] += weights if stored or last else 0
    return {name: value / steps for name, value in total.items()}


def compare(model, network, k, steps, batch=3, alpha=0.2, alpha_c=0.4):
    """Return the first field in which a model differs from the enumeration."""
    got = model.paper_cost(network, k, steps, batch=batch, alpha=alpha, alpha_classifier=alpha_c)
    for name, wanted in enumerated(network, k, steps, batch, alpha, alpha_c).items():
        if getattr(got, name) != pytest.approx(wanted):
            return name
    return ""


@pytest.mark.parametrize("classifier", ["trainable", "random"])
@pytest.mark.parametrize("seed", range(6))
def test_costs_equal_an_enumeration(seed, classifier):
    rng = np.random.default_rng(seed)
    network = replace(cases.random_network(rng), classifier=classifier)
    for k in (1, 2, 3, 5):
        assert compare(paper, network, k, 5) == "", f"seed {seed}, k {k}"


MUTATIONS = [
    ("w + u + read_c + u_c", "w + u + read_c", "reads_forward"),
    ("w + u + read_c + u_c", "w + u + w_c + u_c", "reads_forward"),
    ("u + u_c,\n        inside", "u,\n        inside", "writes_forward"),
    ("w + 2 * u + b", "w + u + b", "reads_backward"),
    ("2 * read_c + 3 * u_c", "read_c + 3 * u_c", "reads_backward"),
    ("2 * read_c + 3 * u_c", "2 * read_c + 2 * u_c", "reads_backward"),
    ("b.below + w_c", "b.below + read_c", "reads_backward"),
    ("b.below + w_c", "w_c", "reads_backward"),
    ("w + read_c + inside * (u + u_c)", "w + read_c + u + u_c", "writes_backward"),
    ("alpha * b.all.products", "alpha * b.inner.products", "additions_forward"),
    ("(2 - last) * (u", "2 * (u", "additions_backward"),
    ("alpha_c * read_c", "alpha_c * w_c", "additions_backward"),
    ("b.inner.products + m_c", "b.all.products + m_c", "macs"),
    ("b.inner.products + m_c", "b.inner.products", "macs"),
    ("len(intervals(steps, k)) / steps", "1 / k", "reads_backward"),
]


@pytest.mark.parametrize(("right", "wrong", "field"), MUTATIONS)
def test_a_wrong_term_is_noticed(right, wrong, field, monkeypatch):
    source = inspect.getsource(paper)
    assert source.count(right) == 1
    changed = types.ModuleType("golden.cost.changed")
    monkeypatch.setitem(__import__("sys").modules, changed.__name__, changed)
    exec(source.replace(right, wrong), changed.__dict__)
    network = replace(TINY, classifier="random")
    assert field in (compare(changed, TINY, 2, 5), compare(changed, network, 2, 5))


def test_memory_keeps_whole_steps_but_of_the_last_only_the_largest_block():
    pooled, conv, dense = 2 * 2 * 3, (5 * 4 * 3, 1 * 1 * 2), 4
    graphs = [2 * 3 * (sum(conv) + pooled + 3), 2 * 3 * (dense + 3)]
    assert memory(TINY, 4, 3) == 3 * sum(graphs) + graphs[0] + TINY.weights
    assert memory(backpropagation(TINY), 4, 3) == (
        4 * 2 * 3 * (sum(conv) + pooled + dense + 3) + backpropagation(TINY).weights
    )
    cost, more = (paper_cost(TINY, 4, 5, constant=c) for c in (0, 7.0))
    assert more.memory == cost.memory + 7


def test_less_truncation_costs_more_and_longer_blocks_multiply_more():
    for work in WORKLOADS.values():
        costs = {(k, n): paper_cost(work.build(n), k, work.steps) for k in work.ks for n in work.ns}
        for n in work.ns:
            for longer, shorter in zip(work.ks, work.ks[1:], strict=False):
                for name in ("reads", "writes", "additions", "memory"):
                    assert getattr(costs[longer, n], name) > getattr(costs[shorter, n], name)
                assert costs[longer, n].macs == costs[shorter, n].macs
        for longer, shorter in zip(work.ns, work.ns[1:], strict=False):
            assert costs[1, longer].macs > costs[1, shorter].macs


def test_more_spikes_add_more_and_random_classifiers_move_less():
    work = WORKLOADS["EMNIST"]
    few, many = (paper_cost(work.build(1), 5, 20, alpha=alpha) for alpha in (0.1, 0.3))
    assert few.additions < many.additions
    assert few.memory_access == many.memory_access
    trained, random = (paper_cost(work.build(1, c), 5, 20) for c in ("trainable", "random"))
    assert random.memory_access < trained.memory_access
    assert random.additions < trained.additions
    assert random.macs == trained.macs


def test_a_residual_counts_its_convolutions():
    network = Network((8, 8, 1), (Conv(2, 3, 1), Residual(4, 2)), 3, 3)
    layers = {layer.name: layer for layer in network.resolved}
    inner = [layers[name] for name in ("conv2", "conv3", "shortcut3", "classifier3")]
    wanted = sum(layer.rows * layer.neurons for layer in inner)
    assert paper_cost(network, 1, 1, batch=1).macs == wanted


def test_plain_bp_is_one_block_with_a_figure_of_merit_of_one():
    base = backpropagation(TINY)
    assert len(base.blocks) == 1
    cost = paper_cost(base, 5, 5)
    assert set(relative(cost, cost).values()) == {1.0}
    assert figure_of_merit(cost, cost) == 1
    assert figure_of_merit(cost, cost, 0.05) == 1.05
    assert figure_of_merit(cost, cost, 0, 0.2) == 0.8


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"k": 6}, ValueError, "k must be between 1 and 5, not 6"),
        ({"k": 0}, ValueError, "k must be between 1 and 5, not 0"),
        ({"k": 1.5}, TypeError, "k must be an int, not 1.5"),
        ({"steps": 0}, ValueError, "steps must be between 1 and 1048576, not 0"),
        ({"batch": 0}, ValueError, "batch must be between 1 and 1048576, not 0"),
        ({"alpha": 1.1}, ValueError, "alpha must be between 0 and 1, not 1.1"),
        ({"alpha_classifier": -1}, ValueError, "alpha_classifier must be between 0 and 1, not -1"),
        ({"constant": -1}, ValueError, "constant must not be negative, not -1"),
    ],
)
def test_wrong_numbers_are_named(options, error, text):
    with pytest.raises(error, match=text):
        paper_cost(TINY, **{"k": 1, "steps": 5, **options})


def test_a_wrong_accuracy_loss_is_named():
    cost = paper_cost(TINY, 1, 5)
    with pytest.raises(ValueError, match=r"accuracy_loss must be between -1 and 1, not 7\.3"):
        figure_of_merit(cost, cost, 7.3)
