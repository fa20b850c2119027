"""The paper's way to train beside the accelerator's: the same network, k and n, one sample."""

from __future__ import annotations

from dataclasses import dataclass

from golden.checks import require_integer
from golden.cost.accelerator import AcceleratorCost, Densities, accelerator_cost
from golden.cost.paper import ALPHA, backpropagation, paper_cost
from golden.network import Network

VALUE_BITS = 32
"""Bits of a value that the paper counts: single precision."""


@dataclass(frozen=True)
class Row:
    """A quantity of one training sample.

    Attributes
    ----------
    name, unit : str
        What it is.
    bp, paper : float or None
        Plain BP at k = T, and (k, n), as the paper counts; None where it does not.
    accelerator : float
        (k, n) on the accelerator.
    """

    name: str
    unit: str
    bp: float | None
    paper: float | None
    accelerator: float

    @property
    def gain(self) -> float | None:
        """How many times less the accelerator takes than the paper's scheme at the same (k, n)."""
        if self.paper is None or not self.accelerator:
            return None
        return self.paper / self.accelerator


@dataclass(frozen=True)
class Comparison:
    """Rows, and the accelerator's cost with all its parts."""

    rows: tuple[Row, ...]
    accelerator: AcceleratorCost


def compare(
    network: Network,
    k: int,
    steps: int,
    *,
    value_bits: int = VALUE_BITS,
    alpha: float = ALPHA,
    lanes: int = 16,
    densities: Densities | None = None,
) -> Comparison:
    """Return both costs of training on one sample, batch 1.

    The paper's accounting takes the density `alpha` for everything and values of `value_bits`
    bits; the accelerator's takes `densities` and its own widths.

    Parameters
    ----------
    network : Network
        Its block length is n.
    k, steps, lanes, densities
        As in `golden.cost.accelerator.accelerator_cost`.
    value_bits : int
        Bits of a value in the paper's scheme.
    alpha : float
        As in `golden.cost.paper.paper_cost`.

    Raises
    ------
    TypeError, ValueError
        An option is out of bounds, or the network has what the accelerator cannot do.
    """
    require_integer("value_bits", value_bits, 1, 64)
    bp = paper_cost(backpropagation(network), steps, steps, batch=1, alpha=alpha)
    paper = paper_cost(network, k, steps, batch=1, alpha=alpha)
    ours = accelerator_cost(network, k, steps, lanes=lanes, densities=densities)

    def row(name: str, unit: str, quantity: str, scale: int, own: float) -> Row:
        first, second = (scale * getattr(cost, quantity) for cost in (bp, paper))
        return Row(name, unit, first, second, own)

    rows = (
        row("memory traffic", "bit", "memory_access", steps * value_bits, ours.schedule_bits),
        Row("memory traffic at the ports", "bit", None, None, ours.port_bits),
        row("additions", "", "additions", steps, ours.additions),
        row("MACs", "", "macs", steps, ours.macs),
        row("training memory", "bit", "memory", value_bits, ours.memory_bits),
        Row(f"cycles, P = {lanes}", "", None, None, ours.total_cycles),
    )
    return Comparison(rows, ours)
