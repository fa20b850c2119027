"""LeNet-1 on real recordings: the virtual board and golden end with the same bits."""

import numpy as np
import pytest

from golden.counters import SATURATIONS, Counters
from golden.network import lenet1_events
from golden.trainer import GoldenModel
from host.bench import lenet1
from host.driver import open_board
from tests.cosim.against_golden import (
    CONTENTS,
    assert_equal,
    assert_operations,
    layer_names,
    read,
)

pytestmark = pytest.mark.slow

RECORDINGS = 30


def test_lenet1_trains_like_golden(data_dir):
    network = lenet1_events()
    settings = lenet1.settings(network)
    data = lenet1.load(str(data_dir))
    _, weights = lenet1.first_weights(data, network, seed=0)
    samples = [data.train[int(i)] for i in lenet1.order(len(data.train), 0, 0)[:RECORDINGS]]
    with open_board("sim") as board:
        config = board.config
        board.load(network, settings, weights)
        counts = list(board.run_samples(samples, learn=True))
        got, registers, profile = read(board), board.counters(), board.profile()
    model = GoldenModel(network, config.formats, settings, weights)
    counters = Counters(config.lanes, config.pack_max)
    expected = [
        model.train_sample(sample.frames, sample.label, counters=counters) for sample in samples
    ]
    names = [sample.name for sample in samples]
    assert_equal(f"{RECORDINGS} recordings: class counts", names, counts, expected)
    for kind, values in got.items():
        assert_equal(
            f"after {RECORDINGS} recordings: {kind}", layer_names(network, kind), values,
            getattr(model, CONTENTS[kind]),
        )  # fmt: skip
    assert {kind: registers[f"saturated_{kind}"] for kind in SATURATIONS} == counters.saturations
    assert_operations("after all recordings", profile, counters)
    assert not registers["gradient_overflow"]
    moved = [np.count_nonzero(a != b) for a, b in zip(weights, got["weights"], strict=True)]
    assert min(moved) > 0, f"weights that changed per layer: {moved}"
