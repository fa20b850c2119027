"""What the sparse walks save: lane operations beside those of passes that skip less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from golden.counters import Counters
from golden.cycles import CycleCounters
from golden.layout import Layout
from golden.lif import Bits, Integers
from golden.network import Layer
from golden.walk_cycles import Rows
from host.bench.measure import Run

VARIANTS = {"dense": (False, False), "events": (True, False), "errors": (False, True)}
"""Passes that skip less: whether they skip silent events, and words without an error."""


@dataclass
class SavingsCounters(CycleCounters):
    """Cycles, and the operations of the passes in `VARIANTS`; made by `beside`.

    Events are spikes, in BACKWARD neurons whose mask is set.

    Attributes
    ----------
    variants : dict
        Operations of each, counted by the same rules as the gateware's.
    nulls : dict
        Keys as `gaps`: null operations of BACKWARD, for events whose output errors are all zero.
    """

    variants: dict[str, Counters] = field(default_factory=dict)
    nulls: dict[tuple[str, str], int] = field(default_factory=dict)

    @classmethod
    def beside(cls, layout: Layout) -> SavingsCounters:
        """Return counters for a network that is placed in a core."""
        config = layout.config
        variants = {name: Counters(config.lanes, config.pack_max) for name in VARIANTS}
        return cls(config.lanes, config.pack_max, layout=layout, variants=variants)

    def _walk(self, layer: Layer, op: str, walk: Rows) -> int:
        key = (layer.name, op)
        self.nulls[key] = self.nulls.get(key, 0) + walk.null
        return super()._walk(layer, op, walk)

    def forward(self, layer: Layer, spikes: Bits) -> None:
        """Count FORWARD or POOL."""
        super().forward(layer, spikes)
        for name, (events, _) in VARIANTS.items():
            self.variants[name].forward(layer, _some(spikes, events))

    def gradient(self, layer: Layer, spikes: Bits, gamma: Integers) -> None:
        """Count GRADIENT."""
        super().gradient(layer, spikes, gamma)
        for name, (events, errors) in VARIANTS.items():
            self.variants[name].gradient(layer, _some(spikes, events), _some(gamma, errors))

    def backward(self, layer: Layer, mask: Bits, gamma: Integers) -> None:
        """Count BACKWARD."""
        super().backward(layer, mask, gamma)
        for name, (events, errors) in VARIANTS.items():
            self.variants[name].backward(layer, _some(mask, events), _some(gamma, errors))


def _some(values: Any, skip: bool) -> Any:
    """Return the values if zeros are skipped, else a one in the place of each."""
    return values if skip else np.ones_like(values)


COLUMNS = (
    ("FORWARD", "forward", ("dense", "both")),
    ("GRADIENT", "gradient", ("dense", "events", "both")),
    ("BACKWARD", "backward", ("dense", "events", "errors", "both")),
)
"""Walks and the passes that are told apart."""
HEADS = {"dense": "dense", "events": "events", "errors": "errors", "both": "built"}


def operations(counted: SavingsCounters, variant: str, layer: Layer, phase: str) -> int:
    """Return the operations of a layer in a phase; "both" is what the gateware does."""
    if layer.kind == "pool" and phase == "forward":
        phase = "pool"
    chosen = counted if variant == "both" else counted.variants[variant]
    return chosen.operations.get((layer.name, phase), 0)


def sums(run: Run) -> tuple[float, float]:
    """Return the operations per sample of all walks: dense, and as built."""
    counted = run.predicted
    assert isinstance(counted, SavingsCounters)
    dense, built = (
        sum(
            operations(counted, variant, layer, phase)
            for layer in run.layout.network.resolved
            for _, phase, _ in COLUMNS
        )
        for variant in ("dense", "both")
    )
    return dense / run.samples, built / run.samples


def table(run: Run) -> list[str]:
    """Return thousand operations per sample by layer, walk and pass, and what is left of dense."""
    counted = run.predicted
    assert isinstance(counted, SavingsCounters)
    head, under = f"{'':<13}", f"{'':<13}"
    for title, _, variants in COLUMNS:
        head += f"{title:>{8 * len(variants) + 7}}"
        under += "".join(f"{HEADS[variant]:>8}" for variant in variants) + f"{'left':>7}"
    out = [head, under]
    layers: tuple[Layer, ...] = run.layout.network.resolved
    for name, chosen in [*((layer.name, [layer]) for layer in layers), ("all", list(layers))]:
        line = f"{name:<13}"
        for _, phase, variants in COLUMNS:
            sums = [sum(operations(counted, v, x, phase) for x in chosen) for v in variants]
            if sums[0]:
                line += "".join(f"{total / run.samples / 1e3:>8,.1f}" for total in sums)
                line += f"{sums[-1] / sums[0]:>7.1%}"
            else:
                line += f"{'-':>8}" * len(variants) + f"{'':>7}"
        out.append(line.rstrip())
    return out
