"""What quantisation loses, in numbers and in spikes."""

import math

import numpy as np
import pytest

from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from host.exchange.losses import difference, losses, table

FORMATS = Formats()
STEP = FORMATS.weight_format.lsb
LARGEST = FORMATS.weight_format.maximum * STEP


def network(*layers, shape=(1, 1, 4)):
    return Network(shape, layers or (Dense(3),), 2, name="tiny")


def weights(net, value=0.0):
    return [np.full(layer.weight_shape, value) for layer in net.weighted]


def codes(real):
    return [FORMATS.weight_format.quantize(weight) for weight in real]


def test_numbers_of_a_layer():
    net = network()
    real = weights(net, STEP)
    real[0].flat[:4] = [0.25 * STEP, -1.25 * STEP, 3.0, -LARGEST]
    first, second = losses(net, FORMATS, real, codes(real))
    assert (first.name, first.weights, first.saturated, first.largest) == ("fc1", 12, 1, 3.0)
    over = (3.0 - LARGEST) / STEP
    assert first.max_error == over
    assert first.rms_error == pytest.approx(math.sqrt((0.25**2 + 0.25**2 + over**2) / 12))
    power = np.mean((real[0] / STEP) ** 2)
    assert first.noise_ratio == pytest.approx(10 * math.log10(power / first.rms_error**2))
    assert first.zeros == 1 / 12
    assert (second.saturated, second.max_error, second.noise_ratio) == (0, 0, math.inf)


def test_half_a_step_beyond_the_largest_code_is_rounding():
    net = network()
    real = weights(net, LARGEST + 0.49 * STEP)
    assert [loss.saturated for loss in losses(net, FORMATS, real, codes(real))] == [0, 0]


def lines(net, value):
    real = weights(net, value)
    return table(losses(net, FORMATS, real, codes(real)), net, FORMATS)


def test_a_table():
    text = lines(network(), 0.0)
    assert text[0] == "weights in s16.14, steps of 2^-14, largest 1.9999:"
    assert text[2].split() == ["fc1", "12", "0", "0", "0", "0", "exact", "100.0%"]
    assert len(text) == 4


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "weights would fit with --threshold 0.199"),
        (0.2001, "weights still fit with --threshold 2.98"),
    ],
)
def test_a_better_threshold_holds_the_weights(value, text):
    *_, last = lines(network(), value)
    assert last == text
    factor = float(last.split()[-1]) / network().lif.u_th
    assert value * factor < LARGEST


def test_no_threshold_is_better():
    assert len(lines(network(), 1.5001)) == 4
    pools = network(Conv(2, 1), AvgPool(2), shape=(2, 2, 1))
    assert len(lines(pools, 0.2001)) == 4
    assert lines(pools, 3.0)[-1].startswith("weights saturate and pools fix the threshold")


def recordings(count=3, steps=12):
    generator = np.random.default_rng(1)
    return [(generator.random((steps, 1, 1, 4)) < 0.5).astype(np.uint8) for _ in range(count)]


def test_spikes_are_compared_step_by_step():
    net = network()
    generator = np.random.default_rng(0)
    real = [generator.normal(0.3, 0.3, layer.weight_shape) for layer in net.weighted]
    same = difference(net, FORMATS, Settings(), real, codes(real), recordings())
    assert (same.recordings, same.same_class) == (3, 3)
    silent = [0 * code for code in codes(real)]
    none = difference(net, FORMATS, Settings(), real, silent, recordings())
    for spikes, differ in none.layers.values():
        assert 0 < spikes == differ
    assert same.layers["fc1"][0] == none.layers["fc1"][0]
    assert same.layers["fc1"][1] <= 3
    assert "fc1" in none.table()[2]
    assert "100.00%" in none.table()[2]
    assert none.table()[-1] == f"the same class: {none.same_class} of 3"


def test_long_recordings_are_run_in_parts_without_a_seam():
    net = network()
    real = weights(net, 0.07)
    formats = Formats(count=4)
    long = recordings(1, 40)
    parts = difference(net, formats, Settings(), real, codes(real), long)
    assert parts == difference(net, FORMATS, Settings(), real, codes(real), long)
    assert parts.layers["fc1"][0] > 0


def test_a_layer_without_spikes_has_no_share():
    net = network()
    text = difference(net, FORMATS, Settings(), weights(net), codes(weights(net)), recordings())
    assert text.table()[2].split() == ["fc1", "0", "0", "-"]
