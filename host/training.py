"""The training loop, on any board: epochs, evaluation, metrics, checkpoints."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from golden.qformat import Int
from golden.trainer import Sample
from host.board import Board
from host.checkpoint import Checkpoint, Progress
from host.datasets import DataSet, Split
from host.display import Display, interruptible
from host.run_folder import Record, RunFolder
from host.side_by_side import SideBySide

POINTS = 8
"""Lines of metrics per epoch beside the one at its end."""

SAVE_SECONDS = 300.0
"""A checkpoint is written at least this often, not only at the end of an epoch [s]."""

TRAINING_WORK = 3
"""Effort of training on a recording, in recordings evaluated: for the estimate of time."""


class InterruptedRunError(RuntimeError):
    """The user stopped the run; its folder holds a checkpoint to go on from."""


@dataclass(frozen=True)
class Plan:
    """What a run does with its network.

    Attributes
    ----------
    epochs : int
        Passes over the training recordings.
    halve_every : int
        Epochs between halvings of the learning rate; 0 never halves it.
    seed : int
        Of the order of the recordings.
    check : int
        Recordings on which the board is compared with a golden model.
    update_every : int
        Intervals per change of the weights, across recordings and epochs.

    Raises
    ------
    ValueError
        A number is negative, or there are no epochs.
    """

    epochs: int
    halve_every: int = 0
    seed: int = 1
    check: int = 0
    update_every: int = 1

    def __post_init__(self) -> None:
        bounds = {"epochs": 1, "halve_every": 0, "seed": 0, "check": 0, "update_every": 1}
        for name, low in bounds.items():
            value = getattr(self, name)
            if not isinstance(value, int):
                raise TypeError(f"{name} must be an int, not {value!r}")
            if value < low:
                raise ValueError(f"{name} must be at least {low}, not {value}")

    def halvings(self, epoch: int) -> int:
        """Return how often the rate has been halved in an epoch, counted from 0."""
        return epoch // self.halve_every if self.halve_every else 0


@dataclass(frozen=True, eq=False)
class Outcome:
    """Result of a run.

    Attributes
    ----------
    before, after : float
        Test accuracy, 0 to 1.
    confusion : NDArray
        Test recordings per (class, answer).
    seconds : float
        Time the whole run took [s].
    """

    before: float
    after: float
    confusion: NDArray[np.int64]
    seconds: float


def recording_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order of an epoch's recordings; splits are sorted by class."""
    return np.random.default_rng((seed, epoch)).permutation(count)


