"""Spike counts of a classifier and the errors of its loss, one class per cycle."""

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, signed
from amaranth.lib import enum
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from golden.loss import OCTAVE, SHARE, UNIT, WEIGHTS
from golden.settings import LOSS_BITS, MAX_SHIFT
from host.protocol.program import LossFlag
from hw.arith import delay, saturate
from hw.interfaces import JOB_LAYOUT, LAYER_LAYOUT, write_port
from hw.lanes import TOGETHER
from hw.memory import COPY

WRITE_STAGE = 12
"""Cycles from a word's last class to the write of the word."""
AHEAD = 1
"""Cycles between the beginning of a sweep and its first class, in which counts are read."""
SETTLE = 6
"""Cycles between two sweeps over the classes, in which the last one's results arrive."""
DIVISION = UNIT + SHARE + 1
"""Cycles of the division by the sum of weights, one bit each."""


class Sweep(enum.Enum, shape=2):
    """What a walk over the classes is for."""

    LARGEST = 0
    SUM = 1
    ERRORS = 2


class LossPass(Component):
    """Counter of class spikes and the errors of an interval's loss (paper Eq 3).

    Between passes, counts of the class words that `LifPass` shows grow. A pass reads and zeroes
    them; with y = 1 for ``job.label`` and 0 for other classes, k' = ``job.steps``,
    K = ``job.loss`` and r = ``job.loss_shift``, golden: `golden.loss`::

        e_c = sat_delta((K difference + 2**(r-1)) >> r)      r = 0: no rounding
        difference = count - k' y                            mean square
        difference = share - 2**16 y                         `LossFlag.ENTROPY`

    e has the format (delta, f_e); lanes without a class get 0. A softmax needs the largest count,
    the sum of the weights and one division: two more sweeps over the classes before the errors,
    if the job learns. Two multipliers, as this happens once per interval.

    `done` comes ``groups * P + 13`` cycles after `start`, with the last write; with ENTROPY and
    `learn` ``2 * (groups * P + 7) + 32`` cycles later.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start, done : In(1), Out(1)
        One-cycle pulses; layer, flags and job are stable from `start` to `done`.
    layer : In(LAYER_LAYOUT)
    flags : In(4)
        `LossFlag`.
    job : In(JOB_LAYOUT)
        e is written only if it learns.
    count_valid, count_group, count_bits : In
        From `LifPass`; no pass runs meanwhile.
    issue, lanes : Out(1), Out(range(P + 1))
        A class word passes, and its lanes that hold classes.
    saturated : Out(range(P + 1))
        Errors that were clipped.
    delta_write : Out(write_port)
        The e memory.
    result_address : In(1 + clog2(class_groups))
        Group, and above it the slot (parity of ``job.run``) in the result memory.
    result_data : Out(P * count)
        Counts of the last pass with REPORT, one cycle after the address.
    result_groups : Out(8)
        Class words of that pass.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        group_bits = clog2(config.class_groups)
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "layer": In(LAYER_LAYOUT),
                "flags": In(4),
                "job": In(JOB_LAYOUT),
                "count_valid": In(1),
                "count_group": In(group_bits),
                "count_bits": In(config.lanes),
                "issue": Out(1),
                "lanes": Out(range(config.lanes + 1)),
                "saturated": Out(range(config.lanes + 1)),
                "delta_write": Out(write_port(*config.memory_shapes["delta"])),
                "result_address": In(1 + group_bits),
                "result_data": Out(config.lanes * config.formats.count),
                "result_groups": Out(8),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, layer = self.config, self.layer
        running, group = Signal(), Signal(clog2(config.class_groups), reset_less=True)
        # A word's first class passes, told beside each few lanes.
        starts = range(0, config.lanes, TOGETHER)
        firsts = [Signal(name=f"{COPY}{i}_first") for i in starts]
        lane = Signal(range(config.lanes), reset_less=True)
        number = Signal(len(layer.channels), reset_less=True)  # of the class
        sweep = Signal(Sweep)
        settling = Signal(range(SETTLE + 1))
        first, ends, last, go = Signal(), Signal(), Signal(), Signal()
        last_group, in_last_group = Signal.like(group, reset_less=True), Signal()
        settled, divide, divided = Signal(), Signal(), Signal()
        m.d.comb += [
            first.eq(firsts[0]),
            ends.eq(running & (lane == config.lanes - 1)),
            last.eq(ends & in_last_group),
        ]
        m.d.sync += [last_group.eq(layer.groups - 1), in_last_group.eq(group == last_group)]
        begin = delay(m, go, AHEAD, "begin", reset_less=False)
        with m.If(begin):
            m.d.sync += [running.eq(1), group.eq(0), lane.eq(0), number.eq(0)]
        with m.Elif(running):
            m.d.sync += [lane.eq(lane + 1), number.eq(number + 1)]
            with m.If(ends):
                m.d.sync += [group.eq(group + 1), running.eq(~last)]
        m.d.sync += [copy.eq(begin | (ends & ~last)) for copy in firsts]
        # Sweeps: the largest count, the sum of weights, the errors; without a softmax the last.
        entropy = (self.flags & int(LossFlag.ENTROPY)).any() & self.job.learn
        m.d.sync += settling.eq(Mux(settling == 0, 0, settling - 1))
        with m.If(last & (sweep != Sweep.ERRORS)):
            m.d.sync += settling.eq(SETTLE)
        with m.If(self.start):
            m.d.sync += sweep.eq(Mux(entropy, Sweep.LARGEST, Sweep.ERRORS))
        with m.Elif(settled & (sweep == Sweep.LARGEST)):
            m.d.sync += sweep.eq(Sweep.SUM)
        with m.Elif(divided):
            m.d.sync += sweep.eq(Sweep.ERRORS)
        final = Signal()
        m.d.comb += [
            final.eq(sweep == Sweep.ERRORS),
            settled.eq(settling == 1),
            go.eq(self.start | (settled & (sweep == Sweep.LARGEST)) | divided),
            divide.eq(settled & (sweep == Sweep.SUM)),
        ]
        counts = self._counts(m, go, running, group, lane, first, final)

        exists = running & (number < layer.channels)
        used = Signal.like(self.lanes, reset_less=True)
        m.d.sync += used.eq(Mux(first, 0, used) + exists)
        error, clipped = self._error(m, firsts, number, exists, counts, sweep, divide, divided)

        word = Signal(len(self.delta_write.data), reset_less=True)
        m.d.sync += word.eq(Cat(word[len(error) :], error))
        write = delay(m, ends & final, WRITE_STAGE, "write", reset_less=False)
        address = Signal(16, reset_less=True)
        with m.If(self.start):
            m.d.sync += address.eq(layer.error_base)
        with m.Elif(write):
            m.d.sync += address.eq(address + 1)
        m.d.comb += [
            self.issue.eq(delay(m, ends & final, 1, "ends", reset_less=False)),
            self.lanes.eq(used),
            self.delta_write.enable.eq(write & self.job.learn),
            self.delta_write.address.eq(address),
            self.delta_write.data.eq(word),
            self.saturated.eq(clipped & self.job.learn),
            self.done.eq(delay(m, last & final, WRITE_STAGE, "done", reset_less=False)),
        ]
        return m

    def _counts(self, m, go, running, group, lane, first, final):
        """Add the counters and the result memory; return the counts of `group`, at its `first`.

        They are read into a register, those of the next group while this one's classes pass.
        """
        config, bits = self.config, self.config.formats.count
        width, slot_groups = config.lanes * bits, 1 << len(group)
        m.submodules.counts = counts = Memory(shape=width, depth=slot_groups, init=[])
        m.submodules.results = results = Memory(shape=width, depth=2 * slot_groups, init=[])
        read, write = counts.read_port(domain="comb"), counts.write_port()
        valid = delay(m, self.count_valid, 2, "valid", reset_less=False)
        spikes = delay(m, self.count_bits, 2, "spikes")
        address = Signal.like(group)
        counted = delay(m, address, 1, "counted")
        with m.If(go):
            m.d.sync += address.eq(0)
        with m.Elif(running):
            with m.If(lane == 1):
                m.d.sync += address.eq(group + 1)
        with m.Elif(self.count_valid):
            m.d.sync += address.eq(self.count_group)
        # A reset in the middle of an interval leaves counts behind: they are 0 until written again.
        known, old = Signal(slot_groups), Signal(width, reset_less=True)
        grown = Cat(
            (old[i * bits : (i + 1) * bits] + spikes[i])[:bits] for i in range(config.lanes)
        )
        m.d.sync += old.eq(Mux(known.bit_select(address, 1), read.data, 0))
        with m.If(valid & (counted == address)):
            m.d.sync += old.eq(grown)  # the group follows itself
        with m.If(write.en):
            m.d.sync += known.bit_select(write.addr, 1).eq(1)
        m.d.comb += [
            read.addr.eq(address),
            write.addr.eq(Mux(running, group, counted)),
            write.en.eq(valid | (first & final)),
            write.data.eq(Mux(running, 0, grown)),
        ]
        report = (self.flags & int(LossFlag.REPORT)).any()
        save, show = results.write_port(), results.read_port()
        m.d.comb += [
            save.addr.eq(Cat(group, self.job.run[0])),
            save.data.eq(old),
            save.en.eq(first & final & report),
            show.addr.eq(self.result_address),
            self.result_data.eq(show.data),
        ]
        with m.If(self.start & report):
            m.d.sync += self.result_groups.eq(self.layer.groups)
        return old

    def _error(self, m, firsts, number, exists, counts, sweep, divide, divided):
        """Add the arithmetic of one class per cycle; return e and clipped after 11 cycles."""
        f, job = self.config.formats, self.job
        # Stage 1: the counts shift towards lane 0. Stage 2: count - k' y, and how far the largest
        # count is away.
        rest, current = Signal.like(counts, reset_less=True), Signal.like(counts)
        count, wanted = Signal(f.count, reset_less=True), Signal(8, reset_less=True)
        square = Signal(signed(max(f.count, len(wanted)) + 1), reset_less=True)
        largest, below = Signal(f.count), Signal(f.count, reset_less=True)
        chosen = exists & (number == job.label)
        size = TOGETHER * f.count
        m.d.comb += current.eq(
            Cat(
                Mux(copy, counts[i * size : (i + 1) * size], rest[i * size : (i + 1) * size])
                for i, copy in enumerate(firsts)
            )
        )
        m.d.sync += [
            rest.eq(current >> f.count),
            count.eq(Mux(exists, current[: f.count], 0)),
            wanted.eq(Mux(chosen, job.steps, 0)),
            square.eq(count - wanted),
            below.eq(largest - count),
        ]
        with m.If(self.start):
            m.d.sync += largest.eq(0)
        with m.Elif((sweep == Sweep.LARGEST) & (count > largest)):
            m.d.sync += largest.eq(count)
        entropy = (self.flags & int(LossFlag.ENTROPY)).any()
        share = self._share(m, below, delay(m, exists, 2, "exists"), sweep, divide, divided)
        # Stage 6: the difference of either loss.
        difference = Signal(signed(SHARE + 2), reset_less=True)
        label = delay(m, chosen, 5, "chosen")
        m.d.sync += difference.eq(
            Mux(entropy, share - (label << SHARE), delay(m, square, 3, "square"))
        )
        # Stage 7: the product. (x + 2**(r-1)) >> r = (2 x + 2**r) >> (r + 1), also for r = 0.
        loss = Signal(signed(LOSS_BITS + 1), reset_less=True)
        half = Signal(MAX_SHIFT + 1, reset_less=True)
        amount = Signal(range(MAX_SHIFT + 2), reset_less=True)
        product = Signal(signed(len(loss) + len(difference)), reset_less=True)
        m.d.sync += [
            loss.eq(job.loss),
            half.eq(Cat(job.loss_shift[:5] == bit for bit in range(MAX_SHIFT + 1))),
            amount.eq(job.loss_shift[:5] + 1),
            product.eq(difference * loss),
        ]
        # Stage 8: rounding. Stages 9 and 10: the shift, eights first. Stage 11: saturation.
        rounded = Signal(signed(max(len(product) + 1, MAX_SHIFT + 2) + 1), reset_less=True)
        coarse, shifted = Signal.like(rounded), Signal.like(rounded)
        limited, clip = saturate(shifted, f.delta)
        error, clipped = Signal(signed(f.delta), reset_less=True), Signal()
        counted = delay(m, exists & (sweep == Sweep.ERRORS), 10, "counted")
        m.d.sync += [
            rounded.eq(Cat(C(0, 1), product).as_signed() + Cat(half, C(0, 1)).as_signed()),
            coarse.eq(Array(rounded >> 8 * i for i in range(5))[amount[3:]]),
            shifted.eq(Array(coarse >> i for i in range(8))[amount[:3]]),
            error.eq(limited),
            clipped.eq(clip & counted),
        ]
        return error, clipped

    def _share(self, m, below, exists, sweep, divide, divided):
        """Add the softmax; return a class's share 3 cycles after `below` and `exists`."""
        octave = OCTAVE.bit_length() - 1
        softness = self.flags[2:4]
        eighths = Signal(len(below) + octave)
        m.d.comb += eighths.eq(Array(below << (octave - shift) for shift in range(4))[softness])
        # The weight of the octave's part, then halved for each whole octave.
        part = Signal(UNIT + 1, reset_less=True)
        octaves = Signal(len(eighths) - octave, reset_less=True)
        weight = Signal(UNIT + 1, reset_less=True)
        shift = Mux(octaves > UNIT, UNIT + 1, octaves)[: (UNIT + 1).bit_length()]
        m.d.sync += [
            part.eq(Array(int(w) for w in WEIGHTS)[eighths[:octave]]),
            octaves.eq(eighths >> octave),
            weight.eq(Mux(delay(m, exists, 1, "weighs"), part >> shift, 0)),
        ]
        # Their sum, and 2**31 divided by it, one bit per cycle.
        total = Signal(UNIT + 1 + len(self.layer.channels), reset_less=True)
        with m.If(self.start):
            m.d.sync += total.eq(0)
        with m.Elif(sweep == Sweep.SUM):
            m.d.sync += total.eq(total + weight)
        left = Signal(range(DIVISION + 1))
        rest = Signal(len(total), reset_less=True)
        reciprocal = Signal(SHARE + 1, reset_less=True)
        trial, fits = Signal(len(total) + 1), Signal()
        m.d.comb += [
            trial.eq(Cat(left == DIVISION, rest)),
            fits.eq(trial >= total),
            divided.eq(left == 1),
        ]
        with m.If(divide):
            m.d.sync += [left.eq(DIVISION), rest.eq(0)]
        with m.Elif(left != 0):
            m.d.sync += [
                left.eq(left - 1),
                rest.eq(Mux(fits, trial - total, trial)),
                reciprocal.eq(Cat(fits, reciprocal)),
            ]
        product = Signal(len(weight) + len(reciprocal), reset_less=True)
        m.d.sync += product.eq(weight * reciprocal)
        return (product >> UNIT)[: SHARE + 1]
