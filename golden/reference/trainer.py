"""Mini-batch training of the float reference: intervals, optimiser steps, divergence."""

from __future__ import annotations

import torch

from golden.reference.model import ReferenceModel
from golden.settings import intervals

LARGEST_WEIGHT = 2.0**16
"""Beyond it a run counts as diverged: thresholds are below 8, so that such a network is silent or
fires at every step, and its loss stays finite."""


class DivergedError(RuntimeError):
    """Weights are too large to mean anything, or no numbers at all."""


class Trainer:
    """Trains a reference model on batches of recordings.

    Weights change at the end of every interval, as in the paper, all blocks together: a block's
    gradient depends on the blocks below only through spikes of before the change.

    Parameters
    ----------
    model : ReferenceModel
    optimizer : torch.optim.Optimizer
        Of the model's parameters; SGD with momentum and Adam are the paper's.
    interval : int
        k; the last interval of a recording may be shorter.
    update_every : int
        Intervals per change of the weights, across batches.

    Raises
    ------
    ValueError
        A number is below 1.
    """

    def __init__(
        self,
        model: ReferenceModel,
        optimizer: torch.optim.Optimizer,
        interval: int,
        update_every: int = 1,
    ) -> None:
        for name, value in (("interval", interval), ("update_every", update_every)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1, not {value}")
        self.model, self.optimizer = model, optimizer
        self.interval, self.update_every = interval, update_every
        self.trained_intervals = 0

    def train_batch(
        self, frames: torch.Tensor, labels: torch.Tensor, steps: int | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Train on whole recordings.

        Parameters
        ----------
        frames : torch.Tensor
            Shape (T, B, C, H, W), or (1, B, C, H, W) with direct encoding.
        labels : torch.Tensor
            Classes, int64 of shape (B,).
        steps : int, optional
            T; the number of frames by default.

        Returns
        -------
        counts : torch.Tensor
            Spikes of the last classifier over all T, shape (B, Nc).
        losses : torch.Tensor
            Mean loss of each block over the intervals, shape (blocks,).
        """
        total = counts = None
        self.model.train()
        self.model.start()
        parts = intervals(steps or len(frames), self.interval)
        for first, length in parts:
            if self.trained_intervals % self.update_every == 0:
                self.optimizer.zero_grad(set_to_none=True)
            part = frames if self._direct else frames[first : first + length]
            fired, losses = self.model.train_interval(part, labels, length)
            self.trained_intervals += 1
            if self.trained_intervals % self.update_every == 0:
                self.optimizer.step()
            counts = fired if counts is None else counts + fired
            total = losses if total is None else total + losses
        assert counts is not None
        assert total is not None
        return counts, total / len(parts)

    @property
    def _direct(self) -> bool:
        return self.model.network.encoding == "direct"

    def check(self) -> None:
        """Raise where training diverged.

        Raises
        ------
        DivergedError
            A weight is no number or beyond `LARGEST_WEIGHT`; the message names the layer.
        """
        for name, weight in self.model.named_parameters():
            largest = float(weight.detach().abs().max())
            if not largest <= LARGEST_WEIGHT:
                part, _, rest = name.partition(".")
                layer = self.model.network.weighted[int(rest)].name if part == "weights" else name
                raise DivergedError(
                    f"training diverged: weights of {layer} reach {largest:.3g}; "
                    "lower the learning rate"
                )

    def infer_batch(self, frames: torch.Tensor, steps: int | None = None) -> torch.Tensor:
        """Return the last classifier's counts over all T, shape (B, Nc), without learning."""
        self.model.eval()
        self.model.start()
        return self.model.infer(frames, steps)
