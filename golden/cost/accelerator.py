"""Cost of training on the accelerator: interval-major schedule, sparse operation, narrow numbers.

Expected, from densities of spikes, masks and errors (`golden.estimate`); cycles from recordings are
exact in `golden.cycles`. Networks that no core can hold are counted as if one could.

Traffic is counted twice. *By schedule*, as the paper counts its own: what a block needs goes in and
out once, whatever happens to it while it is there::

    weights       W and V in and out, once per interval; random ones never move
    potentials    u in and out, once per interval
    history       spike and mask, 2 bits per neuron and step, written once; the mask is read once,
                  the spike by FORWARD and GRADIENT
    errors        gamma and e, written and read once per step
    frames        a bit per pixel and channel, written once, read by FORWARD and GRADIENT

*By port*, every access of every lane operation and pass, padding lanes included::

    FORWARD    W read, u read and written      POOL      u read and written
    GRADIENT   gamma read, V read and written  BACKWARD  W and gamma read
    LIF, CLEAR u read and written; written     ERROR     e read, gamma read and written
    UPDATE     W and V read and written
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from golden.checks import require_integer
from golden.core_config import CoreConfig
from golden.cost.paper import require_steps
from golden.direct import PLANES
from golden.estimate import Activity, Estimate, estimate, expected_activity, input_density
from golden.formats import Formats
from golden.layout import Layout, place
from golden.memories import PACKETS, TRAINING_ONLY, memory_use
from golden.network import Network, require_integer_model
from golden.settings import Settings, intervals

LARGEST_PART_BITS = 365 * 36_864
"""Bits of block RAM of the largest part in `boards.parts`, an Artix-7 200T; a test holds it."""

PASSES = ("CLEAR", "DROP", "LIF", "ERROR", "LOSS", "UPDATE")
"""Instructions that go over words, classes or rows; all others walk over events."""


class NotOnAcceleratorError(ValueError):
    """The network has something that the accelerator cannot do at any size."""


@dataclass(frozen=True)
class Densities:
    """Activity that all layers share; None takes what was measured layer by layer.

    Parameters
    ----------
    spikes, masks, errors : float, optional
        Share of a layer's neurons that spike in a step, whose mask is set, whose gamma is not 0;
        LeNet-1 on N-MNIST at k = 10 by default (`golden.estimate.MEASURED`).
    inputs : float, optional
        Share of the bits that are set in a frame, or in a bit plane of an image; of N-MNIST's
        frames or MNIST's images by default.

    Raises
    ------
    ValueError
        A density is outside 0 .. 1.
    """

    spikes: float | None = None
    masks: float | None = None
    errors: float | None = None
    inputs: float | None = None

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value is not None and not 0 <= value <= 1:
                raise ValueError(f"density of {name} must be between 0 and 1, not {value!r}")

    def activity(self, network: Network) -> dict[int, Activity]:
        """Return the activity of every layer, keyed by its index."""
        own = {name: getattr(self, name) for name in ("spikes", "masks", "errors")}
        given = {name: value for name, value in own.items() if value is not None}
        return {i: replace(known, **given) for i, known in expected_activity(network).items()}

    def input_spikes(self, network: Network) -> float:
        """Return the share of bits set in what the network reads."""
        return input_density(network) if self.inputs is None else self.inputs


@dataclass(frozen=True)
class AcceleratorCost:
    """Cost of training on one sample.

    Attributes
    ----------
    memory : dict
        Bits per memory that the network takes, padding included.
    useful_bits : int
        The part of them that belongs to a weight, neuron or list entry.
    inference_bits : int
        The part of them that inference needs too.
    schedule_traffic, port_traffic : dict
        Bits moved per sample, as the module says.
    additions, macs : float
        Of FORWARD and GRADIENT; of BACKWARD. Lanes without a channel do not count, nor do pools
        and the passes over neurons, as in the paper.
    lane_operations : float
        Operations of P lanes in all walks, pools' too.
    cycles : dict
        Expected cycles per instruction.
    obstacles : tuple of str
        Why no listed board holds it; empty if its bits leave room on the largest.
    """

    lanes: int
    memory: dict[str, int]
    useful_bits: int
    inference_bits: int
    schedule_traffic: dict[str, float]
    port_traffic: dict[str, float]
    additions: float
    macs: float
    lane_operations: float
    cycles: dict[str, float] = field(default_factory=dict)
    obstacles: tuple[str, ...] = ()

    @property
    def memory_bits(self) -> int:
        """Bits of training memory."""
        return sum(self.memory.values())

    @property
    def schedule_bits(self) -> float:
        """Bits moved per sample, by schedule."""
        return sum(self.schedule_traffic.values())

    @property
    def port_bits(self) -> float:
        """Bits moved per sample, by port."""
        return sum(self.port_traffic.values())

    @property
    def total_cycles(self) -> float:
        """Expected cycles per sample."""
        return sum(self.cycles.values())


def core_for(network: Network, k: int, lanes: int) -> Layout:
    """Return the network placed in a core of default formats; sums and addresses as it needs.

    Raises
    ------
    NotOnAcceleratorError
        Batch normalisation, residuals, k or maps beyond what any core can be given.
    """
    require_integer("lanes", lanes, *CoreConfig.BOUNDS["lanes"])
    try:
        require_integer_model(network)
    except ValueError as error:
        raise NotOnAcceleratorError(str(error)) from error
    if k > (most := Settings.BOUNDS["interval"][1]):
        raise NotOnAcceleratorError(f"k must be at most {most} on the accelerator, not {k}")
    config = CoreConfig(lanes=lanes, pack_max=min(2, lanes.bit_length() - 2))
    formats, needs = config.formats, place(network, config, k).needs
    edge = 1 << CoreConfig.BOUNDS["map_bits"][1]
    if needs["map_bits"] > CoreConfig.BOUNDS["map_bits"][1]:
        raise NotOnAcceleratorError(
            f"maps must have at most {edge} rows and columns on the accelerator, and network "
            f"{network.name!r} has larger ones"
        )
    fan_in = max(layer.fan_in for layer in network.weighted)
    state = max(formats.state, formats.state_bits(fan_in))
    wide = {
        name: min(CoreConfig.BOUNDS[name][1], max(getattr(config, name), needs[name]))
        for name in ("map_bits", "group_bits")
    }
    formats = replace(formats, state=min(Formats.BOUNDS["state"][1], state))
    return place(network, replace(config, formats=formats, **wide), k)


def accelerator_cost(
    network: Network, k: int, steps: int, *, lanes: int = 16, densities: Densities | None = None
) -> AcceleratorCost:
    """Return the expected cost of training on one sample of T = `steps` steps.

    Parameters
    ----------
    k : int
        Truncation interval [steps].
    steps : int
        T of a sample [steps].
    lanes : int
        P.
    densities : Densities, optional
        Activity; as measured by default.

    Raises
    ------
    ValueError
        k or P is out of bounds.
    NotOnAcceleratorError
        The network has what the accelerator cannot do.
    """
    cut = intervals(require_steps(steps), k)
    chosen = Densities() if densities is None else densities
    layout = core_for(network, k, lanes)
    inputs = chosen.input_spikes(network)
    expected = estimate(layout, steps, chosen.activity(network), inputs)
    additions, macs = _operations(layout, expected)
    uses = [use for use in memory_use(layout) if use.name != PACKETS]
    memory = {use.name: use.used * use.width for use in uses}
    walks = sum(number for (_, op), number in expected.operations.items() if op not in PASSES)
    return AcceleratorCost(
        lanes=lanes,
        memory=memory,
        useful_bits=sum(use.useful for use in uses),
        inference_bits=sum(bits for name, bits in memory.items() if name not in TRAINING_ONLY),
        schedule_traffic=_schedule_traffic(network, layout.config.formats, len(cut), steps),
        port_traffic=_port_traffic(layout, expected),
        additions=additions,
        macs=macs,
        lane_operations=walks,
        cycles={**expected.by_phase(), "idle": float(expected.idle)},
        obstacles=_obstacles(layout, sum(memory.values())),
    )


def _operations(layout: Layout, expected: Estimate) -> tuple[float, float]:
    """Return additions and MACs of a sample."""
    additions = macs = 0.0
    for placed in layout.layers:
        layer = placed.layer
        channels = layer.out_shape[2] / placed.map.groups
        counted = {
            op: expected.operations.get((layer.name, op), 0.0)
            for op in ("FORWARD", "GRADIENT", "BACKWARD")
        }
        additions += channels * (counted["FORWARD"] + counted["GRADIENT"])
        macs += channels * counted["BACKWARD"]
    return additions, macs


def _schedule_traffic(network: Network, formats: Formats, cut: int, steps: int) -> dict[str, float]:
    """Return bits per sample that a block's work takes in and out; `cut` intervals."""
    layers = network.resolved
    neurons = sum(layer.neurons for layer in layers)
    frames = PLANES * cut if network.encoding == "direct" else steps
    return {
        "weights": 2.0 * cut * network.stored_weights * (formats.weight + formats.gradient),
        "potentials": 2.0 * cut * neurons * formats.state,
        "history": 5.0 * steps * neurons,
        "errors": 2.0 * steps * neurons * (formats.gamma + formats.delta),
        "frames": 3.0 * frames * math.prod(network.input_shape),
    }


