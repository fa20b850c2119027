"""The float reference against autograd on an unrolled network, and against the float twin."""

from dataclasses import replace

import numpy as np
import pytest

from golden.network import AvgPool, Conv, Dense, Network, Residual
from golden.neuron import Lif
from golden.settings import Settings, intervals
from tests.golden import cases

torch = pytest.importorskip("torch", reason="the float reference needs the extra reference")
from golden.reference import block, lif, synapse  # noqa: E402
from golden.reference import initialise as initial  # noqa: E402
from golden.reference.initialise import initialise  # noqa: E402
from golden.reference.loss import Loss  # noqa: E402
from golden.reference.model import Dropout, ReferenceModel  # noqa: E402
from golden.reference.recursion import FloatModel  # noqa: E402
from golden.reference.trainer import DivergedError, Trainer  # noqa: E402
from tests.golden.unrolled import Unrolled  # noqa: E402

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True, params=[12, 10_000], ids=["pieces", "whole"])
def _pieces(request, monkeypatch):
    """Two steps of a batch of six at a time, and all steps at once."""
    monkeypatch.setattr(block, "IMAGES", request.param)


DEEP = Network(
    (7, 6, 2), (Conv(4, 3, 1), AvgPool(2), Conv(5, 2), Dense(9)), 3, 3,
    Lif(theta=0.25, a=0.5),
)  # fmt: skip
NORMED = Network(
    (8, 9, 2),
    (
        Conv(4, 3, 1, batch_norm=True), AvgPool(2), Residual(4), Residual(6, 2), AvgPool(2),
        Dense(7, batch_norm=True),
    ),
    3,
)  # fmt: skip


def made(network, seed, **options):
    """Return a model in float64 whose layers fire."""
    torch.manual_seed(seed)
    reference = ReferenceModel(network, **options).double()
    frames, _ = batch(network, 8, 4, seed)
    unit = initial._unit
    with pytest.MonkeyPatch.context() as patch:  # more excitation: small layers reach their rate
        patch.setattr(initial, "_unit", lambda *a: unit(*a) + 0.7 * a[0].rows ** -0.5)
        initialise(reference, frames, 8, seed=seed, hidden_rate=0.25, classifier_rate=0.2)
    with torch.no_grad():
        for norm in reference.norms.values():
            norm.weight.uniform_(0.2, 0.6)
            norm.bias.uniform_(-0.1, 0.2)
    return reference


def batch(network, steps, size, seed):
    rng = np.random.default_rng(seed)
    shape = (1 if network.encoding == "direct" else steps, size, *np.roll(network.input_shape, 1))
    high = 256 if network.encoding == "direct" else 2
    frames = torch.tensor(rng.integers(0, high, shape), dtype=torch.float64)
    return frames, torch.tensor(rng.integers(0, network.classes, size))


def differences(reference, k, steps, seed, size=6, temperature_shift=None):
    """Compare gradients of every interval; return the largest difference and largest gradients."""
    network = reference.network
    frames, labels = batch(network, steps, size, seed)
    norms = {name: (norm.weight, norm.bias) for name, norm in reference.norms.items()}
    oracle = Unrolled(network, list(reference.weights), norms, temperature_shift)
    generator = torch.Generator().manual_seed(seed)
    keep = {}

    def draw(layer, shape):
        keep[layer.index] = torch.rand(shape, generator=generator) >= 0.3
        return keep[layer.index]

    reference.draw_mask = draw
    reference.train()
    worst, sizes = 0.0, [0.0] * len(reference.weights)
    for first, length in intervals(steps, k):
        reference.zero_grad()
        if network.encoding == "direct":
            reference.train_interval(frames, labels, length)
            part = frames.expand(length, -1, -1, -1, -1) / 256
        else:
            part = frames[first : first + length]
            reference.train_interval(part, labels)
        wanted, norm_grads = oracle.gradients(part, labels, keep)
        for i, (weight, grad) in enumerate(zip(reference.weights, wanted, strict=True)):
            got = weight.grad if weight.grad is not None else torch.zeros_like(weight)
            worst = max(worst, float((got - grad).abs().max()))
            sizes[i] = max(sizes[i], float(grad.abs().max()))
        for name, (gamma, beta) in norm_grads.items():
            norm = reference.norms[name]
            worst = max(worst, float((norm.weight.grad - gamma).abs().max()))
            worst = max(worst, float((norm.bias.grad - beta).abs().max()))
    return worst, sizes


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 3, 8])
@pytest.mark.parametrize("seed", range(3))
def test_gradients_equal_autograd(seed, k, n):
    network = cases.random_network(np.random.default_rng(2000 + seed), n)
    worst, sizes = differences(made(network, seed), k, 8, seed)
    assert worst < 1e-12, f"seed {seed}"
    assert max(sizes) > 1e-4


