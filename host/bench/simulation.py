"""Speed of the virtual board while it trains through the driver."""

from __future__ import annotations

from host.bench.measure import Run

WANTED = 0.5e6
"""Cycles per second."""


def line(run: Run) -> str:
    """Return the speed of one run.

    Time of this process, which the simulation shares with the driver, and time on the wall: they
    differ where other programs compete for the processor.
    """
    inside, outside = run.cycles / run.cpu, run.cycles / run.wall
    verdict = "" if inside >= WANTED else f", below the {WANTED / 1e6:g} M aimed at"
    return (
        f"P = {run.layout.config.lanes}: {inside / 1e6:.2f} M cycles per second of processor time"
        f"{verdict}, {outside / 1e6:.2f} M on the wall ({run.samples} samples, "
        f"{run.cycles / run.samples:,.0f} cycles each, link included, "
        f"{run.samples / run.wall:.2f} samples/s)"
    )
