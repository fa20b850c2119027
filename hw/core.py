"""The core: sequencer, memories, walker, passes, and the row access of the link."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib.wiring import Component, connect

from golden.core_config import CoreConfig, clog2
from golden.random_weights import KEY_UPDATE
from host.protocol.packets import Space
from host.protocol.program import ErrorFlag, Op
from hw.arith import delay, split
from hw.clear import ClearPass
from hw.datapath import Datapath
from hw.dropout import DropPass
from hw.interfaces import RESULT_SPACE, core_signature, read_port, write_port
from hw.lif import LifPass
from hw.local_error import ErrorPass
from hw.loss import LossPass
from hw.memory import COPY, BlockMemory
from hw.memory_ports import MemoryPorts
from hw.profile import Profile
from hw.random_bits import KeySchedule
from hw.row_registers import RowRegisters
from hw.scanner import Scanner
from hw.sequencer import WALKS, Sequencer
from hw.standby import standby
from hw.stream_buffer import StreamBuffer
from hw.tiling import Tiling
from hw.update import UpdatePass
from hw.walker import Walker

MEMORIES = (
    Space.WEIGHTS,
    Space.MOMENTUM,
    Space.STATE,
    Space.GAMMA,
    Space.DELTA,
    Space.SPIKES,
    Space.MASKS,
    Space.FRAMES,
    Space.KEEP,
)
"""Block memories, one per space of the same name."""


class Core(Component):
    """Training core of P lanes; see `hw.interfaces.core_signature` for its ports.

    One operation of the program runs at a time, so every memory has one user per port at a time;
    only frames are written while a job runs. A GRADIENT or BACKWARD whose layer has no non-zero
    gamma ends in its first cycle, and the error pass below then takes e as 0.

    Parameters
    ----------
    config : CoreConfig
        Lanes, depths and formats.
    multiplier : int
        Widest signed operand of the target's multipliers, see `LifPass` [bits].
    tiling : Tiling, optional
        Of the target's block RAMs, see `BlockMemory`.
    stops : bool
        The clock of units without work stops: for Verilator, see `hw.standby`.
    """

    def __init__(
        self,
        config: CoreConfig,
        multiplier: int = 25,
        tiling: Tiling | None = None,
        *,
        stops: bool = False,
    ):
        self.config, self.multiplier, self.tiling = config, multiplier, tiling
        self.stops = stops
        super().__init__(core_signature(config))

    def elaborate(self, platform):
        m = Module()
        config = self.config

        m.submodules.sequencer = sequencer = Sequencer(config)
        m.submodules.profile = profile = Profile(config)
        m.submodules.scanner = scanner = Scanner(config)
        m.submodules.walker = walker = Walker(config)
        m.submodules.datapath = datapath = Datapath(config, stops=self.stops)
        m.submodules.clear = clear = ClearPass(config)
        lif = LifPass(config, self.multiplier)
        error = ErrorPass(config)
        drop = DropPass(config)
        m.submodules.loss = loss = LossPass(config)
        update = UpdatePass(config)
        m.submodules.keys = keys = KeySchedule()
        m.submodules.run_keys = run_keys = KeySchedule()
        memories = {}
        for space in MEMORIES:
            name = space.name.lower()
            memories[space] = BlockMemory(*config.memory_shapes[name], self.tiling)
            m.submodules[name] = memories[space]

        command, start = sequencer.command, sequencer.start
        is_op = {op: sequencer.is_op[op] for op in Op}
        starts = {op: sequencer.starts[op] for op in Op}
        # From the first cycle of a walk on.
        walks_next = delay(m, sequencer.walks, 1, "walks_next", reset_less=False)
        walking = delay(m, walks_next, 1, "walking", reset_less=False)
        units = ((Op.LIF, lif), (Op.ERROR, error), (Op.UPDATE, update), (Op.DROP, drop))
        for op, unit in units:
            standby(m, op.name.lower(), unit, is_op[op], stops=self.stops)

        # ---- jobs
        begins = delay(m, sequencer.begin, 1, "begins", reset_less=False)
        m.d.comb += [
            sequencer.job.payload.eq(self.job.payload),
            sequencer.job.valid.eq(self.job.valid),
            self.job.ready.eq(sequencer.job.ready),
            sequencer.hold.eq(profile.clearing | self.clear_counters),
            self.running.eq(sequencer.running | profile.clearing | self.clear_counters),
            self.finished.eq(sequencer.finished),
            self.frame_map.eq(sequencer.frame_map),
            keys.start.eq(begins),
            keys.seed.eq(self.seed),
            keys.number.eq(sequencer.current.trained_intervals),
            run_keys.start.eq(begins),
            run_keys.seed.eq(self.seed),
            run_keys.number.eq(KEY_UPDATE),
        ]

        # ---- operations
        # What a start means stands in registers beforehand: no non-zero gamma, nothing to walk;
        # an ERROR that goes through a list.
        nothing, listed = Signal(), Signal()
        unlisted = (command.argument & int(ErrorFlag.SUM | ErrorFlag.PLANE)).any()
        m.d.sync += [
            nothing.eq((is_op[Op.GRADIENT] | is_op[Op.BACKWARD]) & ~error.any_nonzero),
            listed.eq(is_op[Op.ERROR] & ~unlisted),
        ]
        skip, walk_start = Signal(), Signal()
        delta_zero = Signal()
        starts_walk = Cat(*(starts[op] for op in WALKS)).any()
        m.d.comb += [skip.eq(starts_walk & nothing), walk_start.eq(starts_walk & ~nothing)]
        with m.If(starts[Op.BACKWARD]):
            m.d.sync += delta_zero.eq(nothing)
        mode = delay(m, sequencer.mode, 2, "mode")
        # Each unit has its own copy of the command, from the cycle before its start on: the
        # sequencer is far away. That each loads in another condition keeps them apart.
        coming = sequencer.coming
        walk = Signal.like(command, reset_less=True)
        with m.If(sequencer.loads):
            m.d.sync += walk.eq(coming)

        def held(op, name, value):
            copy = Signal.like(value, name=f"{op.name.lower()}_{name}", reset_less=True)
            with m.If(is_op[op] & sequencer.loads):
                m.d.sync += copy.eq(value)
            return copy

        m.d.comb += [
            walker.mode.eq(mode),
            datapath.mode.eq(mode),
            datapath.walking.eq(walking),
            walker.start.eq(walk_start),
            walker.layer.eq(walk.layer),
            walker.source.eq(walk.source),
            walker.layer_stride.eq(walk.layer_stride),
            walker.source_stride.eq(walk.source_stride),
            walker.last_lanes.eq(walk.last_lanes),
            walker.flag_write.eq(delay(m, error.flag_write, 1, "flag_write", reset_less=False)),
            walker.flag_row.eq(delay(m, error.flag_row, 1, "flag_row")),
            walker.flag_bits.eq(delay(m, error.flag_bits, 1, "flag_bits")),
            datapath.layer.eq(walk.layer),
            datapath.operation.eq(walker.operation),
            datapath.valid.eq(walker.valid),
            datapath.finished.eq(walker.finished),
            datapath.feature.eq(walker.feature),
            datapath.group.eq(walker.group),
            datapath.keys.eq(run_keys.keys),
            scanner.start.eq(walk_start | (starts[Op.ERROR] & listed)),
            scanner.base.eq(command.list_start),
        ]
        # BACKWARD's last words are written after the error pass has begun to scan.
        meets, meeting = Signal(), Signal()
        m.d.sync += [
            meeting.eq(is_op[Op.ERROR]),
            meets.eq(is_op[Op.ERROR] & ~datapath.delta_busy),
        ]
        # Each has a buffer of its own: the lists are far away.
        m.submodules.walked = walked = StreamBuffer(scanner.entry)
        m.submodules.met = met = StreamBuffer(scanner.entry)
        for buffer, chosen in ((walked, walking), (met, meeting)):
            m.d.comb += [
                buffer.i.payload.eq(scanner.entries.payload),
                buffer.i.valid.eq(scanner.entries.valid & chosen),
            ]
        connect(m, walked.o, walker.entries)
        m.d.comb += [
            scanner.entries.ready.eq((walking & walked.i.ready) | (meeting & met.i.ready)),
            error.entries.payload.eq(met.o.payload),
            error.entries.valid.eq(met.o.valid & meets),
            met.o.ready.eq(error.entries.ready & meets),
        ]
        passes = {
            Op.CLEAR: clear,
            Op.LIF: lif,
            Op.LOSS: loss,
            Op.ERROR: error,
            Op.UPDATE: update,
            Op.DROP: drop,
        }
        for op, unit in passes.items():
            m.d.comb += [
                unit.start.eq(starts[op]),
                unit.layer.eq(held(op, "layer", coming.layer)),
            ]
        m.d.comb += [
            lif.flags.eq(held(Op.LIF, "flags", coming.argument)),
            lif.learn.eq(delay(m, sequencer.current.learn, 1, "lif_learn")),
            lif.spike_start.eq(held(Op.LIF, "spike_start", coming.list_start)),
            lif.mask_start.eq(held(Op.LIF, "mask_start", coming.mask_start)),
            error.flags.eq(held(Op.ERROR, "flags", coming.argument)),
            error.other.eq(held(Op.ERROR, "other", coming.source)),
            error.first.eq(held(Op.ERROR, "first", coming.latest)),
            error.plane.eq(held(Op.ERROR, "plane", coming.step)),
            error.delta_zero.eq(delta_zero),
            loss.flags.eq(held(Op.LOSS, "flags", coming.argument)),
            loss.job.eq(sequencer.current),
            loss.count_valid.eq(lif.count_valid),
            loss.count_group.eq(lif.count_group),
            loss.count_bits.eq(lif.count_bits),
            self.result_groups.eq(loss.result_groups),
            update.keys.eq(keys.keys),
            drop.keys.eq(keys.keys),
        ]
        m.d.sync += sequencer.done.eq(
            skip | datapath.done | Cat(*(unit.done for unit in passes.values())).any()
        )

        # ---- counters
        issues = [(walker.valid & walker.operation.issued, walker.operation.lanes)]
        issues += [(unit.issue, unit.lanes) for op, unit in passes.items() if op is not Op.LOSS]
        m.d.comb += profile.clear.eq(self.clear_counters)
        m.d.sync += [
            profile.start.eq(start),
            profile.finished.eq(sequencer.finished),
            profile.address.eq(sequencer.address),
            profile.issue.eq(Cat(*(issue for issue, _ in issues)).any()),
            profile.lanes.eq(reduce(or_, (Mux(issue, lanes, 0) for issue, lanes in issues))),
        ]
        counted = (
            (self.saturated_carry, lif.saturated),
            (self.saturated_gamma, error.saturated),
            (self.saturated_weight, update.saturated),
            (self.saturated_delta, datapath.saturated_delta + loss.saturated),
        )
        for counter, increment in counted:
            more = delay(m, increment, 1, "more")
            m.d.sync += counter.eq(Mux(self.clear_counters, 0, counter + more))
        m.d.sync += self.gradient_overflow.eq(
            ~self.clear_counters & (self.gradient_overflow | datapath.overflow)
        )

        # ---- memory ports
        ports = {
            space: MemoryPorts(space.name.lower(), memory) for space, memory in memories.items()
        }

        def either(*ops):
            return Cat(is_op[op] for op in ops).any()

        weights, momentum = ports[Space.WEIGHTS], ports[Space.MOMENTUM]
        state, gamma, delta = ports[Space.STATE], ports[Space.GAMMA], ports[Space.DELTA]
        weights.reader("walk", walks_next, datapath.weight_read)
        weights.reader("update", is_op[Op.UPDATE], update.weight_read)
        weights.writer("update", is_op[Op.UPDATE], update.weight_write)
        momentum.reader("gradient", is_op[Op.GRADIENT], datapath.momentum_read)
        momentum.reader("update", is_op[Op.UPDATE], update.momentum_read)
        momentum.writer("gradient", is_op[Op.GRADIENT], datapath.momentum_write)
        momentum.writer("update", is_op[Op.UPDATE], update.momentum_write)
        state.reader("walk", either(Op.FORWARD, Op.POOL), datapath.state_read)
        state.reader("lif", is_op[Op.LIF], lif.state_read)
        state.writer("walk", either(Op.FORWARD, Op.POOL), datapath.state_write)
        state.writer("lif", is_op[Op.LIF], lif.state_write)
        state.writer("clear", is_op[Op.CLEAR], clear.state_write)
        gamma.reader("walk", walks_next, datapath.gamma_read)
        gamma.reader("error", is_op[Op.ERROR], error.gamma_read)
        gamma.writer("error", is_op[Op.ERROR], error.gamma_write)
        delta.reader("error", is_op[Op.ERROR], error.delta_read)
        delta.reader("lif", is_op[Op.LIF], lif.drive_read)
        delta.writer("lif", is_op[Op.LIF], lif.drive_write)
        # BACKWARD's last errors are written when ERROR has begun, but not yet met a word.
        busy = datapath.delta_busy
        delta.writer("backward", is_op[Op.BACKWARD] | busy, datapath.delta_write)
        delta.writer("error", is_op[Op.ERROR] & ~busy, error.delta_write)
        delta.writer("loss", is_op[Op.LOSS], loss.delta_write)
        ports[Space.SPIKES].writer("lif", is_op[Op.LIF], lif.spike_write)
        ports[Space.MASKS].writer("lif", is_op[Op.LIF], lif.mask_write)
        ports[Space.FRAMES].writer("frames", None, self.frame_write)
        ports[Space.KEEP].writer("drop", is_op[Op.DROP], drop.keep_write)
        ports[Space.KEEP].reader("lif", is_op[Op.LIF], lif.keep_read)

        # the scanner's list: frames, spikes or masks
        from_masks = is_op[Op.BACKWARD] | is_op[Op.ERROR]
        for space, lists in (
            (Space.SPIKES, ~from_masks & ~command.source.frame),
            (Space.MASKS, from_masks),
            (Space.FRAMES, ~from_masks & command.source.frame),
        ):
            chosen = Signal(name=f"lists_{space.name.lower()}")
            m.d.sync += chosen.eq(lists)
            depth, width = config.memory_shapes[space.name.lower()]
            port = read_port(depth, width).create()
            m.d.comb += port.address.eq(scanner.address)
            ports[space].reader("list", sequencer.running, port)
            with m.If(chosen):
                m.d.comb += scanner.data.eq(port.data)

        self._access(m, ports, sequencer, profile, loss)
        for users in ports.values():
            users.connect(m)
        return m

    def _access(self, m, ports, sequencer, profile, loss) -> None:
        """Let the link read and write rows while no job runs, and read counts."""
        config = self.config
        padding = Const(0, 16 - config.formats.count)
        rows = RowRegisters(
            m,
            self.access,
            {
                Space.LAYERS: sequencer.table_out,
                Space.PROGRAM: sequencer.program_out,
                Space.PROFILE: profile.read_data,
                **{space: users.memory.read.data for space, users in ports.items()},
                RESULT_SPACE: Cat(
                    Cat(lane, padding) for lane in split(loss.result_data, config.lanes)
                ),
            },
        )
        m.d.comb += [
            sequencer.table_address.eq(rows.address),
            sequencer.table_data.eq(rows.rows[Space.LAYERS]),
            sequencer.table_write.eq(rows.writes[Space.LAYERS]),
            sequencer.program_address.eq(rows.address),
            sequencer.program_data.eq(rows.rows[Space.PROGRAM]),
            sequencer.program_write.eq(rows.writes[Space.PROGRAM]),
            profile.read_address.eq(rows.address[: clog2(config.instructions)]),
            loss.result_address.eq(rows.address),
        ]
        for space, users in ports.items():
            shape = config.memory_shapes[users.name]
            reads = read_port(*shape).create()
            writes = write_port(*shape).create()
            # The same register once more: the memories are far from each other.
            address = Signal.like(
                writes.address, name=f"{COPY}_{users.name}_address", reset_less=True
            )
            m.d.sync += address.eq(self.access.address)
            m.d.comb += [
                reads.address.eq(address),
                writes.enable.eq(rows.writes[space]),
                writes.address.eq(address),
                writes.data.eq(rows.rows[space]),
            ]
            users.reader("link", ~sequencer.running, reads)
            users.writer("link", rows.writing[space], writes)
