"""Weights of random classifiers, generated where the datapath would read them from memory."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from golden.random_bits import CHANNELS_PER_WORD, ROUNDS, WORD
from golden.random_weights import BITS, SCALE_BITS
from hw.arith import delay
from hw.interfaces import READ_LATENCY
from hw.random_bits import KEYS_LAYOUT, speck_round

AHEAD = 2
"""Cycles by which the address of a row precedes the operation that reads it."""

STAGES = (2, 2, 1, 1, 1, 1)
"""Rounds of the hash between registers: it must be as fast as a memory read that comes later."""

assert sum(STAGES) == ROUNDS
assert len(STAGES) == AHEAD + READ_LATENCY


class RandomWeights(Component):
    """Row of P random weights, ``W = scale * p``, p of -3, -1, 1, 3; golden: `random_weights`.

    `feature` and `group` are given `AHEAD` cycles before the operation, `weights` stand with the
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
        Fields of the layer table.
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
            turn = 0
            for stage, rounds in enumerate(STAGES):
                if stage:
                    x = delay(m, x, 1, f"x_{number}_{stage}")
                    y = delay(m, y, 1, f"y_{number}_{stage}")
                for _ in range(rounds):
                    x, y = speck_round(x, y, self.keys[turn])
                    turn += 1
            word = Cat(x, y)
            if lanes < CHANNELS_PER_WORD:
                word = word >> (BITS * delay(m, first[:4], len(STAGES) - 1, "first"))
            words.append(delay(m, word, 1, f"word_{number}"))

        # the four weights there are, in the order of the hash's two bits
        scale = delay(m, self.scale, READ_LATENCY, "scale")
        triple = scale + (scale << 1)
        values = []
        for number, value in enumerate((-triple, -scale, scale, triple)):
            register = Signal(width, name=f"value_{number}", reset_less=True)
            m.d.sync += register.eq(value)
            values.append(register)
        for lane in range(lanes):
            at = BITS * (lane % CHANNELS_PER_WORD)
            bits = words[lane // CHANNELS_PER_WORD][at : at + BITS]
            m.d.comb += self.weights[lane * width : (lane + 1) * width].eq(Array(values)[bits])
        return m
