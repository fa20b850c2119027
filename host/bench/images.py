"""Cycles of training on images by direct encoding, and what their bit planes cost."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from golden.counters import Counters
from golden.cycles import CycleCounters
from golden.initialise import initialise
from golden.layout import Layout, place
from golden.lif import Bits, Integers
from golden.network import Layer
from golden.settings import Settings
from golden.trainer import GoldenModel
from host import datasets, presets
from host.bench.cycle_tables import CLOCK
from host.bench.lenet1 import INITIAL_RECORDINGS, stream
from host.bench.measure import CONFIGS
from host.datasets.data_set import Sample

INTERVALS = (10, 5, 1)
"""Truncation intervals k."""


@dataclass
class PlaneCounters(CycleCounters):
    """Counts besides the operations of the first layer if a pixel took one and not one per bit.

    Attributes
    ----------
    single : Counters
        FORWARD and GRADIENT of the first layer over pixels that are not 0.
    """

    single: Counters = field(default_factory=Counters)

    def forward(self, layer: Layer, spikes: Bits) -> None:
        """Count FORWARD of planes and of pixels."""
        super().forward(layer, spikes)
        if layer.direct:
            self.single.forward(layer, np.logical_or.reduce(spikes, axis=0, keepdims=True))

    def gradient(self, layer: Layer, spikes: Bits, gamma: Integers) -> None:
        """Count GRADIENT of planes and of pixels, at the positions of the heaviest plane."""
        super().gradient(layer, spikes, gamma)
        if layer.direct:
            self.single.gradient(
                layer, np.logical_or.reduce(spikes, axis=0, keepdims=True), gamma[-1:]
            )


class Measured(NamedTuple):
    """What `measure` counted at one k, per image."""

    k: int
    cycles: float
    phases: dict[str, float]
    planes: float
    pixels: float


def measure(
    k: int, samples: list[Sample], trained: int, layout: Layout, settings: Settings
) -> Measured:
    """Train golden on `trained` images, then count on the rest; everything is per image."""
    frames = [sample.frames for sample in samples[:INITIAL_RECORDINGS]]
    _, codes = initialise(layout.network, frames, seed=settings.seed)
    model = GoldenModel(layout.network, layout.config.formats, settings, codes)
    counters = PlaneCounters.of(layout, settings)
    assert isinstance(counters, PlaneCounters)
    counters.single = Counters(layout.config.lanes, layout.config.pack_max)
    for number, sample in enumerate(samples):
        counting = counters if number >= trained else None
        model.train_sample(sample.frames, sample.label, counters=counting)
    count = len(samples) - trained
    phases: dict[str, float] = {}
    for (_, op), cycles in counters.cycles.items():
        phases[op] = phases.get(op, 0) + cycles / count
    first = layout.network.resolved[0].name
    walks = ("forward", "gradient")
    return Measured(
        k, counters.total / count, phases,
        sum(counters.operations.get((first, walk), 0) for walk in walks) / count,
        sum(counters.single.operations.get((first, walk), 0) for walk in walks) / count,
    )  # fmt: skip


def report(data_dir: str | None, samples: int, trained: int) -> str:
    """Return the table of LeNet-1 on MNIST, T = 10, n = 1, P = 16.

    Raises
    ------
    host.datasets.DataSetError
        MNIST is not there.
    """
    preset = presets.PRESETS["mnist"]
    data = datasets.load("mnist", data_dir=data_dir, train_limit=samples + trained)
    network = presets.network(preset.network, data.shape, data.classes, data.encoding)
    chosen = [data.train[i] for i in stream(len(data.train), 1, samples + trained)]
    pixels = np.stack([sample.frames[0] for sample in chosen])
    bits = np.unpackbits(pixels).sum() / np.count_nonzero(pixels)
    lines = [
        f"LeNet-1, {samples} images of MNIST after training on {trained}, T = {data.steps}, n = 1, "
        f"P = 16, per image; {bits:.2f} bits are set in a pixel that is not 0",
        "",
        f"{'k':>3}{'cycles':>10}{'images/s':>10}  {'operations of conv1':<22}"
        f"{'one per pixel':>15}{'cycles then':>13}",
    ]
    shares = []
    for k in INTERVALS:
        settings = replace(
            preset.settings, interval=k, rate_shift=presets.rate_shift(preset.settings, k),
            error_fraction=presets.error_fraction(preset.settings, data.steps, k),
        )  # fmt: skip
        got = measure(k, chosen, trained, place(network, CONFIGS[16], k), settings)
        then = got.cycles - got.planes + got.pixels
        lines.append(
            f"{k:>3}{got.cycles:>10,.0f}{CLOCK / got.cycles:>10,.0f}  "
            f"{f'{got.planes:,.0f} = {got.planes / got.cycles:.0%} of cycles':<22}"
            f"{got.pixels:>15,.0f}{then:>13,.0f}"
        )
        ordered = sorted(got.phases.items(), key=lambda item: -item[1])
        listed = ", ".join(f"{op} {cycles / got.cycles:.0%}" for op, cycles in ordered)
        shares.append(f"k = {k}: {listed}")
    return "\n".join([*lines, "", *shares])