class Training:
    """One run: trains a board that holds a network, and keeps its folder.

    Parameters
    ----------
    board : Board
        Holds the network; weights, momentum and trained intervals are those of `progress`.
    data : DataSet
        Recordings.
    plan : Plan
        Epochs and schedule.
    folder : RunFolder
        Where metrics and checkpoints go.
    progress : Progress, optional
        Where to go on.
    say : callable, optional
        Gets every line for the user; prints it above the progress bar by default.
    """

    def __init__(
        self,
        board: Board,
        data: DataSet,
        plan: Plan,
        folder: RunFolder,
        progress: Progress | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.board, self.data, self.plan, self.folder = board, data, plan, folder
        self.progress = replace(progress) if progress else Progress()
        self.progress.totals = dict(self.progress.totals)
        self.progress.update_every = plan.update_every
        self.stop = False
        self._side: SideBySide | None = None
        self._seen: dict[str, int] = {}
        self._saved = time.monotonic()
        self._clock = time.monotonic()
        self._confusion: NDArray[np.int64] | None = None
        self._display = Display()
        self.say = say or self._display.say

    # ---- the run ------------------------------------------------------------------------------

    def run(self) -> Outcome:
        """Train to the end of the plan.

        Raises
        ------
        InterruptedRunError
            The user stopped it; the folder holds a checkpoint.
        host.side_by_side.MismatchError
            The board differs from the golden model.
        """
        progress, plan = self.progress, self.plan
        self._clock = self._saved = time.monotonic()
        self._seen = self._counts()
        with self._display.shown(self._work()), interruptible(self._on_stop):
            try:
                if not progress.records:
                    self._save()
                    accuracy = self._evaluate("before")
                    self.say(f"before training: test accuracy {accuracy:.1%}")
                    self._record("before", epoch=0, test_accuracy=accuracy)
                if plan.check:
                    self._side = SideBySide(self.board, plan.update_every)
                for epoch in range(progress.epoch, plan.epochs):
                    self._epoch(epoch)
                if self._confusion is None:
                    self._evaluate("after")
            except InterruptedRunError:
                self._save()
                raise
        assert self._confusion is not None
        before = next(r["test_accuracy"] for r in self.folder.records() if r["event"] == "before")
        after = float(np.trace(self._confusion) / self._confusion.sum())
        return Outcome(before, after, self._confusion, progress.seconds)

    def _epoch(self, epoch: int) -> None:
        progress, train = self.progress, self.data.train
        self.board.set_halvings(self.plan.halvings(epoch))
        order = recording_order(len(train), self.plan.seed, epoch)
        name = f"epoch {epoch + 1}/{self.plan.epochs}"
        marks = np.unique(np.linspace(0, len(order), POINTS + 1).astype(int))[1:]
        for mark in marks[marks >= progress.position]:
            while progress.position < mark:
                self._train(train.subset(order[progress.position : mark]), name)
            if progress.recent:  # not recorded before the run broke off
                self._record("training", epoch + 1, progress.recent_right / progress.recent)
                progress.recent = progress.recent_right = 0
        accuracy = self._evaluate(name)
        trained = progress.right / len(order)
        progress.epoch, progress.position, progress.right = epoch + 1, 0, 0
        record = self._record("epoch", epoch + 1, trained, accuracy)
        self._save()
        cycles = f", {record['cycles'] / 1e6:.1f} M cycles" if "cycles" in record else ""
        self.say(
            f"{name}: training accuracy {trained:.1%}, test accuracy {accuracy:.1%}{cycles}, "
            f"{progress.seconds:.0f} s"
        )

    def _train(self, recordings: Split, name: str) -> None:
        """Train until the recordings end, the user stops it, or it is time to save."""
        progress, board = self.progress, self.board
        if self._side and self._side.samples < self.plan.check:
            sample = recordings[0]
            pairs: Iterable[tuple[Int, int]] = [(self._side.train(sample), sample.label)]
        else:
            pairs = _answers(
                board, self._until_stopped(recordings), learn=True,
                update_every=self.plan.update_every,
            )  # fmt: skip
        for counts, label in pairs:
            right = int(np.argmax(counts)) == label
            progress.position += 1
            progress.samples += 1
            progress.recent += 1
            progress.right += right
            progress.recent_right += right
            progress.trained_intervals = board.trained_intervals
            share = progress.right / progress.position
            self._display.advance(TRAINING_WORK, f"{name}, training accuracy so far {share:.1%}")
        if self._side and self._side.samples == self.plan.check:
            self.say(self._side.text())
            self._side = None
        if self.stop:
            raise InterruptedRunError
        if time.monotonic() - self._saved > SAVE_SECONDS:
            self._save()

    def _until_stopped(self, samples: Iterable[Sample]) -> Iterator[Sample]:
        for sample in samples:
            if self.stop:
                return
            yield sample
            if time.monotonic() - self._saved > SAVE_SECONDS:
                return

    def _evaluate(self, name: str) -> float:
        """Return the test accuracy, and keep the confusion matrix."""
        classes = self.board.network.classes
        confusion = np.zeros((classes, classes), np.int64)
        samples = takewhile(lambda _: not self.stop, self.data.test)
        for counts, label in _answers(self.board, samples, learn=False):
            confusion[label, int(np.argmax(counts))] += 1
            self._display.advance(1, f"{name}, evaluation")
        if self.stop:
            raise InterruptedRunError
        self._confusion = confusion
        return float(np.trace(confusion) / confusion.sum())

    def _work(self) -> int:
        """Return the work left, in recordings evaluated."""
        left = self.plan.epochs - self.progress.epoch
        train, test = len(self.data.train), len(self.data.test)
        work = left * (TRAINING_WORK * train + test) - TRAINING_WORK * self.progress.position
        return work + test * (not self.progress.records)

    def _on_stop(self) -> None:
        self.stop = True
        self.say("stopping after this recording (Ctrl-C again: at once)")

    # ---- what is kept -------------------------------------------------------------------------

    def _counts(self) -> dict[str, int]:
        """Return what the board and its link have counted so far."""
        counts = dict(self.board.counters())
        statistics = getattr(getattr(self.board, "link", None), "statistics", None)
        if statistics is not None:
            counts["link_bytes"] = statistics.sent.total() + statistics.received.total()
        return counts

    def _account(self) -> dict[str, int]:
        """Bring time and totals of the run up to date; return what came since the last time."""
        now, counts, totals = time.monotonic(), self._counts(), self.progress.totals
        self.progress.seconds += now - self._clock
        self._clock = now
        added = {name: value - self._seen.get(name, 0) for name, value in counts.items()}
        for name, value in added.items():
            totals[name] = totals.get(name, 0) + value
        self._seen = counts
        return added

    def _record(
        self,
        event: str,
        epoch: int,
        train_accuracy: float | None = None,
        test_accuracy: float | None = None,
    ) -> Record:
        self._account()
        record: Record = {
            "event": event,
            "epoch": epoch,
            "samples": self.progress.samples,
            "halvings": self.board.halvings,
        }
        if train_accuracy is not None:
            record["train_accuracy"] = round(train_accuracy, 6)
        if test_accuracy is not None:
            record["test_accuracy"] = round(test_accuracy, 6)
        record |= self.progress.totals
        record["seconds"] = round(self.progress.seconds, 3)
        self.folder.append(record)
        self.progress.records += 1
        return record

    def _save(self) -> None:
        board = self.board
        weights, momentum = board.read_weights(), board.read_momentum()
        self._account()
        self.progress.trained_intervals = board.trained_intervals
        self.folder.save(
            Checkpoint(
                board.network, board.config.formats, board.settings, weights, momentum,
                self.progress,
            )
        )  # fmt: skip
        self._saved = time.monotonic()


def _answers(
    board: Board, samples: Iterable[Sample], *, learn: bool, update_every: int = 1
) -> Iterator[tuple[Int, int]]:
    """Run recordings; yield counts and class of each."""
    labels: deque[int] = deque()

    def noted() -> Iterator[Sample]:
        for sample in samples:
            labels.append(sample.label)
            yield sample

    for counts in board.run_samples(noted(), learn=learn, update_every=update_every):
        yield counts, labels.popleft()
