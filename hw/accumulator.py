"""Read-modify-write of wide words at one add per cycle."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import clog2
from hw.arith import split
from hw.interfaces import read_port, write_port

HISTORY = 3
"""Adds still on their way to the memory when a later one reads: they are forwarded."""


class Accumulator(Component):
    """Adder of P lanes into a memory, ``word[address] += operand``, back to back.

    An add is given by its address in cycle c; its operand is due in cycle c + 2 and the sum is
    written in cycle c + 3. An add to an address whose last sums have not reached the memory takes
    them from the last `HISTORY` results, so that the same address can follow itself every cycle.
    Sums wrap.

    Parameters
    ----------
    depth : int
        Words of the memory.
    lanes : int
        P.
    width : int
        One lane of the word [bits].
    operand : int
        One lane of the operand, signed [bits].

    Members
    -------
    valid, address : In
        An add starts.
    operand : In
        P signed lanes, 2 cycles later.
    read, write : Out
        Memory ports.
    overflow : Out(1)
        A lane's sum left its range in this cycle.
    """

    def __init__(self, depth: int, lanes: int, width: int, operand: int):
        self.lanes, self.width, self.operand_width = lanes, width, operand
        super().__init__(
            {
                "valid": In(1),
                "address": In(clog2(depth)),
                "operand": In(lanes * operand),
                "read": Out(read_port(depth, lanes * width)),
                "write": Out(write_port(depth, lanes * width)),
                "overflow": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        valid = [self.valid, *(Signal(name=f"valid_{i}") for i in range(1, 2 + HISTORY))]
        address = [
            self.address,
            *(
                Signal.like(self.address, name=f"address_{i}", reset_less=True)
                for i in range(1, 2 + HISTORY)
            ),
        ]
        m.d.comb += self.read.address.eq(self.address)
        for i in range(1 + HISTORY):
            m.d.sync += valid[i + 1].eq(valid[i])
        for i in range(1 + HISTORY):
            m.d.sync += address[i + 1].eq(address[i])

        # matches are found one cycle early, from registered addresses
        hit = [Signal(name=f"hit_{i}") for i in range(HISTORY)]
        for i in range(HISTORY):
            m.d.sync += hit[i].eq(valid[2 + i] & (address[1] == address[2 + i]))

        results = [
            Signal(self.lanes * self.width, name=f"result_{i}", reset_less=True)
            for i in range(HISTORY)
        ]
        operands = split(self.operand, self.lanes)
        olds = Signal(self.lanes * self.width)
        m.d.comb += olds.eq(
            Mux(
                hit[0], results[0], Mux(hit[1], results[1], Mux(hit[2], results[2], self.read.data))
            )
        )
        sums, overflows = [], []
        for lane, old in enumerate(split(olds, self.lanes)):
            total = Signal(signed(self.width + 1), name=f"sum_{lane}")
            m.d.comb += total.eq(old + operands[lane])
            sums.append(total[: self.width])
            overflows.append(total[self.width] ^ total[self.width - 1])
        m.d.sync += [
            results[0].eq(Cat(*sums)),
            self.overflow.eq(valid[2] & Cat(*overflows).any()),
        ]
        for i in range(1, HISTORY):
            m.d.sync += results[i].eq(results[i - 1])
        m.d.comb += [
            self.write.enable.eq(valid[3]),
            self.write.address.eq(address[3]),
            self.write.data.eq(results[0]),
        ]
        return m
