"""Weights of random classifiers, generated where the datapath would read them from memory."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from golden.random_bits import CHANNELS_PER_WORD, ROUNDS, WORD
from golden.random_weights import BITS, SCALE_BITS
from hw.interfaces import READ_LATENCY
from hw.random_bits import KEYS_LAYOUT, speck_round

ROUNDS_PER_STAGE = 2
"""The hash must be as fast as a memory read, and starts one cycle before it."""

assert ROUNDS == ROUNDS_PER_STAGE * (READ_LATENCY + 2)


class RandomWeights(Component):
    """Row of P random weights, ``W = scale * p``, p of -3, -1, 1, 3; golden: `random_weights`.

    `feature` and `group` are given in the cycle before the operation's, `weights` stand with the
    data of a memory that is read in the operation's cycle.

    Parameters
    ----------
    config : CoreConfig
        Lanes and weight width.

    Members
    -------
    feature : In(16)
        Weight row inside the layer.
    group : In
        Output group of P channels.
    hash_id, scale : In
        Fields of the layer table; `scale` is taken with the operation.
    keys : In(KEYS_LAYOUT)
        Round keys of the run.
    weights : Out
        P weights.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "feature": In(WORD),
                "group": In(config.group_bits + 1),
                "hash_id": In(8),
                "scale": In(SCALE_BITS),
                "keys": In(KEYS_LAYOUT),
                "weights": Out(config.lanes * config.formats.weight),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config = self.config
        lanes, width = config.lanes, config.formats.weight
        channel = Signal(len(self.group) + 6)
        m.d.comb += channel.eq(self.group * lanes)
        first = channel % CHANNELS_PER_WORD  # of a word that several groups share

        words = []
        for number in range(max(1, lanes // CHANNELS_PER_WORD)):
            x, y = self.feature, Signal(WORD, name=f"tag_{number}")
            m.d.comb += y.eq(Cat((channel // CHANNELS_PER_WORD + number)[:8], self.hash_id))
            for stage in range(READ_LATENCY + 2):
                for turn in range(ROUNDS_PER_STAGE):
                    x, y = speck_round(x, y, self.keys[stage * ROUNDS_PER_STAGE + turn])
                if stage < READ_LATENCY + 1:
                    later_x = Signal(WORD, name=f"x_{number}_{stage}", reset_less=True)
                    later_y = Signal(WORD, name=f"y_{number}_{stage}", reset_less=True)
                    m.d.sync += [later_x.eq(x), later_y.eq(y)]
                    x, y = later_x, later_y
            words.append(Cat(x, y))

        scale = self.scale
        for stage in range(READ_LATENCY):
            later = Signal(SCALE_BITS, name=f"scale_{stage}", reset_less=True)
            m.d.sync += later.eq(scale)
            scale = later
        for stage in range(READ_LATENCY + 1):
            later = Signal(4, name=f"first_{stage}", reset_less=True)
            m.d.sync += later.eq(first)
            first = later
        if lanes < CHANNELS_PER_WORD:
            words = [words[0] >> (BITS * first)]

        small, large = Signal(signed(width)), Signal(signed(width))
        m.d.comb += [small.eq(scale), large.eq(scale + (scale << 1))]
        for lane in range(lanes):
            at = BITS * (lane % CHANNELS_PER_WORD)
            bits = words[lane // CHANNELS_PER_WORD][at : at + BITS]
            size = Mux(bits[0] ^ bits[1], small, large)
            m.d.comb += self.weights[lane * width : (lane + 1) * width].eq(
                Mux(bits[1], size, -size)
            )
        return m
