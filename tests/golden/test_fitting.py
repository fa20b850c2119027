"""The smallest core that holds a network, and the longest interval that fits."""

from dataclasses import replace

import pytest

from golden.core_config import CoreConfig
from golden.fitting import LONGEST, longest_interval, program_length, smallest
from golden.formats import Formats
from golden.layout import place
from golden.network import Conv, Dense, Network, lenet1_events

DEPTHS = [
    "weight_rows", "neuron_words", "error_words", "spike_words", "mask_words", "frame_words",
    "layers",
]  # fmt: skip


@pytest.mark.parametrize("lanes", [4, 8, 16, 32, 64])
@pytest.mark.parametrize("encoding", ["events", "direct"])
def test_smallest_core_holds_the_network_and_no_smaller_one_does(lanes, encoding):
    network = replace(lenet1_events(), encoding=encoding)
    wide = CoreConfig(lanes=lanes, pack_max=min(2, lanes.bit_length() - 2))
    config = smallest(network, wide, 10)
    layout = place(network, config, 10)
    layout.check()
    assert config.instructions == program_length(network)
    assert (config.lanes, config.pack_max, config.formats) == (lanes, wide.pack_max, wide.formats)
    for name in DEPTHS + ["drive_words"] * (encoding == "direct"):
        less = replace(config, **{name: getattr(config, name) - 1})
        excess = place(network, less, 10).excess()
        assert [line.split(":")[0] for line in excess] == [name]


def test_bounds_of_a_core_hold_for_tiny_networks():
    network = Network((2, 2, 1), (Dense(2),), 2)
    config = smallest(network, CoreConfig(), 1)
    assert config.neuron_words == CoreConfig.BOUNDS["neuron_words"][0]
    place(network, config, 1).check()


def test_formats_that_are_too_narrow_get_wider():
    narrow = CoreConfig(formats=Formats(carry=14, state=15, count=3))
    config = smallest(lenet1_events(), narrow, 10)
    assert config.formats.count == 4
    assert config.formats.state > 15
    place(lenet1_events(), config, 10).check()


def test_a_network_beyond_every_core_is_named():
    network = Network((64, 64, 16), (Conv(64, 3), Dense(2048)), 4)
    with pytest.raises(ValueError, match="weight_rows must be between 16 and 65536, not "):
        smallest(network, CoreConfig(), 1)


@pytest.mark.parametrize("most", [0, 1, 2, 100, 254, 255, 300])
def test_longest_interval(most):
    asked = []

    def fits(interval):
        asked.append(interval)
        return interval <= most

    assert longest_interval(fits) == min(most, LONGEST)
    assert len(asked) <= 8
