"""Registers of a row beside each memory, between which and the link parts of rows travel."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Module, Mux, Signal

from host.protocol.packets import Space
from hw.arith import delay
from hw.interfaces import PART, READ_LATENCY, RESULT_SPACE
from hw.memory import COPY


def space_name(space: int) -> str:
    """Return the name of a space in signals."""
    return "results" if space == RESULT_SPACE else Space(space).name.lower()


class RowRegisters:
    """Answers the link's row accesses, see `hw.interfaces.access_port`.

    Parameters
    ----------
    m : Module
        Gets the registers.
    access : access_port
        The core's side.
    values : dict
        Of each space the row at `address`; it has `READ_LATENCY` cycles for it.

    Attributes
    ----------
    address : Signal
        The access's.
    rows : dict
        Of each space the row to be written.
    writing, writes : dict
        Of each space whether it is written in the next cycle, in this one.
    """

    def __init__(self, m: Module, access, values: dict):
        # The link is far away: what it asks for stands in registers here.
        asked = {
            name: delay(m, getattr(access, name), 1, f"access_{name}", reset_less=reset_less)
            for name, reset_less in (
                ("address", True), ("write_data", True), ("read", False), ("write", False),
            )
        }  # fmt: skip
        # A space is asked for long after it is named.
        chosen = {space: Signal(name=f"access_{space_name(space)}") for space in values}
        m.d.sync += [signal.eq(access.space == space) for space, signal in chosen.items()]
        self.address = asked["address"]
        self.writing = {space: asked["write"] & signal for space, signal in chosen.items()}
        self.writes = {space: Signal(name=f"write_{space_name(space)}") for space in values}
        m.d.sync += [signal.eq(self.writing[space]) for space, signal in self.writes.items()]
        # Addresses, data, then the row, its lowest part, that of one space.
        fetch = delay(m, asked["read"], READ_LATENCY - 1, "fetch", reset_less=False)
        answer = asked["read"] | asked["write"]
        m.d.comb += access.done.eq(delay(m, answer, READ_LATENCY + 3, "done", reset_less=False))
        self.rows = {
            space: self._row(m, space_name(space), value, fetch, access, asked["write_data"])
            for space, value in values.items()
        }
        # They are far from each other: two and two stand in a register between them.
        lowest = []
        for space, row in self.rows.items():
            near = Signal(name=f"{COPY}_{space_name(space)}_answers")
            m.d.sync += near.eq(chosen[space])
            lowest.append(Mux(near, row[:PART], 0))
        held = [
            delay(m, reduce(or_, lowest[first : first + 2]), 1, f"held_{first}")
            for first in range(0, len(lowest), 2)
        ]
        m.d.sync += access.read_data.eq(reduce(or_, held))

    def _row(self, m, name: str, value, fetch, access, part):
        """Add the register of a row, which takes `value` or moves down by a part."""
        count = -(-len(value) // PART)
        row = [Signal(PART, name=f"{name}_row_{i}", reset_less=True) for i in range(count)]
        for i, (own, above) in enumerate(zip(row, [*row[1:], part], strict=True)):
            fetches = Signal(name=f"{COPY}_{name}_fetch_{i}")
            shifts = Signal(name=f"{COPY}_{name}_shift_{i}")
            m.d.sync += [fetches.eq(fetch), shifts.eq(access.shift)]
            with m.If(fetches):
                m.d.sync += own.eq(value[i * PART : (i + 1) * PART])
            with m.Elif(shifts):
                m.d.sync += own.eq(above)
        return Cat(row)
