"""Users of a memory's two ports, of which one at a time is chosen."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal

from hw.memory import COPY, BlockMemory

TOGETHER = 64
"""Bits of a row that share a copy of the flag that chooses them: rows lie all over the part."""


class MemoryPorts:
    """Users of a memory's ports, of which at most one is chosen at a time.

    Whether a user is chosen is told a cycle before, and stands in registers beside the memory; None
    stands for its enable, in the same cycle.

    Parameters
    ----------
    name : str
        Of the memory.
    memory : BlockMemory
    """

    def __init__(self, name: str, memory: BlockMemory):
        self.name, self.memory = name, memory
        self._reads: list = []
        self._writes: list = []

    def reader(self, user: str, coming, port) -> None:
        """Add a user of the read port, chosen in the cycle after `coming`."""
        self._reads.append((user, coming, port))

    def writer(self, user: str, coming, port) -> None:
        """Add a user of the write port, chosen in the cycle after `coming`."""
        self._writes.append((user, coming, port))

    def connect(self, m: Module) -> None:
        """Drive the memory's ports from the user that is chosen."""
        read, write = self.memory.read, self.memory.write

        def told(kind, user, coming, port):
            if coming is None:
                return port.enable
            select = Signal(name=f"{COPY}_{self.name}_{kind}_{user}")
            m.d.sync += select.eq(coming)
            return select

        address = Const(0, 1)
        for user, coming, port in self._reads:
            address |= Mux(told("read", user, coming, port), port.address, 0)
            m.d.comb += port.data.eq(read.data)
        m.d.comb += read.address.eq(address)
        enable, address = Const(0, 1), Const(0, 1)
        for user, coming, port in self._writes:
            select = told("write", user, coming, port)
            enable |= select & port.enable
            address |= Mux(select, port.address, 0)
        parts = []
        for first in range(0, len(write.data), TOGETHER):
            part = Const(0, 1)
            for user, coming, port in self._writes:
                data = port.data[first : first + TOGETHER]
                part |= Mux(told(f"data{first}", user, coming, port), data, 0)
            parts.append(part)
        m.d.comb += [
            write.enable.eq(enable),
            write.address.eq(address),
            write.data.eq(Cat(parts)),
        ]
