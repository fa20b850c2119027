"""A reset in the middle of an interval: what follows is what a fresh board does."""

import numpy as np
import pytest

from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from golden.trainer import GoldenModel
from tests.cosim.boards import open_board
from tests.golden import cases

NETWORK = Network((6, 6, 2), (Conv(4, 3), AvgPool(2), Dense(10)), 5)
STEPS = 4


@pytest.mark.parametrize("number", range(12))
def test_nothing_of_a_broken_interval_is_left(number):
    rng = np.random.default_rng(number)
    board = open_board("P4")
    settings = Settings(interval=STEPS, error_fraction=11, rate_shift=3, momentum_shift=2)
    weights = cases.random_weights(rng, NETWORK, board.config.formats)
    frames = cases.random_frames(rng, NETWORK, STEPS, 0.4)
    board.load(NETWORK, settings, weights)
    before = board.transport.cycles
    board.train_sample(frames, 1)
    whole = board.transport.cycles - before

    board._submit(frames, 1, start=True, learn=True, update=True)
    board.transport.run(int(rng.integers(whole // 2)))
    board.transport.reset()
    board.reconnect()
    board.load(NETWORK, settings, weights)
    board.clear_counters()
    model = GoldenModel(NETWORK, board.config.formats, settings, weights, strict=False)
    assert np.array_equal(board.train_sample(frames, 2), model.train_sample(frames, 2))
    for got, wanted in zip(board.read_weights(), model.weights, strict=True):
        assert np.array_equal(got, wanted)
    board.close()
