"""Training of a few real recordings on the virtual board, with the profile and the cost model."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from golden.core_config import CoreConfig
from golden.cycles import CycleCounters
from golden.layout import Layout
from golden.network import lenet1_events
from golden.trainer import GoldenModel, Sample
from host.bench import lenet1
from host.driver import LinkBoard, open_board
from host.link import LinkStatistics
from host.transport.sim import SimTransport

WALKS = ("FORWARD", "POOL", "GRADIENT", "BACKWARD")
"""Instructions that issue operations per event; all others issue one per word."""

CONFIGS = {
    16: CoreConfig(),
    32: CoreConfig(
        lanes=32, weight_rows=4096, neuron_words=512, error_words=256, mask_words=2560,
        spike_words=1024, frame_words=640,
    ),
}  # fmt: skip
"""Cores that hold LeNet-1, by P."""


@dataclass
class Run:
    """What a board did.

    Attributes
    ----------
    samples, steps : int
        Recordings, and frames of all of them.
    profile : list of dict
        See `Board.profile`.
    predicted : CycleCounters
        The cost model's counts of the same recordings.
    cycles : int
        Clocked by the virtual board, link included.
    wall, cpu : float
        Time that took [s].
    statistics : LinkStatistics
        Traffic of the recordings alone.
    """

    layout: Layout
    samples: int
    steps: int
    profile: list[dict[str, Any]]
    predicted: CycleCounters
    cycles: int
    wall: float
    cpu: float
    statistics: LinkStatistics

    @property
    def core_cycles(self) -> int:
        """Cycles of all instructions."""
        return sum(entry["cycles"] for entry in self.profile)

    def differences(self) -> list[str]:
        """Return instructions whose cycles the cost model does not predict."""
        return [
            f"{entry['op']} {entry['layer']}: {predicted} predicted, {entry['cycles']} measured"
            for entry in self.profile
            if entry["layer"] is not None
            for predicted in [self.predicted.cycles.get((entry["layer"], entry["op"]), 0)]
            if predicted != entry["cycles"]
        ]


def train(lanes: int, samples: int, data_dir: str | None, *, predict: bool = True) -> Run:
    """Train LeNet-1 from its first weights on `samples` recordings of N-MNIST, k = 10, n = 1."""
    data = lenet1.load(data_dir)
    network = lenet1_events()
    settings = lenet1.settings(network)
    _, codes = lenet1.first_weights(data, network, seed=1)
    chosen = lenet1.order(len(data.train), 1, 0)[:samples]
    recordings: list[Sample] = [data.train[int(index)] for index in chosen]
    board = open_board("sim", CONFIGS[lanes])
    assert isinstance(board, LinkBoard)
    assert isinstance(board.transport, SimTransport)
    try:
        layout = board.load(network, settings, codes)
        board.clear_counters()
        board.link.statistics = statistics = LinkStatistics()
        cycles, wall, cpu = board.transport.cycles, time.perf_counter(), time.process_time()
        for _ in board.run_samples(recordings, learn=True):
            pass
        cycles = board.transport.cycles - cycles
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        board.link.statistics = LinkStatistics()
        profile = board.profile()
    finally:
        board.close()
    predicted = CycleCounters.of(layout)
    if predict:
        model = GoldenModel(network, layout.config.formats, settings, codes)
        for sample in recordings:
            model.train_sample(sample.frames, sample.label, counters=predicted)
    steps = sum(len(sample.frames) for sample in recordings)
    return Run(layout, len(recordings), steps, profile, predicted, cycles, wall, cpu, statistics)
