"""Block memory with one read and one write port, registers on all sides."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import Component, In

from golden.core_config import clog2
from hw.arith import delay
from hw.interfaces import read_port, write_port
from hw.tiling import Tiling, banks_of, tiles

COPY = "near"
"""Names of registers that are equal to others and must not be merged with them begin like this."""

NEAR = 8
"""Block RAMs, or those of one column, that share a copy of the addresses: the part is wide."""


class BlockMemory(Component):
    """Simple dual-port memory that maps to block RAM.

    Data follows the read address by `hw.interfaces.READ_LATENCY` = 4 cycles: registers beside
    the block RAMs, which may be all over the part, the RAM's own clock edge, a register behind each
    block RAM (its clock-to-output time is more than half a cycle), and the selection among block
    RAMs that stand for different rows. A write is registered once, so that a row that is written in
    a cycle is read by addresses from the next cycle on. Reading an address in the cycle in which it
    is written returns anything: the block RAMs promise nothing there, and users forward or wait.

    Parameters
    ----------
    depth : int
        Rows.
    width : int
        Row width [bits].
    tiling : Tiling, optional
        The memory is cut into block RAMs of the target here, because the synthesis would choose
        shapes by area alone; otherwise it is left to the synthesis.

    Members
    -------
    read : In(read_port(depth, width))
        Address in, data out.
    write : In(write_port(depth, width))
        Enable, address, data.
    """

    def __init__(self, depth: int, width: int, tiling: Tiling | None = None):
        if depth < 2:
            raise ValueError(f"depth must be at least 2 rows, not {depth!r}")
        if width < 1:
            raise ValueError(f"width must be at least 1 bit, not {width!r}")
        self.depth, self.width = depth, width
        self.tiling = Tiling((), None) if tiling is None else tiling
        super().__init__(
            {"read": In(read_port(depth, width)), "write": In(write_port(depth, width))}
        )

    def elaborate(self, platform):
        m = Module()
        columns = tiles(self.depth, self.width, *self.tiling)
        copies: list[_Request] = []
        column = placed = 0
        outputs = []
        for shape, width in columns:
            rams, few = banks_of(self.depth, shape)
            count = rams + (few > 0)
            if not copies or placed + count > NEAR:
                copies.append(_Request(m, self, len(copies)))
                placed = 0
            placed += count
            near = copies[-1]
            data = delay(m, self.write.data[column : column + width], 1, f"data_{column}")
            banks = []
            for bank in range(count):
                rows = min(shape.depth, self.depth - bank * shape.depth)
                name = f"array_{column}_{bank}"
                style = "block" if bank < rams else "distributed"
                memory = Memory(
                    MemoryData(shape=width, depth=rows, init=[]), attrs={"ram_style": style}
                )
                m.submodules[name] = memory
                write, read = memory.write_port(), memory.read_port()
                inner = clog2(shape.depth)
                here = near.written[inner:] == bank if count > 1 else 1
                captured = Signal(width, name=f"{name}_data", reset_less=True)
                m.d.comb += [
                    write.en.eq(near.enable & here),
                    write.addr.eq(near.written[: len(write.addr)]),
                    write.data.eq(data),
                    read.en.eq(1),
                    read.addr.eq(near.address[: len(read.addr)]),
                ]
                m.d.sync += captured.eq(read.data)
                banks.append(captured)
            chosen = banks[0]
            if count > 1:
                # The bits above a tile's choose among tiles, two cycles later.
                chosen = Array(banks)[delay(m, near.address[inner:], 2, f"selected_{column}")]
            outputs.append(delay(m, chosen, 1, f"output_{column}"))
            column += width
        m.d.comb += self.read.data.eq(Cat(outputs))
        return m


class _Request:
    """Registers of a memory's addresses and write enable beside a few of its block RAMs."""

    def __init__(self, m: Module, memory: BlockMemory, number: int):
        name = f"{COPY}{number}"
        self.address = Signal.like(memory.read.address, name=f"{name}_address", reset_less=True)
        self.written = Signal.like(memory.write.address, name=f"{name}_written", reset_less=True)
        self.enable = Signal(name=f"{name}_enable")
        m.d.sync += [
            self.address.eq(memory.read.address),
            self.written.eq(memory.write.address),
            self.enable.eq(memory.write.enable),
        ]
