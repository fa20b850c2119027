"""Pass over a layer's leaky integrate-and-fire neurons, one word of P per cycle."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from golden.formats import COEFFICIENT_FRACTION
from host.protocol.program import LifFlag
from hw.arith import COUNT_LATENCY, counted, delay, resize, saturate, split
from hw.interfaces import LAYER_LAYOUT, READ_LATENCY, entry_layout, read_port, write_port
from hw.map_walker import ADDRESS_BITS, LaneMask, MapWalker

INPUT_STAGE = READ_LATENCY + 1
"""Cycles from a word's address to its potential."""
SPIKE_STAGE = INPUT_STAGE + 3
"""Cycles from a word's address to its list entry."""
WRITE_STAGE = INPUT_STAGE + 5
"""Cycles from a word's address to the write of its carry."""


class LifPass(Component):
    """Threshold, surrogate mask, leak and reset of a layer at one step (paper Eqs 1, 2 and 6).

    For u of format (state, f_u) in the U memory, golden: `golden.lif`::

        s = u >= u_th
        h = |u - u_th| < half_a
        u := sat_carry((tau u >> 8) - theta s)        sign-extended to the state's width

    Lanes without a neuron get s = h = 0 and u := 0. Words with a set bit, and always the map's
    last word, are listed.

    Direct encoding keeps the drive D of the first layer in spare words of the e memory, format
    (delta, f_u). With `LifFlag.DRIVE` u is the U memory's plus D. Three flags make the pass a mere
    move of words, without spikes, masks and leak: HALVE ``u := sat_carry(u >> 1)``, PARK
    ``D := u, u := 0`` and RESTORE ``D, u := u, D``.

    With `LifFlag.DROP` and `learn` neurons without a keep bit are not listed. They reset all the
    same. Without a mask their e is 0, and since a neuron is dropped for a whole interval, so is
    their gamma: that leaves nothing to do for the error pass.

    `done` comes ``words + 10`` cycles after `start`, with the last write; `saturated` follows a
    word's write by 2 cycles. One multiplier per lane, state x 10 bits.

    Parameters
    ----------
    config : CoreConfig
    multiplier : int
        Widest signed operand of the target's multipliers: 25 for DSP48E1, 18 for ECP5. A wider
        state takes two of them, in as many cycles [bits].

    Members
    -------
    start, done : In(1), Out(1)
        One-cycle pulses; the other inputs are stable from `start` to `done`.
    layer : In(LAYER_LAYOUT)
    flags : In(8)
        `LifFlag`.
    learn : In(1)
        Masks are listed, and neurons dropped, only when set.
    spike_start, mask_start : In(16)
        First list entry of this step.
    issue, lanes : Out(1), Out(range(P + 1))
        A word passes, and its lanes that hold neurons.
    saturated : Out(range(P + 1))
        Neurons whose carry was clipped.
    state_read, state_write : Out(read_port), Out(write_port)
        The U memory.
    drive_read, drive_write : Out(read_port), Out(write_port)
        The e memory.
    keep_read : Out(read_port)
        Keep bits, a word per neuron word at ``error_base``.
    spike_write, mask_write : Out(write_port)
        The lists; data is `entry_layout`.
    count_valid, count_group, count_bits : Out
        With `LifFlag.COUNT`: spikes of one word of classes.

    Raises
    ------
    ValueError
        `multiplier` is narrower than tau.
    """

    def __init__(self, config: CoreConfig, multiplier: int = 25):
        if multiplier < 10:
            raise ValueError(f"multiplier must be at least 10 bits wide, not {multiplier!r}")
        self.config, self.multiplier = config, multiplier
        shapes = config.memory_shapes
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "layer": In(LAYER_LAYOUT),
                "flags": In(8),
                "learn": In(1),
                "spike_start": In(16),
                "mask_start": In(16),
                "issue": Out(1),
                "lanes": Out(range(config.lanes + 1)),
                "saturated": Out(range(config.lanes + 1)),
                "state_read": Out(read_port(*shapes["state"])),
                "state_write": Out(write_port(*shapes["state"])),
                "drive_read": Out(read_port(*shapes["delta"])),
                "drive_write": Out(write_port(*shapes["delta"])),
                "keep_read": Out(read_port(*shapes["keep"])),
                "spike_write": Out(write_port(*shapes["spikes"])),
                "mask_write": Out(write_port(*shapes["masks"])),
                "count_valid": Out(1),
                "count_group": Out(clog2(config.class_groups)),
                "count_bits": Out(config.lanes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, lanes = self.config, self.config.lanes
        m.submodules.walker = walker = MapWalker(config)
        m.submodules.mask = mask = LaneMask(config)
        m.d.comb += [
            walker.start.eq(self.start),
            walker.layer.eq(self.layer),
            walker.base.eq(self.layer.state_base),
            mask.start.eq(self.start),
            mask.layer.eq(self.layer),
            mask.last_group.eq(walker.last_group),
            mask.last_x.eq(walker.last_x),
            self.state_read.address.eq(walker.address),
        ]
        # Flags of a word along the pipeline: index = cycles since its address.
        valid, last = [walker.valid], [walker.valid & walker.last]
        for stage in range(1, WRITE_STAGE + 1):
            valid.append(delay(m, valid[-1], 1, f"valid{stage}", reset_less=False))
            last.append(delay(m, last[-1], 1, f"last{stage}", reset_less=False))
        neurons = [None, delay(m, mask.lanes & valid[0].replicate(lanes), 1, "neurons1")]
        for stage in range(2, INPUT_STAGE + 2):
            neurons.append(delay(m, neurons[-1], 1, f"neurons{stage}"))

        constants = self._constants(m)
        spikes, masks, carries, clipped = [], [], [], []
        for lane, u in enumerate(self._potentials(m, valid)):
            s, h, carry, clip = self._neuron(m, lane, u, neurons, constants)
            spikes.append(s)
            masks.append(h)
            carries.append(carry)
            clipped.append(clip)

        keep = self._keep(m, valid)
        self._lists(m, walker, valid, last, Cat(spikes), Cat(spikes) & keep, Cat(masks) & keep)
        m.d.comb += [
            self.state_write.enable.eq(valid[WRITE_STAGE]),
            self.state_write.address.eq(delay(m, walker.address, WRITE_STAGE, "address")),
            self.state_write.data.eq(Cat(carries)),
            self.saturated.eq(
                counted(m, Cat(clipped) & valid[WRITE_STAGE].replicate(lanes), "saturated")
            ),
            self.issue.eq(valid[1 + COUNT_LATENCY]),
            self.lanes.eq(counted(m, neurons[1], "lanes")),
            self.done.eq(last[WRITE_STAGE]),
        ]
        return m

    def _constants(self, m):
        """Add registers of what all lanes share.

        tau and theta are the layer's, or those that make the pass a move.
        """
        flags, layer = self.flags, self.layer
        tau, theta = Signal(len(layer.tau), reset_less=True), Signal(len(layer.theta))
        moved = (flags & int(LifFlag.HALVE | LifFlag.PARK | LifFlag.RESTORE)).any()
        one, half = 1 << COEFFICIENT_FRACTION, 1 << (COEFFICIENT_FRACTION - 1)
        with m.If(self.start):
            m.d.sync += [tau.eq(layer.tau), theta.eq(Mux(moved, 0, layer.theta))]
            with m.If((flags & int(LifFlag.HALVE)).any()):
                m.d.sync += tau.eq(half)
            with m.If((flags & int(LifFlag.PARK)).any()):
                m.d.sync += tau.eq(0)
            with m.If((flags & int(LifFlag.RESTORE)).any()):
                m.d.sync += tau.eq(one)
        half_a = Signal(signed(len(layer.half_a) + 1), reset_less=True)
        minus_half_a = Signal.like(half_a, reset_less=True)
        m.d.sync += [half_a.eq(layer.half_a), minus_half_a.eq(-layer.half_a)]
        return tau, theta, half_a, minus_half_a

    def _counter(self, m, valid, base, name):
        """Add the address of a word's neighbour in another memory, from `base` on."""
        address = Signal(ADDRESS_BITS, name=name, reset_less=True)
        with m.If(self.start):
            m.d.sync += address.eq(base)
        with m.Elif(valid):
            m.d.sync += address.eq(address + 1)
        return address

    def _potentials(self, m, valid):
        """Add state and drive of a word; return the lanes' u at `INPUT_STAGE`."""
        flags, f, lanes = self.flags, self.config.formats, self.config.lanes
        parks = (flags & int(LifFlag.PARK)).any()
        restores = (flags & int(LifFlag.RESTORE)).any()
        driven = restores | (flags & int(LifFlag.DRIVE)).any()
        address = self._counter(m, valid[0], self.layer.drive_base, "drive_address")
        states = split(self.state_read.data, lanes)
        drives = split(self.drive_read.data, lanes)
        m.d.comb += [
            self.drive_read.address.eq(address),
            self.drive_write.enable.eq(valid[READ_LATENCY] & (parks | restores)),
            self.drive_write.address.eq(delay(m, address, READ_LATENCY, "drive_written")),
            self.drive_write.data.eq(Cat(resize(u, f.delta) for u in states)),
        ]
        potentials = []
        for lane, (state, drive) in enumerate(zip(states, drives, strict=True)):
            u = Signal(signed(f.state), name=f"u_{lane}", reset_less=True)
            m.d.sync += u.eq(Mux(restores, 0, state) + Mux(driven, drive, 0))
            potentials.append(u)
        return potentials

    def _keep(self, m, valid):
        """Add the keep bits of a word; return them at `SPIKE_STAGE` - 1."""
        dropping = (self.flags & int(LifFlag.DROP)).any() & self.learn
        address = self._counter(m, valid[0], self.layer.error_base, "keep_address")
        m.d.comb += self.keep_read.address.eq(address)
        bits = delay(m, self.keep_read.data, SPIKE_STAGE - 1 - READ_LATENCY, "keep")
        return bits | (~dropping).replicate(len(bits))

    def _neuron(self, m, lane, u, neurons, constants):
        """Add a lane; return s and h at `SPIKE_STAGE` - 1, carry and clip at `WRITE_STAGE`."""
        f, layer = self.config.formats, self.layer
        tau, theta, half_a, minus_half_a = constants

        def register(shape, name):
            return Signal(shape, name=f"{name}_{lane}", reset_less=True)

        # Stage 1: distance to the threshold; the multiplier's input registers.
        distance = register(signed(max(f.state, 17) + 1), "distance")
        factor_u = register(signed(f.state), "factor_u")
        factor_tau = register(signed(10), "factor_tau")
        # A leak of 0 for lanes without a neuron clears their carry; each lane has a tau of its
        # own beside its multiplier.
        m.d.sync += [
            distance.eq(u - layer.u_th),
            factor_u.eq(u),
            factor_tau.eq(Mux(neurons[INPUT_STAGE][lane], tau, 0)),
        ]
        # Stage 2: spike, mask, what the reset takes away; the product, in two parts where u is
        # wider than a multiplier.
        neuron = neurons[INPUT_STAGE + 1][lane]
        spike, surrogate = register(1, "spike"), register(1, "surrogate")
        reset = register(signed(17), "reset")
        above = ~distance[-1] & neuron
        m.d.sync += [
            spike.eq(above),
            surrogate.eq((distance < half_a) & (distance > minus_half_a) & neuron),
            reset.eq(Mux(above, theta, 0)),
        ]
        low = max(0, f.state - self.multiplier)
        product = register(signed(f.state - low + 10), "product")
        m.d.sync += product.eq((factor_u >> low) * factor_tau)
        # Stages 3 to 5: leak, reset, saturation. (tau u >> 8) - theta = (tau u - 256 theta) >> 8.
        leaked = register(signed(max(f.state + 10, 25) + 1), "leaked")
        wide = register(signed(len(leaked) - COEFFICIENT_FRACTION + 1), "wide")
        if low:
            part = register(signed(low + 11), "product_low")
            m.d.sync += [
                part.eq(Cat(factor_u[:low], C(0, 1)).as_signed() * factor_tau),
                leaked.eq((product << low) + part),
            ]
            taken = delay(m, reset, 1, f"reset_{lane}")
            m.d.sync += wide.eq((leaked >> COEFFICIENT_FRACTION) - taken)
        else:
            m.d.sync += [
                leaked.eq(product - (reset << COEFFICIENT_FRACTION)),
                wide.eq(leaked >> COEFFICIENT_FRACTION),
            ]
        carry, clipped = register(signed(f.carry), "carry"), register(1, "clipped")
        limited, clip = saturate(wide, f.carry)
        m.d.sync += [carry.eq(limited), clipped.eq(clip)]
        return spike, surrogate, resize(carry, f.state), clipped

    def _lists(self, m, walker, valid, last, spikes, sent, masks):
        """Add the spike and mask lists and the class counts.

        `spikes`, those `sent` on and `masks` stand one cycle before `SPIKE_STAGE`.
        """
        flags, before = self.flags, SPIKE_STAGE - 1
        entry = Signal(entry_layout(self.config))
        m.d.comb += [
            entry.y.eq(delay(m, walker.y, SPIKE_STAGE, "y")),
            entry.x.eq(delay(m, walker.x, SPIKE_STAGE, "x")),
            entry.g.eq(delay(m, walker.g, SPIKE_STAGE, "g")),
            entry.last.eq(last[SPIKE_STAGE]),
        ]
        counting = valid[before] & (flags & int(LifFlag.COUNT)).any()
        m.d.comb += [
            self.count_valid.eq(delay(m, counting, 1, "counting", reset_less=False)),
            self.count_group.eq(entry.g),
            self.count_bits.eq(delay(m, spikes, 1, "count_bits")),
        ]
        wants_spikes = (flags & int(LifFlag.SPIKES)).any()
        wants_masks = (flags & int(LifFlag.MASKS)).any() & self.learn
        for name, port, bits, first, wanted in (
            ("spike", self.spike_write, sent, self.spike_start, wants_spikes),
            ("mask", self.mask_write, masks, self.mask_start, wants_masks),
        ):
            listed = valid[before] & wanted & (bits.any() | last[before])
            enable = delay(m, listed, 1, f"{name}_enable", reset_less=False)
            pointer = Signal(16, name=f"{name}_pointer", reset_less=True)
            with m.If(self.start):
                m.d.sync += pointer.eq(first)
            with m.Elif(enable):
                m.d.sync += pointer.eq(pointer + 1)
            written = Signal(entry_layout(self.config), name=f"{name}_entry")
            m.d.comb += [
                written.eq(entry),
                written.bits.eq(delay(m, bits, 1, f"{name}_bits")),
                port.enable.eq(enable),
                port.address.eq(pointer),
                port.data.eq(written),
            ]
