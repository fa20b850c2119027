"""Batch normalisation and residuals in the description, which only the float reference runs."""

import json

import numpy as np
import pytest

from golden.core_config import CoreConfig
from golden.initialise import initialise
from golden.layout import place
from golden.network import AvgPool, Conv, Dense, Network, Residual, require_integer_model
from golden.paper_networks import LAYERS, paper_network
from golden.reference.recursion import FloatModel
from golden.settings import Settings
from golden.trainer import GoldenModel

NORMED = Network((8, 8, 2), (Conv(4, 3), Dense(6, batch_norm=True)), 3, name="normed")
SUMMED = Network((8, 8, 2), (Conv(4, 3), Residual(4), Residual(6, 2), AvgPool(2)), 3, name="sum")


def shape(network):
    return [
        (layer.name, layer.kind, layer.source, layer.addend, layer.hash_id, layer.out_shape)
        for layer in network.resolved
    ]


def test_a_residual_resolves_into_two_convolutions_and_a_sum():
    assert shape(SUMMED) == [
        ("conv1", "conv", -1, -1, 0, (6, 6, 4)),
        ("classifier1", "classifier", 0, -1, 1, (1, 1, 3)),
        ("conv2", "conv", 0, -1, 2, (6, 6, 4)),
        ("conv3", "conv", 2, -1, 3, (6, 6, 4)),
        ("add3", "add", 3, 0, -1, (6, 6, 4)),
        ("classifier3", "classifier", 4, -1, 4, (1, 1, 3)),
        ("conv4", "conv", 4, -1, 5, (3, 3, 6)),
        ("conv5", "conv", 6, -1, 6, (3, 3, 6)),
        ("shortcut5", "conv", 4, -1, 7, (3, 3, 6)),
        ("add5", "add", 7, 8, -1, (3, 3, 6)),
        ("pool5", "pool", 9, -1, -1, (1, 1, 6)),
        ("classifier5", "classifier", 10, -1, 8, (1, 1, 3)),
    ]
    normed = {layer.name for layer in SUMMED.resolved if layer.batch_norm}
    assert normed == {"conv2", "conv3", "conv4", "conv5", "shortcut5"}


@pytest.mark.parametrize(
    ("length", "wanted"), [(1, 3), (2, 2), (3, 2), (5, 1), ((3, 2), 2), ((1, 4), 2)]
)
def test_blocks_never_cut_a_residual(length, wanted):
    network = Network(SUMMED.input_shape, SUMMED.layers, 3, length)
    assert len(network.blocks) == wanted
    for block in network.blocks:
        inside = {layer.index for layer in block.all_layers} | {block.layers[0].source}
        for layer in block.all_layers:
            assert layer.source in inside
            assert layer.kind != "add" or layer.addend in inside


@pytest.mark.parametrize(
    ("layers", "length", "message"),
    [
        (SUMMED.layers, (2, 3), r"block_length \(2, 3\) cuts a Residual, .* block 1 a layer"),
        ((Residual(4),), 1, r"layers\[0\] is a Residual and must follow a Conv"),
        ((Conv(4, 3), Dense(4), Residual(4)), 1, r"layers\[2\] is a Residual and must not follow"),
    ],
)
def test_wrong_networks(layers, length, message):
    with pytest.raises(ValueError, match=message):
        Network((8, 8, 2), layers, 3, length)


def test_wrong_residuals():
    with pytest.raises(ValueError, match="stride of a residual must be 1 or 2, not 4"):
        Residual(4, 4)
    with pytest.raises(ValueError, match="channels must be between 1 and 4096, not 0"):
        Residual(0)


@pytest.mark.parametrize("network", [NORMED, SUMMED])
def test_a_description_survives_json(network):
    again = Network.from_dict(json.loads(json.dumps(network.to_dict())))
    assert again == network
    assert shape(again) == shape(network)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (NORMED, "fc2 of network 'normed' has batch normalisation, which only the float reference"),
        (SUMMED, "conv2 of network 'sum' has batch normalisation"),
    ],
)
def test_integer_model_and_layout_refuse_by_name(network, message):
    settings = Settings(interval=2)
    weights = [np.zeros(layer.weight_shape) for layer in network.weighted]
    for refuse in (
        lambda: require_integer_model(network),
        lambda: GoldenModel(network, settings=settings),
        lambda: FloatModel(network, settings, weights),
        lambda: place(network, CoreConfig(), 2),
        lambda: initialise(network, [np.ones((3, 8, 8, 2), np.uint8)]),
    ):
        with pytest.raises(ValueError, match=message):
            refuse()


@pytest.mark.parametrize(
    ("name", "hidden", "weights"),
    [
        ("lenet1", 4, 60_630), ("lenet2", 4, 1_944_704), ("alexnet", 8, 42_396_192),
        ("vgg11", 10, 34_382_976), ("sew_resnet18", 17, 11_163_776),
    ],
)  # fmt: skip
def test_sizes_of_the_papers_networks(name, hidden, weights):
    """LeNet-1's and AlexNet's from paper.md's fit; the others by the usual formulas."""
    network = paper_network(name)
    layers = [layer for block in network.blocks for layer in block.layers]
    assert sum(spec.hidden for spec in network.layers) == hidden
    assert sum(layer.rows * layer.out_shape[2] for layer in layers if layer.has_weights) == weights


def test_an_unknown_paper_network_is_named():
    with pytest.raises(ValueError, match=r"network must be one of lenet1, .*, not 'lenet3'"):
        paper_network("lenet3")
    assert len(LAYERS) == 5
