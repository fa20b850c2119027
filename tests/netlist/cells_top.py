"""Memories and multipliers that yosys maps to the block RAMs and multipliers of a family."""

import random

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from hw.memory import BlockMemory

_HALF = ((1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512))
_WHOLE = ((1, 32768), (2, 16384), (4, 8192), (9, 4096), (18, 2048), (36, 1024), (72, 512))

SHAPES = {"ecp5": _HALF, "xc7": _HALF + _WHOLE}
"""Width and depth of the block RAMs of a family."""

SINGLE, BLOCK, PRODUCTS = 18, 20, (36, 33, 34)
"""Widths of the other two memories and of the products, the last one in registers [bits]."""


class CellsTop(Component):
    """One of each kind, on shared inputs; what they give stands in ``out`` one after the other.

    Simple dual-port memories have random contents (from 4 bits on), byte enables where a block RAM
    has them, and a read enable. Another is `hw.memory.BlockMemory`. One has a single port, which
    shows its last output in a cycle that writes. No row is read and written at once: the flow is
    told that nobody does.

    Parameters
    ----------
    family : str
        Whose block RAMs have these shapes.

    Attributes
    ----------
    bits : int
        Width of ``out``.
    """

    def __init__(self, family):
        self.shapes = SHAPES[family]
        widths = [width for width, _ in self.shapes]
        self.bits = sum(widths) + SINGLE + BLOCK + sum(PRODUCTS)
        super().__init__(
            {
                "read": In(15),
                "write": In(15),
                "enable": In(8),
                "reading": In(1),
                "data": In(72),
                "a": In(18),
                "b": In(18),
                "out": Out(self.bits),
            }
        )

    def elaborate(self, platform):
        m = Module()
        rng = random.Random(1)
        parts = []

        def memory(name, width, depth):
            rows = depth if width >= 4 else 0  # Verilator takes long for many initial values
            init = [rng.getrandbits(width) for _ in range(rows)]
            unit = Memory(shape=width, depth=depth, init=init, attrs={"ram_style": "block"})
            m.submodules[name] = unit
            return unit

        for width, depth in self.shapes:
            unit = memory(f"dual_{depth}x{width}", width, depth)
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
        unit = memory("last", SINGLE, 1024)
        write, read = unit.write_port(), unit.read_port()
        m.d.comb += [
            read.addr.eq(self.write),
            read.en.eq(~self.enable[0]),
            write.addr.eq(self.write),
            write.data.eq(self.data),
            write.en.eq(self.enable[0]),
        ]
        parts.append(read.data)
        m.submodules.block = block = BlockMemory(512, BLOCK)
        m.d.comb += [
            block.read.address.eq(self.read),
            block.write.address.eq(self.write),
            block.write.data.eq(self.data),
            block.write.enable.eq(
                self.enable[1] & (block.read.address != block.write.address)
            ),
        ]
        parts.append(block.read.data)
        signed, mixed, registered = (Signal(width) for width in PRODUCTS)
        a, b = Signal(18), Signal(16)
        m.d.comb += [
            signed.eq(self.a.as_signed() * self.b.as_signed()),
            mixed.eq(self.a[:17] * self.b[:16].as_signed()),
        ]
        m.d.sync += [a.eq(self.a), b.eq(self.b), registered.eq(a.as_signed() * b.as_signed())]
        parts += [signed, mixed, registered]
        m.d.comb += self.out.eq(Cat(*parts))
        return m
