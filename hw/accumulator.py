"""Read-modify-write of wide words at one add per cycle."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import clog2
from hw.arith import delay, split
from hw.interfaces import READ_LATENCY, read_port, write_port
from hw.lanes import TOGETHER
from hw.memory import COPY

HISTORY = READ_LATENCY + 1
"""Adds still on their way to the memory when a later one reads: they are forwarded."""

SUM_STAGE = READ_LATENCY + 1
"""Cycles from an add's address to its write."""

assert READ_LATENCY == 4  # addresses are compared, ordered and used in the cycles before the add


class Accumulator(Component):
    """Adder of P lanes into a memory, ``word[address] += operand``, back to back.

    An add is given by its address in cycle c; its operand is due in cycle c + `READ_LATENCY` and
    the sum is written in the cycle after. An add to an address whose last sums have not reached the
    memory takes them from the last `HISTORY` results, so that the same address can follow itself
    every cycle. Only the newest of those is chosen in the cycle of the add; one of the others
    already stands in a register beside the memory's word. Sums wrap.

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
        P signed lanes, `READ_LATENCY` cycles later.
    read, write : Out
        Memory ports.
    overflow : Out(1)
        A lane's sum left its range, two cycles before.
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
        valid, addresses = [self.valid], [self.address]
        for age in range(1, 2 + HISTORY):
            valid.append(delay(m, valid[-1], 1, f"valid_{age}", reset_less=False))
            addresses.append(delay(m, addresses[-1], 1, f"address_{age}"))
        m.d.comb += self.read.address.eq(self.address)

        # Which of the adds before has the same address, from registers; the newest one counts.
        hit = [Signal(name=f"hit_{i}") for i in range(HISTORY)]
        for i in range(HISTORY):
            m.d.sync += hit[i].eq(valid[2 + i] & (addresses[1] == addresses[2 + i]))
        newest = delay(m, hit[0], READ_LATENCY - 3, "newest", reset_less=False)

        width = self.lanes * self.width
        results = [Signal(width, name=f"result_{i}", reset_less=True) for i in range(HISTORY - 1)]
        olds = []
        for start in range(0, self.lanes, TOGETHER):
            part = slice(start * self.width, (start + TOGETHER) * self.width)
            recent = [result[part] for result in results]
            olds.append(self._old(m, start, newest, hit, recent, self.read.data[part]))
        olds = Cat(olds)
        operands = split(self.operand, self.lanes)
        sums, overflows = [], []
        for lane, old in enumerate(split(olds, self.lanes)):
            total = Signal(signed(self.width + 1), name=f"sum_{lane}")
            m.d.comb += total.eq(old + operands[lane])
            sums.append(total[: self.width])
            overflows.append(total[self.width] ^ total[self.width - 1])
        left = Signal(self.lanes, reset_less=True)
        m.d.sync += [
            results[0].eq(Cat(*sums)),
            left.eq(Cat(*overflows) & valid[READ_LATENCY].replicate(self.lanes)),
            self.overflow.eq(left.any()),
        ]
        for i in range(1, HISTORY - 1):
            m.d.sync += results[i].eq(results[i - 1])
        m.d.comb += [
            self.write.enable.eq(valid[SUM_STAGE]),
            self.write.address.eq(addresses[SUM_STAGE]),
            self.write.data.eq(results[0]),
        ]
        return m

    def _old(self, m, start, newest, hit, results, stored):
        """Choose what some neighbouring lanes add to; the flags that do stand beside them."""
        name = f"{COPY}{start}"
        beside = delay(m, newest, 1, f"{name}_newest", reset_less=False)
        first = [Signal(name=f"{name}_first_{i}") for i in range(1, HISTORY)]
        for i in range(1, HISTORY):
            m.d.sync += first[i - 1].eq(hit[i] & ~Cat(hit[1:i]).any())
        # The older ones, a cycle before the add: each has come one place less far by then.
        older = Signal(len(stored), name=f"older_{start}", reset_less=True)
        older_hit = Signal(name=f"{name}_older_hit")
        chosen = (Mux(own, result, 0) for own, result in zip(first, results, strict=True))
        m.d.sync += [older_hit.eq(Cat(first).any()), older.eq(reduce(or_, chosen))]
        old = Signal.like(older, name=f"old_{start}")
        m.d.comb += old.eq(Mux(beside, results[0], Mux(older_hit, older, stored)))
        return old
