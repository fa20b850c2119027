"""What a network and a core configuration take of an FPGA part: memories and multipliers."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from boards.parts import Part
from golden.core_config import CoreConfig
from golden.fitting import program_length
from golden.layout import Layout
from golden.memories import PACKETS, MemoryUse, memory_use
from golden.network import Network, lenet1_events
from host.protocol.program import INSTRUCTION, LAYER, PROFILE
from hw.tiling import MOST_BANKS, few_rows


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


def banks_for(config: CoreConfig, part: Part) -> int | None:
    """Return the tiles that a column of a memory may have at most (`hw.tiling.tiles`).

    As few as leave all memories on the part: fewer tiles are faster, more tiles waste less.
    """
    memories = block_memories(config).values()
    for banks in (MOST_BANKS // 2, MOST_BANKS, 2 * MOST_BANKS):
        if sum(part.rams(*shape, banks) for shape in memories) <= part.ram:
            return banks
    return None


def rams_of(config: CoreConfig, part: Part) -> dict[str, float]:
    """Return the block RAMs of every memory."""
    banks = banks_for(config, part)
    return {name: part.rams(*shape, banks) for name, shape in block_memories(config).items()}


def memory_lines(layout: Layout, part: Part) -> list[MemoryLine]:
    """Return the report's memories for a placed network."""
    depth, width = block_memories(layout.config)["program"]
    used = program_length(layout.network)
    program = MemoryUse("program", used, depth, width, used * width)
    rams = rams_of(layout.config, part)
    return [MemoryLine(use, rams[use.name]) for use in (*memory_use(layout), program)]


def last_rows(config: CoreConfig, part: Part) -> dict[str, tuple[int, int]]:
    """Return depth and width of what block memories leave to LUTs, see `hw.tiling.FEW_ROWS`."""
    if not part.tiles:
        return {}
    banks, found = banks_for(config, part), {}
    for name, (depth, width) in block_memories(config).items():
        if few := few_rows(depth, width, part.tiles, banks):
            found[f"last rows of {name}"] = (max(few)[0], sum(bits for _, bits in few))
    return found


def small_memories(config: CoreConfig, part: Part) -> dict[str, tuple[int, int]]:
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
        **last_rows(config, part),
    }


def multipliers(config: CoreConfig, operand: int = 25) -> dict[str, int]:
    """Return the multiplier blocks of each unit.

    The widest signed operand is 25 bits on Artix-7 and 18 on ECP5; a state wider than that takes
    two multipliers a lane.
    """
    lanes = config.lanes
    halves = 2 if config.formats.state > operand else 1
    units = {"lif": halves * lanes, "error": 2 * lanes, "backward": lanes}
    # On ECP5 yosys takes one for the product of 4 by 4 bits in the kernel's index too.
    return {**units, "loss": 2, "addresses": 13 if operand > 18 else 14}


def part_excess(config: CoreConfig, part: Part) -> list[str]:
    """Return a line for every limit of a part that a configuration exceeds."""
    rams = sum(rams_of(config, part).values())
    dsps = sum(multipliers(config, part.multiplier).values())
    needs = (("block RAM", rams, part.ram), ("multipliers", dsps, part.dsp))
    return [
        f"{name}: needs {need:g}, {part.name} has {has}" for name, need, has in needs if need > has
    ]


def network_named(
    name: str,
    block_length: int = 1,
    classifier: str | None = None,
    encoding: str | None = None,
) -> Network:
    """Return LeNet-1 for events, or the network in a file (JSON), with what is given replaced.

    Parameters
    ----------
    name : str
        ``lenet1`` or a path.
    block_length : int
        n of LeNet-1.
    classifier, encoding : str, optional
        In place of the network's.

    Raises
    ------
    OSError, ValueError, TypeError
        There is no such file, or it holds no network.
    """
    if name == "lenet1":
        network = lenet1_events(10, block_length)
    else:
        network = Network.from_dict(json.loads(Path(name).read_text(encoding="utf-8")))
    asked = {"classifier": classifier, "encoding": encoding}
    return replace(network, **{key: value for key, value in asked.items() if value is not None})


def layout_excess(layout: Layout) -> list[str]:
    """Return a line for every limit of its configuration that a placed network exceeds."""
    lines = layout.excess()
    needed, has = program_length(layout.network), layout.config.instructions
    if needed > has:
        lines.append(f"instructions: needs {needed}, has {has} ({needed - has} too many)")
    return lines
