"""Loss of a block over one interval in torch (Eq 3): the mean square, or cross-entropy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch.nn import functional

from golden.loss import LOSSES


@dataclass(frozen=True)
class Loss:
    """What a block's classifier is trained on.

    The mean square is ``1/Nc · sum over c of (y_c - mean over t of s_c)²``. Cross-entropy takes the
    softmax p of ``2 ** (count / 2**temperature_shift)`` and is scaled so that an error is as large
    as that of the mean square, ``2/(Nc·k) · (p - y)``, as in `golden.loss`.

    Parameters
    ----------
    kind : str
        ``mse`` or ``cross-entropy``.
    temperature_shift : int
        Of the softmax: a class with 2**temperature_shift spikes less weighs half.

    Raises
    ------
    ValueError
        There is no such loss.
    """

    kind: str = "mse"
    temperature_shift: int = 0

    def __post_init__(self) -> None:
        if self.kind not in LOSSES:
            raise ValueError(f"loss must be one of {LOSSES}, not {self.kind!r}")

    def __call__(self, counts: torch.Tensor, labels: torch.Tensor, steps: int) -> torch.Tensor:
        """Return the loss, mean over the batch.

        Parameters
        ----------
        counts : torch.Tensor
            Spikes of the classifier in this interval, shape (B, Nc).
        labels : torch.Tensor
            Classes, int64 of shape (B,).
        steps : int
            Length k of this interval.
        """
        classes = counts.shape[1]
        if self.kind == "mse":
            wanted = functional.one_hot(labels, classes).to(counts.dtype)
            return functional.mse_loss(counts / steps, wanted)
        beta = math.log(2) / 2**self.temperature_shift
        return functional.cross_entropy(beta * counts, labels) * (2 / (classes * steps * beta))
