"""snnTorch as the oracle: the same spikes, step by step and layer by layer."""

import dataclasses

import numpy as np
import pytest

from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network
from golden.neuron import Lif
from golden.settings import Settings
from golden.trace import Trace
from golden.trainer import GoldenModel
from host.checkpoint import Checkpoint
from host.exchange import files
from host.exchange.exporter import to_nir_graph
from host.exchange.importer import Wishes, from_nir
from host.exchange.neurons import Steps

REASON = "needs the extras exchange and reference"
nir = pytest.importorskip("nir", reason=REASON)
torch = pytest.importorskip("torch", reason=REASON)
snntorch = pytest.importorskip("snntorch", reason=REASON)
export_to_nir = pytest.importorskip("snntorch.export_nir", reason=REASON).export_to_nir
import_from_nir = pytest.importorskip("snntorch.import_nir", reason=REASON).import_from_nir
oracle = pytest.importorskip("tests.host.exchange.oracle", reason=REASON)
conv, dense, leaky = oracle.conv, oracle.dense, oracle.leaky
our_spikes, torch_spikes, recording = oracle.our_spikes, oracle.torch_spikes, oracle.recording

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

SHAPE, STEPS = (9, 8, 2), 30

FINE = Formats(weight=24, weight_fraction=22, forward_shift=0, carry=24, state=40)
"""Half a code of u, by which `strict` may raise a threshold, is 2**-23 here: none of these sums
falls in between."""


def pools_with_neurons(**options):
    return torch.nn.Sequential(
        conv(2, 6, 3, 2.0, padding=1), leaky(6, 9, 8, threshold=0.5, **options),
        torch.nn.AvgPool2d(2), leaky(6, 4, 4, threshold=0.25, **options),
        conv(6, 8, 3, 2.0, stride=2, padding=1), leaky(8, 2, 2, threshold=1.0, **options),
        torch.nn.Flatten(),
        dense(32, 20, 3.0), leaky(20, threshold=0.75, **options),
        dense(20, 5, 3.0), leaky(5, threshold=0.4, **options),
    )  # fmt: skip


def pools_before_neurons(**options):
    return torch.nn.Sequential(
        conv(2, 6, 3, 4.0, padding=1), torch.nn.AvgPool2d(2),
        leaky(6, 4, 4, threshold=0.5, **options),
        conv(6, 8, 3, 4.0, stride=2, padding=1), torch.nn.AvgPool2d(2),
        leaky(8, 1, 1, threshold=0.5, **options),
        torch.nn.Flatten(), dense(8, 5, 3.0), leaky(5, threshold=0.5, **options),
    )  # fmt: skip


def through_a_file(module, path, reset="soft", formats=FINE):
    graph = export_to_nir(module, torch.rand(1, SHAPE[2], *SHAPE[:2]), ignore_dims=[0])
    files.write(path, graph)
    return from_nir(files.read(path), Wishes(Steps(reset=reset), formats=formats))


def assert_same(ours, theirs):
    assert len(ours) == len(theirs)
    for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert one.mean() > 0.01, f"layer {number} hardly fires"
        np.testing.assert_array_equal(one, other, err_msg=f"layer {number}")


@pytest.mark.parametrize("network", [pools_with_neurons, pools_before_neurons])
@pytest.mark.parametrize("seed", range(3))
def test_an_imported_network_spikes_as_in_snntorch(network, seed, tmp_path):
    torch.manual_seed(seed)
    module = network()
    made = through_a_file(module, tmp_path / "model.nir")
    frames = recording(SHAPE, STEPS, seed)
    assert_same(our_spikes(made.network, made.weights, frames), torch_spikes(module, frames))


@pytest.mark.parametrize("seed", [4, 8])
def test_reset_with_the_spike_is_soft_before_leak(seed, tmp_path):
    """Where no potential exceeds twice the threshold: there snnTorch resets once more."""
    torch.manual_seed(seed)
    module = pools_before_neurons(reset_delay=False)
    with torch.no_grad():
        for weight in module.parameters():
            weight *= 0.35
    again = []
    for part in module:
        if isinstance(part, snntorch.Leaky):
            part.register_forward_hook(lambda one, _in, _out: again.append(bool(one.reset.any())))
    made = through_a_file(module, tmp_path / "model.nir", "soft-before-leak")
    frames = recording(SHAPE, STEPS, seed)
    theirs = torch_spikes(module, frames)
    assert not any(again)
    assert_same(our_spikes(made.network, made.weights, frames), theirs)


def test_the_resets_are_told_apart(tmp_path):
    torch.manual_seed(0)
    module = pools_with_neurons(reset_delay=False)
    made = through_a_file(module, tmp_path / "model.nir", "soft")
    frames = recording(SHAPE, STEPS, 0)
    with pytest.raises(AssertionError, match="layer 0"):
        assert_same(our_spikes(made.network, made.weights, frames), torch_spikes(module, frames))


