"""Picture over block lengths: cycles by phase, and what the sparse walks leave of dense ones."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from host.bench.cycle_plot import COLOURS
from host.bench.cycle_tables import OPS, pick, totals
from host.bench.measure import Run
from host.bench.savings import COLUMNS, SavingsCounters, operations
from host.plots import GREY, picture

LABELS = {"events": "silent events skipped", "both": "zero errors too, as built"}
SHADES = {"events": 0.45, "both": 1.0}
"""Opacity of the bars."""


def draw(path: Path, runs: Mapping[int, Run], trained: int) -> None:
    """Write the picture as PNG."""
    with picture(path, (7.2, 3.6)) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(2, 3))
        _cycles(left, runs)
        _left_over(right, runs)
        first = next(iter(runs.values()))
        figure.suptitle(
            f"LeNet-1, N-MNIST, k = {first.layout.interval}, P = {first.layout.config.lanes}, "
            f"after {trained} recordings trained",
            x=0.01, ha="left", fontsize=10,
        )  # fmt: skip


def _cycles(axes: Any, runs: Mapping[int, Run]) -> None:
    names = [f"n = {n}" for n in runs]
    bottom = [0.0] * len(names)
    for op in OPS:
        heights = [totals(pick(run, op))[0] / run.samples / 1e3 for run in runs.values()]
        if max(heights) < 1:
            continue
        axes.bar(names, heights, 0.65, bottom, color=COLOURS[op], label=op)
        bottom = [low + height for low, height in zip(bottom, heights, strict=True)]
    for number, run in enumerate(runs.values()):
        text = f"{run.core_cycles / run.samples / 1e3:,.0f}"
        axes.annotate(text, (number, bottom[number]), ha="center", va="bottom")
    axes.set_ylabel("thousand cycles")
    axes.set_title("Cycles of a training sample")
    axes.set_ylim(0, 1.4 * max(bottom))
    axes.grid(True, axis="y")
    axes.legend(ncols=2, loc="upper left", fontsize=7, handlelength=1)


def _left_over(axes: Any, runs: Mapping[int, Run]) -> None:
    ticks, at = [], 0.0
    for title, phase, variants in COLUMNS:
        for n, run in runs.items():
            shares = _shares(run, phase)
            for variant in ("events", "both"):
                if variant not in variants:
                    continue
                axes.bar(at, shares[variant], 0.8, color=COLOURS[title], alpha=SHADES[variant])
            axes.annotate(f"{shares['both']:.0f}", (at, shares["both"]), ha="center", va="bottom")
            ticks.append((at, f"{title}\nn = {n}" if n == list(runs)[1] else f"\n{n}"))
            at += 1
        at += 0.6
    for variant, label in LABELS.items():
        axes.bar(0, 0, color=GREY, alpha=SHADES[variant], label=label)
    axes.set_xticks([x for x, _ in ticks], [label for _, label in ticks])
    axes.tick_params(axis="x", length=0)
    axes.set_title("Lane operations left of a dense pass")
    axes.set_ylabel("%")
    axes.grid(True, axis="y")
    axes.legend(loc="upper left", fontsize=7)


def _shares(run: Run, phase: str) -> dict[str, float]:
    """Return percent of the dense pass that each pass does."""
    counted = run.predicted
    assert isinstance(counted, SavingsCounters)
    total = {
        variant: sum(operations(counted, variant, x, phase) for x in run.layout.network.resolved)
        for variant in ("dense", *LABELS)
    }
    return {variant: 100 * total[variant] / total["dense"] for variant in LABELS}
