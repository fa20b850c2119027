"""Which runs a study consists of, and how much data each gets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from golden.network import AvgPool
from host import datasets, presets

DATA_SETS = ("nmnist", "gestures")
"""Data sets of a study; networks, rates and frames are those of `host.presets`."""

INTERVALS = (10, 5, 1)
"""Truncation intervals k beside T."""

BLOCK_LENGTHS = (2, 1)
"""Block lengths n beside all hidden layers."""

FLOAT_INTERVAL = 10
"""The float twin runs at this k only."""

UPDATE_WORK = 3.7
"""Work of an update in that of a step of training, measured: a step costs 1 + 3.7/k."""

TEST_WORK = 0.45
"""Work of a step without learning in that of a step of training."""


@dataclass(frozen=True)
class Amount:
    """How much of a data set every run on it uses.

    Attributes
    ----------
    train : int
        Training recordings at most, balanced over the classes.
    test : int
        Recordings tested at most: the test split's, and where these are fewer, training recordings
        that no run trains on.
    epochs : int
        Passes over the training recordings.
    halve_every : int
        Epochs between halvings of the learning rate; 0 never halves it.
    """

    train: int
    test: int
    epochs: int
    halve_every: int


@dataclass(frozen=True)
class Size:
    """How large a study is.

    Attributes
    ----------
    text : str
        What it is for.
    amounts : dict
        Per data set.
    seeds : int
        Runs of each kind, seeds from 1.
    """

    text: str
    amounts: dict[str, Amount]
    seeds: int


SIZES: dict[str, Size] = {
    "tiny": Size(
        "seconds; shows that everything runs, its accuracies mean nothing",
        {"nmnist": Amount(20, 10, 1, 0), "gestures": Amount(24, 16, 1, 0)},
        seeds=2,
    ),
    "hour": Size(
        "within an hour on two cores",
        {"nmnist": Amount(500, 300, 8, 3), "gestures": Amount(1600, 800, 4, 2)},
        seeds=2,
    ),
    "night": Size(
        "within a night on two cores; up to 2,400 training recordings of each data set",
        {"nmnist": Amount(2400, 1000, 12, 4), "gestures": Amount(2400, 800, 12, 4)},
        seeds=4,
    ),
}


@dataclass(frozen=True)
class Run:
    """One training run.

    Attributes
    ----------
    data : str
        Data set.
    model : str
        ``golden``, the integer model that equals the hardware; ``to-zero``, the same with
        `Settings.decay_to_zero`; or ``float``, its twin.
    k, n : int
        Truncation interval and block length.
    classifier : str
        ``trainable`` or ``random``.
    seed : int
        Of first weights, order of recordings and stochastic rounding.
    """

    data: str
    model: str
    k: int
    n: int
    classifier: str
    seed: int

    @property
    def name(self) -> str:
        """Name of the run and of its result's file."""
        return f"{self.data}-{self.model}-k{self.k}-n{self.n}-{self.classifier}-seed{self.seed}"

    def work(self, amount: Amount) -> float:
        """Return the work of the run in steps of training, for order and estimate of time."""
        steps = datasets.source(self.data).steps
        trained = amount.train * (1 + UPDATE_WORK / self.k)
        return amount.epochs * steps * (trained + amount.test * TEST_WORK)


def intervals(data: str) -> tuple[int, ...]:
    """Return the truncation intervals on a data set, T first."""
    steps = datasets.source(data).steps
    return (steps, *(k for k in INTERVALS if k < steps))


def block_lengths(data: str) -> tuple[int, ...]:
    """Return the block lengths on a data set, all hidden layers first."""
    layers = presets.NETWORKS[presets.PRESETS[data].network].layers
    hidden = sum(not isinstance(layer, AvgPool) for layer in layers)
    return (hidden, *(n for n in BLOCK_LENGTHS if n < hidden))


def runs(size: Size, data_sets: Sequence[str] = DATA_SETS) -> list[Run]:
    """Return all runs of a study, the longest first.

    Golden trains every (k, n) with trainable classifiers and every (k, 1) with random ones; the
    float twin does the same at one k. At k = n = 1, where it matters, golden also trains with a
    decay that reaches 0.
    """
    found = []
    for data in data_sets:
        cells = [(k, n, "trainable") for k in intervals(data) for n in block_lengths(data)]
        cells += [(k, 1, "random") for k in intervals(data)]
        for k, n, classifier in cells:
            models = ["golden"] + ["float"] * (k == FLOAT_INTERVAL)
            models += ["to-zero"] * ((k, n, classifier) == (1, 1, "trainable"))
            for seed in range(1, size.seeds + 1):
                found += [Run(data, model, k, n, classifier, seed) for model in models]
    return sorted(found, key=lambda run: (-run.work(size.amounts[run.data]), run.name))


def part(found: Sequence[Run], share: str) -> list[Run]:
    """Return one machine's share of the runs, such as ``2/4``: every fourth, from the second on.

    Raises
    ------
    ValueError
        The share is not I/N with 1 <= I <= N.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", share)
    number, of = (int(group) for group in match.groups()) if match else (0, 0)
    if not 1 <= number <= of:
        raise ValueError(f"part must be I/N with 1 <= I <= N, such as 1/4, not {share!r}")
    return list(found[number - 1 :: of])
