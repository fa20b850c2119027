"""What a data set looks like from outside: two splits of labelled frames, loaded when asked for."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

import numpy as np
from numpy.typing import NDArray

from host.datasets.frames import Framing, check_positive
from host.datasets.keyed_random import keyed_bits, keyed_order

CACHE_BYTES = 1 << 29
"""Default bound of a split's cache [bytes]: 70,000 recordings of N-MNIST take 412 MB of bits."""

Render = Callable[[int], Mapping[int, NDArray[np.uint8]]]
"""Makes the frames of one recording, and of those that come with it at no cost, by index."""


class DataSetError(ValueError):
    """A data set is missing, incomplete or damaged; the message says which file and where."""


@dataclass(frozen=True, eq=False)
class Sample:
    """One recording.

    Parameters
    ----------
    frames
        Binary frames, or an image of 0 ... 255 at every step; uint8 of shape (T, H, W, C).
    label
        Class, 0 ... classes - 1.
    name
        Where it comes from, such as ``Train/3/00007.bin``.
    """

    frames: NDArray[np.uint8]
    label: int
    name: str


class Recordings(Protocol):
    """All recordings of a split, by number: what `Split` needs of them."""

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102

    @property
    def labels(self) -> NDArray[np.int64]: ...  # noqa: D102

    @property
    def total(self) -> int: ...  # noqa: D102

    @property
    def shape(self) -> tuple[int, int, int]: ...  # noqa: D102

    def __len__(self) -> int: ...

    def frames(self, index: int) -> NDArray[np.uint8]: ...  # noqa: D102


