"""Block memory with one read and one write port, registers on all sides."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import Component, In

from golden.core_config import clog2
from hw.interfaces import read_port, write_port
from hw.tiling import Shape, tiles


class BlockMemory(Component):
    """Simple dual-port memory that maps to block RAM.

    Data follows the read address by `hw.interfaces.READ_LATENCY` = 4 cycles: a register beside the
    block RAMs, which may be all over the part, the RAM's own clock edge, a register behind each
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
    shapes : tuple of Shape
        Block RAM shapes of the target. The memory is cut into such tiles here, because the
        synthesis would choose shapes by area alone; without shapes it is left to the synthesis.

    Members
    -------
    read : In(read_port(depth, width))
        Address in, data out.
    write : In(write_port(depth, width))
        Enable, address, data.
    """

    def __init__(self, depth: int, width: int, shapes: tuple[Shape, ...] = ()):
        if depth < 2:
            raise ValueError(f"depth must be at least 2 rows, not {depth!r}")
        if width < 1:
            raise ValueError(f"width must be at least 1 bit, not {width!r}")
        self.depth, self.width, self.shapes = depth, width, shapes
        super().__init__(
            {"read": In(read_port(depth, width)), "write": In(write_port(depth, width))}
        )

    def elaborate(self, platform):
        m = Module()
        address = Signal.like(self.read.address, reset_less=True)
        enable = Signal()
        written = Signal.like(self.write.address, reset_less=True)
        data = Signal(self.width, reset_less=True)
        m.d.sync += [
            address.eq(self.read.address),
            enable.eq(self.write.enable),
            written.eq(self.write.address),
            data.eq(self.write.data),
        ]
        selected = [address]  # its bits above a tile's choose among tiles, 2 cycles later
        for stage in range(2):
            later = Signal.like(address, name=f"address_{stage}", reset_less=True)
            m.d.sync += later.eq(selected[-1])
            selected.append(later)
        column = 0
        outputs = []
        for shape, width in tiles(self.depth, self.width, self.shapes):
            banks = []
            for bank in range(-(-self.depth // shape.depth)):
                rows = min(shape.depth, self.depth - bank * shape.depth)
                name = f"array_{column}_{bank}"
                memory = Memory(
                    MemoryData(shape=width, depth=rows, init=[]), attrs={"ram_style": "block"}
                )
                m.submodules[name] = memory
                write, read = memory.write_port(), memory.read_port()
                inner = clog2(shape.depth)
                here = (
                    written[inner:] == bank if self.depth > shape.depth else 1
                )
                captured = Signal(width, name=f"{name}_data", reset_less=True)
                m.d.comb += [
                    write.en.eq(enable & here),
                    write.addr.eq(written[: len(write.addr)]),
                    write.data.eq(data[column : column + width]),
                    read.en.eq(1),
                    read.addr.eq(address[: len(read.addr)]),
                ]
                m.d.sync += captured.eq(read.data)
                banks.append(captured)
            chosen = banks[0]
            if len(banks) > 1:
                chosen = Array(banks)[selected[-1][clog2(shape.depth) :]]
            output = Signal(width, name=f"output_{column}", reset_less=True)
            m.d.sync += output.eq(chosen)
            outputs.append(output)
            column += width
        m.d.comb += self.read.data.eq(Cat(outputs))
        return m
