"""Training of a few real recordings on the virtual board, with the profile and the cost model."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
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
"""Cores that hold LeNet-1 with n = 1, by P."""

WHOLE = replace(CONFIGS[16], error_words=640, mask_words=6400)
"""Core that holds LeNet-1 with any n: errors and masks of a whole block are kept."""


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


def train(
    config: CoreConfig,
    samples: int,
    data_dir: str | None,
    *,
    predict: bool = True,
    block_length: int = 1,
    trained: int = 0,
    counters: Callable[[Layout], CycleCounters] = CycleCounters.of,
) -> Run:
    """Train LeNet-1 on `samples` recordings of N-MNIST, k = 10.

    Parameters
    ----------
    config : CoreConfig
        The virtual board's core.
    samples : int
        Recordings to measure.
    data_dir : str or None
        Folder that holds NMNIST; by default TLBPTT_DATA names it.
    predict : bool
        Whether the cost model runs too.
    block_length : int
        n.
    trained : int
        Recordings that golden trains before, from the network's first weights.
    counters : callable
        Makes the cost model's counters of a layout.
    """
    data = lenet1.load(data_dir)
    network = lenet1_events(block_length=block_length)
    settings = lenet1.settings(network)
    _, codes = lenet1.first_weights(data, network, seed=1)
    chosen = lenet1.stream(len(data.train), 1, trained + samples)
    recordings: list[Sample] = [data.train[index] for index in chosen]
    before = GoldenModel(network, config.formats, settings, codes)
    for sample in recordings[:trained]:
        before.train_sample(sample.frames, sample.label)
    codes, recordings = before.weights, recordings[trained:]
    board = open_board("sim", config)
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
    predicted = counters(layout)
    if predict:
        model = GoldenModel(network, layout.config.formats, settings, codes)
        for sample in recordings:
            model.train_sample(sample.frames, sample.label, counters=predicted)
    steps = sum(len(sample.frames) for sample in recordings)
    return Run(layout, len(recordings), steps, profile, predicted, cycles, wall, cpu, statistics)
