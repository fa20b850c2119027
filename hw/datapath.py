"""The lane datapath: what an operation of the walker does to the memories."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.accumulator import Accumulator
from hw.arith import delay, split
from hw.backward import Backward
from hw.interfaces import LAYER_LAYOUT, READ_LATENCY, read_port, write_port
from hw.lanes import pool_lanes, rotate, rotation, slot_mask
from hw.operation import Mode, operation_layout
from hw.random_bits import KEYS_LAYOUT
from hw.random_weights import RandomWeights
from hw.standby import standby

DRAIN = READ_LATENCY + 2
"""Cycles from the last operation to its write into U or V, the write's cycle excluded."""


class Datapath(Component):
    """P lanes of adders and multipliers, one operation per cycle in all modes.

    FORWARD  ``U[word] += W[weight] >> forward_shift``, POOL ``U[word] += mean of spikes``,
    GRADIENT ``V[weight] += gamma[word]`` (paper Eq 7), BACKWARD ``e += sum W[weight]*gamma[word]``
    (Eq 4). An operation's addresses go to the memories in its cycle c; data are there in c + 4, are
    moved between the slots of packed words into c + 5, and sums are written in c + 6.

    Parameters
    ----------
    config : CoreConfig
        Lanes, depths and formats.
    stops : bool
        See `hw.core.Core`.

    Members
    -------
    walking : In(1)
        The walker's operation is under way.
    mode, layer : In
        As for the walker.
    operation, valid, finished, feature, group : In
        From the walker.
    keys : In(KEYS_LAYOUT)
        Round keys of random weights.
    weight_read, gamma_read, state_read, momentum_read : Out(read_port)
        Memory ports.
    state_write, momentum_write, delta_write : Out(write_port)
        Memory ports.
    done : Out(1)
        Pulses when the next pass may start; after BACKWARD, as soon as no operation is left.
    delta_busy : Out(1)
        Errors of BACKWARD are on their way: the error pass may meet its first word when this has
        fallen, since it fetches e again in every cycle in which it waits.
    overflow : Out(1)
        A gradient add left its range in this cycle.
    saturated_delta : Out(1)
        A spike error was clipped in this cycle.
    """

    def __init__(self, config: CoreConfig, *, stops: bool = False):
        self.config, self.stops = config, stops
        shapes = config.memory_shapes
        self.operation_layout = operation_layout(config)
        super().__init__(
            {
                "walking": In(1),
                "mode": In(Mode),
                "layer": In(LAYER_LAYOUT),
                "operation": In(self.operation_layout),
                "valid": In(1),
                "finished": In(1),
                "feature": In(16),
                "group": In(config.group_bits + 1),
                "keys": In(KEYS_LAYOUT),
                "weight_read": Out(read_port(*shapes["weights"])),
                "gamma_read": Out(read_port(*shapes["gamma"])),
                "state_read": Out(read_port(*shapes["state"])),
                "momentum_read": Out(read_port(*shapes["momentum"])),
                "state_write": Out(write_port(*shapes["state"])),
                "momentum_write": Out(write_port(*shapes["momentum"])),
                "delta_write": Out(write_port(*shapes["delta"])),
                "done": Out(1),
                "delta_busy": Out(1),
                "overflow": Out(1),
                "saturated_delta": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, f, op, layer = self.config, self.config.formats, self.operation, self.layer
        lanes = config.lanes
        depth = {name: shape[0] for name, shape in config.memory_shapes.items()}
        pooled_bits = f.state_fraction + 2
        addend = max(f.forward_weight, pooled_bits)

        # cycle c: addresses; the operation, its mode and packing follow its data, because the next
        # instruction may have begun when BACKWARD's last data arrive
        pack_now, window = Signal.like(layer.pack), Signal.like(layer.window)
        random_now = Signal()
        pooling = Signal()
        m.d.sync += [
            pack_now.eq(layer.pack), window.eq(layer.window), random_now.eq(layer.random),
            pooling.eq(self.mode == Mode.POOL),
        ]  # fmt: skip
        ages, valids, modes, packs = [op], [self.valid], [self.mode], [pack_now]
        randoms = [random_now]
        for age in range(1, READ_LATENCY + 2):
            later = Signal(self.operation_layout, name=f"operation_{age}", reset_less=True)
            valid = Signal(name=f"valid_{age}")
            mode = Signal(Mode, name=f"mode_{age}")
            random = Signal(name=f"random_{age}", reset_less=True)
            pack = Signal.like(layer.pack, name=f"pack_{age}", reset_less=True)
            m.d.sync += [
                later.eq(ages[-1]),
                valid.eq(valids[-1]),
                mode.eq(modes[-1]),
                pack.eq(packs[-1]),
                random.eq(randoms[-1]),
            ]
            ages.append(later)
            valids.append(valid)
            modes.append(mode)
            packs.append(pack)
            randoms.append(random)
        m.d.comb += [
            self.weight_read.address.eq(op.weight),
            self.gamma_read.address.eq(op.word),
        ]

        # cycle c + 2: move lanes between slot 0 and the position's slot
        coming = ages[READ_LATENCY - 1]
        turned, turn = rotation(coming.slot, packs[READ_LATENCY - 1], config)
        m.d.comb += turn
        amount = delay(m, turned, 1, "amount")
        random_weights = RandomWeights(config)
        standby(m, "random", random_weights, self.walking & random_now, stops=self.stops)
        m.d.comb += [
            random_weights.feature.eq(self.feature),
            random_weights.group.eq(self.group),
            random_weights.hash_id.eq(layer.hash_id),
            random_weights.scale.eq(layer.scale),
            random_weights.keys.eq(self.keys),
        ]
        weights = split(self.weight_read.data, lanes)
        drawn = split(random_weights.weights, lanes)
        use_random = randoms[READ_LATENCY]
        forward = rotate(m, [w >> f.forward_shift for w in weights], amount, config)
        pooled = [
            delay(m, count, 1, f"pooled_{lane}")
            for lane, count in enumerate(
                pool_lanes(m, coming.bits, coming.x, pack_now, window, config)
            )
        ]
        state_operand = Signal(lanes * addend, reset_less=True)
        parts = []
        for lane in range(lanes):
            part = Signal(signed(addend), name=f"addend_{lane}")
            share = Mux(
                window == 1,
                pooled[lane] << (f.state_fraction - 2),
                (pooled[lane] << f.state_fraction) >> 4,
            )
            synapse = Mux(use_random, drawn[lane] >> f.forward_shift, forward[lane])
            m.d.comb += part.eq(Mux(pooling, share, synapse))
            parts.append(part)
        # which operands the data are for, decided a cycle before they are there
        coming_mode = modes[READ_LATENCY - 1]
        errors = (coming_mode == Mode.GRADIENT) | (coming_mode == Mode.BACKWARD)
        to_state_operand, to_error_operands = Signal(), Signal()
        m.d.sync += [
            to_state_operand.eq(valids[READ_LATENCY - 1] & ~errors),
            to_error_operands.eq(valids[READ_LATENCY - 1] & errors),
        ]
        with m.If(to_state_operand):
            m.d.sync += state_operand.eq(Cat(*parts))

        gammas = rotate(m, split(self.gamma_read.data, lanes), amount, config, right=True)
        gamma_operand = Signal(lanes * f.gamma, reset_less=True)
        weight_operand = Signal(lanes * f.weight, reset_less=True)
        inside = delay(m, Cat(slot_mask(packs[READ_LATENCY - 1], config)), 1, "inside")
        with m.If(to_error_operands):
            m.d.sync += [
                gamma_operand.eq(
                    Cat(*(Mux(inside[i], gammas[i], 0)[: f.gamma] for i in range(lanes)))
                ),
                weight_operand.eq(Mux(use_random, random_weights.weights, self.weight_read.data)),
            ]

        # cycle c + 3: add or multiply
        state = Accumulator(depth["state"], lanes, f.state, addend)
        momentum = Accumulator(depth["momentum"], lanes, f.gradient, f.gamma)
        backward = Backward(config)
        late = Signal(READ_LATENCY + 2 + backward.latency)
        to_state, to_momentum, to_delta = Signal(), Signal(), Signal()
        m.d.sync += [
            to_state.eq(self.walking & ((self.mode == Mode.FORWARD) | (self.mode == Mode.POOL))),
            to_momentum.eq(self.walking & (self.mode == Mode.GRADIENT)),
            to_delta.eq(self.walking & (self.mode == Mode.BACKWARD)),
        ]
        standby(m, "state", state, to_state, stops=self.stops)
        standby(m, "momentum", momentum, to_momentum, stops=self.stops)
        standby(m, "backward", backward, to_delta | self.delta_busy, stops=self.stops)
        summing, summing_valid = ages[1], valids[1]  # the operands are there a cycle late
        ready = ages[READ_LATENCY + 1]
        m.d.comb += [
            state.valid.eq(summing_valid & to_state),
            state.address.eq(summing.word),
            state.operand.eq(state_operand),
            momentum.valid.eq(summing_valid & to_momentum),
            momentum.address.eq(summing.weight),
            momentum.operand.eq(gamma_operand),
            self.overflow.eq(momentum.overflow),
            backward.valid.eq(
                valids[READ_LATENCY + 1] & (modes[READ_LATENCY + 1] == Mode.BACKWARD)
            ),
            backward.first.eq(ready.first),
            backward.null.eq(ready.null),
            backward.flush.eq(ready.flush),
            backward.tag.eq(ready.tag),
            backward.lane.eq(ready.lane),
            backward.weights.eq(weight_operand),
            backward.gammas.eq(gamma_operand),
            self.saturated_delta.eq(backward.saturated),
        ]
        for own, unit_port in (
            (self.state_read, state.read),
            (self.momentum_read, momentum.read),
        ):
            m.d.comb += [own.address.eq(unit_port.address), unit_port.data.eq(own.data)]
        for own, unit_port in (
            (self.state_write, state.write),
            (self.momentum_write, momentum.write),
            (self.delta_write, backward.write),
        ):
            m.d.comb += [
                own.enable.eq(unit_port.enable),
                own.address.eq(unit_port.address),
                own.data.eq(unit_port.data),
            ]

        # the end: U and V are written DRAIN cycles after the last operation, e later
        tail = Signal(DRAIN)
        ended = Mux(self.mode == Mode.BACKWARD, self.finished, tail[-1])
        m.d.sync += tail.eq(Mux(ended, 0, tail << 1 | self.finished))
        m.d.comb += self.done.eq(ended)
        # from the flush to the cycle after the last write
        begins = self.finished & (self.mode == Mode.BACKWARD)
        m.d.sync += [late.eq(late << 1 | begins), self.delta_busy.eq(begins | late[:-1].any())]
        return m
