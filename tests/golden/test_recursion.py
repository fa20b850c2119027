"""The float recursion against torch autograd: an unrolled network that torch differentiates."""

import math
from dataclasses import replace

import numpy as np
import pytest

from golden.dropout import KeepMasks
from golden.network import AvgPool, Conv, Dense, Network
from golden.neuron import Lif
from golden.reference import recursion
from golden.reference.recursion import FloatModel
from golden.settings import Settings, intervals
from tests.golden import cases

torch = pytest.importorskip("torch", reason="the autograd oracle needs the torch extra")
from tests.golden.unrolled import Spike  # noqa: E402

pytestmark = pytest.mark.unit
F = torch.nn.functional


class Autograd:
    """Step-major network in torch; the graph is cut between intervals and between blocks."""

    def __init__(self, network, weights, temperature_shift=None):
        self.network, self.temperature_shift = network, temperature_shift
        self.weights = [torch.tensor(w, requires_grad=True) for w in weights]
        self.state = {}

    def drive(self, layer, spikes):
        if layer.kind == "pool":
            maps = spikes.permute(2, 0, 1)[None]
            return F.avg_pool2d(maps, layer.window)[0].permute(1, 2, 0)
        weight = self.weights[layer.hash_id]
        if layer.kind != "conv":
            return (spikes.reshape(-1) @ weight).reshape(layer.out_shape)
        kernel = weight.T.reshape(-1, layer.in_shape[2], layer.kernel, layer.kernel)
        maps = spikes.permute(2, 0, 1)[None]
        out = F.conv2d(maps, kernel, stride=layer.stride, padding=layer.padding)
        return out[0].permute(1, 2, 0)

    def gradients(self, frames, label, start, keep):
        """Return each weight's gradient of its own block's loss over one interval.

        `keep` are dropout masks by layer index.
        """
        if start:
            self.state = {
                layer.index: (torch.zeros(layer.out_shape, dtype=torch.float64),) * 2
                for layer in self.network.resolved
            }
        self.state = {key: (u.detach(), s.detach()) for key, (u, s) in self.state.items()}
        wanted = F.one_hot(torch.tensor(label), self.network.classes).to(torch.float64)
        counts = [0.0] * len(self.network.blocks)
        for frame in frames:
            spikes = torch.tensor(frame, dtype=torch.float64)
            if self.network.encoding == "direct":
                spikes = spikes / 256
            for number, block in enumerate(self.network.blocks):
                spikes = spikes.detach()
                for layer in block.all_layers:
                    lif, (u, s) = layer.lif, self.state[layer.index]
                    u = lif.tau * u + self.drive(layer, spikes) - lif.theta * s
                    s = Spike.apply(u, lif.u_th, lif.a)
                    self.state[layer.index] = (u, s)
                    if layer.kind == "classifier":
                        counts[number] = counts[number] + s.reshape(-1)
                    else:
                        spikes = s * torch.tensor(keep.get(layer.index, True))
        loss = sum(self.loss(count, wanted, len(frames)) for count in counts)
        for weight in self.weights:
            weight.grad = None
        loss.backward()
        return [w.grad.numpy() if w.grad is not None else np.zeros(w.shape) for w in self.weights]

    def loss(self, count, wanted, steps):
        """Mean square, or cross-entropy of 2**(count / 2**shift) scaled to its slope."""
        if self.temperature_shift is None:
            return ((wanted - count / steps) ** 2).mean()
        beta = math.log(2) / 2**self.temperature_shift
        entropy = -(wanted * torch.log_softmax(beta * count, 0)).sum()
        return entropy * 2 / (len(count) * steps * beta)