def test_a_sum_that_is_the_threshold_does_not_fire(tmp_path):
    """Fire above, not from: two of four spikes make a pool's mean exactly 0.5."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(
        conv(1, 1, 1), leaky(1, 2, 2, threshold=0.5), torch.nn.AvgPool2d(2),
        leaky(1, 1, 1, threshold=0.5), torch.nn.Flatten(), dense(1, 2), leaky(2, threshold=0.5),
    )  # fmt: skip
    with torch.no_grad():
        module[0].weight[...] = 1.0
    graph = export_to_nir(module, torch.rand(1, 1, 2, 2), ignore_dims=[0])
    made = from_nir(graph, Wishes(Steps(reset="soft")))
    frames = np.zeros((2, 2, 2, 1), np.uint8)
    frames[0, 0] = 1
    frames[1] = 1
    ours, theirs = our_spikes(made.network, made.weights, frames), torch_spikes(module, frames)
    assert ours[1].ravel().tolist() == theirs[1].ravel().tolist() == [0, 1]
    u_th = made.network.lif.codes(made.formats).u_th
    assert u_th == 0.5 * 2**made.formats.state_fraction + 1


def test_the_golden_model_spikes_nearly_as_snntorch():
    """With a leak that is a multiple of 1/256 only roundings are left: few spikes differ."""
    torch.manual_seed(3)
    module = torch.nn.Sequential(
        conv(2, 6, 3, 4.0, padding=1), leaky(6, 9, 8, threshold=1.0, beta=230 / 256),
        conv(6, 8, 3, 4.0, stride=2, padding=1), leaky(8, 5, 4, threshold=1.0, beta=230 / 256),
        torch.nn.Flatten(), dense(160, 5, 4.0), leaky(5, threshold=1.0, beta=230 / 256),
    )  # fmt: skip
    graph = export_to_nir(module, torch.rand(1, SHAPE[2], *SHAPE[:2]), ignore_dims=[0])
    made = from_nir(graph, Wishes(Steps(reset="soft")))
    frames, trace = recording(SHAPE, STEPS, 3), Trace()
    model = GoldenModel(made.network, made.formats, made.settings, made.codes)
    model.run_interval(frames, 0, start=True, learn=False, trace=trace)
    theirs = torch_spikes(module, frames)
    ours = [trace[0, layer.name, "s"] for layer in made.network.resolved]
    differ = [np.count_nonzero(a != b) for a, b in zip(ours, theirs, strict=True)]
    assert all(spikes.mean() > 0.01 for spikes in theirs)
    assert sum(differ) <= 0.02 * sum(int(spikes.sum()) for spikes in theirs)


def test_dense_input_of_one_axis(tmp_path):
    torch.manual_seed(1)
    module = torch.nn.Sequential(
        torch.nn.Flatten(), dense(144, 30, 6.0), leaky(30, threshold=1.0),
        dense(30, 4, 6.0), leaky(4, threshold=1.0),
    )  # fmt: skip
    graph = export_to_nir(module[1:], torch.rand(1, 144), ignore_dims=[0])
    made = from_nir(graph, Wishes(Steps(reset="soft"), input_shape=SHAPE))
    frames = recording(SHAPE, STEPS, 5)
    assert_same(our_spikes(made.network, made.weights, frames), torch_spikes(module, frames))


@pytest.mark.parametrize("tau", [230 / 256, 180 / 256])
@pytest.mark.parametrize("seed", range(2))
def test_an_exported_network_spikes_in_snntorch_as_here(tau, seed, tmp_path):
    lif = Lif(tau=tau, theta=0.25, u_th=0.25, a=0.5)
    layers = (Conv(6, 3, padding=1), AvgPool(2), Conv(8, 3, stride=2, padding=1), Dense(20))
    network = Network(SHAPE, layers, 5, 1, lif)
    formats, generator = Formats(), np.random.default_rng(seed)
    codes = [
        formats.weight_format.quantize(generator.normal(0, layer.rows**-0.5, layer.weight_shape))
        for layer in network.weighted
    ]
    path = tmp_path / "model.nir"
    files.write(path, to_nir_graph(Checkpoint(network, formats, Settings(), codes, codes)))
    module = import_from_nir(nir.read(path))
    for part in module.modules():
        if isinstance(part, snntorch.Leaky):
            part.reset_mechanism, part.state_function = "subtract", part._base_sub
            part.reset_delay = True
    frames = recording(SHAPE, STEPS, seed)
    real = [formats.weight_format.dequantize(code) for code in codes]
    theirs = torch_spikes(module, frames, batch=False)
    assert_same(our_spikes(network, real, frames), theirs)


def test_the_leak_of_an_exported_network_is_the_hardware_s(tmp_path):
    network = Network(SHAPE, (Dense(4),), 2)
    codes = [np.ones(layer.weight_shape, np.int64) for layer in network.weighted]
    graph = to_nir_graph(Checkpoint(network, Formats(), Settings(), codes, codes))
    leak = 1 - 1e-4 / graph.nodes["fc1_lif"].tau
    np.testing.assert_allclose(leak, 205 / 256, rtol=1e-6)
    assert dataclasses.replace(network.lif, tau=205 / 256).codes(Formats()) == network.lif.codes(
        Formats()
    )