@pytest.mark.parametrize("encoding", ["events", "direct"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_dropout_and_direct_encoding_equal_autograd(k, dropout, encoding):
    network = replace(DEEP, encoding=encoding, block_length=(2, 1))
    worst, sizes = differences(made(network, 1, dropout=Dropout(dropout)), k, 8, 1)
    assert worst < 1e-12
    assert sum(value > 1e-4 for value in sizes) >= 3, sizes


@pytest.mark.parametrize("temperature_shift", [0, 2])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_cross_entropy_equals_autograd(k, temperature_shift):
    reference = made(DEEP, 17, loss=Loss("cross-entropy", temperature_shift))
    worst, sizes = differences(reference, k, 8, 17, temperature_shift=temperature_shift)
    assert worst < 1e-12
    assert max(sizes) > 1e-3


@pytest.mark.parametrize("encoding", ["events", "direct"])
@pytest.mark.parametrize("n", [1, 3, 6])
@pytest.mark.parametrize("k", [1, 4])
def test_batch_norm_and_residuals_equal_autograd(k, n, encoding):
    network = replace(NORMED, block_length=n, encoding=encoding)
    worst, sizes = differences(made(network, n), k, 4, n)
    assert worst < 1e-11
    assert sum(value > 1e-4 for value in sizes) > len(sizes) // 2, sizes


def test_all_layers_and_all_steps_are_plain_back_propagation_through_time():
    """n = all and k = T: one graph over everything, built and differentiated at once."""
    worst, sizes = differences(made(DEEP, 17), 8, 8, 17)
    assert worst < 1e-12
    assert min(sizes) > 1e-3, sizes


def test_gradient_of_a_batch_is_the_mean_over_its_recordings():
    frames, labels = batch(DEEP, 6, 4, 3)
    reference = made(DEEP, 3)
    reference.train_interval(frames, labels)
    together = [weight.grad.clone() for weight in reference.weights]
    reference.zero_grad()
    for index in range(4):
        reference.start()
        reference.train_interval(frames[:, index : index + 1], labels[index : index + 1])
    for mean, weight in zip(together, reference.weights, strict=True):
        torch.testing.assert_close(mean, weight.grad / 4, rtol=0, atol=1e-14)


@pytest.mark.parametrize("encoding", ["events", "direct"])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_training_equals_the_float_twin(k, encoding):
    """Batches of one, plain SGD with momentum: the same weights and counts after recordings."""
    network = replace(DEEP, encoding=encoding, block_length=1)
    rng = np.random.default_rng(k)
    reference = made(network, k)
    weights = reference.read_weights()
    twin = FloatModel(network, Settings(interval=k, rate_shift=2, momentum_shift=2), weights)
    trainer = Trainer(reference, torch.optim.SGD(reference.parameters(), lr=0.25, momentum=0.75), k)
    for number in range(3):
        frames = cases.random_frames(rng, network, 8, 0.4)
        tensor = torch.tensor(frames.copy()).permute(0, 3, 1, 2)[:, None]
        label = number % 3
        counts, _ = trainer.train_batch(
            tensor[:1] if encoding == "direct" else tensor, torch.tensor([label]), 8
        )
        np.testing.assert_array_equal(counts[0].numpy(), twin.train_sample(frames, label))
    for mine, other in zip(reference.read_weights(), twin.weights, strict=True):
        np.testing.assert_allclose(mine, other, rtol=0, atol=1e-12)
    assert max(np.abs(a - b).max() for a, b in zip(weights, twin.weights, strict=True)) > 1e-3


def test_correction_of_dropout_equals_the_float_twin():
    settings = Settings(interval=8, dropout=0.125, dropout_correction=True)
    reference = made(DEEP, 6, dropout=Dropout(0.125))
    weights = reference.read_weights()
    trainer = Trainer(reference, torch.optim.SGD(reference.parameters(), lr=0.1), 8)
    frames, _ = batch(DEEP, 8, 5, 6)
    counts = trainer.infer_batch(frames)
    twin = FloatModel(DEEP, settings, weights)
    wanted = [
        twin.run_interval(
            frames[:, index].permute(0, 2, 3, 1).numpy().astype(np.uint8),
            0,
            start=True,
            learn=False,
        )
        for index in range(5)
    ]
    np.testing.assert_array_equal(counts.numpy(), wanted)
    assert np.any(wanted)


def test_weights_come_back_as_they_went_in():
    rng = np.random.default_rng(0)
    weights = [rng.normal(size=layer.weight_shape) for layer in DEEP.weighted]
    reference = ReferenceModel(DEEP).double()
    reference.load_weights(weights)
    for mine, other in zip(reference.read_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("update_every", [1, 2, 3])
def test_update_every_sums_gradients_of_intervals(update_every):
    reference = made(DEEP, 2)
    before = [weight.detach().clone() for weight in reference.weights]
    frames, labels = batch(DEEP, 6, 2, 2)
    optimizer = torch.optim.SGD(reference.parameters(), lr=0.0)
    sums = []
    optimizer.register_step_pre_hook(
        lambda *_: sums.append([w.grad.clone() for w in reference.weights])
    )
    Trainer(reference, optimizer, 2, update_every).train_batch(frames, labels)
    assert len(sums) == 3 // update_every
    oracle = Unrolled(DEEP, before)
    parts = [oracle.gradients(frames[t : t + 2], labels)[0] for t in (0, 2, 4)]
    parts = [[g.clone() for g in part] for part in parts]
    for number, got in enumerate(sums):
        chosen = parts[number * update_every : (number + 1) * update_every]
        for index, grad in enumerate(got):
            assert float((grad - sum(part[index] for part in chosen)).abs().max()) < 1e-12


def test_initialised_layers_fire_at_their_rate():
    network = replace(DEEP, input_shape=(12, 12, 2), classifier="random")
    reference = ReferenceModel(network)
    frames, _ = batch(network, 10, 16, 0)
    initialise(reference, frames, seed=3, hidden_rate=0.2, classifier_rate=0.1)
    rates = {}
    original = lif.fire

    def noted(*arguments, **options):
        spikes, mask = original(*arguments, **options)
        rates[len(rates)] = float(spikes.mean())
        return spikes, mask

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(block, "fire", noted)
        patch.setattr(block, "IMAGES", 10_000)
        reference.eval()
        reference.infer(frames)
    by_name = dict(zip([layer.name for layer in network.resolved], rates.values(), strict=True))
    for name, rate in by_name.items():
        if not name.startswith("pool"):
            wanted = 0.1 if name.startswith("classifier") else 0.2
            assert abs(rate - wanted) < 0.02, by_name


def test_random_classifiers_and_frozen_layers_keep_their_weights():
    network = replace(DEEP, classifier="random", block_length=1)
    reference = made(network, 4, frozen=("conv1",))
    before = [weight.detach().clone() for weight in reference.weights]
    frames, labels = batch(network, 8, 4, 4)
    optimizer = torch.optim.Adam([p for p in reference.parameters() if p.requires_grad], lr=0.01)
    Trainer(reference, optimizer, 4).train_batch(frames, labels)
    changed = {
        layer.name: not torch.equal(a, b)
        for layer, a, b in zip(network.weighted, before, reference.weights, strict=True)
    }
    assert changed == {
        "conv1": False, "classifier1": False, "conv2": True, "classifier2": False, "fc3": True,
        "classifier3": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        "detached_reset",
        "height_1",
        "missing_1_over_k",
        "pool_mean",
        "carried_error",
        "lost_between_pieces",
    ],
)
def test_oracle_notices_a_broken_reference(broken, monkeypatch):
    reference = made(DEEP, 17)
    gamma_of = lif.gamma_of

    def mutated(e, mask, later, constants):
        if broken == "detached_reset":
            constants = replace(constants, theta=1e-12)
        gamma = gamma_of(e, mask, later, constants)
        if broken == "carried_error":
            gamma[-1] *= 1.1
        return gamma * constants.a if broken == "height_1" else gamma

    monkeypatch.setattr(block, "gamma_of", mutated)
    if broken == "missing_1_over_k":
        loss = reference.loss
        reference.loss = lambda counts, labels, steps: loss(counts * steps, labels, steps)
    if broken == "pool_mean":
        unpool = synapse._unpool
        monkeypatch.setattr(synapse, "_unpool", lambda g, *rest: unpool(4 * g, *rest))
    if broken == "lost_between_pieces":
        monkeypatch.setattr(block, "IMAGES", 12)
        monkeypatch.setattr(block, "gamma_of", lambda e, h, later, c: gamma_of(e, h, None, c))
    worst, _ = differences(reference, 3, 8, 17)
    assert worst > 1e-6


def test_error_messages():
    reference = made(DEEP, 0)
    frames, labels = batch(DEEP, 4, 2, 0)
    with pytest.raises(ValueError, match=r"frames must have shape \(k, B, 2, 7, 6\), not \(4, 2"):
        reference.train_interval(frames[..., :5], labels)
    with pytest.raises(ValueError, match="steps must be the number of frames 4, not 3"):
        reference.train_interval(frames, labels, 3)
    direct = made(replace(DEEP, encoding="direct"), 0)
    with pytest.raises(ValueError, match="frames of direct encoding must be one image"):
        direct.train_interval(frames, labels)
    with pytest.raises(ValueError, match=r"frozen must name layers among conv1, conv2.*'pool1'"):
        ReferenceModel(DEEP, frozen=("pool1",))
    with pytest.raises(ValueError, match=r"dropout must be at least 0 and below 1, not 1.0"):
        Dropout(1.0)
    with pytest.raises(ValueError, match="loss must be one of"):
        Loss("hinge")
    with pytest.raises(ValueError, match="weights must have shapes"):
        reference.load_weights([])
    optimizer = torch.optim.SGD(reference.parameters(), lr=1.0)
    with pytest.raises(ValueError, match="interval must be at least 1, not 0"):
        Trainer(reference, optimizer, 0)
    with pytest.raises(ValueError, match=r"k must be between 1 and T = 4, not 5"):
        Trainer(reference, optimizer, 5).train_batch(frames, labels)
    with pytest.raises(ValueError, match=r"conv1 fires at 0.000 per step at most, 0.1 wanted"):
        initialise(reference, torch.zeros_like(frames))


def test_divergence_names_the_layer():
    reference = made(DEEP, 0)
    trainer = Trainer(reference, torch.optim.SGD(reference.parameters(), lr=1.0), 4)
    trainer.check()
    for value in (float("nan"), float("inf"), -1e9):
        with torch.no_grad():
            reference.weights[1][0, 0] = value
        with pytest.raises(DivergedError, match=r"weights of conv2 reach (nan|inf|1e\+09); lower"):
            trainer.check()