def largest_difference(network, k, steps, seed, dropout=0.0, temperature_shift=None):
    """Train one recording both ways; return the largest difference, and each layer's max |V|."""
    rng = np.random.default_rng(seed)
    settings = Settings(interval=k, rate_shift=2, momentum_shift=2, dropout=dropout)
    if temperature_shift is not None:
        settings = replace(settings, loss="cross-entropy", temperature_shift=temperature_shift)
    masks = KeepMasks(network, settings)
    weights = [
        rng.normal(0.05, 1.5 / np.sqrt(layer.rows), layer.weight_shape)
        for layer in network.weighted
    ]
    frames = cases.random_frames(rng, network, steps, 0.4)
    label = int(rng.integers(0, network.classes))
    model = FloatModel(network, settings, weights)
    oracle = Autograd(network, weights, temperature_shift)
    momentum = [np.zeros_like(weight) for weight in weights]
    worst, size = 0.0, [0.0] * len(weights)
    for number, (first, length) in enumerate(intervals(steps, k)):
        part = frames[first : first + length]
        expected = oracle.gradients(part, label, first == 0, masks.draw(number))
        model.run_interval(part, label, start=first == 0, learn=True)
        for i, weight in enumerate(oracle.weights):
            momentum[i] = momentum[i] * (0.75 if first else 1.0) + expected[i]
            with torch.no_grad():
                weight -= torch.tensor(momentum[i]) * 0.25
            worst = max(worst, float(np.abs(model.momentum[i] - 0.75 * momentum[i]).max()))
            worst = max(worst, float(np.abs(model.weights[i] - weight.detach().numpy()).max()))
            size[i] = max(size[i], float(np.abs(momentum[i]).max()))
    return worst, size


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("k", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(4))
def test_recursion_equals_autograd(seed, k, n):
    network = cases.random_network(np.random.default_rng(1000 + seed), n)
    worst, _ = largest_difference(network, k, 8, seed)
    assert worst < 1e-12, f"seed {seed}: {worst}"


DEEP = Network(
    (7, 6, 2), (Conv(4, 3, 1), AvgPool(2), Conv(5, 2), Dense(9)), 3, 3,
    Lif(theta=0.25, a=0.5),
)  # fmt: skip


@pytest.mark.parametrize("encoding", ["events", "direct"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_dropout_and_direct_encoding_equal_autograd(k, dropout, encoding):
    network = replace(DEEP, encoding=encoding, block_length=(2, 1))
    worst, size = largest_difference(network, k, 8, 1, dropout)
    assert worst < 1e-12
    assert size[0] > 1e-4, size
    assert sum(value > 1e-4 for value in size) >= 3, size


@pytest.mark.parametrize("temperature_shift", [0, 2])
@pytest.mark.parametrize("k", [1, 3, 8])
def test_cross_entropy_equals_autograd(k, temperature_shift):
    worst, size = largest_difference(DEEP, k, 8, 17, temperature_shift=temperature_shift)
    assert worst < 1e-12
    assert max(size) > 1e-3, size


def test_masking_gamma_of_dropped_neurons_changes_nothing(monkeypatch):
    """A mask holds for an interval, so gamma of a dropped neuron is 0 at all of its steps."""
    seen = []

    def gamma(self, layer, error):
        result = original(self, layer, error)
        if layer.index in self.keep:
            seen.append(np.abs(result * ~self.keep[layer.index]).max())
            seen.append(np.abs(result).max())
        return result

    original = recursion._BlockRun._gamma
    monkeypatch.setattr(recursion._BlockRun, "_gamma", gamma)
    worst, _ = largest_difference(DEEP, 3, 8, 1, 0.4)
    assert worst < 1e-12
    assert max(seen[::2]) == 0.0 < max(seen[1::2])


def test_bptt_equals_autograd_with_gradients_that_are_not_zero():
    worst, size = largest_difference(DEEP, 8, 8, 17)
    assert worst < 1e-12
    assert min(size) > 1e-3, size


@pytest.mark.parametrize("broken", ["detached_reset", "height_1", "missing_1_over_k", "pool_terms"])
def test_oracle_notices_a_broken_recursion(broken, monkeypatch):
    gamma = recursion._BlockRun._gamma

    def mutated(self, layer, error):
        if broken == "missing_1_over_k" and layer.kind == "classifier":
            error = error * self.steps
        if broken == "detached_reset":
            layer = replace(layer, lif=replace(layer.lif, theta=1e-12))
        if broken == "pool_terms" and layer.kind == "pool":
            return self.masks[layer.index] * error / layer.lif.a
        result = gamma(self, layer, error)
        return result * layer.lif.a if broken == "height_1" else result

    monkeypatch.setattr(recursion._BlockRun, "_gamma", mutated)
    worst, _ = largest_difference(DEEP, 3, 8, 17)
    assert worst > 1e-6
