"""Reader of the spike and mask lists."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.fifo import SyncFIFO
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.interfaces import READ_LATENCY, entry_layout

QUEUE = 8
"""Entries read ahead: covers the memory's latency at one entry per cycle."""


class Scanner(Component):
    """Stream of the entries of one list, up to and including the one marked last.

    Reads one entry per cycle ahead of its consumer; empty words are not in the list, so they cost
    nothing. The first entry is offered 4 cycles after `start`.

    Parameters
    ----------
    config : CoreConfig
        Gives the entry's layout.

    Members
    -------
    start : In(1)
        Begin at `base`; the list before must have ended.
    base : In(16)
        First entry's address.
    address : Out(16)
        Read address; `data` follows by `READ_LATENCY` cycles.
    data : In(entry)
        What the memory returned.
    entries : Out(stream of entry)
        The list.
    """

    def __init__(self, config: CoreConfig):
        self.entry = entry_layout(config)
        super().__init__(
            {
                "start": In(1),
                "base": In(16),
                "address": Out(16),
                "data": In(self.entry),
                "entries": Out(stream.Signature(self.entry)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.queue = queue = SyncFIFO(width=self.entry.size, depth=QUEUE)
        active = Signal()
        following = Signal(16)
        flight = Signal(READ_LATENCY)
        spoken_for = Signal(range(QUEUE + READ_LATENCY + 1))
        read = Signal()
        arrived = Signal()
        direct = Signal()

        m.d.comb += [
            spoken_for.eq(queue.level + sum(flight)),
            read.eq(self.start | (active & (spoken_for < QUEUE) & ~(arrived & self.data.last))),
            self.address.eq(Mux(self.start, self.base, following)),
            arrived.eq(flight[-1] & active),
            queue.w_data.eq(self.data),
            direct.eq(arrived & ~queue.r_rdy),
            queue.w_en.eq(arrived & ~(direct & self.entries.ready)),
            self.entries.payload.eq(Mux(direct, self.data, queue.r_data)),
            self.entries.valid.eq(queue.r_rdy | direct),
            queue.r_en.eq(self.entries.ready),
        ]
        m.d.sync += flight.eq(flight << 1 | read)
        with m.If(read):
            m.d.sync += following.eq(self.address + 1)
        with m.If(arrived & self.data.last):
            m.d.sync += [active.eq(0), flight.eq(0)]
        with m.If(self.start):
            m.d.sync += [active.eq(1), flight.eq(1)]
        return m
