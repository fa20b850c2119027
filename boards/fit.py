"""Fit report: whether a network, a core configuration and an FPGA part go together.

``python -m boards.fit --network lenet1 --part xc7a100t`` prints every memory with its padding,
block RAMs and multipliers, and the expected speed, before anything is synthesised; exit status 1
when something does not fit.
"""

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from boards.parts import PARTS, Part
from boards.speed import speed_lines
from golden.core_config import CoreConfig
from golden.layout import Layout, place
from golden.memories import PACKETS, MemoryUse, memory_use, training_over_inference
from golden.network import CLASSIFIERS, ENCODINGS, Network, lenet1_events
from golden.schedule import schedule
from golden.settings import Settings
from host.protocol.program import INSTRUCTION, LAYER, PROFILE


@dataclass(frozen=True)
class MemoryLine:
    """One memory in the report: what the network uses of it, and what it takes of the part.

    Attributes
    ----------
    use : MemoryUse
        Rows, width, useful bits.
    rams : float
        Block RAMs, halves counted as 0.5.
    """

    use: MemoryUse
    rams: float


def block_memories(config: CoreConfig) -> dict[str, tuple[int, int]]:
    """Return depth and width of every memory in block RAM."""
    packets, program = (config.packet_bytes, 8), (config.instructions, INSTRUCTION.width)
    return {**config.memory_shapes, PACKETS: packets, "program": program}


def memory_lines(layout: Layout, part: Part) -> list[MemoryLine]:
    """Return the report's memories for a placed network."""
    depth, width = block_memories(layout.config)["program"]
    used = 1 + sum(len(block) for block in schedule(layout.network, Settings()))
    program = MemoryUse("program", used, depth, width, used * width)
    return [
        MemoryLine(use, part.rams(use.depth, use.width)) for use in (*memory_use(layout), program)
    ]


def small_memories(config: CoreConfig) -> dict[str, tuple[int, int]]:
    """Return depth and width of the memories in LUTs: tables, counters, queues of the link.

    The link keeps one received packet (a block RAM) and sends what it reads at once: there is no
    buffer for responses.
    """
    groups, p = config.class_groups, config.lanes
    return {
        "layer table (two readers)": (config.layers, 2 * LAYER.width),
        "profile": (config.instructions, PROFILE.width),
        "flags of gamma": (1 << config.map_bits, 1 << config.map_bits),
        "class counts": (groups, p * config.formats.count),
        "results": (2 * groups, p * config.formats.count),
        "list entries ahead": (4, config.entry_bits),
        "bytes from the UART": (16, 8),
    }


def multipliers(config: CoreConfig, operand: int = 25) -> dict[str, int]:
    """Return the multiplier blocks of each unit.

    The widest signed operand is 25 bits on Artix-7 and 18 on ECP5; a state wider than that takes
    two multipliers a lane.
    """
    lanes = config.lanes
    halves = 2 if config.formats.state > operand else 1
    units = {"lif": halves * lanes, "error": 2 * lanes, "backward": lanes}
    return {**units, "loss": 2, "addresses": 13}


def part_excess(config: CoreConfig, part: Part) -> list[str]:
    """Return a line for every limit of a part that a configuration exceeds."""
    rams = sum(part.rams(*shape) for shape in block_memories(config).values())
    dsps = sum(multipliers(config, part.multiplier).values())
    needs = (("block RAM", rams, part.ram), ("multipliers", dsps, part.dsp))
    return [
        f"{name}: needs {need:g}, {part.name} has {has}" for name, need, has in needs if need > has
    ]


def network_named(name: str, block_length: int = 1) -> Network:
    """Return LeNet-1 for events, or the network in a file (JSON).

    Raises
    ------
    OSError, ValueError, TypeError
        There is no such file, or it holds no network.
    """
    if name == "lenet1":
        return lenet1_events(10, block_length)
    return Network.from_dict(json.loads(Path(name).read_text(encoding="utf-8")))


def report(layout: Layout, part: Part, steps: int = 30, clock: float = 100e6) -> tuple[str, bool]:
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
        use = line.use
        out.append(
            f"{use.name:<10}{use.used:>10,}{use.depth:>8,}{use.width:>7}{use.bits:>12,}"
            f"{use.useful / use.bits:>8.1%}{line.rams:>11g}"
        )
    bits, rams = sum(line.use.bits for line in lines), sum(line.rams for line in lines)
    dsps = sum(multipliers(config, part.multiplier).values())
    useful = sum(line.use.useful for line in lines) / bits
    small = small_memories(config)
    used, built = training_over_inference(layout)
    out += [
        f"{'sum':<10}{'':>25}{bits:>12,}{useful:>8.1%}{rams:>11g}",
        f"in LUTs: {sum(d * w for d, w in small.values()):,} bits: "
        + ", ".join(f"{name} {d} x {w}" for name, (d, w) in small.items()),
        "",
        f"block RAM   {rams:g} of {part.ram} ({rams / part.ram:.1%})",
        f"multipliers {dsps} of {part.dsp} ({dsps / part.dsp:.1%})",
        f"training memory over inference memory: {used:.2f} of the rows used, {built:.2f} as built",
        "",
        *speed_lines(layout, steps, clock),
        "",
    ]
    problems = layout.excess()
    if lines[-1].use.used > lines[-1].use.depth:
        use = lines[-1].use
        problems.append(f"instructions: needs {use.used}, has {use.depth}")
    problems += part_excess(config, part)
    out.append("fits" if not problems else "does not fit because\n  " + "\n  ".join(problems))
    return "\n".join(out), not problems


def main(arguments: list[str] | None = None) -> int:
    """Print the fit report."""
    parser = argparse.ArgumentParser(prog="python -m boards.fit", description=__doc__)
    parser.add_argument("--network", default="lenet1", help="lenet1, or a network file (JSON)")
    parser.add_argument("--encoding", choices=ENCODINGS, help="events, or direct for images")
    parser.add_argument("--interval", type=int, default=10, help="k [steps]")
    parser.add_argument("--block-length", type=int, default=1, help="n of lenet1")
    parser.add_argument("--classifier", choices=CLASSIFIERS, help="of all blocks")
    parser.add_argument("--steps", type=int, default=30, help="T of a recording (default 30)")
    parser.add_argument("--clock", type=float, default=100e6, help="[Hz], default 100e6")
    parser.add_argument("--part", choices=sorted(PARTS), default="xc7a100t")
    for name, value in CoreConfig().to_words().items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=value)
    options = parser.parse_args(arguments)
    try:
        network = network_named(options.network, options.block_length)
        if options.classifier is not None:
            network = replace(network, classifier=options.classifier)
        if options.encoding is not None:
            network = replace(network, encoding=options.encoding)
        words = {name: getattr(options, name) for name in CoreConfig().to_words()}
        layout = place(network, CoreConfig.from_words(words), options.interval)
        if options.clock <= 0:
            raise ValueError(f"clock must be above 0 Hz, not {options.clock:g}")
        if options.steps < 1:
            raise ValueError(f"steps must be at least 1, not {options.steps}")
    except (OSError, ValueError, TypeError) as error:
        print(f"boards.fit: {error}", file=sys.stderr)
        return 2
    text, fits = report(layout, PARTS[options.part], options.steps, options.clock)
    print(text)
    return 0 if fits else 1


if __name__ == "__main__":
    raise SystemExit(main())