class Store:
    """All recordings of a split and the bits of those that were asked for already.

    Parameters
    ----------
    framing
        Shape of the frames.
    names, labels
        Name and class of each recording.
    render
        Makes frames; called once for a recording as long as the cache has room.
    total
        Size of the split as published, of which ``len(names)`` were found.
    cache_bytes
        Bound of the cache [bytes]; recordings beyond it are made again each time.
    """

    def __init__(
        self,
        framing: Framing,
        names: Sequence[str],
        labels: Sequence[int] | NDArray[np.int64],
        render: Render,
        *,
        total: int | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.framing = framing
        self.names = tuple(names)
        self.labels: NDArray[np.int64] = np.array(labels, dtype=np.int64)
        self.labels.flags.writeable = False
        if len(self.labels) != len(self.names):
            raise ValueError(f"labels must have {len(self.names)} elements, not {len(self.labels)}")
        self.total = len(self.names) if total is None else max(total, len(self.names))
        self._render = render
        self._room = cache_bytes
        self._bits: dict[int, NDArray[np.uint8]] = {}

    def __len__(self) -> int:
        """Return the number of recordings found."""
        return len(self.names)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a frame (H, W, C)."""
        return self.framing.shape

    def frames(self, index: int) -> NDArray[np.uint8]:
        """Return the frames of one recording, from the cache if they are there."""
        shape = (self.framing.steps, *self.framing.shape)
        bits = self._bits.get(index)
        if bits is not None:
            return np.unpackbits(bits, count=int(np.prod(shape))).reshape(shape)
        made = self._render(index)
        for other, frames in made.items():
            if frames.shape != shape or frames.dtype != np.uint8:
                raise ValueError(
                    f"frames of {self.names[other]} must be uint8 of shape {shape!r}, "
                    f"not {frames.dtype} of shape {frames.shape!r}"
                )
            packed = np.packbits(frames)
            if other not in self._bits and packed.nbytes <= self._room:
                self._room -= packed.nbytes
                self._bits[other] = packed
        return made[index]


class Split(Sequence[Sample]):
    """A lazy sequence of recordings; slices and subsets share one cache.

    Parameters
    ----------
    store
        The recordings.
    rows
        Which of them, in this order; all if None.
    """

    def __init__(self, store: Recordings, rows: NDArray[np.int64] | None = None) -> None:
        self._store = store
        self._rows = np.arange(len(store), dtype=np.int64) if rows is None else rows

    def __len__(self) -> int:
        """Return the number of recordings."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Split: ...
    def __getitem__(self, index: int | slice) -> Sample | Split:
        """Return one recording, or a split of several for a slice."""
        if isinstance(index, slice):
            return Split(self._store, self._rows[index])
        position = operator.index(index)
        if not -len(self) <= position < len(self):
            raise IndexError(f"index must be in -{len(self)} ... {len(self) - 1}, not {position!r}")
        row = int(self._rows[position])
        return Sample(self._store.frames(row), int(self._store.labels[row]), self._store.names[row])

    @property
    def labels(self) -> NDArray[np.int64]:
        """Classes of all recordings, without loading one."""
        return self._store.labels[self._rows]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all recordings, without loading one."""
        return tuple(self._store.names[row] for row in self._rows)

    @property
    def found(self) -> int:
        """Number of recordings before a limit was applied."""
        return len(self._store)

    @property
    def total(self) -> int:
        """Number of recordings of the split as published."""
        return self._store.total

    def subset(self, rows: Sequence[int] | NDArray[np.int64]) -> Split:
        """Return the recordings at these positions, in this order."""
        return Split(self._store, self._rows[np.asarray(rows, dtype=np.int64)])

    def limited(self, limit: int | None, seed: int = 0) -> Split:
        """Return ``limit`` recordings, balanced over the classes (all of them if None)."""
        if limit is None:
            return self
        return self.subset(balanced_rows(self.labels, limit, seed))

    def size_text(self, what: str) -> str:
        """Say how large the split is, such as ``100 of 60,000 training recordings (700 found)``.

        Parameters
        ----------
        what
            For instance ``training recordings``.
        """
        if len(self) == self.total:
            return f"{len(self):,} {what}"
        found = f" ({self.found:,} found)" if len(self) < self.found < self.total else ""
        return f"{len(self):,} of {self.total:,} {what}{found}"


@dataclass(frozen=True, eq=False)
class DataSet:
    """A data set, ready to train on.

    Parameters
    ----------
    name
        Name by which it is loaded.
    class_names
        A name for each class.
    shape
        Shape of a frame (H, W, C).
    steps
        Frames of a recording T.
    window_us
        Time that a frame covers [us]; None for images, and for events that carry the number of
        their frame.
    train, test
        The recordings. Their order is fixed and often sorted by class: shuffle before training.
    encoding
        ``events``: frames of 0 and 1; ``direct``: an image of 0 ... 255, the same at every step.
    """

    name: str
    class_names: tuple[str, ...]
    shape: tuple[int, int, int]
    steps: int
    window_us: int | None
    train: Split
    test: Split
    encoding: str = "events"

    @property
    def thing(self) -> str:
        """What a sample is called: ``recording`` or ``image``."""
        return "image" if self.encoding == "direct" else "recording"

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    def summary(self) -> str:
        """Describe the data set in one line, with its size if it is a subset."""
        height, width, channels = self.shape
        if self.encoding == "direct":
            time = f"each seen for {self.steps} steps"
        elif self.window_us is None:
            time = f"{self.steps} frames"
        else:
            time = f"{self.steps} frames of {self.window_us / 1000:g} ms"
        return (
            f"{self.name}: {self.train.size_text(f'training {self.thing}s')}, "
            f"{self.test.size_text(f'test {self.thing}s')}, "
            f"{self.classes} classes, {time}, {height}x{width}x{channels}"
        )

    def verify(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Load every recording once, so that a damaged one is found before training starts.

        Parameters
        ----------
        progress
            Called with the number of recordings done and the number of all.
        """
        total = len(self.train) + len(self.test)
        done = 0
        for split in (self.train, self.test):
            for position in range(len(split)):
                split[position]
                done += 1
                if progress is not None:
                    progress(done, total)


def balanced_rows(
    labels: NDArray[np.int64] | Sequence[int], limit: int, seed: int = 0
) -> NDArray[np.int64]:
    """Choose ``limit`` rows so that the classes are as equal in number as they can be.

    Rows are dealt in rounds, one of each class per round, both chosen by the seed; a larger limit
    therefore contains every smaller one. The result is sorted.

    Parameters
    ----------
    labels
        Class of each row.
    limit
        Number of rows; all of them if there are fewer.
    seed
        Seed of the choice.

    Returns
    -------
    rows : int64 array

    Raises
    ------
    TypeError
        If the limit is not an integer.
    ValueError
        If the limit is below 1.
    """
    limit = check_positive("limit", limit)
    classes = np.asarray(labels, dtype=np.int64)
    shuffled = keyed_order(len(classes), seed, 1)
    rounds = np.empty(len(classes), dtype=np.int64)
    for label in np.unique(classes):
        mine = shuffled[classes[shuffled] == label]
        rounds[mine] = np.arange(len(mine))
    tie = keyed_bits(len(classes), seed, 2)
    return np.sort(np.lexsort((tie, rounds))[:limit])
