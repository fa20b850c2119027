"""What a run of the float reference does with its network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from golden.checks import require_integers
from golden.loss import LOSSES

OPTIMIZERS = ("sgd", "adam")
"""SGD with momentum, and Adam, which the paper takes for its two deepest networks."""


@dataclass(frozen=True)
class ReferencePlan:
    """Settings of a run; all of them are in its ``config.json``.

    Parameters
    ----------
    interval : int
        k.
    epochs : int
        Passes over the training recordings.
    batch : int
        Recordings per change of the weights.
    optimizer : str
        ``sgd`` or ``adam``.
    rate : float
        Learning rate of the first epoch.
    momentum : float
        Of SGD; Adam's betas are torch's.
    halve_every : int
        Epochs between halvings of the rate; 0 never halves it. The paper: 20 of 100.
    update_every : int
        Intervals per change of the weights.
    dropout : float
        Share of neurons dropped while training, after each convolution and dense layer.
    loss : str
        ``mse`` or ``cross-entropy``.
    temperature_shift : int
        Of cross-entropy (`golden.reference.loss.Loss`).
    validation : int
        Training recordings held out and tested instead of the test split; 0 uses the test split.
    seed : int
        Of first weights, order, dropout.

    Raises
    ------
    TypeError, ValueError
        A value is out of bounds; the message names it.
    """

    interval: int
    epochs: int = 10
    batch: int = 64
    optimizer: str = "adam"
    rate: float = 1e-3
    momentum: float = 0.9
    halve_every: int = 0
    update_every: int = 1
    dropout: float = 0.0
    loss: str = "mse"
    temperature_shift: int = 0
    validation: int = 0
    seed: int = 1

    def __post_init__(self) -> None:
        large = 2**31 - 1
        require_integers(
            self,
            {
                "interval": (1, large), "epochs": (1, large), "batch": (1, large),
                "halve_every": (0, large), "update_every": (1, large),
                "temperature_shift": (0, 3), "validation": (0, large), "seed": (0, large),
            },
        )  # fmt: skip
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {OPTIMIZERS}, not {self.optimizer!r}")
        if self.loss not in LOSSES:
            raise ValueError(f"loss must be one of {LOSSES}, not {self.loss!r}")
        if not 0 < self.rate < float("inf"):
            raise ValueError(f"rate must be above 0, not {self.rate!r}")
        for name in ("momentum", "dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(
                    f"{name} must be at least 0 and below 1, not {getattr(self, name)!r}"
                )

    def rate_in(self, epoch: int) -> float:
        """Return the learning rate of an epoch, counted from 0."""
        return self.rate * 0.5 ** self.halvings(epoch)

    def halvings(self, epoch: int) -> int:
        """Return how often the rate has been halved in an epoch, counted from 0."""
        return epoch // self.halve_every if self.halve_every else 0

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON; ``ReferencePlan(**data)`` reads it back."""
        return asdict(self)
