"""The core against the golden model on small networks, through the core's own ports."""

import numpy as np
import pytest

from golden.core_config import CoreConfig
from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network
from golden.random_weights import pattern
from golden.settings import Settings, intervals
from golden.trainer import GoldenModel
from host.protocol.packets import Space
from tests.hw.core_bench import CoreBench

SMALL = {
    "weight_rows": 512,
    "neuron_words": 128,
    "error_words": 128,
    "spike_words": 512,
    "mask_words": 512,
    "frame_words": 256,
    "class_groups": 5,
    "map_bits": 4,
    "group_bits": 4,
}

NETWORKS = {
    "dense": Network((1, 1, 5), (Dense(6),), 3),
    "two-dense": Network((2, 2, 3), (Dense(9), Dense(5)), 5),
    "conv-pool": Network((7, 6, 1), (Conv(2, 3, padding=1), AvgPool(2)), 3),
    "conv-pool-dense": Network((6, 6, 2), (Conv(3, 3), AvgPool(2), Dense(10)), 4),
    "stride": Network((7, 7, 1), (Conv(6, 3, padding=1, stride=2), Conv(5, 2)), 3),
    "random": Network((6, 6, 2), (Conv(3, 3), AvgPool(2), Dense(10)), 19, classifier="random"),
    "block2": Network((6, 6, 2), (Conv(3, 3, 1), AvgPool(2), Conv(5, 3, 1), Dense(7)), 4, 2),
}


def random_weights(network: Network, seed: int):
    rng = np.random.default_rng(seed)
    return [
        pattern(seed, layer) * 900
        if layer.random
        else Formats().weight_format.quantize(
            rng.normal(0.02, 1.2 / np.sqrt(min(layer.rows, 30)), layer.weight_shape)
        )
        for layer in network.weighted
    ]


# Many more networks run on the Verilated board, see tests/cosim/test_random_networks.py.
@pytest.mark.parametrize(
    ("name", "lanes"),
    [
        ("dense", 8),
        ("two-dense", 4),
        ("conv-pool", 8),
        ("conv-pool-dense", 4),
        ("stride", 4),
        ("block2", 8),
        ("random", 4),
        ("random", 16),
    ],
)
def test_core_equals_golden(name, lanes):
    network, seed = NETWORKS[name], 5
    config = CoreConfig(lanes=lanes, pack_max=1 if lanes == 4 else 2, **SMALL)
    settings = Settings(interval=3, rate_shift=1, error_fraction=12, seed=seed)
    rng = np.random.default_rng(seed)
    frames = (rng.random((5, *network.input_shape)) < 0.35).astype(np.uint8)
    weights = random_weights(network, seed)
    golden = GoldenModel(network, config.formats, settings, weights, strict=False)
    bench = CoreBench(network, config, settings)

    async def body(bench):
        await bench.load(weights)
        run = 0
        for label in (1, 0):
            for first, length in intervals(len(frames), settings.interval):
                part = frames[first : first + length]
                expected = golden.run_interval(part, label, start=first == 0, learn=True)
                counts, _ = await bench.run_interval(
                    run, part, label, start=first == 0, learn=True, trained_intervals=run
                )
                where = f"{name} P={lanes} run {run}"
                assert counts == list(expected), where
                for layer, got, carry in zip(
                    network.resolved, await bench.read_state(), golden.carry, strict=True
                ):
                    np.testing.assert_array_equal(got, carry, f"{where} carry {layer.name}")
                for layer, got, v in zip(
                    [layer for layer in network.weighted if layer.trainable],
                    await bench.read_weights(Space.MOMENTUM),
                    [golden.momentum[x.hash_id] for x in network.weighted if x.trainable],
                    strict=True,
                ):
                    np.testing.assert_array_equal(got, v, f"{where} V {layer.name}")
                for layer, got, w in zip(
                    [layer for layer in network.weighted if layer.trainable],
                    await bench.read_weights(Space.WEIGHTS),
                    [golden.weights[x.hash_id] for x in network.weighted if x.trainable],
                    strict=True,
                ):
                    np.testing.assert_array_equal(got, w, f"{where} W {layer.name}")
                run += 1

    bench.run(body)
