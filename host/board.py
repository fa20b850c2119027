"""What every board offers, real, simulated or golden: load, train, evaluate, read back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.core_config import CoreConfig
from golden.layout import Layout, place
from golden.network import Network
from golden.qformat import Int
from golden.random_weights import find_scale
from golden.settings import Settings, intervals
from golden.trainer import Sample, check_frames
from host import compiler

IN_FLIGHT = 2
"""Intervals queued at once: one is computed while the next one is sent."""


class BoardError(RuntimeError):
    """The board cannot do what was asked; the message says why and what to do."""


class Board(ABC):
    """An accelerator that holds one network.

    Intervals are submitted and their counts collected in order; up to `IN_FLIGHT` may be under way.
    Everything that reads or changes the network first waits until the board is idle; counts not yet
    collected are kept.

    Parameters
    ----------
    config : CoreConfig
        What the board can hold.

    Attributes
    ----------
    name : str
        For messages.
    trained_intervals : int
        Intervals trained since `load`: keys the random bits of rounding and dropout.
    """

    name = "board"

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.trained_intervals = 0
        self._layout: Layout | None = None
        self._settings: Settings | None = None
        self._halvings = 0
        self._waiting: deque[int] = deque()  # runs submitted, counts not fetched
        self._fetched: deque[Int] = deque()
        self._started = False

    # ---- what differs between boards ----------------------------------------------------------

    @abstractmethod
    def _load(self, layout: Layout, settings: Settings) -> None:
        """Set up table, program and seed; zero weights, momentum, states and counters."""

    @abstractmethod
    def _submit(
        self, frames: NDArray[Any], label: int, start: bool, learn: bool, update: bool
    ) -> int:
        """Queue an interval; return its number."""

    @abstractmethod
    def _collect(self, run: int) -> Int:
        """Wait for an interval; return its counts."""

    @abstractmethod
    def _apply_halvings(self) -> None:
        """Use `_halvings` from the next interval on."""

    @abstractmethod
    def _write(self, kind: str, values: list[Int]) -> None:
        """Replace ``weights`` or ``momentum``; shapes are checked."""

    @abstractmethod
    def _read(self, kind: str) -> list[Int]:
        """Return ``weights``, ``momentum`` or ``state``."""

    @abstractmethod
    def counters(self) -> dict[str, int]:
        """Return saturations per kind, the overflow flag and what else the board counts."""

    @abstractmethod
    def profile(self) -> list[dict[str, Any]]:
        """Return cycles and lane operations per instruction; empty where nothing is counted."""

    @abstractmethod
    def clear_counters(self) -> None:
        """Zero the counters and the profile."""

    def close(self) -> None:  # noqa: B027 - not every board has something to close
        """Let the board go."""

    # ---- network and settings -----------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        """Placement of the network that is loaded.

        Raises
        ------
        BoardError
            No network is loaded.
        """
        if self._layout is None:
            raise BoardError(f"{self.name} holds no network: call load() first")
        return self._layout

    @property
    def network(self) -> Network:
        """The network that is loaded."""
        return self.layout.network

    @property
    def settings(self) -> Settings:
        """The settings that are loaded."""
        assert self.layout
        assert self._settings is not None
        return self._settings

    @property
    def halvings(self) -> int:
        """How often the learning rate has been halved."""
        return self._halvings

    def load(
        self, network: Network, settings: Settings, weights: list[Int] | None = None
    ) -> Layout:
        """Set the board up for a network; return its placement.

        Weights not given are 0; momentum, states, counters, halvings and `trained_intervals` are 0.

        Raises
        ------
        golden.layout.DoesNotFitError
            The network does not fit; nothing has changed.
        ValueError
            Settings or weights do not suit the network; nothing has changed.
        """
        layout = place(network, self.config, settings.interval)
        layout.check()
        settings.check(network, self.config.formats)
        compiler.layer_table(layout, settings)
        compiler.program(layout, settings)
        if weights is not None:
            self._check_weights(network, settings, weights)
        self.drain()
        self._fetched.clear()
        self._layout = None
        self._halvings = self.trained_intervals = 0
        self._started = False
        self._load(layout, settings)
        self._layout, self._settings = layout, settings
        if weights is not None:
            self._write("weights", weights)
        return layout

    def set_halvings(self, halvings: int) -> None:
        """Halve the learning rate `halvings` times in all, from the next interval on.

        Raises
        ------
        ValueError
            A layer's update shift would leave its range; nothing has changed.
        """
        for layer in self.network.weighted:
            self.settings.update_shift(layer, self.config.formats, halvings)
        self.drain()
        self._halvings = halvings
        self._apply_halvings()

    # ---- intervals ----------------------------------------------------------------------------

    def submit(
        self,
        frames: NDArray[Any],
        label: int = 0,
        *,
        start: bool,
        learn: bool,
        update: bool = True,
    ) -> None:
        """Queue one interval; `collect` returns its counts later.

        Parameters
        ----------
        frames : NDArray
            0 and 1, or one image of 0 .. 255 at every step; shape (steps, H, W, C).
        label : int
            Class of the sample; not used without `learn`.
        start : bool
            First interval of a sample.
        learn : bool
            Train; otherwise forward only.
        update : bool
            Change the weights at the end; otherwise V goes on accumulating.

        Raises
        ------
        ValueError
            Frames, label or number of steps are wrong; nothing was sent.
        """
        network = self.network
        check_frames(frames, network)
        if len(frames) > self.layout.interval:
            raise ValueError(
                f"an interval has up to {self.layout.interval} steps (k), not {len(frames)}"
            )
        if learn and not 0 <= label < network.classes:
            raise ValueError(f"label must be in 0..{network.classes - 1}, not {label}")
        if not start and not self._started:
            raise BoardError("the first interval after load() must start a sample")
        while len(self._waiting) >= IN_FLIGHT:
            self._fetch()
        run = self._submit(frames, label if learn else 0, start, learn, learn and update)
        self._started = True
        self._waiting.append(run)
        self.trained_intervals += bool(learn)

    def _fetch(self) -> None:
        self._fetched.append(self._collect(self._waiting[0]))
        self._waiting.popleft()

    def collect(self) -> Int:
        """Return the counts, shape (classes,), of the oldest interval not collected yet.

        Raises
        ------
        BoardError
            There is none.
        """
        if not self._fetched:
            if not self._waiting:
                raise BoardError("no interval was submitted whose counts are to come")
            self._fetch()
        return self._fetched.popleft()

    def drain(self) -> None:
        """Wait until the board is idle."""
        while self._waiting:
            self._fetch()

    def run_interval(
        self,
        frames: NDArray[Any],
        label: int = 0,
        *,
        start: bool,
        learn: bool,
        update: bool = True,
    ) -> Int:
        """Run one interval and wait for its counts; see `submit`.

        Raises
        ------
        BoardError
            Counts of earlier intervals are not collected yet.
        """
        if self._waiting or self._fetched:
            raise BoardError("collect the counts of the intervals submitted before first")
        self.submit(frames, label, start=start, learn=learn, update=update)
        return self.collect()

    def train_interval(
        self, frames: NDArray[Any], label: int, *, start: bool, update: bool = True
    ) -> Int:
        """Train on one interval; return its counts."""
        return self.run_interval(frames, label, start=start, learn=True, update=update)

    # ---- samples ------------------------------------------------------------------------------

    def run_samples(
        self, samples: Iterable[Sample], *, learn: bool, update_every: int = 1
    ) -> Iterator[Int]:
        """Run recordings one after the other; yield the counts of each over all its steps.

        The next interval is sent while one is computed, across recordings too. Weights are safe to
        read between two yields: reading waits for what is under way, which may be the first
        intervals of the recording after.

        Parameters
        ----------
        samples : iterable of Sample
            Frames and label of each.
        learn : bool
            Train.
        update_every : int
            Intervals per change of the weights, counted by `trained_intervals`: across recordings,
            calls, and a restart that restores that number.

        Raises
        ------
        ValueError
            `update_every` is below 1.
        """
        if update_every < 1:
            raise ValueError(f"update_every must be at least 1, not {update_every}")
        todo: deque[list[int]] = deque()  # intervals to come, per recording
        counts = np.zeros(self.network.classes, np.int64)
        for sample in samples:
            cut = intervals(len(sample.frames), min(self.layout.interval, len(sample.frames)))
            todo.append([len(cut)])
            for first, length in cut:
                self.submit(
                    sample.frames[first : first + length],
                    sample.label,
                    start=first == 0,
                    learn=learn,
                    update=(self.trained_intervals + 1) % update_every == 0,
                )
                while self._fetched:
                    counts += self.collect()
                    todo[0][0] -= 1
                    if not todo[0][0]:
                        todo.popleft()
                        yield counts
                        counts = np.zeros(self.network.classes, np.int64)
        while todo:
            counts += self.collect()
            todo[0][0] -= 1
            if not todo[0][0]:
                todo.popleft()
                yield counts
                counts = np.zeros(self.network.classes, np.int64)

    def train_sample(self, frames: NDArray[Any], label: int) -> Int:
        """Train on one recording, interval by interval; return its counts over all steps."""
        return self._run_one(frames, label, learn=True)

    def class_counts(self, frames: NDArray[Any]) -> Int:
        """Run one recording without learning; return its counts over all steps."""
        return self._run_one(frames, 0, learn=False)

    def _run_one(self, frames: NDArray[Any], label: int, *, learn: bool) -> Int:
        check_frames(frames, self.network)
        (counts,) = self.run_samples([_Recording(frames, label)], learn=learn)
        return counts

    def predict(self, frames: NDArray[Any]) -> int:
        """Return the class with most output spikes; ties go to the lowest class."""
        return int(np.argmax(self.class_counts(frames)))

    def evaluate(self, samples: Iterable[Sample]) -> float:
        """Return the accuracy on recordings, 0 to 1, without learning.

        Raises
        ------
        ValueError
            There are no samples.
        """
        labels: list[int] = []

        def noted() -> Iterator[Sample]:
            for sample in samples:
                labels.append(sample.label)
                yield sample

        answers = [int(np.argmax(counts)) for counts in self.run_samples(noted(), learn=False)]
        if not answers:
            raise ValueError("samples must hold at least one recording")
        return float(np.mean([a == b for a, b in zip(answers, labels, strict=True)]))

    # ---- contents -----------------------------------------------------------------------------

    def write_weights(self, weights: list[Int]) -> None:
        """Replace all weights: codes of shape `Layer.weight_shape` in the order of `hash_id`.

        Raises
        ------
        TypeError, ValueError
            Number, kind, shape or range is wrong; nothing has changed.
        """
        self._check_weights(self.network, self.settings, weights)
        self.drain()
        self._write("weights", weights)

    def write_momentum(self, momentum: list[Int]) -> None:
        """Replace all V, as `write_weights` does the weights."""
        self._check(self.network, momentum, self.config.formats.gradient)
        self.drain()
        self._write("momentum", momentum)

    def read_weights(self) -> list[Int]:
        """Return all weights: codes of shape `Layer.weight_shape` in the order of `hash_id`."""
        return self._contents("weights")

    def read_momentum(self) -> list[Int]:
        """Return all V, fraction f_e, shaped like the weights."""
        return self._contents("momentum")

    def read_state(self) -> list[Int]:
        """Return the carried potentials, shape `Layer.out_shape`, in the order of `Layer.index`."""
        return self._contents("state")

    def _contents(self, kind: str) -> list[Int]:
        assert self.layout
        self.drain()
        return self._read(kind)

    def _check_weights(self, network: Network, settings: Settings, weights: list[Int]) -> None:
        self._check(network, weights, self.config.formats.weight)
        for layer, weight in zip(network.weighted, weights, strict=True):
            if layer.random:
                find_scale(settings.seed, layer, weight)

    @staticmethod
    def _check(network: Network, values: list[Int], width: int) -> None:
        layers = network.weighted
        if len(values) != len(layers):
            raise ValueError(f"weights must hold {len(layers)} arrays, not {len(values)}")
        limit = 1 << (width - 1)
        for layer, value in zip(layers, values, strict=True):
            if value.shape != layer.weight_shape:
                raise ValueError(
                    f"weights of {layer.name} must have shape {layer.weight_shape}, "
                    f"not {value.shape}"
                )
            if not np.issubdtype(value.dtype, np.integer):
                raise TypeError(f"weights of {layer.name} must be integers, not {value.dtype}")
            if value.min() < -limit or value.max() >= limit:
                raise ValueError(
                    f"weights of {layer.name} must fit {width} bits, "
                    f"not {value.min()} to {value.max()}"
                )

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Recording:
    def __init__(self, frames: NDArray[Any], label: int) -> None:
        self.frames = frames
        self.label = label
