"""Fit report: whether a network, a core configuration and an FPGA part go together.

``python -m boards.fit --network lenet1 --part xc7a100t`` prints every memory with its padding, block
RAMs and multipliers, before anything is synthesised; exit status 1 when something does not fit.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

from boards.parts import PARTS, Part
from golden.core_config import CoreConfig
from golden.layout import Layout, place
from golden.network import Network, lenet1_events

PACKET_BUFFER = "packets"
"""Receive buffer of the link: one packet of `CoreConfig.packet_bytes`."""


@dataclass(frozen=True)
class MemoryLine:
    """One memory in the report.

    Attributes
    ----------
    used, depth : int
        Rows the network uses, and rows there are.
    width : int
        Row width [bits].
    useful : int
        Bits that belong to a weight, neuron or list entry of the network.
    rams : float
        Block RAMs, halves counted as 0.5.
    """

    name: str
    used: int
    depth: int
    width: int
    useful: int
    rams: float

    @property
    def bits(self) -> int:
        """Bits of the whole memory."""
        return self.depth * self.width


def memory_lines(layout: Layout, part: Part) -> list[MemoryLine]:
    """Return the report's memories for a placed network."""
    config, network, needs = layout.config, layout.network, layout.needs
    f = config.formats
    neurons = sum(layer.neurons for layer in network.resolved)
    block = max(sum(layer.neurons for layer in b.all_layers) for b in network.blocks)
    used = {
        "weights": (needs["weight_rows"], network.weights * f.weight),
        "momentum": (needs["weight_rows"], network.weights * f.gradient),
        "state": (needs["neuron_words"], neurons * f.state),
        "gamma": (needs["error_words"], block * f.gamma),
        "delta": (needs["error_words"], block * f.delta),
        "spikes": (needs["spike_words"], needs["spike_words"] * config.entry_bits),
        "masks": (needs["mask_words"], needs["mask_words"] * config.entry_bits),
        "frames": (2 * needs["frame_words"], 2 * needs["frame_words"] * config.entry_bits),
    }
    lines = []
    for name, (depth, width) in config.memory_shapes.items():
        rows, useful = used[name]
        lines.append(MemoryLine(name, rows, depth, width, useful, part.rams(depth, width)))
    depth = config.packet_bytes
    lines.append(MemoryLine(PACKET_BUFFER, depth, depth, 8, depth * 8, part.rams(depth, 8)))
    return lines


def multipliers(config: CoreConfig) -> dict[str, int]:
    """Return the multiplier blocks of each unit (25 x 18 bit, as on Artix-7)."""
    lanes = config.lanes
    return {"lif": lanes, "error": 2 * lanes, "backward": lanes, "loss": 1, "addresses": 11}


def report(layout: Layout, part: Part) -> tuple[str, bool]:
    """Return the report as text, and whether everything fits."""
    config = layout.config
    lines = memory_lines(layout, part)
    out = [
        f"network {layout.network.name}: {layout.network.weights:,} weights, "
        f"k = {layout.interval}, blocks {[len(b.layers) for b in layout.network.blocks]}",
        f"core: P = {config.lanes}, packing up to {1 << config.pack_max}, part {part.name}",
        "",
        f"{'memory':<10}{'rows used':>10}{'rows':>8}{'width':>7}{'bits':>12}{'useful':>8}"
        f"{'block RAM':>11}",
    ]
    for line in lines:
        out.append(
            f"{line.name:<10}{line.used:>10,}{line.depth:>8,}{line.width:>7}{line.bits:>12,}"
            f"{line.useful / line.bits:>8.1%}{line.rams:>11g}"
        )
    bits, rams = sum(line.bits for line in lines), sum(line.rams for line in lines)
    dsps = sum(multipliers(config).values())
    useful = sum(line.useful for line in lines) / bits
    out += [
        f"{'sum':<10}{'':>25}{bits:>12,}{useful:>8.1%}{rams:>11g}",
        "",
        f"block RAM   {rams:g} of {part.ram} ({rams / part.ram:.1%})",
        f"multipliers {dsps} of {part.dsp} ({dsps / part.dsp:.1%})",
    ]
    inference = sum(
        line.bits for line in lines if line.name in ("weights", "state", "frames", PACKET_BUFFER)
    )
    out.append(f"training memory over inference memory: {bits / inference:.2f}")
    problems = layout.excess()
    if rams > part.ram:
        problems.append(f"block RAM: needs {rams:g}, {part.name} has {part.ram}")
    if dsps > part.dsp:
        problems.append(f"multipliers: needs {dsps}, {part.name} has {part.dsp}")
    out.append("fits" if not problems else "does not fit because\n  " + "\n  ".join(problems))
    return "\n".join(out), not problems


def main(arguments: list[str] | None = None) -> int:
    """Print the fit report."""
    parser = argparse.ArgumentParser(prog="python -m boards.fit", description=__doc__)
    parser.add_argument("--network", default="lenet1", help="lenet1, or a network file (JSON)")
    parser.add_argument("--interval", type=int, default=10, help="k [steps]")
    parser.add_argument("--block-length", type=int, default=1, help="n of lenet1")
    parser.add_argument("--part", choices=sorted(PARTS), default="xc7a100t")
    for name, value in CoreConfig().to_words().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    options = parser.parse_args(arguments)
    try:
        if options.network == "lenet1":
            network = lenet1_events(10, options.block_length)
        else:
            network = Network.from_dict(json.loads(Path(options.network).read_text()))
        words = {name: getattr(options, name) for name in CoreConfig().to_words()}
        layout = place(network, CoreConfig.from_words(words), options.interval)
    except (OSError, ValueError, TypeError) as error:
        print(f"boards.fit: {error}", file=sys.stderr)
        return 2
    text, fits = report(layout, PARTS[options.part])
    print(text)
    return 0 if fits else 1


if __name__ == "__main__":
    raise SystemExit(main())
