"""What dropout does, and its correction at inference: accuracy and firing rates.

Run ``TLBPTT_DATA=<folder of NMNIST> python -m host.bench.dropout``. Each network is trained once
and evaluated three times on the test recordings: with the masks of training, without them, and
without them but with the thresholds corrected (`Settings.dropout_correction`).
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from golden.initialise import initialise
from golden.network import Network
from golden.settings import Settings, intervals
from golden.trace import Trace
from golden.trainer import GoldenModel
from host import datasets, presets
from host.bench.lenet1 import INITIAL_RECORDINGS
from host.bench.one_thread import pool
from host.datasets import DataSet, DataSetError
from host.training import Plan, recording_order

MODES = ("masks", "plain", "corrected")
"""Evaluations: as while training, nothing dropped, nothing dropped and thresholds corrected."""


class Job(NamedTuple):
    """One training run with a preset's network and settings."""

    dataset: str
    dropout: float
    seed: int
    epochs: int
    train_limit: int | None
    test_limit: int | None
    data_dir: str | None


class Result(NamedTuple):
    """What one run gave.

    Attributes
    ----------
    training : float
        Accuracy while training in the last epoch, 0 to 1.
    test : dict
        Test accuracy by mode, 0 to 1.
    rates : dict
        By mode, spikes per neuron and step of each layer on the test recordings, before dropping.
    """

    job: Job
    layers: tuple[str, ...]
    training: float
    test: dict[str, float]
    rates: dict[str, NDArray[np.float64]]


def load(job: Job) -> DataSet:
    """Open the data set of a run."""
    return datasets.load(
        job.dataset,
        data_dir=job.data_dir if datasets.source(job.dataset).from_folder else None,
        train_limit=job.train_limit,
        test_limit=job.test_limit,
    )


def measure(
    network: Network, settings: Settings, trained: GoldenModel, data: DataSet, mode: str
) -> tuple[float, NDArray[np.float64]]:
    """Return test accuracy and firing rate of each layer of a trained network in one mode."""
    settings = replace(settings, dropout_correction=mode == "corrected")
    model = GoldenModel(network, settings=settings, weights=trained.weights, strict=False)
    model.trained_intervals = trained.trained_intervals  # masks that training has not seen
    learn = mode == "masks"
    fired, right, steps = np.zeros(len(network.resolved)), 0, 0
    for sample in data.test:
        counts = np.zeros(network.classes, np.int64)
        for first, length in intervals(len(sample.frames), settings.interval):
            trace = Trace()
            counts += model.run_interval(
                sample.frames[first : first + length], sample.label, start=first == 0,
                learn=learn, update=False, trace=trace,
            )  # fmt: skip
            steps += length
            for layer in network.resolved:
                codes = (model.codes if learn else model.inference_codes)[layer.index]
                spikes = trace[0, layer.name, "u"] >= codes.u_th
                fired[layer.index] += spikes.sum() / layer.neurons
        for momentum in model.momentum:
            momentum[...] = 0
        right += int(np.argmax(counts)) == sample.label
    return right / len(data.test), fired / steps


def train(job: Job) -> Result:
    """Train one network and evaluate it in every mode."""
    data, preset = load(job), presets.PRESETS[job.dataset]
    network = presets.network(preset.network, data.shape, data.classes, data.encoding)
    settings = replace(preset.settings, dropout=job.dropout, seed=job.seed)
    plan = Plan(job.epochs, preset.halve_every, job.seed)
    order = recording_order(len(data.train), job.seed, 0)
    frames = [data.train[int(index)].frames for index in order[:INITIAL_RECORDINGS]]
    _, codes = initialise(network, frames, seed=job.seed, run_seed=job.seed)
    model = GoldenModel(network, settings=settings, weights=codes)
    begin = time.monotonic()
    for epoch in range(job.epochs):
        right = 0
        for index in recording_order(len(data.train), job.seed, epoch):
            sample = data.train[int(index)]
            counts = model.train_sample(sample.frames, sample.label, halvings=plan.halvings(epoch))
            right += int(np.argmax(counts)) == sample.label
        print(
            f"p = {job.dropout:g}, seed {job.seed}, epoch {epoch + 1}/{job.epochs}: training "
            f"{right / len(data.train):.1%}, {time.monotonic() - begin:.0f} s",
            flush=True,
        )
    test, rates = {}, {}
    for mode in MODES:
        test[mode], rates[mode] = measure(network, settings, model, data, mode)
    layers = tuple(layer.name for layer in network.resolved)
    return Result(job, layers, right / len(data.train), test, rates)


def tables(results: list[Result]) -> str:
    """Return accuracies and firing rates, means over the seeds, as two Markdown tables."""
    by_rate: dict[float, list[Result]] = {}
    for result in results:
        by_rate.setdefault(result.job.dropout, []).append(result)
    lines = [
        "| p | training | test with masks | test | test, corrected | corrected − not |",
        "|---|---|---|---|---|---|",
    ]
    for dropout, runs in by_rate.items():
        texts = [_seeds([run.training for run in runs])]
        texts += [_seeds([run.test[mode] for run in runs]) for mode in MODES]
        gain = np.mean([run.test["corrected"] - run.test["plain"] for run in runs])
        lines.append(f"| {dropout:g} | {' | '.join(texts)} | {100 * gain:+.1f} |")
    layers = results[0].layers
    lines += ["", f"| p | firing | {' | '.join(layers)} |", "|---|---" + "|---" * len(layers) + "|"]
    for dropout, runs in by_rate.items():
        for mode in MODES:
            rates = np.mean([run.rates[mode] for run in runs], axis=0)
            shown = " | ".join(f"{100 * rate:.1f}" for rate in rates)
            lines.append(f"| {dropout:g} | {mode} | {shown} |")
    return "\n".join(lines)


def _seeds(shares: list[float]) -> str:
    """Return the mean of shares in %, with each of them behind it."""
    listed = ", ".join(f"{100 * share:.1f}" for share in shares)
    return f"{100 * np.mean(shares):.1f} ({listed})"


def main(arguments: list[str] | None = None) -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m host.bench.dropout",
        description="Accuracy and firing rates with dropout, with and without its correction.",
    )
    parser.add_argument("--dataset", default="nmnist", choices=list(presets.PRESETS))
    parser.add_argument("--data-dir", help="folder of the recordings; default TLBPTT_DATA")
    parser.add_argument("--rates", nargs="+", type=float, default=[0.0, 0.1, 0.2, 0.5])
    parser.add_argument("--seeds", type=int, default=2, help="how many seeds, from 1 (default 2)")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--train-limit", type=int, default=700, help="default 700")
    parser.add_argument("--test-limit", type=int, help="default: all")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    jobs = [
        Job(
            options.dataset, dropout, seed, options.epochs, options.train_limit,
            options.test_limit, options.data_dir,
        )
        for dropout in options.rates
        for seed in range(1, options.seeds + 1)
    ]  # fmt: skip
    try:
        print(load(jobs[0]).summary(), flush=True)
        for dropout in options.rates:
            Settings(dropout=dropout)
    except (DataSetError, ValueError) as error:
        parser.error(str(error))
    with pool(options.workers) as processes:
        results = list(processes.imap(train, jobs, chunksize=1))
    print(tables(results))


if __name__ == "__main__":
    main()
