"""The sequencer: layer table, program, loops over the steps of an interval."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.program import INSTRUCTION, LAYER, Op, When
from hw.arith import delay
from hw.interfaces import JOB_LAYOUT, LAYER_LAYOUT, layout_of
from hw.operation import Mode

INSTRUCTION_LAYOUT = layout_of(INSTRUCTION)

READS_SPIKES = (Op.FORWARD, Op.POOL, Op.GRADIENT)
"""Operations that scan the spike list of `other`."""


WALKS = {
    Op.FORWARD: Mode.FORWARD,
    Op.POOL: Mode.POOL,
    Op.GRADIENT: Mode.GRADIENT,
    Op.BACKWARD: Mode.BACKWARD,
}
"""Operations of the walker."""


def command_layout(config: CoreConfig) -> data.StructLayout:
    """Return the layout of a decoded instruction, stable while it runs.

    ``list_start`` is the first entry to scan or the spike list to write, ``mask_start`` the mask
    list to write; ``frame`` says that the list is in the frame buffer. ``layer_stride`` and
    ``source_stride`` are words per map row. ``step`` counts the passes of a loop from 0; ``latest``
    marks the last one.
    """
    return data.StructLayout(
        {
            "op": 4,
            "argument": 8,
            "layer": LAYER_LAYOUT,
            "source": LAYER_LAYOUT,
            "list_start": 16,
            "mask_start": 16,
            "layer_stride": 16,
            "source_stride": 16,
            "last_lanes": config.lanes.bit_length(),
            "step": 8,
            "latest": 1,
        }
    )


class Sequencer(Component):
    """Runs the program once per job; decodes the next instruction while one is under way.

    Fetch, condition, loop control and list addresses of an instruction take 7 cycles (3 for loop
    control), hidden behind the instruction before it; `loads` follows `done` by a cycle, and the
    instruction starts two cycles later, so that units may keep it, and what they derive from it, in
    registers.

    Parameters
    ----------
    config : CoreConfig
        Depths of the layer table and the program.

    Members
    -------
    job : In(stream of job)
        Taken when the core is idle.
    hold : In(1)
        No job is taken while set.
    current : Out(job)
        The job under way.
    coming, loads : Out(command), Out(1)
        The instruction that starts two cycles after `loads`, for registers that keep it.
    command : Out(command)
        The same from the cycle before its start on, while it is under way.
    is_op : Out(16)
        Its operation, one bit each, from `loads` on, 0 while no job runs.
    walks, mode : Out(1), Out(Mode)
        It is the walker's; what the walker does or did last.
    address : Out
        Its program address.
    start, starts : Out(1), Out(16)
        First cycle of an instruction; the same, one bit for each operation.
    done : In(1)
        The instruction has ended.
    running, finished, begin : Out(1)
        A job is under way; it ends; it begins.
    table_write, table_address, table_data, table_out
        Access to the layer table while idle; `table_out`, the row at `table_address`, follows by
        one cycle.
    program_write, program_address, program_data, program_out
        The same for the program.
    frame_map : Out(LAYER_LAYOUT)
        Row 0 of the layer table.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "job": In(stream.Signature(JOB_LAYOUT)),
                "hold": In(1),
                "current": Out(JOB_LAYOUT),
                "coming": Out(command_layout(config)),
                "loads": Out(1),
                "command": Out(command_layout(config)),
                "is_op": Out(1 << 4),
                "walks": Out(1),
                "mode": Out(Mode),
                "address": Out(clog2(config.instructions)),
                "start": Out(1),
                "starts": Out(1 << 4),
                "done": In(1),
                "running": Out(1),
                "begin": Out(1),
                "finished": Out(1),
                "table_write": In(1),
                "table_address": In(clog2(config.layers)),
                "table_data": In(LAYER.width),
                "table_out": Out(LAYER.width),
                "program_write": In(1),
                "program_address": In(clog2(config.instructions)),
                "program_data": In(INSTRUCTION.width),
                "program_out": Out(INSTRUCTION.width),
                "frame_map": Out(LAYER_LAYOUT),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, current = self.config, self.current

        m.submodules.table = table = Memory(
            MemoryData(shape=LAYER.width, depth=config.layers, init=[])
        )
        table_in = table.write_port()
        own_row = table.read_port(domain="comb")
        other_row = table.read_port(domain="comb")
        m.submodules.program = program = Memory(
            MemoryData(shape=INSTRUCTION.width, depth=config.instructions, init=[])
        )
        program_in, fetched = program.write_port(), program.read_port()
        table_row = delay(m, self.table_data, 1, "table_row")

        counter = Signal(clog2(config.instructions))
        step = Signal(8)
        instruction = Signal(INSTRUCTION_LAYOUT)
        own_address = Signal.like(self.table_address, reset_less=True)
        decoding = Signal()  # the state DECODE, for what it loads all over the part
        following = Signal(command_layout(config))
        following_address = Signal.like(counter)
        following_op = Signal.like(self.is_op)
        following_walks, following_mode = Signal(), Signal.like(self.mode)
        opened = Signal()
        busy = Signal()  # an instruction is under way
        passes = Signal(8)  # of a loop that begins here, less one
        latest_step = Signal(8)  # of the loop under way
        last_step = Signal(8)  # of the interval

        m.d.comb += [
            table_in.en.eq(self.table_write),
            table_in.addr.eq(self.table_address),
            table_in.data.eq(self.table_data),
            own_row.addr.eq(own_address),
            other_row.addr.eq(instruction.other),
            self.table_out.eq(own_row.data),
            program_in.en.eq(self.program_write),
            program_in.addr.eq(self.program_address),
            program_in.data.eq(self.program_data),
            fetched.en.eq(1),
            fetched.addr.eq(Mux(self.running, counter, self.program_address)),
            self.program_out.eq(fetched.data),
            passes.eq(Mux(instruction.other == 0, last_step, instruction.other - 1)),
        ]
        m.d.sync += [last_step.eq(current.steps - 1), decoding.eq(0)]
        with m.If(~self.running):
            m.d.sync += own_address.eq(self.table_address)
        first_row = Signal()
        m.d.sync += first_row.eq(self.table_write & (self.table_address == 0))
        with m.If(first_row):
            m.d.sync += self.frame_map.eq(table_row)

        wanted = Signal()
        m.d.comb += wanted.eq(
            (~instruction.when[0] | current.start)
            & (~instruction.when[1] | current.learn)
            & (~instruction.when[2] | current.update)
            & (~instruction.when[3] | ~current.learn)
        )
        assert (When.START, When.LEARN, When.UPDATE, When.INFER) == (1, 2, 4, 8)

        # which list an instruction needs, as base, stride
        op = following.op
        spikes_of_source = Signal()
        masks_of_source = Signal()
        masks_of_own = Signal()
        m.d.comb += [
            spikes_of_source.eq(sum(op == reads for reads in READS_SPIKES) != 0),
            masks_of_source.eq(op == Op.BACKWARD),
            masks_of_own.eq(op == Op.ERROR),
        ]
        own, source = following.layer, following.source
        list_product, mask_product = Signal(16), Signal(16)
        list_base, list_stride = Signal(16), Signal(16)
        stride = Mux(
            spikes_of_source,
            source.spike_stride,
            Mux(masks_of_source, source.mask_stride,
                Mux(masks_of_own, own.mask_stride, own.spike_stride)),
        )  # fmt: skip
        base = Mux(
            spikes_of_source,
            source.spike_base + Mux(source.frame & current.slot, config.frame_words, 0),
            Mux(masks_of_source, source.mask_base,
                Mux(masks_of_own, own.mask_base, own.spike_base)),
        )  # fmt: skip

        ready = Signal()
        switch = Signal()
        m.d.comb += switch.eq(ready & (~busy | self.done))
        m.d.sync += [
            self.loads.eq(0),
            opened.eq(self.loads),
            self.start.eq(opened),
            self.starts.eq(Mux(opened, self.is_op, 0)),
        ]
        with m.If(self.done):
            m.d.sync += busy.eq(0)
        with m.If(switch):
            m.d.sync += [
                self.address.eq(following_address),
                self.is_op.eq(following_op),
                self.walks.eq(following_walks),
                self.loads.eq(1),
                busy.eq(1),
            ]
            with m.If(following_walks):
                m.d.sync += self.mode.eq(following_mode)
        # A cycle later: `done` decides about few registers, and what follows still stands there.
        m.d.comb += self.coming.eq(following)
        with m.If(self.loads):
            m.d.sync += self.command.eq(following)

        with m.If(decoding):
            m.d.sync += [
                op.eq(instruction.op),
                following.argument.eq(instruction.argument),
                own.eq(own_row.data),
                source.eq(other_row.data),
                following.step.eq(step),
                following.latest.eq(step == latest_step),
                following_address.eq(counter),
                following_op.eq(1 << instruction.op),
                following_walks.eq(sum(instruction.op == walk for walk in WALKS) != 0),
            ]
            for walk, mode in WALKS.items():
                with m.If(instruction.op == walk):
                    m.d.sync += following_mode.eq(mode)

        def advance(target=None):
            m.d.sync += counter.eq(counter + 1 if target is None else target)

        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += [
                    self.job.ready.eq(~self.hold),
                    self.begin.eq(self.job.valid & ~self.hold),
                ]
                with m.If(self.begin):
                    m.d.sync += [current.eq(self.job.payload), self.running.eq(1), counter.eq(0)]
                    m.next = "FETCH"
            with m.State("FETCH"):
                m.next = "READ"
            with m.State("READ"):
                m.d.sync += [
                    instruction.eq(fetched.data),
                    own_address.eq(INSTRUCTION_LAYOUT(fetched.data).layer),
                    decoding.eq(1),
                ]
                m.next = "DECODE"
            with m.State("DECODE"):
                m.next = "FETCH"
                with m.If(~wanted):
                    advance()
                with m.Else():
                    with m.Switch(instruction.op):
                        with m.Case(Op.FIRST):
                            m.d.sync += [step.eq(0), latest_step.eq(passes)]
                            advance()
                        with m.Case(Op.LAST):
                            m.d.sync += [step.eq(passes), latest_step.eq(passes)]
                            advance()
                        with m.Case(Op.NEXT):
                            with m.If(step == latest_step):
                                advance()
                            with m.Else():
                                m.d.sync += step.eq(step + 1)
                                advance(instruction.argument)
                        with m.Case(Op.PREVIOUS):
                            with m.If(step == 0):
                                advance()
                            with m.Else():
                                m.d.sync += step.eq(step - 1)
                                advance(instruction.argument)
                        with m.Case(Op.END):
                            m.next = "END"
                        with m.Default():
                            m.next = "SELECT"
            with m.State("SELECT"):
                m.d.sync += [list_base.eq(base), list_stride.eq(stride)]
                m.next = "MULTIPLY"
            with m.State("MULTIPLY"):
                m.d.sync += [
                    list_product.eq(step * list_stride),
                    mask_product.eq(step * own.mask_stride),
                    following.layer_stride.eq(own.x_words * own.groups),
                    following.source_stride.eq(source.x_words * source.groups),
                    following.last_lanes.eq(((own.channels - 1) & (config.lanes - 1)) + 1),
                ]
                m.next = "ADD"
            with m.State("ADD"):
                m.d.sync += [
                    following.list_start.eq(list_base + list_product),
                    following.mask_start.eq(own.mask_base + mask_product),
                ]
                m.d.sync += ready.eq(1)
                m.next = "READY"
            with m.State("READY"):
                with m.If(switch):
                    m.d.sync += ready.eq(0)
                    advance()
                    m.next = "FETCH"
            with m.State("END"):
                with m.If(~busy):
                    m.d.comb += self.finished.eq(1)
                    m.d.sync += [self.running.eq(0), self.is_op.eq(0), self.walks.eq(0)]
                    m.next = "IDLE"
        return m
