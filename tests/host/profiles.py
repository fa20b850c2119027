"""Runs of LeNet-1 as the benches see them, made by the cost model without a board."""

import numpy as np

from golden.cycles import CycleCounters
from golden.initialise import initialise
from golden.layout import place
from golden.network import lenet1_events
from golden.schedule import schedule
from golden.settings import Settings
from golden.trainer import GoldenModel
from host.bench.measure import WALKS, Run
from host.link import LinkStatistics
from tests.golden import cases


def profile_of(counted):
    """Return the profile that a board would show."""
    entries = []
    for block in schedule(counted.layout.network, Settings()):
        for op, layer, *_ in block:
            name = None if layer is None else layer.name
            words = counted.cycles.get((name, op), 0)
            key = (name, op.lower())
            entries.append(
                {
                    "op": op, "layer": name, "cycles": words,
                    "operations": counted.operations.get(key, 0) if op in WALKS else words // 2,
                    "lanes": counted.useful.get(key, 0) if op in WALKS else words,
                }
            )  # fmt: skip
    return entries


def made_run(config, block_length=1, counters=CycleCounters.of):
    """Return a run of one recording of 6 random frames, k = 4."""
    rng = np.random.default_rng(5)
    network, settings = lenet1_events(block_length=block_length), Settings(interval=4)
    layout = place(network, config, 4)
    frames = cases.random_frames(rng, network, 6, 0.1)
    _, weights = initialise(network, [frames], seed=1)
    counted = counters(layout)
    model = GoldenModel(network, None, settings, weights, strict=False)
    model.train_sample(frames, 3, counters=counted)
    statistics = LinkStatistics()
    statistics.sent.update(RUN=600, RESULT=24)
    statistics.received.update(RUN=18, RESULT=92)
    return Run(
        layout, 1, 6, profile_of(counted), counted, counted.total + 1000, 2.0, 1.0, statistics
    )
