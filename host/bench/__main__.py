"""All figures of the accelerator: ``python -m host.bench``, or one section with ``--section``."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

from golden.layout import place
from golden.memories import TRAINING_ONLY, memory_use, training_over_inference
from golden.network import lenet1_events
from host.bench import (
    block_plot,
    block_tables,
    cycle_plot,
    cycle_tables,
    images,
    lenet1,
    link_table,
    simulation,
)
from host.bench.golden_speed import speed
from host.bench.measure import CONFIGS, WHOLE, Run, train
from host.bench.one_thread import pool
from host.bench.savings import SavingsCounters
from host.datasets import DataSetError
from host.transport.base import TransportError

GOLDEN_SAMPLES = 150
BLOCK_LENGTHS = (1, 2, 4)
PICTURE = Path("build") / "bench" / "cycles_by_layer.png"
BLOCK_PICTURE = "cycles_by_block_length.png"


class Bench:
    """The sections, which share runs of the virtual board.

    Parameters
    ----------
    options : Namespace
        See `main`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.run: Callable[[int], Run] = cache(self._run)

    def _run(self, lanes: int) -> Run:
        predict = lanes == self.options.lanes
        samples = self.options.samples if predict else min(2, self.options.samples)
        return train(CONFIGS[lanes], samples, self.options.data_dir, predict=predict)

    def cycles(self) -> str:
        """Cycles per training sample and lane utilisation, by phase and layer."""
        run = self.run(self.options.lanes)
        text = cycle_tables.report(run)
        if self.options.plot is not None:
            self.options.plot.parent.mkdir(parents=True, exist_ok=True)
            cycle_plot.draw(self.options.plot, run)
            text += f"\npicture: {self.options.plot}"
        return text

    def blocks(self) -> str:
        """Cycles and lanes by block length n, and what the sparse walks save; a trained network."""
        options = self.options
        runs = {
            n: train(
                WHOLE, options.samples, options.data_dir, block_length=n,
                trained=options.trained, counters=SavingsCounters.beside,
            )
            for n in BLOCK_LENGTHS
        }  # fmt: skip
        text = block_tables.report(runs, options.trained)
        if options.plot is not None:
            path = options.plot.with_name(BLOCK_PICTURE)
            path.parent.mkdir(parents=True, exist_ok=True)
            block_plot.draw(path, runs, options.trained)
            text += f"\npicture: {path}"
        return text

    def images(self) -> str:
        """Cycles of training on images by direct encoding, MNIST; what bit planes cost."""
        try:
            return images.report(self.options.data_dir, self.options.samples, self.options.trained)
        except DataSetError as error:
            return f"left out: {error}"

    def golden(self) -> str:
        """Training speed of the golden model on one core."""
        with pool(1) as processes:
            arguments = (10, 1, GOLDEN_SAMPLES, self.options.data_dir)
            rate = processes.apply(speed, arguments)
        return f"k = 10, n = 1, traces off: {rate:.1f} training samples per second of one core"

    def simulation(self) -> str:
        """Speed of the virtual board, stepped from Python through the driver, while it trains."""
        return "\n".join(simulation.line(self.run(lanes)) for lanes in sorted(CONFIGS))

    def link(self) -> str:
        """Link bytes per training sample and the baud rate that keeps up."""
        return link_table.report(self.run(self.options.lanes))

    def memory(self) -> str:
        """Bits of training memory over inference memory."""
        layout = place(lenet1_events(), CONFIGS[self.options.lanes], 10)
        used, built = training_over_inference(layout)
        only = ", ".join(
            f"{use.name} {use.bits / 1e3:,.0f}"
            for use in memory_use(layout)
            if use.name in TRAINING_ONLY
        )
        return (
            f"{used:.2f} of the rows used, {built:.2f} of the memories as built\n"
            f"only for training: {only} kbit, and spikes and frames of k steps in place of one\n"
            "(every memory: python -m boards report)"
        )

    SECTIONS = ("cycles", "blocks", "images", "golden", "simulation", "link", "memory")


def main(arguments: list[str] | None = None) -> int:
    """Print the sections asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m host.bench",
        description="Figures of the accelerator, LeNet-1 for events on N-MNIST.",
    )
    parser.add_argument("--data-dir", help="folder that holds NMNIST; default TLBPTT_DATA")
    parser.add_argument("--section", choices=Bench.SECTIONS, help="this section alone")
    parser.add_argument("--samples", type=int, default=5, help="recordings to train (default 5)")
    parser.add_argument(
        "--trained", type=int, default=700, metavar="N",
        help="with blocks and images: what golden trains on before (default 700)",
    )  # fmt: skip
    parser.add_argument("--lanes", type=int, choices=sorted(CONFIGS), default=16, help="P")
    parser.add_argument(
        "--plot", type=Path, metavar="PNG", nargs="?", const=PICTURE,
        help=f"with cycles: draw them too (default {PICTURE}); with blocks: {BLOCK_PICTURE} beside",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if options.samples < 1:
        parser.error(f"--samples must be at least 1, not {options.samples}")
    if options.trained < 0:
        parser.error(f"--trained must be at least 0, not {options.trained}")
    try:
        lenet1.load(options.data_dir)
    except DataSetError as error:
        parser.error(f"{error} (TLBPTT_DATA or --data-dir names the folder that holds NMNIST)")
    bench, begin = Bench(options), time.monotonic()
    for name in [options.section] if options.section else Bench.SECTIONS:
        section = getattr(bench, name)
        print(f"== {section.__doc__}\n   python -m host.bench --section {name}\n")
        try:
            print(section() + "\n", flush=True)
        except TransportError as error:
            print(f"host.bench: {error}", file=sys.stderr)
            return 1
    print(
        f"{time.monotonic() - begin:.0f} s. Accuracy over seeds, golden beside float, has a "
        "command of its own: python -m host.bench.accuracy (minutes per run)"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
