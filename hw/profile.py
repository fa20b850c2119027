"""Counters per program address: cycles, lane operations issued, useful lanes."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.program import PROFILE
from hw.interfaces import layout_of

PROFILE_LAYOUT = layout_of(PROFILE)


class Profile(Component):
    """Profile of the program, summed over jobs in distributed memory.

    An instruction's cycles run from its start to the next one's start, or to the end of the job;
    those before the first instruction of a job are not counted.

    Parameters
    ----------
    config : CoreConfig
        Depth of the program, P.

    Members
    -------
    start, finished : In(1)
        An instruction starts; the job ends.
    address : In
        Program address of the instruction that starts.
    issue, lanes : In
        An operation was issued in this cycle, with so many useful lanes.
    clear : In(1)
        Zero all counters, one per cycle; `clearing` is high meanwhile.
    read_address, read_data
        Counters of an instruction, two cycles after its address, while no job runs.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        address = clog2(config.instructions)
        super().__init__(
            {
                "start": In(1),
                "finished": In(1),
                "address": In(address),
                "issue": In(1),
                "lanes": In(config.lanes.bit_length()),
                "clear": In(1),
                "clearing": Out(1),
                "read_address": In(address),
                "read_data": Out(PROFILE.width),
            }
        )

    def elaborate(self, platform):
        m = Module()
        depth = self.config.instructions
        m.submodules.counters = counters = Memory(
            MemoryData(shape=PROFILE.width, depth=depth, init=[]),
            attrs={"ram_style": "distributed"},
        )
        write, read = counters.write_port(), counters.read_port(domain="comb")
        now = Signal(PROFILE_LAYOUT)
        settled = Signal(PROFILE_LAYOUT)
        settled_address = Signal.like(self.address)
        address = Signal.like(self.address)  # of what is read
        own_address = Signal.like(self.address)  # of the instruction that is counted
        fetch, fetched, add = Signal(), Signal(), Signal()
        counting = Signal()

        m.d.comb += read.addr.eq(address)
        old, total = Signal(PROFILE_LAYOUT, reset_less=True), Signal(PROFILE_LAYOUT)
        m.d.sync += [
            address.eq(Mux(fetch, settled_address, self.read_address)),
            old.eq(read.data),
            fetched.eq(fetch),
            add.eq(fetched),
        ]
        m.d.comb += [
            self.read_data.eq(old),
            *(total[name].eq(old[name] + settled[name]) for name, _ in PROFILE_LAYOUT),
        ]

        # the first cycle of an instruction closes the counts of the one before, as does the cycle
        # after the job's last one
        ended = Signal()
        closes = (self.start | ended) & counting
        fresh = Mux(self.start, 0, now.cycles)
        m.d.sync += [
            ended.eq(self.finished),
            now.cycles.eq(fresh + 1),
            now.operations.eq(Mux(self.start, 0, now.operations) + self.issue),
            now.lanes.eq(Mux(self.start, 0, now.lanes) + Mux(self.issue, self.lanes, 0)),
            fetch.eq(closes),
        ]
        with m.If(closes):
            m.d.sync += [
                settled.eq(now),
                settled_address.eq(own_address),
            ]
        with m.If(self.start):
            m.d.sync += own_address.eq(self.address)
        with m.If(ended):
            m.d.sync += counting.eq(0)
        with m.Elif(self.start):
            m.d.sync += counting.eq(1)

        index = Signal(clog2(depth))
        with m.If(self.clear):
            m.d.sync += [self.clearing.eq(1), index.eq(0)]
        with m.Elif(self.clearing):
            m.d.sync += index.eq(index + 1)
            with m.If(index == depth - 1):
                m.d.sync += self.clearing.eq(0)
        # The sums stand in registers before they are written. The next ones are read later: no
        # instruction takes less than four cycles.
        m.d.sync += [
            write.en.eq(add | self.clearing),
            write.addr.eq(Mux(self.clearing, index, settled_address)),
            write.data.eq(Mux(self.clearing, 0, total)),
        ]
        return m