def _port_traffic(layout: Layout, expected: Estimate) -> dict[str, float]:
    """Return bits per sample at the memories' ports, by instruction."""
    f = layout.config.formats
    widths = {
        "FORWARD": f.weight + 2 * f.state,
        "POOL": 2 * f.state,
        "GRADIENT": f.gamma + 2 * f.gradient,
        "BACKWARD": f.weight + f.gamma,
        "LIF": 2 * f.state,
        "CLEAR": f.state,
        "ERROR": f.delta + 2 * f.gamma,
        "UPDATE": 2 * (f.weight + f.gradient),
    }
    traffic = dict.fromkeys(widths, 0.0)
    for (_, op), number in expected.operations.items():
        if op in widths:
            traffic[op] += number * layout.config.lanes * widths[op]
    return traffic


def _obstacles(layout: Layout, bits: int) -> tuple[str, ...]:
    """Return why no listed board holds the network; bits are a lower limit of its block RAMs."""
    lines = []
    if bits > LARGEST_PART_BITS:
        lines.append(
            f"needs {bits / 1e6:,.1f} Mbit, the largest listed part has "
            f"{LARGEST_PART_BITS / 1e6:.2f}"
        )
    for name, need in layout.needs.items():
        if need > CoreConfig.BOUNDS[name][1]:
            lines.append(f"{name}: needs {need:,}, a core has up to {CoreConfig.BOUNDS[name][1]:,}")
    return tuple(lines)
