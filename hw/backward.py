"""Spike errors: products of weights and gamma, summed over lanes and over an event's operations."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.arith import delay, round_shift, saturate, split
from hw.interfaces import write_port

TREE = 4
"""Terms added per pipeline stage."""


def tree_stages(lanes: int) -> int:
    """Return the pipeline stages of the adder tree over `lanes` lanes."""
    stages = 0
    while lanes > 1:
        lanes, stages = -(-lanes // TREE), stages + 1
    return stages


class Backward(Component):
    """Spike error of the layer below, ``e = sat(round_half_up(sum W * gamma, f_w))``.

    Sums over the lanes of an operation and over the operations of an event (paper Eq 4 without its
    reset term, which `hw.local_error` adds). The errors of a word are collected and written at
    once when the next word begins; lanes without an event are written as 0.

    Parameters
    ----------
    config : CoreConfig
        Formats: W with f_w, gamma and e with f_e.

    Members
    -------
    valid, first, null, flush, tag, lane : In
        Operation (see `hw.operation.operation_layout`), together with its data.
    weights, gammas : In
        P weights, and P gammas of the output position, lane to lane.
    write : Out(write_port)
        Port of the e memory.
    saturated : Out(1)
        An error was clipped in this cycle.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        f = config.formats
        shape = config.memory_shapes["delta"]
        super().__init__(
            {
                "valid": In(1),
                "first": In(1),
                "null": In(1),
                "flush": In(1),
                "tag": In(16),
                "lane": In((config.lanes - 1).bit_length()),
                "weights": In(config.lanes * f.weight),
                "gammas": In(config.lanes * f.gamma),
                "write": Out(write_port(*shape)),
                "saturated": Out(1),
            }
        )

    @property
    def latency(self) -> int:
        """Cycles from a flush operation to the write of the last word."""
        return tree_stages(self.config.lanes) + 4

    def elaborate(self, platform):
        m = Module()
        config, f = self.config, self.config.formats
        lanes = config.lanes

        # products, then the adder tree; control travels along
        terms = []
        pairs = zip(
            split(self.weights, lanes),
            split(self.gammas, lanes),
            strict=True,
        )
        for i, (weight, gamma) in enumerate(pairs):
            product = Signal(signed(f.weight + f.gamma), name=f"product_{i}", reset_less=True)
            m.d.sync += product.eq(weight * gamma)
            terms.append(product)
        control = Cat(self.first, self.null, self.flush, self.tag, self.lane)

        def later(valid, control, name):
            moved = delay(m, control, 1, f"{name}_control")
            return delay(m, valid, 1, f"{name}_valid", reset_less=False), moved

        valid, control = later(self.valid, control, "product")
        level = 0
        while len(terms) > 1:
            sums = []
            for i in range(0, len(terms), TREE):
                group = terms[i : i + TREE]
                total = Signal(signed(len(group[0]) + 2), name=f"sum_{level}_{i}", reset_less=True)
                m.d.sync += total.eq(sum(group[1:], group[0]))
                sums.append(total)
            valid, control = later(valid, control, f"tree_{level}")
            terms, level = sums, level + 1
        first, null, flush = control[0], control[1], control[2]
        tag, lane = control[3:19], control[19:]

        # accumulator of the event under way
        exact = f.backward_bits(1 << 14)
        total = Signal(signed(exact), reset_less=True)
        term = Mux(null, 0, terms[0])
        have = Signal()
        held_tag = Signal(16, reset_less=True)
        held_lane = Signal.like(lane, reset_less=True)
        with m.If(valid):
            m.d.sync += [
                total.eq(Mux(first, 0, total) + term),
                have.eq(~flush),
                held_tag.eq(tag),
                held_lane.eq(lane),
            ]

        # its error, when the next event begins
        ends = Signal()
        m.d.comb += ends.eq(valid & first & have)
        rounded = delay(m, round_shift(total, f.weight_fraction), 1, "rounded")
        rounded_valid = delay(m, ends, 1, "rounded_valid", reset_less=False)
        value, clipped = saturate(rounded, f.delta)
        error = delay(m, value, 1, "error")
        error_valid = delay(m, rounded_valid, 1, "error_valid", reset_less=False)
        coming = delay(m, held_tag, 1, "coming")
        error_tag, coming_lane = delay(m, coming, 1, "tag"), delay(m, held_lane, 1, "lane")
        at_lane = [coming_lane == i for i in range(lanes)]
        error_lane = delay(m, Cat(at_lane), 1, "error_lane")
        error_flush = delay(m, valid & flush, 2, "error_flush", reset_less=False)
        m.d.sync += self.saturated.eq(rounded_valid & clipped)

        # the word under way
        word = [Signal(f.delta, name=f"word_{i}", reset_less=True) for i in range(lanes)]
        word_tag = Signal(16, reset_less=True)
        filled = Signal()
        flushed = Signal()
        fresh = Signal(reset_less=True)  # it begins, the one before is written
        # whether the error that comes belongs to another word than the one before it
        other = Signal()
        latest_tag = Signal(16, reset_less=True)
        with m.If(rounded_valid):
            m.d.sync += latest_tag.eq(coming)
        filled_next = Signal()
        m.d.comb += [
            other.eq(coming != latest_tag),
            filled_next.eq(error_valid | (filled & ~flushed)),
            self.write.address.eq(word_tag),
            self.write.data.eq(Cat(*word)),
        ]
        m.d.sync += [
            fresh.eq(~filled_next | other),
            flushed.eq(error_flush),
            filled.eq(filled_next),
            self.write.enable.eq(filled_next & ((rounded_valid & other) | error_flush)),
        ]
        with m.If(error_valid):
            m.d.sync += word_tag.eq(error_tag)
            for i in range(lanes):
                with m.If(error_lane[i]):
                    m.d.sync += word[i].eq(error)
                with m.Elif(fresh):
                    m.d.sync += word[i].eq(0)
        return m
