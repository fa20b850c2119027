"""Pass that forms the potential errors gamma of a layer at one step, one word of P per cycle."""

from amaranth.hdl import Array, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from golden.formats import COEFFICIENT_FRACTION
from host.protocol.program import ErrorFlag
from hw.arith import COUNT_LATENCY, counted, delay, resize, round_shift, saturate, split
from hw.interfaces import LAYER_LAYOUT, READ_LATENCY, entry_layout, read_port, write_port
from hw.map_walker import ADDRESS_BITS, LaneMask, MapWalker
from hw.memory import COPY
from hw.pool_address import PoolAddress
from hw.stream_buffer import StreamBuffer

WRITE_STAGE = READ_LATENCY + 5
"""Cycles from a word's meeting with the mask list to the write of its gamma."""


class ErrorPass(Component):
    """Potential errors of a layer at one step, from the last step to the first (paper Eqs 4 and 5).

    gamma and e have the formats (gamma, f_e) and (delta, f_e); golden:
    `golden.local_error.potential_errors`::

        gamma_t = sat_gamma((h A e + C_h gamma_{t+1} + 128) >> 8)

    e comes from the e memory at the layer's own words, or with `ErrorFlag.POOLED` lane by lane
    from the words of the pool above (golden: `synapse.unpooled`). Lanes without a neuron get 0.

    Direct encoding keeps the sum S of gamma in spare words of the e memory, format (delta, f_e).
    Two flags use the same multipliers for it, without a mask list::

        SUM     S := sat_delta(S + gamma_t), at the first step S := gamma_t
        PLANE   gamma := sat_gamma((2**t S + 128) >> 8)      for GRADIENT with bit plane t

    A word passes when the mask list's front is known: with the first entry in cycle E after `start`
    (E >= 2) and one per cycle from then on, `done` comes ``words + E + 8`` cycles after `start`,
    with the last write. The list may stall at any time. `saturated` follows a word's write by
    2 cycles. Two multipliers per lane, delta x 12 and gamma x 12 bits.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start, done : In(1), Out(1)
        One-cycle pulses; the other inputs are stable from `start` to `done`.
    layer, other : In(LAYER_LAYOUT)
        The layer, and with POOLED the pool that reads it.
    flags : In(5)
        `ErrorFlag`.
    plane : In(3)
        t of PLANE.
    first : In(1)
        The last step of the interval: gamma_{t+1} counts as 0.
    delta_zero : In(1)
        e counts as 0, unless LOSS or POOLED.
    entries : In(stream)
        The mask list of this step up to its last entry. Words that are not listed have h = 0.
    issue, lanes : Out(1), Out(range(P + 1))
        A word passes, and its lanes that hold neurons.
    saturated : Out(range(P + 1))
        Neurons whose gamma was clipped.
    gamma_read, gamma_write, delta_read, delta_write : Out(read_port), Out(write_port)
        Memories of gamma and e; e is written with `ErrorFlag.COPY` and SUM, gamma not with SUM.
    flag_write, flag_row, flag_bits : Out
        Rows of non-zero flags: bit x of row y for a map, bit ``g % 8`` of row ``g // 8`` for a
        dense layer.
    any_nonzero : Out(1)
        A gamma of the layer is not 0; from `done` to the next `start`.

    Raises
    ------
    ValueError
        `map_bits` is too small for the flags of a dense layer.
    """

    def __init__(self, config: CoreConfig):
        if config.map_bits < max(3, config.group_bits - 3):
            raise ValueError(
                f"map_bits must be at least {max(3, config.group_bits - 3)} to hold the flags of "
                f"2**{config.group_bits} groups, not {config.map_bits}"
            )
        self.config = config
        shapes = config.memory_shapes
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "layer": In(LAYER_LAYOUT),
                "other": In(LAYER_LAYOUT),
                "flags": In(5),
                "plane": In(3),
                "first": In(1),
                "delta_zero": In(1),
                "entries": In(stream.Signature(entry_layout(config))),
                "issue": Out(1),
                "lanes": Out(range(config.lanes + 1)),
                "saturated": Out(range(config.lanes + 1)),
                "gamma_read": Out(read_port(*shapes["gamma"])),
                "gamma_write": Out(write_port(*shapes["gamma"])),
                "delta_read": Out(read_port(*shapes["delta"])),
                "delta_write": Out(write_port(*shapes["delta"])),
                "flag_write": Out(1),
                "flag_row": Out(config.map_bits),
                "flag_bits": Out(1 << config.map_bits),
                "any_nonzero": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, flags, entry = self.config, self.flags, self.entries.payload
        pooled = (flags & int(ErrorFlag.POOLED)).any()
        sums = (flags & int(ErrorFlag.SUM)).any()
        planes = (flags & int(ErrorFlag.PLANE)).any()
        # What all words share, from the cycle after the start.
        unlisted, spatial, alone = Signal(), Signal(), Signal()
        with_delta = pooled | (flags & int(ErrorFlag.LOSS)).any() | ~self.delta_zero
        m.d.sync += [
            unlisted.eq(sums | planes),
            spatial.eq(Mux(sums | planes, planes | ~self.first, with_delta)),
            alone.eq(Mux(sums | planes, planes, self.first)),
        ]
        words = self._walk(m, pooled, unlisted)

        # Stage 0: the word meets the front of the mask list. Its addresses stand as long as it
        # waits for the list, so that its data comes READ_LATENCY cycles after they meet.
        word, waiting = words.payload, words.valid
        shows = self.entries.valid | unlisted
        m.d.comb += [
            words.ready.eq(shows),
            self.gamma_read.address.eq(word.gamma_address),
            self.delta_read.address.eq(word.delta_address),
        ]
        met, found = Signal(), Signal()
        m.d.comb += [
            met.eq(waiting & shows),
            found.eq((entry.y == word.y) & (entry.x == word.x) & (entry.g == word.g)),
            self.entries.ready.eq(waiting & found & ~unlisted),
        ]
        valid, last = [met], [met & word.last]
        for stage in range(1, WRITE_STAGE + 1):
            valid.append(delay(m, valid[-1], 1, f"valid{stage}", reset_less=False))
            last.append(delay(m, last[-1], 1, f"last{stage}", reset_less=False))

        # Stage 1: what was met. Stage 2: what each lane multiplies; then it waits for the memories.
        lanes = config.lanes
        mask = Signal(lanes, reset_less=True)
        spreads = Signal(lanes, reset_less=True)
        keeps = Signal(lanes, reset_less=True)
        source = delay(m, word.source, READ_LATENCY, "source")
        present = delay(m, Mux(met, word.lanes, 0), 1, "present")
        inside = delay(m, word.inside, 1, "inside")
        bits, listing = delay(m, entry.bits, 1, "bits"), delay(m, found, 1, "listing")
        listed = Mux(unlisted, present, Mux(listing, bits & present, 0))
        m.d.sync += [
            mask.eq(listed),
            spreads.eq(Mux(spatial & inside, listed, 0)),
            keeps.eq(Mux(alone, 0, present)),
        ]
        wait = READ_LATENCY - 2
        mask, spreads, keeps = (
            delay(m, lanes_of, wait, name)
            for name, lanes_of in (("mask", mask), ("spreads", spreads), ("keeps", keeps))
        )
        coefficients = self._coefficients(m, sums, planes)
        results = [
            self._neuron(m, lane, mask[lane], spreads[lane], keeps[lane], source, coefficients)
            for lane in range(lanes)
        ]
        gammas, clipped, nonzero = zip(*results, strict=True)

        m.d.comb += [
            self.saturated.eq(
                counted(m, Cat(clipped) & valid[WRITE_STAGE].replicate(lanes), "saturated")
            ),
            self.issue.eq(valid[1 + COUNT_LATENCY]),
            self.lanes.eq(counted(m, present, "lanes")),
            self.done.eq(last[WRITE_STAGE]),
        ]
        self._write(m, valid[WRITE_STAGE], gammas)
        self._flags(m, word, valid, last, nonzero)
        return m

    def _coefficients(self, m, sums, planes):
        """Add registers of A, C_0, C_1, and of whether results have the width of e."""
        one, layer = 1 << COEFFICIENT_FRACTION, self.layer
        a, c0, c1 = (Signal.like(c, reset_less=True) for c in (layer.a, layer.c0, layer.c1))
        # each lane's own
        wide = Signal(self.config.lanes, name=f"{COPY}_wide", reset_less=True)
        with m.If(self.start):
            m.d.sync += [a.eq(layer.a), c0.eq(layer.c0), c1.eq(layer.c1)]
            m.d.sync += wide.eq(sums.replicate(self.config.lanes))
            with m.If(sums):
                m.d.sync += [a.eq(one), c0.eq(one), c1.eq(one)]
            with m.If(planes):
                m.d.sync += a.eq(1 << self.plane)
        return {"a": a, "c0": c0, "c1": c1, "wide": wide}

    def _walk(self, m, pooled, unlisted):
        """Add the walk over words; return the stream of their records, a step ahead."""
        config = self.config
        m.submodules.walker = walker = MapWalker(config)
        m.submodules.lane_mask = lane_mask = LaneMask(config)
        m.submodules.pool = pool = PoolAddress(config)
        advance = Signal()
        spare = Signal(ADDRESS_BITS, reset_less=True)  # of the sum of gamma
        with m.If(self.start):
            m.d.sync += spare.eq(self.layer.drive_base)
        with m.Elif(walker.valid & advance):
            m.d.sync += spare.eq(spare + 1)
        m.d.comb += [
            walker.start.eq(self.start),
            walker.layer.eq(self.layer),
            walker.base.eq(self.layer.error_base),
            walker.advance.eq(advance),
            lane_mask.start.eq(self.start),
            lane_mask.layer.eq(self.layer),
            lane_mask.last_group.eq(walker.last_group),
            lane_mask.last_x.eq(walker.last_x),
            pool.start.eq(self.start),
            pool.advance.eq(advance),
            pool.layer.eq(self.layer),
            pool.other.eq(self.other),
            pool.pooled.eq(pooled),
            *(
                getattr(pool, name).eq(getattr(walker, name))
                for name in ("valid", "x", "y", "last_group", "last_x")
            ),
        ]
        values = {
            "y": walker.y,
            "x": walker.x,
            "g": walker.g,
            "row_ends": walker.last_group & walker.last_x,
            "last": walker.last,
            "gamma_address": walker.address,
            "delta_address": Mux(unlisted, spare, pool.address),
            "lanes": lane_mask.lanes,
            "inside": pool.inside,
            "source": pool.source,
        }
        layout = data.StructLayout({name: len(value) for name, value in values.items()})
        m.submodules.words = words = StreamBuffer(layout)
        m.d.comb += [
            words.i.valid.eq(walker.valid),
            advance.eq(words.i.ready),
            *(words.i.payload[name].eq(value) for name, value in values.items()),
        ]
        return words.o

    def _neuron(self, m, lane, h, spreads, keeps, source, coefficients):
        """Add one lane; return gamma, clipped (at `WRITE_STAGE`) and non-zero (a stage before)."""
        f, lanes = self.config.formats, self.config.lanes
        a, c0, c1 = (coefficients[name] for name in ("a", "c0", "c1"))

        def register(shape, name):
            return Signal(shape, name=f"{name}_{lane}", reset_less=True)

        # e stands in the lane's own slot, or in another slot of the pool's word.
        finest = self.config.pack_max
        slot_lanes = lanes >> finest
        slot = lane // slot_lanes
        e = Array(split(self.delta_read.data, lanes)[lane % slot_lanes :: slot_lanes])[
            source[slot * finest : (slot + 1) * finest] if finest else 0
        ]
        gamma = split(self.gamma_read.data, lanes)[lane]
        # Stage READ_LATENCY + 1: the multipliers' input registers.
        width = len(a)
        factor_e, factor_a = register(signed(f.delta), "e"), register(signed(width), "a")
        factor_gamma, factor_c = register(signed(f.gamma), "later"), register(signed(width), "c")
        m.d.sync += [
            factor_e.eq(e),
            factor_a.eq(Mux(spreads, a, 0)),
            factor_gamma.eq(gamma),
            factor_c.eq(Mux(keeps, Mux(h, c1, c0), 0)),
        ]
        # Then the products, their sum, rounding and saturation.
        product_e = register(signed(f.delta + width), "product_e")
        product_c = register(signed(f.gamma + width), "product_c")
        total = register(signed(max(f.delta, f.gamma) + width + 1), "total")
        rounded = delay(m, round_shift(total, COEFFICIENT_FRACTION), 1, f"rounded_{lane}")
        limited, clip = saturate(rounded, f.gamma)
        limited_wide, clip_wide = saturate(rounded, f.delta)
        wide = coefficients["wide"][lane]
        result, clipped = register(signed(f.delta), "gamma"), register(1, "clipped")
        m.d.sync += [
            product_e.eq(factor_e * factor_a),
            product_c.eq(factor_gamma * factor_c),
            total.eq(product_e + product_c),
            result.eq(Mux(wide, limited_wide, limited)),
            clipped.eq(Mux(wide, clip_wide, clip)),
        ]
        # Half an LSB and more, either sign, rounds to something else than 0.
        upper = total[COEFFICIENT_FRACTION - 1 :]
        return result, clipped, delay(m, upper.any() & ~upper.all(), 1, f"nonzero_{lane}")

    def _write(self, m, enable, gammas):
        """Add the writes of gamma, in word order."""
        address = Signal(ADDRESS_BITS, reset_less=True)
        sums = (self.flags & int(ErrorFlag.SUM)).any()
        with m.If(self.start):
            m.d.sync += address.eq(Mux(sums, self.layer.drive_base, self.layer.error_base))
        with m.Elif(enable):
            m.d.sync += address.eq(address + 1)
        copies = (self.flags & int(ErrorFlag.COPY)).any()
        m.d.comb += [
            self.gamma_write.enable.eq(enable & ~sums),
            self.gamma_write.address.eq(address),
            self.gamma_write.data.eq(
                Cat(resize(gamma, self.config.formats.gamma) for gamma in gammas)
            ),
            self.delta_write.enable.eq(enable & (copies | sums)),
            self.delta_write.address.eq(address),
            self.delta_write.data.eq(Cat(gammas)),
        ]

    def _flags(self, m, word, valid, last, nonzero):
        """Add the rows of non-zero flags; `nonzero` stands a cycle before `WRITE_STAGE`."""
        config, layer, before = self.config, self.layer, WRITE_STAGE - 1
        finest = config.pack_max
        slot_lanes = config.lanes >> finest
        # Where the word's first flag belongs.
        row, position, ends = Signal(config.map_bits), Signal(config.map_bits), Signal()
        with m.If(layer.dense):
            m.d.comb += [
                row.eq(word.g >> 3),
                position.eq(word.g[:3]),
                ends.eq(word.g[:3].all() | word.last),
            ]
        with m.Else():
            m.d.comb += [
                row.eq(word.y),
                position.eq(word.x << layer.pack),
                ends.eq(word.row_ends),
            ]
        position = delay(m, position, before, "position")
        spots = Signal(1 << config.map_bits, reset_less=True)
        for bit in range(1 << config.map_bits):
            m.d.sync += spots[bit].eq(((position ^ bit) >> layer.pack) == 0)
        slots = Signal(1 << finest, reset_less=True)
        m.d.sync += slots.eq(
            Cat(
                Cat(nonzero[slot * slot_lanes : (slot + 1) * slot_lanes]).any()
                for slot in range(1 << finest)
            )
        )
        # The flag of bit b: of position b mod 2**pack in the word.
        positions = Signal(1 << finest)
        for pack in range(finest + 1):
            packed = Signal(name=f"packed_{pack}", reset_less=True)
            m.d.sync += packed.eq(layer.pack == pack)
            with m.If(packed):
                size = 1 << (finest - pack)
                each = [slots[i * size : (i + 1) * size].any() for i in range(1 << pack)]
                m.d.comb += positions.eq(Cat(each * size))
        gathered = Signal(1 << config.map_bits)
        m.d.comb += [
            self.flag_write.eq(
                valid[WRITE_STAGE] & delay(m, ends, WRITE_STAGE, "ends", reset_less=False)
            ),
            self.flag_row.eq(delay(m, row, WRITE_STAGE, "row")),
            self.flag_bits.eq(gathered | (spots & positions.replicate(len(spots) >> finest))),
        ]
        with m.If(valid[WRITE_STAGE]):
            m.d.sync += gathered.eq(Mux(self.flag_write, 0, self.flag_bits))
        with m.If(self.start):
            m.d.sync += self.any_nonzero.eq(0)
        with m.Elif(valid[before]):
            m.d.sync += self.any_nonzero.eq(self.any_nonzero | Cat(nonzero).any())
