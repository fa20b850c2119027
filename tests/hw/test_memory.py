"""Block memories: every cut into tiles is the same memory, and nobody needs a row that collides."""

import numpy as np
import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib.memory import Memory
from amaranth.sim import Simulator

from boards.parts import PARTS
from hw import memory
from hw.interfaces import READ_LATENCY
from hw.memory import BlockMemory
from hw.tiling import Shape, Tiling, banks_of, block_rams, few_rows, tiles
from tests.hw.core_case import CASES, difference

ECP5 = PARTS["lfe5u-85f"].tiles
TINY = (Shape(4, 6), Shape(8, 3), Shape(16, 1))


class PoisonedMemory(Elaboratable):
    """A memory that returns the complement of a row that is written in the cycle it is read in."""

    def __init__(self, data, attrs):
        self._memory = Memory(data, attrs=attrs)
        self._read = self._memory.read_port()
        self._write = self._memory.write_port()
        self.shown = Signal.like(self._read.data)

    def write_port(self):
        return self._write

    def read_port(self):
        memory = self

        class Port:
            en, addr, data = memory._read.en, memory._read.addr, memory.shown

        return Port

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = self._memory
        collides = Signal()
        m.d.sync += collides.eq(self._write.en & (self._write.addr == self._read.addr))
        m.d.comb += self.shown.eq(self._read.data ^ collides.replicate(len(self.shown)))
        return m


@pytest.mark.parametrize(
    ("depth", "width", "shapes"),
    [
        (21, 13, ()),
        (21, 13, TINY),
        (16, 7, TINY),
        (3, 40, TINY),
        (64, 5, TINY),
        (700, 40, ECP5),
        (530, 40, ECP5),
    ],
)
@pytest.mark.parametrize("banks", [2, None])
def test_memory_is_a_memory(depth, width, shapes, banks):
    rng = np.random.default_rng(depth)
    dut = BlockMemory(depth, width, Tiling(shapes, banks))
    held = [0] * depth
    wanted = []

    async def testbench(ctx):
        for cycle in range(400):
            address, target = (int(rng.integers(depth)) for _ in range(2))
            enable, value = int(rng.integers(2)), int.from_bytes(rng.bytes(8), "little")
            value &= (1 << width) - 1
            ctx.set(dut.read.address, address)
            ctx.set(dut.write.enable, enable)
            ctx.set(dut.write.address, target)
            ctx.set(dut.write.data, value)
            # a row written in this cycle is read by the next cycle's address
            wanted.append(None if enable and target == address else held[address])
            if enable:
                held[target] = value
            if cycle >= READ_LATENCY:
                expected = wanted[cycle - READ_LATENCY]
                assert expected is None or ctx.get(dut.read.data) == expected, cycle
            await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    assert sum(row is not None for row in wanted) > 300


@pytest.mark.parametrize("case", ["block", "dropping"])
def test_the_core_never_uses_a_row_that_collides(case, monkeypatch):
    """Block RAMs promise nothing there, and synthesis is told so (`boards.cells.COLLISIONS`)."""
    monkeypatch.setattr(memory, "Memory", PoisonedMemory)
    assert not difference(CASES[case])


def test_bad_shapes():
    with pytest.raises(ValueError, match="depth must be at least 2 rows, not 1"):
        BlockMemory(1, 8)
    with pytest.raises(ValueError, match="width must be at least 1 bit, not 0"):
        BlockMemory(8, 0)
    with pytest.raises(ValueError, match="a memory has at least 1 row of 1 bit, not 0 of 3"):
        tiles(0, 3, TINY)


@pytest.mark.parametrize(("depth", "width"), [(7680, 128), (7680, 144), (1280, 200), (10240, 28)])
@pytest.mark.parametrize("banks", [None, 4])
def test_columns_hold_a_row_and_banks_hold_all_rows(depth, width, banks):
    columns = tiles(depth, width, ECP5, banks)
    assert sum(bits for _, bits in columns) == width
    assert all(0 < bits <= shape.width for shape, bits in columns)
    counts = [-(-depth // shape.depth) for shape, _ in columns]
    assert banks is None or max(counts) <= banks
    assert block_rams(depth, width, ECP5, banks) == sum(counts)
    # no single shape is cheaper
    same = [-(-depth // s.depth) * -(-width // s.width) for s in ECP5
            if banks is None or -(-depth // s.depth) <= banks]  # fmt: skip
    assert sum(counts) <= min(same)


def test_mixed_shapes_save_block_rams():
    assert block_rams(11230, 128, ECP5, None) == 79  # eight columns of 1,024 x 18: 88
    assert block_rams(7680, 128, ECP5, None) == 54
    assert block_rams(7680, 128, ECP5) == 57  # with four banks at most
    assert tiles(100, 9, ()) == [(Shape(100, 9), 9)]


def test_few_rows_behind_whole_tiles_take_no_block_ram():
    assert tiles(4120, 256, ECP5, 2) == [(Shape(4096, 4), 4)] * 64
    assert block_rams(4120, 256, ECP5, 2) == 64
    assert block_rams(4120, 256, ECP5, 3) == block_rams(4096, 256, ECP5, 2) == 57
    assert few_rows(4120, 256, ECP5, 2) == [(24, 4)] * 64
    assert not few_rows(4096, 256, ECP5, 2)
    assert banks_of(4128, Shape(4096, 4)) == (1, 32)
    assert banks_of(4129, Shape(4096, 4)) == (2, 0)
    assert banks_of(544, Shape(512, 36)) == (1, 32)
    assert banks_of(32, Shape(512, 36)) == (1, 0)
    assert banks_of(9, Shape(8, 3)) == (2, 0)  # more than a 16th of a tile
