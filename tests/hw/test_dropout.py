# amaranth: UnusedElaboratable=no
"""DropPass against golden.dropout, bit for bit."""

import numpy as np
import pytest

from golden.cycles import DROP, HANDOVER, hashes_per_word
from golden.dropout import KeepMasks
from golden.layout import place
from golden.network import Conv, Dense, Network
from golden.random_bits import round_keys
from golden.settings import Settings
from hw.dropout import DropPass
from tests.hw.pass_bench import Bench, random_words, set_fields, small_config, unpack_word

BASE = 5

CASES = [  # lanes, pack_max, network
    (4, 1, Network((5, 6, 1), (Conv(2, 2),), 2)),
    (4, 1, Network((3, 3, 1), (Conv(7, 1),), 2)),
    (8, 2, Network((4, 9, 1), (Conv(2, 1),), 2)),
    (8, 2, Network((4, 9, 1), (Conv(3, 1),), 2)),
    (16, 2, Network((6, 7, 1), (Conv(6, 1),), 2)),
    (16, 3, Network((3, 17, 1), (Conv(1, 1),), 2)),
    (16, 2, Network((2, 3, 1), (Conv(37, 1),), 2)),
    (32, 2, Network((1, 1, 4), (Dense(70),), 2)),
]


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.99])
@pytest.mark.parametrize(("lanes", "pack_max", "network"), CASES)
def test_keep_bits_are_goldens(lanes, pack_max, network, rate):
    config = small_config(lanes, pack_max, map_bits=5, group_bits=5, class_groups=1)
    settings = Settings(interval=1, seed=0xC0FFEE11, dropout=rate)
    placed = place(network, config, 1).layers[0]
    area = placed.map
    bench = Bench(DropPass(config), {"keep": config.memory_shapes["keep"]})
    rng = np.random.default_rng(lanes)

    async def process(ctx):
        unit = bench.unit
        values = {
            "height": area.shape[0], "width": area.shape[1], "channels": area.shape[2],
            "x_words": area.x_words, "groups": area.groups, "pack": area.pack,
            "error_base": BASE, "hash_id": placed.layer.hash_id, "drop": settings.dropout_code,
        }  # fmt: skip
        set_fields(ctx, unit.layer, values)
        for number in (0, 70_001):
            before = random_words(rng, *config.memory_shapes["keep"])
            bench.fill(ctx, "keep", before)
            for index, key in enumerate(round_keys(settings.seed, number)):
                ctx.set(unit.keys[index], key)
            cycles, issued, useful, _ = await bench.operation(ctx)
            assert cycles + HANDOVER == area.words * hashes_per_word(placed) + DROP
            assert (issued, useful) == (area.words, placed.layer.neurons)
            after = bench.dump(ctx, "keep")
            end = BASE + area.words
            assert after[:BASE] + after[end:] == before[:BASE] + before[end:]
            bits = np.array([unpack_word(row, lanes, 1, signed=False) for row in after[BASE:end]])
            wanted = KeepMasks(network, settings).draw(number)[0]
            assert np.array_equal(area.from_lanes(bits), wanted), number

    bench.simulate(process)


def test_rates_of_the_masks_are_those_asked_for():
    network = Network((20, 20, 1), (Conv(16, 3), Dense(500)), 2)
    for rate in (0.1, 0.5):
        settings = Settings(dropout=rate)
        masks = [KeepMasks(network, settings).draw(n) for n in range(20)]
        for index in masks[0]:
            drawn = np.stack([mask[index] for mask in masks])
            # 20 masks of at least 500 neurons: standard error below 0.005
            assert abs(1 - drawn.mean() - settings.dropout_code / 256) < 0.025
        flat = np.stack([mask[0].ravel() for mask in masks]).astype(float)
        assert abs(np.corrcoef(flat[0], flat[1])[0, 1]) < 0.1  # of one interval and the next
        assert abs(np.corrcoef(flat[:, :-1].ravel(), flat[:, 1:].ravel())[0, 1]) < 0.05
