"""First weights from a file."""

import dataclasses

import numpy as np
import pytest

from golden.formats import Formats
from golden.network import Conv, Dense, Network
from golden.neuron import Lif
from golden.settings import Settings
from host import checkpoint, first_weights
from host.checkpoint import Checkpoint

NETWORK = Network((6, 6, 1), (Conv(2, 3), Dense(4)), 3, 1)


@pytest.fixture
def saved(tmp_path):
    generator = np.random.default_rng(0)
    codes = [generator.integers(-99, 99, layer.weight_shape) for layer in NETWORK.weighted]
    state = Checkpoint(NETWORK, Formats(), Settings(), codes, codes)
    checkpoint.save(tmp_path / "weights.npz", state)
    return tmp_path / "weights.npz", codes


def test_weights_of_the_same_network(saved):
    path, codes = saved
    for name in (path, path.parent):
        for one, other in zip(first_weights.read(name, NETWORK, Formats()), codes, strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        (
            {"block_length": 2},
            r"layers conv1, fc2, classifier2: beyond them it has classifier1 \(another --network",
        ),
        (
            {"layers": (Conv(2, 3), Dense(4), Dense(4))},
            "it lacks fc3, classifier3",
        ),
        ({"layers": (Dense(4), Dense(4))}, "it lacks fc1; beyond them it has conv1"),
        ({"layers": (Conv(3, 3), Dense(4))}, r"conv1 must have shape \(9, 3\), not \(9, 2\)"),
        (
            {"layers": (Conv(2, 3, padding=1), Dense(4))},
            r"out_shape of conv1 must be \(6, 6, 2\), not \(4, 4, 2\)",
        ),
        (
            {"input_shape": (9, 9, 1), "layers": (Conv(2, 3, stride=2), Dense(4))},
            r"in_shape of conv1 must be \(9, 9, 1\), not \(6, 6, 1\)",
        ),
        (
            {"lif": Lif(tau=0.5)},
            "is for neurons Lif.tau=0.8.* not Lif.tau=0.5.*set lif in the network's JSON file",
        ),
    ],
)
def test_weights_of_another_network(saved, changes, text):
    with pytest.raises(ValueError, match=text):
        first_weights.read(saved[0], dataclasses.replace(NETWORK, **changes), Formats())


def test_codes_of_another_format(saved):
    formats = Formats(weight=18, weight_fraction=16)
    with pytest.raises(ValueError, match=r"has codes s16.14, the board s18.16"):
        first_weights.read(saved[0], NETWORK, formats)


def test_a_missing_file(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        first_weights.read(tmp_path, NETWORK, Formats())
