"""Block memory with one read and one write port and an output register."""

from amaranth.hdl import Module, Signal
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import Component, In

from hw.interfaces import read_port, write_port


class BlockMemory(Component):
    """Simple dual-port memory that maps to block RAM.

    Data follows the read address by `hw.interfaces.READ_LATENCY` = 2 cycles: the RAM's own clock
    edge, then an output register. Reading an address in the cycle in which it is written returns
    either the old or the new row; users forward or wait.

    Parameters
    ----------
    depth : int
        Rows.
    width : int
        Row width [bits].

    Members
    -------
    read : In(read_port(depth, width))
        Address in, data out.
    write : In(write_port(depth, width))
        Enable, address, data.
    """

    def __init__(self, depth: int, width: int):
        if depth < 2:
            raise ValueError(f"depth must be at least 2 rows, not {depth!r}")
        if width < 1:
            raise ValueError(f"width must be at least 1 bit, not {width!r}")
        self.depth, self.width = depth, width
        super().__init__(
            {"read": In(read_port(depth, width)), "write": In(write_port(depth, width))}
        )

    def elaborate(self, platform):
        m = Module()
        data = MemoryData(shape=self.width, depth=self.depth, init=[])
        m.submodules.array = array = Memory(data, attrs={"ram_style": "block"})
        write, read = array.write_port(), array.read_port()
        output = Signal(self.width, reset_less=True)
        m.d.comb += [
            write.en.eq(self.write.enable),
            write.addr.eq(self.write.address),
            write.data.eq(self.write.data),
            read.en.eq(1),
            read.addr.eq(self.read.address),
            self.read.data.eq(output),
        ]
        m.d.sync += output.eq(read.data)
        return m
