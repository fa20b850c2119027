"""Networks and data sets of the paper's cost figures, with its grids of k and n."""

from __future__ import annotations

from dataclasses import dataclass

from golden.layers import Shape
from golden.network import CLASSIFIERS, Network
from golden.paper_networks import paper_network


@dataclass(frozen=True)
class Workload:
    """A data set with the network that learns it.

    Attributes
    ----------
    data : str
        Name of the data set.
    network : str
        Name in `golden.paper_networks`.
    input_shape : Shape
        Height, width, channels.
    classes : int
        N_c.
    steps : int
        T.
    ks, ns : tuple of int
        Grids; the first k is T, the first n all hidden layers (plain BP).
    encoding : str
        ``events`` or ``direct``.
    chosen : (int, int)
        The paper's choice of (k, n) by its figure of merit.
    memory_batch : int
        Batch of the paper's memory measurements; its cost model has 128 everywhere.
    """

    data: str
    network: str
    input_shape: Shape
    classes: int
    steps: int
    ks: tuple[int, ...]
    ns: tuple[int, ...]
    encoding: str
    chosen: tuple[int, int]
    memory_batch: int

    def build(self, n: int, classifier: str = "trainable") -> Network:
        """Return the network with block length n."""
        return paper_network(
            self.network, input_shape=self.input_shape, classes=self.classes, block_length=n,
            classifier=classifier, encoding=self.encoding,
        )  # fmt: skip

    @property
    def base(self) -> Network:
        """Plain BP with a trainable output layer."""
        return self.build(self.ns[0])

    @property
    def cells(self) -> list[tuple[int, int, str]]:
        """Every (k, n, classifier) of the grid."""
        return [(k, n, c) for n in self.ns for c in CLASSIFIERS for k in self.ks]


WORKLOADS = {
    work.data: work
    for work in (
        Workload(
            "EMNIST", "lenet1", (28, 28, 1), 47, 20, (20, 10, 5, 2, 1), (4, 2, 1),
            "direct", (1, 2), 1024,
        ),
        Workload(
            "DvsGesture", "lenet2", (64, 64, 2), 11, 60, (60, 30, 20, 10, 5, 1), (4, 2, 1),
            "events", (10, 1), 32,
        ),
        Workload(
            "CIFAR10", "alexnet", (32, 32, 3), 10, 10, (10, 5, 2, 1), (8, 4, 2, 1),
            "direct", (1, 1), 128,
        ),
        Workload(
            "CIFAR10-DVS", "alexnet", (32, 32, 2), 10, 100, (100, 50, 20, 10, 1), (8, 4, 2, 1),
            "events", (10, 1), 128,
        ),
    )
}  # fmt: skip
"""By data set. EMNIST is balanced (47 classes); its network and both AlexNets follow from the
paper's printed ratios, LeNet-2 weakly (`golden.paper_networks`)."""
