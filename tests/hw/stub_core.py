"""A core that stores rows and frames and only pretends to compute, for tests of the link."""

from amaranth.hdl import Array, Cat, Const, Module, Signal
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component

from golden.core_config import clog2
from host.protocol.packets import Space, space_shape
from hw.interfaces import JOB_LAYOUT, LAYER_LAYOUT, PART, RESULT_SPACE, core_signature

MEMORIES = [space for space in Space if space is not Space.REGISTERS]


def stub_counts(job, lanes, group, count_bits):
    """Counts that the stub reports for a job."""
    return [
        (job["label"] + job["steps"] + 16 * job["slot"] + 3 * lane + group) % (1 << count_bits)
        for lane in range(lanes)
    ]


class StubCore(Component):
    """Memories for every space; a job takes `job_cycles`; learning adds 1 to row 0 of WEIGHTS.

    The result memory of a slot holds `stub_counts`.
    """

    def __init__(self, config, job_cycles=200):
        self.config = config
        self.job_cycles = job_cycles
        super().__init__(core_signature(config))

    def elaborate(self, platform):
        m = Module()
        config = self.config
        access = self.access
        done = Signal(3)
        trained, writing = Signal(), Signal()
        widths = {space: space_shape(space, config)[1] for space in MEMORIES}
        widths[RESULT_SPACE] = 16 * config.lanes
        count_row = Signal(widths[Space.WEIGHTS])
        fetched = Signal(max(widths.values()))
        # The row that comes or goes, at the top of a register of whole parts.
        row = Signal(-(-len(fetched) // PART) * PART)
        written = {
            space: row[len(row) - -(-width // PART) * PART :][:width]
            for space, width in widths.items()
        }

        self.memories = {}
        for space in MEMORIES:
            depth, width = space_shape(space, config)
            memory = Memory(shape=width, depth=depth, init=[])
            m.submodules[space.name.lower()] = memory
            self.memories[space] = memory
            read, write = memory.read_port(), memory.write_port()
            here = access.space == space
            put = access.write & here & ~self.running
            m.d.comb += [
                read.addr.eq(access.address),
                write.addr.eq(access.address),
                write.data.eq(written[space]),
                write.en.eq(put),
            ]
            with m.If(here & done[1]):
                m.d.comb += fetched.eq(read.data)
            if space is Space.LAYERS:
                row0 = Signal(LAYER_LAYOUT)
                with m.If(put & (access.address == 0)):
                    m.d.sync += row0.eq(written[space])
                m.d.comb += self.frame_map.eq(row0)
            if space is Space.WEIGHTS:
                with m.If(trained):
                    m.d.comb += [write.en.eq(1), write.addr.eq(0), write.data.eq(count_row + 1)]
                    m.d.sync += count_row.eq(count_row + 1)
                with m.Elif(put & (access.address == 0)):
                    m.d.sync += count_row.eq(written[space])
            if space is Space.FRAMES:
                with m.If(self.frame_write.enable):
                    m.d.comb += [
                        write.en.eq(1),
                        write.addr.eq(self.frame_write.address),
                        write.data.eq(self.frame_write.data),
                    ]
        m.d.sync += done.eq(Cat(access.read | access.write, done))
        m.d.comb += [access.done.eq(done[2]), access.read_data.eq(row)]
        with m.If(done[1] & ~writing):
            m.d.sync += row.eq(fetched)
        with m.Elif(access.shift):
            m.d.sync += row.eq(Cat(row[PART:], access.write_data))
        with m.If(access.read | access.write):
            m.d.sync += writing.eq(access.write)

        job = Signal(JOB_LAYOUT)
        left = Signal(range(self.job_cycles + 1))
        clearing = Signal(4)
        active = Signal()
        bits = config.formats.count
        results = Array(
            Signal(config.lanes * bits, name=f"result{i}")
            for i in range(2 << clog2(config.class_groups))
        )
        counts = [
            Cat(
                (job.label + job.steps + 16 * job.slot + 3 * lane + group)[:bits].as_unsigned()
                for lane in range(config.lanes)
            )
            for group in range(config.class_groups)
        ]
        m.d.comb += [
            self.job.ready.eq(~active & (clearing == 0)),
            self.running.eq(active | (clearing != 0)),
            self.result_groups.eq(config.class_groups),
        ]
        counted = results[access.address[: 1 + clog2(config.class_groups)]]
        with m.If(access.space == RESULT_SPACE):
            m.d.comb += fetched.eq(
                Cat(
                    Cat(counted[lane * bits : (lane + 1) * bits], Const(0, 16 - bits))
                    for lane in range(config.lanes)
                )
            )
        with m.If(self.job.valid & self.job.ready):
            m.d.sync += [active.eq(1), job.eq(self.job.payload), left.eq(self.job_cycles)]
        with m.If(active):
            m.d.sync += left.eq(left - 1)
            with m.If(left == 0):
                m.d.sync += active.eq(0)
                m.d.comb += [self.finished.eq(1), trained.eq(job.learn)]
                for group, value in enumerate(counts):
                    for slot in range(2):
                        with m.If(job.run[0] == slot):
                            m.d.sync += results[(slot << clog2(config.class_groups)) | group].eq(
                                value
                            )
                m.d.sync += self.saturated_carry.eq(self.saturated_carry + job.steps)
        with m.If(self.clear_counters):
            m.d.sync += [clearing.eq(15), self.saturated_carry.eq(0)]
        with m.Elif(clearing != 0):
            m.d.sync += clearing.eq(clearing - 1)
        return m
