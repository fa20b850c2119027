"""Random bits keyed by address: Speck32's round function, one pipeline stage each."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data
from amaranth.lib.wiring import Component, In, Out

from golden.random_bits import ROUNDS, WORD
from hw.memory import COPY

KEYS_LAYOUT = data.ArrayLayout(WORD, ROUNDS)
"""Round keys of one update, first round at index 0."""

_ALPHA, _BETA = 7, 2


class KeySchedule(Component):
    """Round keys of one update, one per cycle; golden: `golden.random_bits.round_keys`.

    `done` comes ``ROUNDS`` = 8 cycles after `start`; the keys stand from the next cycle on, until
    the next `start`.

    Members
    -------
    start, done : In(1), Out(1)
        One-cycle pulses.
    seed, number : In(32)
        Taken with `start`.
    keys : Out(KEYS_LAYOUT)
    """

    def __init__(self):
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "seed": In(32),
                "number": In(32),
                "keys": Out(KEYS_LAYOUT),
            }
        )

    def elaborate(self, platform):
        m = Module()
        key, mixed = Signal(WORD, reset_less=True), Signal(WORD)
        rest = Signal(3 * WORD, reset_less=True)
        index = Signal(range(ROUNDS))
        running = Signal()
        m.d.comb += [
            mixed.eq((key + rest[:WORD].rotate_right(_ALPHA))[:WORD] ^ index),
            self.done.eq(running & (index == ROUNDS - 1)),
        ]
        with m.If(self.start):
            m.d.sync += [
                Cat(key, rest).eq(Cat(self.seed, self.number)),
                index.eq(0),
                running.eq(1),
            ]
        with m.Elif(running):
            m.d.sync += [
                rest.eq(Cat(rest[WORD:], mixed)),
                key.eq(key.rotate_left(_BETA) ^ mixed),
                index.eq(index + 1),
                running.eq(~self.done),
            ]
        with m.If(running):  # nobody reads them until all have been shifted in
            m.d.sync += self.keys.as_value().eq(Cat(self.keys.as_value()[WORD:], key))
        return m


def speck_round(x, y, key):
    """Return one round of Speck32 on the 16-bit words (x, y)."""
    mixed = (x.rotate_right(_ALPHA) + y)[:WORD] ^ key
    return mixed, y.rotate_left(_BETA) ^ mixed


class RandomWord(Component):
    """Hash of an address to 32 random bits, a new one every cycle.

    Golden: `golden.random_bits.encrypt`; ``word = x' | y' << 16`` follows (x, y) by `latency`.

    Parameters
    ----------
    copies : int
        Registers that hold the word, for users that lie far from each other.

    Attributes
    ----------
    latency : int
        [cycles].
    words : list of Signal(32)
        The copies of the word.

    Members
    -------
    x, y : In(16)
        Address: weight row, and layer and channel.
    keys : In(KEYS_LAYOUT)
    word : Out(32)
        The first copy.
    """

    latency = ROUNDS

    def __init__(self, copies: int = 1):
        self.words = [
            Signal(2 * WORD, name=f"{COPY}{i}_word", reset_less=True) for i in range(copies)
        ]
        super().__init__(
            {"x": In(WORD), "y": In(WORD), "keys": In(KEYS_LAYOUT), "word": Out(2 * WORD)}
        )

    def elaborate(self, platform):
        m = Module()
        x, y = self.x, self.y
        for number in range(ROUNDS - 1):
            next_x = Signal(WORD, name=f"x_{number + 1}", reset_less=True)
            next_y = Signal(WORD, name=f"y_{number + 1}", reset_less=True)
            mixed, turned = speck_round(x, y, self.keys[number])
            m.d.sync += [next_x.eq(mixed), next_y.eq(turned)]
            x, y = next_x, next_y
        m.d.sync += [word.eq(Cat(*speck_round(x, y, self.keys[-1]))) for word in self.words]
        m.d.comb += self.word.eq(self.words[0])
        return m
