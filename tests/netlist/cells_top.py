"""Memories and multipliers that yosys maps to the block RAMs and multipliers of an ECP5."""

import random

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hw.memory import BlockMemory

SHAPES = {1: 16384, 2: 8192, 4: 4096, 9: 2048, 18: 1024, 36: 512}
"""Depth of a block RAM by the width of its ports."""

BITS = 177
"""Width of the output."""


class CellsTop(Component):
    """One of each kind, on shared inputs; what they give stands in ``out`` one after the other.

    Simple dual-port memories have random contents (from 4 bits on), byte enables where a block RAM
    has them, and a read enable. Another is `hw.memory.BlockMemory`. One has a single port, which
    shows its last output in a cycle that writes. No row is read and written at once: the flow is
    told that nobody does.
    """

    def __init__(self):
        super().__init__(
            {
                "read": In(14),
                "write": In(14),
                "enable": In(4),
                "reading": In(1),
                "data": In(36),
                "a": In(18),
                "b": In(18),
                "out": Out(BITS),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rng = random.Random(1)
        parts = []

        def memory(name, width):
            depth = SHAPES[width]
            rows = depth if width >= 4 else 0  # Verilator takes long for many initial values
            init = [rng.getrandbits(width) for _ in range(rows)]
            unit = Memory(shape=width, depth=depth, init=init, attrs={"ram_style": "block"})
            m.submodules[name] = unit
            return unit

        for width in SHAPES:
            unit = memory(f"dual{width}", width)
            write = unit.write_port(granularity=9 if width > 9 else None)
            read = unit.read_port()
            m.d.comb += [
                read.addr.eq(self.read),
                read.en.eq(self.reading),
                write.addr.eq(self.write),
                write.data.eq(self.data),
                write.en.eq(Mux(read.addr == write.addr, 0, self.enable)),
            ]
            parts.append(read.data)
        unit = memory("last", 18)
        write, read = unit.write_port(), unit.read_port()
        m.d.comb += [
            read.addr.eq(self.write),
            read.en.eq(~self.enable[0]),
            write.addr.eq(self.write),
            write.data.eq(self.data),
            write.en.eq(self.enable[0]),
        ]
        parts.append(read.data)
        m.submodules.block = block = BlockMemory(512, 20)
        m.d.comb += [
            block.read.address.eq(self.read),
            block.write.address.eq(self.write),
            block.write.data.eq(self.data),
            block.write.enable.eq(
                self.enable[1] & (block.read.address != block.write.address)
            ),
        ]
        parts.append(block.read.data)
        signed = Signal(36)
        m.d.comb += signed.eq(self.a.as_signed() * self.b.as_signed())
        parts.append(signed)
        mixed = Signal(33)
        m.d.comb += mixed.eq(self.a[:17] * self.b[:16].as_signed())
        parts.append(mixed)
        m.d.comb += self.out.eq(Cat(*parts))
        return m
