"""Training speed of the golden model on one core, traces off: samples per second of CPU time.

Run ``TLBPTT_DATA=<folder of NMNIST> python -m host.bench.golden_speed``.
"""

from __future__ import annotations

import argparse
import time

from golden.network import lenet1_events
from golden.trainer import GoldenModel
from host.bench import lenet1
from host.bench.one_thread import pool
from host.datasets import DataSetError


def speed(k: int, block_length: int, count: int, data_dir: str | None) -> float:
    """Return LeNet-1 training recordings per second of CPU time, without reading them."""
    data = lenet1.load(data_dir)
    network = lenet1_events(block_length=block_length)
    _, codes = lenet1.first_weights(data, network, seed=1)
    model = GoldenModel(network, settings=lenet1.settings(network, k), weights=codes)
    chosen = lenet1.order(len(data.train), 1, 0)[:count]
    samples = [data.train[int(index)] for index in chosen]
    begin = time.process_time()
    for sample in samples:
        model.train_sample(sample.frames, sample.label)
    return count / (time.process_time() - begin)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m host.bench.golden_speed", description="Golden training speed on one core."
    )
    parser.add_argument("--data-dir", help="folder that holds NMNIST; default TLBPTT_DATA")
    parser.add_argument("--samples", type=int, default=200)
    options = parser.parse_args(arguments)
    try:
        lenet1.load(options.data_dir)
    except DataSetError as error:
        parser.error(str(error))
    for k, n in ((10, 1), (1, 1), (30, 4)):
        with pool(1) as processes:
            rate = processes.apply(speed, (k, n, options.samples, options.data_dir))
        print(f"golden, LeNet-1, k = {k}, n = {n}: {rate:.1f} training samples per CPU second")


if __name__ == "__main__":
    main()
