"""LeNet-1 for events on N-MNIST with its settings: the network that the benches measure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from golden.initialise import Float, initialise
from golden.network import Network
from golden.qformat import Int
from golden.settings import Settings
from host import datasets

INITIAL_RECORDINGS = 20
"""Training recordings on which the first weights are scaled."""

LAYER_SHIFTS = {
    "conv1": 6, "conv2": 5, "fc3": 1, "fc4": 0,
    "classifier1": 4, "classifier2": 2, "classifier3": 1, "classifier4": 0,
}  # fmt: skip
"""Halvings of the rate per layer: low layers sum their gradient over positions and many inputs."""


def settings(network: Network, k: int = 10, seed: int = 1) -> Settings:
    """Return rate 2**-6, momentum 0.875 and layer shifts for any block length.

    Errors grow as 1/k: below k = 10 they get one fractional bit less per halving of k.
    """
    error_fraction = 16 - max(0, math.ceil(math.log2(10 / k)))
    shifts = tuple(LAYER_SHIFTS[layer.name] for layer in network.weighted)
    return Settings(
        interval=k, error_fraction=error_fraction, rate_shift=6, layer_shifts=shifts,
        momentum_shift=3, seed=seed,
    )  # fmt: skip


def load(data_dir: str | None) -> datasets.DataSet:
    """Open N-MNIST as 30 frames of 10 ms, 28x28 pixels, from a folder or ``TLBPTT_DATA``."""
    return datasets.load("nmnist", data_dir=data_dir, windows=30, window_us=10_000, size=28)


def first_weights(
    data: datasets.DataSet, network: Network, seed: int
) -> tuple[list[Float], list[Int]]:
    """Return real weights and codes, scaled on a few training recordings."""
    chosen = order(len(data.train), seed, 0)[:INITIAL_RECORDINGS]
    frames = [data.train[int(i)].frames for i in chosen]
    return initialise(network, frames, seed=seed)


def order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order of an epoch's recordings."""
    return np.random.default_rng((seed, epoch)).permutation(count)


def stream(count: int, seed: int, length: int) -> list[int]:
    """Return the first `length` recordings of as many epochs of `count` as it takes."""
    epochs = range(-(-length // count))
    return [int(index) for epoch in epochs for index in order(count, seed, epoch)][:length]
