"""The cost model against the board's profile: every instruction's cycles, operations and lanes."""

from collections import Counter

import numpy as np
import pytest

from golden.cycles import CycleCounters
from golden.layout import place
from golden.network import AvgPool, Conv, Dense, Network, lenet1_events
from golden.settings import Settings
from golden.trainer import GoldenModel
from host.bench import lenet1
from host.driver import open_board as open_default
from tests.cosim.boards import open_board
from tests.golden import cases

STEPS = 5
WALKS = ("FORWARD", "POOL", "GRADIENT", "BACKWARD")


def random_network(rng):
    """Return a network with strides, gaps between kernels, several groups and odd edges."""
    height, width = (int(side) for side in rng.integers(3, 10, 2))
    shape = (height, width, int(rng.choice([1, 2, 3, 5, 17])))
    layers = []
    for _ in range(int(rng.integers(0, 3))):
        kernel = int(rng.integers(1, min(5, height, width) + 1))
        padding, stride = int(rng.integers(0, kernel)), int(rng.choice([1, 1, 2, 4]))
        layers.append(Conv(int(rng.choice([1, 3, 4, 8, 20])), kernel, padding, stride))
        height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        if min(height, width) >= 2 and rng.random() < 0.6:
            window = int(rng.choice([2, 4])) if min(height, width) >= 4 else 2
            layers.append(AvgPool(window))
            height, width = height // window, width // window
    if not layers or rng.random() < 0.5:
        layers.append(Dense(int(rng.choice([5, 20, 100]))))
    hidden = sum(not isinstance(layer, AvgPool) for layer in layers)
    return Network(
        shape, tuple(layers), int(rng.choice([2, 10, 20])), int(rng.integers(1, hidden + 1)),
        encoding=str(rng.choice(["events", "events", "direct"])),
    )  # fmt: skip


def differences(board, counted):
    """Return what differs between a board's profile and golden's counts."""
    seen = {name: Counter() for name in ("cycles", "operations", "lanes")}
    for entry in board.profile():
        for name, sums in seen.items():
            sums[entry["layer"], entry["op"]] += entry[name]
    found = []
    for layer, op in seen["cycles"]:
        if layer is None:
            continue
        pairs = [("cycles", counted.cycles.get((layer, op), 0), seen["cycles"][layer, op])]
        if op in WALKS:
            key = (layer, op.lower())
            for name, ours in (("operations", counted.operations), ("lanes", counted.useful)):
                pairs.append((name, ours.get(key, 0), seen[name][layer, op]))
        found += [f"{op} {layer} {name}: {a}, board {b}" for name, a, b in pairs if a != b]
    return found


@pytest.mark.parametrize("config", ["P4", "P8", "P32"])
@pytest.mark.parametrize("first", [0, 20])
def test_cycles_of_random_networks_are_exact(config, first):
    board = open_board(config)
    checked = 0
    for seed in range(first, first + 20):
        rng = np.random.default_rng(seed)
        network, interval = random_network(rng), int(rng.integers(1, 5))
        if place(network, board.config, interval).excess():
            continue
        settings = Settings(
            interval=interval, error_fraction=11, rate_shift=3, momentum_shift=2, seed=seed,
            dropout=0.2 * (seed % 3 == 0), dropout_correction=seed % 2 == 0,
            loss=("mse", "cross-entropy")[seed % 5 == 0],
        )  # fmt: skip
        weights = cases.random_weights(rng, network, board.config.formats)
        counted = CycleCounters.of(board.load(network, settings, weights), settings)
        board.clear_counters()
        model = GoldenModel(network, board.config.formats, settings, weights, strict=False)
        frames = cases.random_frames(rng, network, STEPS, float(rng.choice([0.02, 0.1, 0.4])))
        assert np.array_equal(
            board.train_sample(frames, 1), model.train_sample(frames, 1, counters=counted)
        )
        for start in range(0, STEPS, interval):  # without learning
            part = frames[start : start + interval]
            board.run_interval(part, start=start == 0, learn=False)
            model.run_interval(part, 0, start=start == 0, learn=False, counters=counted)
        found = differences(board, counted)
        assert not found, f"seed {seed}, {config}, {network}: {found}"
        checked += 1
    board.close()
    assert checked > 10


@pytest.mark.slow
def test_cycles_of_lenet_on_real_recordings_are_exact(data_dir):
    data = lenet1.load(str(data_dir))
    network = lenet1_events()
    settings = lenet1.settings(network)
    _, codes = lenet1.first_weights(data, network, 1)
    board = open_default("sim")
    counted = CycleCounters.of(board.load(network, settings, codes), settings)
    board.clear_counters()
    model = GoldenModel(network, settings=settings, weights=codes)
    for index in lenet1.order(len(data.train), 1, 0)[:2]:
        sample = data.train[int(index)]
        board.train_sample(sample.frames, sample.label)
        model.train_sample(sample.frames, sample.label, counters=counted)
    found = differences(board, counted)
    board.close()
    assert not found
