"""A small virtual board, and a network and recordings that fit it."""

from functools import cache

import numpy as np

from golden.core_config import CoreConfig
from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from host.driver import GoldenBoard, LinkBoard
from host.transport.sim import SimTransport, build_library

CONFIG = CoreConfig(
    lanes=8, pack_max=1, weight_rows=512, neuron_words=256, error_words=256, spike_words=512,
    mask_words=1024, frame_words=512, class_groups=2, layers=16, instructions=64, map_bits=4,
    group_bits=3, packet_bytes=512, formats=Formats(),
)  # fmt: skip

NETWORK = Network((6, 7, 2), (Conv(3, 3, 1), AvgPool(2), Dense(18)), 3, name="small")
SETTINGS = Settings(
    interval=3, error_fraction=15, rate_shift=-1, layer_shifts=(1, 0, 0, 1), momentum_shift=2,
    seed=99,
)  # fmt: skip


class Recording:
    def __init__(self, frames, label):
        self.frames = frames
        self.label = label


@cache
def library():
    """The virtual board's library; built once per source tree."""
    return build_library(CONFIG, verbose=False)


def sim(**options):
    """A freshly reset virtual board."""
    return LinkBoard(SimTransport(library(), **options), CONFIG)


def golden():
    return GoldenBoard(CONFIG)


def weights(network=NETWORK, seed=1):
    rng = np.random.default_rng(seed)
    return [
        np.clip(rng.normal(0, 2**15 / layer.rows**0.5, layer.weight_shape), -32767, 32767).astype(
            np.int64
        )
        for layer in network.weighted
    ]


def recordings(count, steps=7, seed=2, density=0.3, network=NETWORK):
    rng = np.random.default_rng(seed)
    shape = (steps, *network.input_shape)
    return [
        Recording((rng.random(shape) < density).astype(np.uint8), i % network.classes)
        for i in range(count)
    ]


def contents(board):
    """Everything a board learned."""
    return {
        "weights": board.read_weights(),
        "momentum": board.read_momentum(),
        "state": board.read_state(),
    }


def assert_same(one, two):
    for kind, arrays in one.items():
        for number, (a, b) in enumerate(zip(arrays, two[kind], strict=True)):
            wrong = np.argwhere(a != b)
            assert not len(wrong), (
                f"{kind}[{number}] differs in {len(wrong)} places, first at {wrong[0]}: "
                f"{a[tuple(wrong[0])]} and {b[tuple(wrong[0])]}"
            )
