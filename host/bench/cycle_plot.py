"""Picture of the cycles of a training sample and of the lanes they use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from host.bench.cycle_tables import OPS, pick, totals
from host.bench.measure import Run
from host.plots import picture

COLOURS = {
    "FORWARD": "#1f5fa8", "POOL": "#7fb2e5", "LIF": "#b9c4d0", "LOSS": "#d9d2e9",
    "ERROR": "#8a8f98", "GRADIENT": "#c23b22", "BACKWARD": "#e8956f", "UPDATE": "#6b9b4d",
    "CLEAR": "#e4e6ea",
}  # fmt: skip
"""Blue is forward, red backward, green the update, grey a pass over neurons."""

WALKED = ("FORWARD", "GRADIENT", "BACKWARD")


def draw(path: Path, run: Run) -> None:
    """Write cycles by phase and layer, and lane utilisation of the walks over weights, as PNG."""
    names = [layer.name for layer in run.layout.network.resolved]
    with picture(path, (7.2, 5.2)) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        _cycles(above, run, names)
        _lanes(below, run, names)
        below.set_xticks(range(len(names)), names, rotation=30, ha="right")


def _cycles(axes: Any, run: Run, names: list[str]) -> None:
    axes.set_title(
        f"Cycles of a training sample: {run.core_cycles / run.samples:,.0f} "
        f"(LeNet-1, N-MNIST, k = {run.layout.interval}, P = {run.layout.config.lanes})"
    )
    bottom = [0.0] * len(names)
    for op in OPS:
        heights = [totals(pick(run, op, name))[0] / run.samples / 1e3 for name in names]
        if sum(heights) < 1:
            continue
        axes.bar(names, heights, 0.7, bottom, color=COLOURS[op], label=op)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    axes.set_ylabel("thousand cycles")
    axes.grid(True, axis="y")
    axes.legend(ncols=2)


def _lanes(axes: Any, run: Run, names: list[str]) -> None:
    width = 0.8 / len(WALKED)
    for number, op in enumerate(WALKED):
        shares = []
        for name in names:
            cycles, _, useful = totals(pick(run, op, name))
            shares.append(100 * useful / (run.layout.config.lanes * cycles) if cycles else 0.0)
        places = [place + (number - 1) * width for place in range(len(names))]
        axes.bar(places, shares, width, color=COLOURS[op], label=op)
    axes.set_title("Lanes used, of P in every cycle of a walk over weights")
    axes.set_ylabel("%")
    axes.set_ylim(0, 100)
    axes.grid(True, axis="y")
