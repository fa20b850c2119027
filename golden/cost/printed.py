"""The paper's printed cost ratios beside ours: ``python -m golden.cost --paper`` checks them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from golden.cost.paper import Cost, paper_cost
from golden.cost.workloads import WORKLOADS, Workload

TOLERANCE = 1.0
"""Largest difference to a printed ratio [points]."""


@dataclass(frozen=True)
class Line:
    """A ratio that the paper prints.

    Attributes
    ----------
    text : str
        What is compared.
    paper : float
        Printed change [%].
    ours : Callable or None
        Gives our change [%]; None where it has to be measured.
    digits : int
        Digits behind the point that tell ours from other readings.
    below : bool
        The paper prints a limit that it stays below.
    """

    text: str
    paper: float
    ours: Callable[[], float] | None
    digits: int = 1
    below: bool = False

    def check(self) -> Result:
        """Return our value and whether it agrees."""
        if self.ours is None:
            return Result(self, None, True)
        ours = self.ours()
        fits = 0 < ours < self.paper if self.below else abs(ours - self.paper) <= TOLERANCE
        return Result(self, ours, fits)


@dataclass(frozen=True)
class Result:
    """A line with our value [%], None if it has to be measured, and whether it agrees."""

    line: Line
    ours: float | None
    agrees: bool


def change(value: float, base: float) -> float:
    """Return the change against `base` [%]."""
    return 100 * (value / base - 1)


def _cost(work: Workload, k: int, n: int, classifier: str = "trainable") -> Cost:
    return paper_cost(work.build(n, classifier), k, work.steps)


def _against_bp(data: str, quantity: str, k: int, n: int, classifier: str, base_k: int) -> float:
    """Return the change against plain BP at `base_k`, whose classifier is of the same kind."""
    work = WORKLOADS[data]
    cost, base = _cost(work, k, n, classifier), _cost(work, base_k, work.ns[0], classifier)
    return change(getattr(cost, quantity), getattr(base, quantity))


def _most_additions(data: str, ns: Iterable[int], classifier: str) -> float:
    """Return the largest change of additions against plain BP at the same k over the grid."""
    ks = WORKLOADS[data].ks
    return max(_against_bp(data, "additions", k, n, classifier, k) for k in ks for n in ns)


def _truncation_saves(data: str) -> float:
    """Return the most additions that truncation saves at any n of the grid [%]."""
    work = WORKLOADS[data]
    return max(
        -change(_cost(work, k, n).additions, _cost(work, work.steps, n).additions)
        for k in work.ks
        for n in work.ns
    )


LINES = (
    Line(
        "LeNet-1, LBP1 against BP: MACs", -72,
        lambda: _against_bp("EMNIST", "macs", 20, 1, "trainable", 20), digits=2,
    ),
    Line(
        "LeNet-1, LBP1 against BP: additions, trainable, up to", 32,
        lambda: _most_additions("EMNIST", (1,), "trainable"),
    ),
    Line(
        "LeNet-1, LBP1 against BP: additions, random, up to", 16,
        lambda: _most_additions("EMNIST", (1,), "random"),
    ),
    Line(
        "LeNet-1, truncation saves additions, below", 5,
        lambda: _truncation_saves("EMNIST"), digits=2, below=True,
    ),
    Line(
        "EMNIST, LBP1 against BP at k = 1: memory access, trainable", -23,
        lambda: _against_bp("EMNIST", "memory_access", 1, 1, "trainable", 1),
    ),
    Line(
        "EMNIST, LBP1 against BP at k = 1: memory access, random", -29,
        lambda: _against_bp("EMNIST", "memory_access", 1, 1, "random", 1),
    ),
    Line(
        "AlexNet, CIFAR10-DVS, (10, 1) against BPTT: memory access", -10.79,
        lambda: _against_bp("CIFAR10-DVS", "memory_access", 10, 1, "trainable", 100), digits=2,
    ),
    Line(
        "AlexNet, CIFAR10-DVS, (10, 1) against BPTT: MACs", -99.64,
        lambda: _against_bp("CIFAR10-DVS", "macs", 10, 1, "trainable", 100), digits=3,
    ),
    Line(
        "AlexNet, local training against BP: additions, up to", 0.66,
        lambda: _most_additions("CIFAR10-DVS", (4, 2, 1), "trainable"), digits=2,
    ),
    Line("AlexNet, CIFAR10-DVS, (10, 1) against BPTT: GPU memory", -89.94, None),
    Line("AlexNet, CIFAR10-DVS, (10, 1) against BPTT: accuracy [points]", 7.26, None),
)  # fmt: skip
"""All of the paper's cost ratios. Where both sides have a classifier it is of the same kind: only
against plain BP with a random output layer do the two ratios of random classifiers follow."""


def check_all() -> list[Result]:
    """Return every line with our value."""
    return [line.check() for line in LINES]
