"""Test accuracy of golden and float twin on N-MNIST, paired by seed.

Run ``TLBPTT_DATA=<folder of NMNIST> python -m host.bench.accuracy``; about 2 minutes a run of 10
epochs over 700 recordings, two runs a seed.
"""

from __future__ import annotations

import argparse
import os
import time
from typing import NamedTuple

import numpy as np

from golden.network import lenet1_events
from golden.reference.recursion import FloatModel
from golden.trainer import GoldenModel
from host.bench import lenet1
from host.bench.one_thread import pool
from host.datasets import DataSetError

HALVE_EVERY = 4
"""Epochs between halvings of the learning rate."""


class Job(NamedTuple):
    """One training run."""

    model: str
    seed: int
    epochs: int
    k: int
    block_length: int
    data_dir: str | None


class Result(NamedTuple):
    """Accuracies of one run, 0 to 1, after each epoch."""

    job: Job
    training: list[float]
    test: list[float]
    seconds: float


def train(job: Job) -> Result:
    """Train one model from its seed's first weights and recording order."""
    data = lenet1.load(job.data_dir)
    network = lenet1_events(block_length=job.block_length)
    settings = lenet1.settings(network, job.k, job.seed)
    weights, codes = lenet1.first_weights(data, network, job.seed)
    model: GoldenModel | FloatModel
    if job.model == "golden":
        model = GoldenModel(network, settings=settings, weights=codes)
    else:
        model = FloatModel(network, settings, weights)
    training, test = [], []
    begin = time.monotonic()
    for epoch in range(job.epochs):
        right = 0
        for index in lenet1.order(len(data.train), job.seed, epoch):
            sample = data.train[int(index)]
            counts = model.train_sample(sample.frames, sample.label, halvings=epoch // HALVE_EVERY)
            right += int(np.argmax(counts)) == sample.label
        training.append(right / len(data.train))
        test.append(model.evaluate(data.test))
        print(
            f"{job.model:6} seed {job.seed} epoch {epoch + 1:2}/{job.epochs}: "
            f"training {training[-1]:.3f}, test {test[-1]:.3f}, "
            f"{time.monotonic() - begin:.0f} s",
            flush=True,
        )
    return Result(job, training, test, time.monotonic() - begin)


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m host.bench.accuracy", description="Accuracy of golden and float twin."
    )
    parser.add_argument("--data-dir", help="folder that holds NMNIST; default TLBPTT_DATA")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds, from 1 (default 3)")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--k", type=int, default=10, help="truncation interval")
    parser.add_argument("--block-length", type=int, default=1, help="n")
    parser.add_argument(
        "--models", nargs="+", choices=("golden", "float"), default=["golden", "float"]
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    try:
        lenet1.load(options.data_dir)
    except DataSetError as error:
        parser.error(str(error))
    jobs = [
        Job(model, seed, options.epochs, options.k, options.block_length, options.data_dir)
        for seed in range(1, options.seeds + 1)
        for model in options.models
    ]
    with pool(options.workers) as processes:
        results = list(processes.imap(train, jobs, chunksize=1))
    final: dict[str, list[float]] = {model: [] for model in options.models}
    for result in results:
        final[result.job.model].append(100 * result.test[-1])
    for model, accuracies in final.items():
        listed = ", ".join(f"{accuracy:.1f}" for accuracy in accuracies)
        print(f"{model:6} test accuracy {np.mean(accuracies):.2f} % (seeds: {listed})")
    if len(final) == 2:
        differences = np.subtract(final["golden"], final["float"])
        print(f"golden minus float, paired by seed: {differences.mean():+.2f} points")


if __name__ == "__main__":
    main()
