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
    nothing. The first entry is offered 5 cycles after `start`, in the cycle in which it arrives: a
    `hw.stream_buffer.StreamBuffer` should take it.

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
        following = Signal(16, reset_less=True)
        flight = Signal(READ_LATENCY)
        room = Signal(range(QUEUE + 1))  # entries that may still be asked for
        read, arrived, ended = Signal(), Signal(), Signal()
        direct, taken = Signal(), Signal()

        m.d.comb += [
            read.eq(active & (room != 0)),
            self.address.eq(following),
            arrived.eq(flight[-1]),
            ended.eq(arrived & self.data.last),
            queue.w_data.eq(self.data),
            direct.eq(arrived & ~queue.r_rdy),
            queue.w_en.eq(arrived & ~(direct & self.entries.ready)),
            self.entries.payload.eq(Mux(direct, self.data, queue.r_data)),
            self.entries.valid.eq(queue.r_rdy | direct),
            queue.r_en.eq(self.entries.ready),
            taken.eq(self.entries.valid & self.entries.ready),
        ]
        m.d.sync += [flight.eq(flight << 1 | read), room.eq(room - read + taken)]
        with m.If(read):
            m.d.sync += following.eq(following + 1)
        with m.If(ended):
            # what was asked for behind the last entry is forgotten
            m.d.sync += [active.eq(0), flight.eq(0)]
        with m.If(self.start):
            m.d.sync += [active.eq(1), following.eq(self.base), room.eq(QUEUE)]
        return m
