"""ClearPass writes zeros over its layer and nowhere else."""

import numpy as np
import pytest

from hw.clear import ClearPass
from tests.hw.pass_bench import Bench, Map, random_words, set_fields, small_config


@pytest.mark.parametrize("lanes", [4, 8, 16, 32])
@pytest.mark.parametrize(
    ("shape", "dense"), [((3, 5, 2), False), ((2, 3, 21), False), ((1, 1, 40), True)]
)
def test_zeroes_the_layer_alone(lanes, shape, dense):
    config = small_config(lanes)
    area = Map(shape, config, dense)
    bench = Bench(ClearPass(config), {"state": config.memory_shapes["state"]})
    rng = np.random.default_rng(lanes)
    before = random_words(rng, *config.memory_shapes["state"])

    async def process(ctx):
        for base in (0, 13, config.neuron_words - area.words):
            bench.fill(ctx, "state", before)
            set_fields(ctx, bench.unit.layer, area.row(state_base=base))
            cycles, issued, useful, _ = await bench.operation(ctx)
            assert cycles == area.words + 3
            assert (issued, useful) == (area.words, area.valid.sum())
            expected = [*before[:base], *[0] * area.words, *before[base + area.words :]]
            assert bench.dump(ctx, "state") == expected

    bench.simulate(process)
