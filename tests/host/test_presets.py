"""Presets: every data set has one, and it fits the default board."""

from dataclasses import replace

import pytest

from golden.core_config import CoreConfig
from golden.layout import place
from golden.network import AvgPool, Conv, Dense, Network, lenet1_events
from host import compiler, presets
from host.bench import lenet1
from host.datasets import SOURCES

CLASSES = {
    "digits": 10, "gestures": 8, "nmnist": 10, "dvsgesture": 11, "mnist": 10, "emnist": 47,
    "cifar10dvs": 10,
}  # fmt: skip

LARGER = {"cifar10": (32, 3, 10, 32), "ncaltech101": (32, 2, 101, 32),
          "tinyesimagenet": (32, 2, 200, 64)}  # fmt: skip
"""Data sets without a preset: edge and channels of a frame, classes, and lanes that will do."""


def preset_network(name):
    size, encoding = SOURCES[name].size, SOURCES[name].encoding
    shape = (size, size, 1 if encoding == "direct" else 2)
    return presets.network(presets.PRESETS[name].network, shape, CLASSES[name], encoding)


def test_a_network_takes_the_encoding_of_its_data_set(tmp_path):
    assert preset_network("mnist").encoding == "direct"
    assert preset_network("mnist").input_shape == (28, 28, 1)
    assert preset_network("nmnist").encoding == "events"
    path = tmp_path / "my.json"
    path.write_text('{"layers": [{"kind": "dense", "neurons": 8}]}')
    assert presets.network(str(path), (4, 4, 1), 3, "direct").encoding == "direct"
    path.write_text('{"layers": [{"kind": "dense", "neurons": 8}], "encoding": "events"}')
    message = (
        "my.json: encoding must be the data set's direct, not events "
        r"\(leave it out to take the data set's\)"
    )
    with pytest.raises(ValueError, match=message):
        presets.network(str(path), (4, 4, 1), 3, "direct")


def test_every_data_set_has_a_preset_but_those_too_large():
    assert set(presets.PRESETS) == set(CLASSES)
    assert set(SOURCES) == set(CLASSES) | set(LARGER)


@pytest.mark.parametrize("name", LARGER)
def test_a_data_set_without_a_preset_fits_more_lanes_only(name):
    size, channels, classes, lanes = LARGER[name]
    encoding, k = SOURCES[name].encoding, min(10, SOURCES[name].steps)
    least = Network((size, size, channels), (Dense(1),), classes, encoding=encoding)
    with pytest.raises(ValueError, match=r"(frame_words|class_groups): needs"):
        place(least, CoreConfig(), k).check()
    network = presets.network("strided", (size, size, channels), classes, encoding)
    place(network, presets.core_config(lanes), k).check()
    settings = replace(
        presets.preset(name).settings, interval=k, layer_shifts=presets.layer_shifts(network)
    )
    settings.check(network, CoreConfig().formats)
    settings.loss_scale(k, classes)


@pytest.mark.parametrize("name", CLASSES)
def test_a_preset_fits_the_default_board(name):
    settings = presets.PRESETS[name].settings
    layout = place(preset_network(name), CoreConfig(), settings.interval)
    layout.check()
    assert compiler.layer_table(layout, settings)
    assert compiler.program(layout, settings)


@pytest.mark.parametrize("name", CLASSES)
def test_a_preset_can_halve_its_rate_to_the_end(name):
    preset = presets.PRESETS[name]
    halvings = (preset.epochs - 1) // preset.halve_every
    for layer in preset_network(name).weighted:
        preset.settings.update_shift(layer, CoreConfig().formats, halvings)


def test_n_mnist_is_trained_as_in_the_bench():
    network = lenet1_events()
    assert presets.PRESETS["nmnist"].settings == lenet1.settings(network)
    assert preset_network("nmnist") == network


def test_shifts_of_other_networks_are_near_those_found_by_search():
    found = presets.PRESETS["nmnist"].settings.layer_shifts
    made = presets.layer_shifts(lenet1_events())
    assert max(abs(a - b) for a, b in zip(found, made, strict=True)) <= 1


@pytest.mark.parametrize(
    ("steps", "k", "expected"),
    [(20, 10, 16), (20, 20, 16), (20, 5, 15), (20, 2, 14), (20, 1, 14), (11, 10, 14)],
)
def test_shorter_intervals_have_larger_errors(steps, k, expected):
    settings = presets.PRESETS["digits"].settings
    assert presets.error_fraction(settings, steps, k) == expected
    replace(settings, error_fraction=expected, interval=k).loss_scale(k, 10)


@pytest.mark.parametrize("lanes", [4, 8, 16, 32, 64])
def test_every_number_of_lanes_holds_the_small_network(lanes):
    config = presets.core_config(lanes)
    assert config.lanes == lanes
    place(preset_network("digits"), config, 10).check()


def test_networks_are_described_in_a_line():
    network = Network((9, 9, 2), (Conv(4, 3, padding=1, stride=2), AvgPool(2), Dense(7)), 3)
    assert presets.describe(network) == "9×9×2 – 4C3 pad 1 stride 2 – AP2 – 7 – 3 classes"


@pytest.mark.parametrize(("k", "more"), [(30, 0), (10, 0), (7, 1), (5, 1), (2, 2), (1, 3)])
def test_rate_goes_as_k_below_the_presets(k, more):
    settings = presets.PRESETS["nmnist"].settings
    assert presets.rate_shift(settings, k) == settings.rate_shift + more
