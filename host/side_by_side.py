"""A golden model beside a board: counts, weights and momentum must agree bit for bit."""

from __future__ import annotations

import numpy as np

from golden.qformat import Int
from golden.settings import intervals
from golden.trainer import GoldenModel, Sample
from host.board import Board


class MismatchError(AssertionError):
    """The board computed something else than the golden model; the message says where."""


class SideBySide:
    """Trains the golden model on what the board is trained on, and compares.

    Parameters
    ----------
    board : Board
        Holds the network; the golden model starts from its weights, momentum and number of trained
        intervals.
    update_every : int
        Intervals per change of the weights.
    """

    def __init__(self, board: Board, update_every: int = 1) -> None:
        self.board = board
        self.update_every = update_every
        self.model = GoldenModel(
            board.network,
            board.config.formats,
            board.settings,
            board.read_weights(),
            strict=False,
        )
        self.model.momentum = board.read_momentum()
        self.model.trained_intervals = board.trained_intervals
        self.samples = 0

    def train(self, sample: Sample) -> Int:
        """Train both on a recording; return the board's counts.

        Raises
        ------
        MismatchError
            Something differs; the message names recording, layer, index, got and expected.
        """
        expected = self._expected(sample)
        (counts,) = self.board.run_samples([sample], learn=True, update_every=self.update_every)
        self.samples += 1
        self._compare("counts of the output", counts, expected)
        for kind, got, wanted in (
            ("weights", self.board.read_weights(), self.model.weights),
            ("momentum", self.board.read_momentum(), self.model.momentum),
        ):
            for layer in self.board.network.weighted:
                here = layer.hash_id
                self._compare(f"{kind} of {layer.name}", got[here], wanted[here])
        return counts

    def compare_state(self) -> None:
        """Compare the carried potentials of all layers, which `train` does not.

        Raises
        ------
        MismatchError
            Something differs.
        """
        network = self.board.network
        for layer, got, wanted in zip(
            network.resolved, self.board.read_state(), self.model.carry, strict=True
        ):
            self._compare(f"potentials of {layer.name}", got, wanted)

    def _expected(self, sample: Sample) -> Int:
        counts = np.zeros(self.model.network.classes, np.int64)
        for first, length in intervals(len(sample.frames), self.model.settings.interval):
            counts += self.model.run_interval(
                sample.frames[first : first + length], sample.label, start=first == 0, learn=True,
                halvings=self.board.halvings,
                update=(self.model.trained_intervals + 1) % self.update_every == 0,
            )  # fmt: skip
        return counts

    def _compare(self, what: str, got: Int, expected: Int) -> None:
        differ = np.argwhere(got != expected)
        if len(differ):
            first = tuple(int(i) for i in differ[0])
            raise MismatchError(
                f"sample {self.samples}: {what} differ from the golden model's at "
                f"{len(differ)} of {got.size} places, first at index {first}: "
                f"got {got[first]}, expected {expected[first]}"
            )

    def text(self) -> str:
        """Say what was compared and found equal."""
        what = "first sample" if self.samples == 1 else f"first {self.samples} samples"
        return f"{what}: weights, momentum and counts equal the golden model's, bit for bit"
