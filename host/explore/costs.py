"""What training a point costs: by the paper's accounting, on the accelerator, and whether it fits.

`QUANTITIES` are per sample (cycles, bits) or as `golden.cost.paper` counts them, per step of a
batch of 128.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from golden.core_config import CoreConfig
from golden.cost import Cost, accelerator_cost, backpropagation, paper_cost, relative
from golden.cost import paper as paper_accounting
from golden.cost.accelerator import NotOnAcceleratorError
from golden.layout import DoesNotFitError, place
from golden.network import CLASSIFIERS, Network
from host import compiler, presets
from host.explore.space import Point, network_of

ACCELERATOR = {"cycles": "cycles per sample", "memory_bits": "training memory [bit]"}
"""Quantities that only networks for the accelerator have, in words."""

QUANTITIES = {
    **ACCELERATOR,
    "memory_access": "memory access by the paper [values per step]",
    "additions": "additions by the paper [per step]",
    "macs": "MACs by the paper [per step]",
    "memory": "memory by the paper [values]",
}
"""What accuracy can be set against, in words."""


@dataclass(frozen=True)
class Costs:
    """Costs of a point.

    Attributes
    ----------
    quantities : mapping
        By name in `QUANTITIES`; those of the accelerator are absent where it cannot run the
        network.
    relative : mapping
        The paper's quantities over those of plain BP at k = T with a trainable output layer,
        of the network at width 1.
    obstacles : tuple of str
        Why the board's core cannot hold it; empty if it fits.
    """

    quantities: Mapping[str, float]
    relative: Mapping[str, float]
    obstacles: tuple[str, ...] = ()

    @property
    def merit(self) -> float:
        """The figure of merit's part that is no accuracy: the mean of `relative`."""
        return sum(self.relative.values()) / len(self.relative)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``Costs.from_dict`` reads it back."""
        return {
            "quantities": dict(self.quantities),
            "relative": dict(self.relative),
            "obstacles": list(self.obstacles),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Costs:
        """Return costs from plain data."""
        return cls(data["quantities"], data["relative"], tuple(data["obstacles"]))


def base_cost(network: Network, steps: int) -> Cost:
    """Return the paper's cost of plain BP at k = T, of T = `steps`, that ratios are over."""
    trained = replace(network, classifier=CLASSIFIERS[0])
    return paper_cost(backpropagation(trained), steps, steps)


def costs(network: Network, point: Point, steps: int, lanes: int | None = None) -> Costs:
    """Return what a point costs.

    Parameters
    ----------
    network : Network
        At width 1.
    steps : int
        T.
    lanes : int, optional
        P of the board's core; that of `presets.core_config` by default.
    """
    chosen = network_of(network, point)
    config = presets.core_config(lanes)
    cost = paper_cost(chosen, point.k, steps)
    quantities = {name: float(getattr(cost, name)) for name in paper_accounting.QUANTITIES}
    try:
        ours = accelerator_cost(chosen, point.k, steps, lanes=config.lanes)
    except NotOnAcceleratorError as error:
        obstacles: tuple[str, ...] = (str(error),)
    else:
        quantities |= {"cycles": float(ours.total_cycles), "memory_bits": float(ours.memory_bits)}
        obstacles = tuple(_obstacles(chosen, config, point.k))
    return Costs(quantities, relative(cost, base_cost(network, steps)), obstacles)


def _obstacles(network: Network, config: CoreConfig, k: int) -> list[str]:
    layout = place(network, config, k)
    lines = layout.excess()
    if not lines:
        try:
            compiler.program(layout)
        except DoesNotFitError as error:
            lines = [str(error)]
    return lines
