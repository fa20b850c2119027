"""Training speed of the golden model on one core, traces off: samples per second of CPU time.

Run ``TLBPTT_DATA=<folder of NMNIST> python -m host.bench.golden_speed``.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from pathlib import Path
from typing import Any

import golden
from golden.network import lenet1_events
from golden.trainer import GoldenModel, Sample
from host.bench import lenet1
from host.bench.one_thread import pool
from host.datasets import DataSetError

CASES = ((10, 1), (1, 1), (30, 4))
"""(k, n) measured."""

SHOWN = 8
"""Functions listed by `--profile`."""


def speed(k: int, block_length: int, count: int, data_dir: str | None) -> float:
    """Return LeNet-1 training recordings per second of CPU time, without reading them."""
    model, samples = _prepared(k, block_length, count, data_dir)
    begin = time.process_time()
    for sample in samples:
        model.train_sample(sample.frames, sample.label)
    return count / (time.process_time() - begin)


def shares(k: int, block_length: int, count: int, data_dir: str | None) -> list[tuple[str, float]]:
    """Return the share of time of golden's functions, numpy inside them, largest first."""
    model, samples = _prepared(k, block_length, count, data_dir)
    profile = cProfile.Profile()
    profile.enable()
    for sample in samples:
        model.train_sample(sample.frames, sample.label)
    profile.disable()
    return _shares(pstats.Stats(profile))


def _shares(stats: pstats.Stats) -> list[tuple[str, float]]:
    """Return own time of golden's functions plus that of what they call outside golden."""
    folder = str(Path(golden.__file__).parent)
    spent: dict[Any, float] = {}
    entries: dict[Any, Any] = stats.stats  # type: ignore[attr-defined]
    for function, (_, _, own, _, callers) in entries.items():
        if function[0].startswith(folder):
            spent[function] = spent.get(function, 0.0) + own
            continue
        for caller, (_, _, _, cumulative) in callers.items():
            if caller[0].startswith(folder):
                spent[caller] = spent.get(caller, 0.0) + cumulative
    total = sum(spent.values())
    named = [
        (f"golden.{Path(file).stem}.{name}", seconds / total)
        for (file, _, name), seconds in spent.items()
    ]
    return sorted(named, key=lambda entry: -entry[1])


def _prepared(
    k: int, block_length: int, count: int, data_dir: str | None
) -> tuple[GoldenModel, list[Sample]]:
    data = lenet1.load(data_dir)
    network = lenet1_events(block_length=block_length)
    _, codes = lenet1.first_weights(data, network, seed=1)
    model = GoldenModel(network, settings=lenet1.settings(network, k), weights=codes)
    chosen = lenet1.order(len(data.train), 1, 0)[:count]
    return model, [data.train[int(index)] for index in chosen]


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m host.bench.golden_speed", description="Golden training speed on one core."
    )
    parser.add_argument("--data-dir", help="folder that holds NMNIST; default TLBPTT_DATA")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument(
        "--profile", action="store_true", help="also list where the time goes, by function"
    )
    options = parser.parse_args(arguments)
    try:
        lenet1.load(options.data_dir)
    except DataSetError as error:
        parser.error(str(error))
    for k, n in CASES:
        case = (k, n, options.samples, options.data_dir)
        with pool(1) as processes:
            rate = processes.apply(speed, case)
            spent = processes.apply(shares, case) if options.profile else []
        print(f"golden, LeNet-1, k = {k}, n = {n}: {rate:.1f} training samples per CPU second")
        for name, share in spent[:SHOWN]:
            print(f"  {share:5.1%} {name}")


if __name__ == "__main__":
    main()
