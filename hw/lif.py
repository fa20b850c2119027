"""Pass over a layer's leaky integrate-and-fire neurons, one word of P per cycle."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from golden.formats import COEFFICIENT_FRACTION
from host.protocol.program import LifFlag
from hw.arith import COUNT_LATENCY, counted, delay, resize, saturate, split
from hw.interfaces import LAYER_LAYOUT, READ_LATENCY, entry_layout, read_port, write_port
from hw.map_walker import LaneMask, MapWalker

SPIKE_STAGE = READ_LATENCY + 3
"""Cycles from a word's address to its list entry."""
WRITE_STAGE = READ_LATENCY + 4
"""Cycles from a word's address to the write of its carry."""


class LifPass(Component):
    """Threshold, surrogate mask, leak and reset of a layer at one step (paper Eqs 1, 2 and 6).

    For u of format (state, f_u) in the U memory, golden: `golden.lif`::

        s = u >= u_th
        h = |u - u_th| < half_a
        u := sat_carry((tau u >> 8) - theta s)        sign-extended to the state's width

    Lanes without a neuron get s = h = 0 and u := 0. Words with a set bit, and always the map's
    last word, are listed.

    `done` comes ``words + 6`` cycles after `start`, with the last write; `saturated` follows a
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
    flags : In(3)
        `LifFlag`.
    learn : In(1)
        Masks are listed only when set.
    spike_start, mask_start : In(16)
        First list entry of this step.
    issue, lanes : Out(1), Out(range(P + 1))
        A word passes, and its lanes that hold neurons.
    saturated : Out(range(P + 1))
        Neurons whose carry was clipped.
    state_read, state_write : Out(read_port), Out(write_port)
        The U memory.
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
                "flags": In(3),
                "learn": In(1),
                "spike_start": In(16),
                "mask_start": In(16),
                "issue": Out(1),
                "lanes": Out(range(config.lanes + 1)),
                "saturated": Out(range(config.lanes + 1)),
                "state_read": Out(read_port(*shapes["state"])),
                "state_write": Out(write_port(*shapes["state"])),
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
        for stage in range(2, READ_LATENCY + 2):
            neurons.append(delay(m, neurons[-1], 1, f"neurons{stage}"))

        spikes, masks, carries, clipped = [], [], [], []
        for lane, u in enumerate(split(self.state_read.data, lanes)):
            s, h, carry, clip = self._neuron(m, lane, u, neurons)
            spikes.append(s)
            masks.append(h)
            carries.append(carry)
            clipped.append(clip)

        self._lists(m, walker, valid, last, Cat(spikes), Cat(masks))
        m.d.comb += [
            self.state_write.enable.eq(valid[WRITE_STAGE]),
            self.state_write.address.eq(delay(m, walker.address, WRITE_STAGE, "address")),
            self.state_write.data.eq(Cat(carries)),
            self.saturated.eq(counted(m, Cat(clipped), "saturated")),
            self.issue.eq(valid[1 + COUNT_LATENCY]),
            self.lanes.eq(counted(m, neurons[1], "lanes")),
            self.done.eq(last[WRITE_STAGE]),
        ]
        return m

    def _neuron(self, m, lane, u, neurons):
        """Add a lane; return s and h at `SPIKE_STAGE` - 1, carry and clip at `WRITE_STAGE`."""
        f, layer = self.config.formats, self.layer

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
            factor_tau.eq(Mux(neurons[READ_LATENCY][lane], layer.tau, 0)),
        ]
        # Stage 2: spike, mask, what the reset takes away; the product, in two parts where u is
        # wider than a multiplier.
        neuron = neurons[READ_LATENCY + 1][lane]
        spike, surrogate = register(1, "spike"), register(1, "surrogate")
        reset = register(signed(17), "reset")
        above = ~distance[-1] & neuron
        m.d.sync += [
            spike.eq(above),
            surrogate.eq((distance < layer.half_a) & (distance > -layer.half_a) & neuron),
            reset.eq(Mux(above, layer.theta, 0)),
        ]
        low = max(0, f.state - self.multiplier)
        product = register(signed(f.state - low + 10), "product")
        m.d.sync += product.eq((factor_u >> low) * factor_tau)
        # Stages 3 and 4: leak, reset, saturation. (tau u >> 8) - theta = (tau u - 256 theta) >> 8.
        leaked = register(signed(max(f.state + 10, 25) + 1), "leaked")
        if low:
            part = register(signed(low + 11), "product_low")
            m.d.sync += [
                part.eq(Cat(factor_u[:low], C(0, 1)).as_signed() * factor_tau),
                leaked.eq((product << low) + part),
            ]
            wide = (leaked >> COEFFICIENT_FRACTION) - delay(m, reset, 1, f"reset_{lane}")
        else:
            m.d.sync += leaked.eq(product - (reset << COEFFICIENT_FRACTION))
            wide = leaked >> COEFFICIENT_FRACTION
        carry, clipped = register(signed(f.carry), "carry"), register(1, "clipped")
        limited, clip = saturate(wide, f.carry)
        m.d.sync += [carry.eq(limited), clipped.eq(clip)]
        return spike, surrogate, resize(carry, f.state), clipped

    def _lists(self, m, walker, valid, last, spikes, masks):
        """Add the spike and mask lists and the class counts.

        `spikes` and `masks` stand one cycle before `SPIKE_STAGE`.
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
            ("spike", self.spike_write, spikes, self.spike_start, wants_spikes),
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
