"""Recordings of a study: which are trained on, which are tested."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from host import datasets
from host.datasets import Sample, Split, balanced_rows
from host.study.grid import Amount


@dataclass(frozen=True, eq=False)
class Recordings:
    """What every run on a data set uses.

    Attributes
    ----------
    name : str
        Name of the data set.
    shape : tuple of int
        Shape of a frame (H, W, C).
    classes, steps, window_us : int
        Classes, frames of a recording T, time of a frame [us].
    train, test : Split
        Recordings trained on; recordings of the test split.
    held_out : Split
        Training recordings that are tested too because the test split has too few.
    """

    name: str
    shape: tuple[int, int, int]
    classes: int
    steps: int
    window_us: int
    train: Split
    test: Split
    held_out: Split

    @property
    def tested(self) -> int:
        """Number of recordings tested."""
        return len(self.test) + len(self.held_out)

    def test_samples(self) -> Iterator[Sample]:
        """Return the recordings tested."""
        return chain(self.test, self.held_out)

    def fingerprint(self) -> str:
        """Return a hash of all frames and labels in order: loads every recording."""
        digest = hashlib.sha256()
        for sample in chain(self.train, self.test_samples()):
            digest.update(bytes([sample.label]) + np.packbits(sample.frames).tobytes())
        return digest.hexdigest()[:16]


def load(name: str, amount: Amount, data_dir: str | None = None) -> Recordings:
    """Open a data set and choose recordings, balanced over the classes.

    Parameters
    ----------
    name : str
        Data set.
    amount : Amount
        How many.
    data_dir : str, optional
        Folder of a data set that needs one; ``TLBPTT_DATA`` if None.

    Raises
    ------
    host.datasets.DataSetError
        Recordings are missing or damaged.
    """
    folder: dict[str, Any] = {"data_dir": data_dir} if datasets.source(name).from_folder else {}
    data = datasets.load(name, **folder)
    if data.window_us is None:
        raise ValueError(f"data set of a study must hold recordings of events, not {name!r}")
    rows = balanced_rows(data.train.labels, amount.train)
    rest = data.train.subset(np.setdiff1d(np.arange(len(data.train)), rows))
    test = data.test.limited(amount.test)
    missing = amount.test - len(test)
    held_out = rest.limited(missing) if missing and len(rest) else rest[:0]
    train = data.train.subset(rows)
    return Recordings(
        name, data.shape, data.classes, data.steps, data.window_us, train, test, held_out
    )
