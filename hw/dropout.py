"""Pass that draws the keep bits of a layer's neurons for one interval."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from golden.dropout import BITS, CHANNELS_PER_WORD, POSITION_BITS, TAG
from hw.arith import COUNT_LATENCY, counted, delay
from hw.interfaces import LAYER_LAYOUT, write_port
from hw.map_walker import LaneMask, MapWalker
from hw.random_bits import KEYS_LAYOUT, RandomWord

KEYS_WAIT = 4
"""Cycles from `start` to the walk: a job's first instruction may come before its round keys."""
WRITE_STAGE = RandomWord.latency + 2
"""Cycles from a word's last hash address to its write."""


class DropPass(Component):
    """Keep bits of a layer: ``keep = byte >= drop``, a byte of a hash per neuron.

    Golden: `golden.dropout`. One hash serves four neighbouring channels of a position, so a word of
    P lanes takes P/4 cycles; P/2 where a position has two lanes only.

    `done` comes ``words * hashes + 14`` cycles after `start`, with the last write.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start, done : In(1), Out(1)
        One-cycle pulses; the other inputs are stable from `start` to `done`.
    layer : In(LAYER_LAYOUT)
    keys : In(KEYS_LAYOUT)
        Round keys of the interval.
    issue, lanes : Out(1), Out(range(P + 1))
        A word passes, and its lanes that hold neurons.
    keep_write : Out(write_port)
        The memory of keep bits, a word per neuron word at ``error_base``.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "layer": In(LAYER_LAYOUT),
                "keys": In(KEYS_LAYOUT),
                "issue": Out(1),
                "lanes": Out(range(config.lanes + 1)),
                "keep_write": Out(write_port(*config.memory_shapes["keep"])),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes, layer = self.config.lanes, self.layer
        m.submodules.walker = walker = MapWalker(self.config)
        m.submodules.mask = mask = LaneMask(self.config)
        m.submodules.hash = hashed = RandomWord()
        start = delay(m, self.start, KEYS_WAIT, "start", reset_less=False)

        # A hash covers two lanes, or four where a position has as many.
        pair = Signal(range(max(2, lanes // 2)))
        narrow, ends = Signal(reset_less=True), Signal()
        last_pair = Signal.like(pair, reset_less=True)
        m.d.sync += [
            narrow.eq((lanes >> layer.pack) == 2),
            last_pair.eq(lanes // 2 - Mux(narrow, 1, 2)),
        ]
        m.d.comb += [
            ends.eq(pair == last_pair),
            walker.start.eq(start),
            walker.layer.eq(layer),
            walker.advance.eq(ends),
            mask.start.eq(start),
            mask.layer.eq(layer),
            mask.last_group.eq(walker.last_group),
            mask.last_x.eq(walker.last_x),
        ]
        with m.If(start):
            m.d.sync += pair.eq(0)
        with m.Elif(walker.valid):
            m.d.sync += pair.eq(Mux(ends, 0, pair + Mux(narrow, 1, 2)))

        # The address of a hash: position, four channels, layer.
        lane_bits = (lanes - 1).bit_length()
        lane, slot = Signal(lane_bits), Signal(lane_bits)
        channel = Signal(self.config.group_bits + lane_bits)
        x = Signal(POSITION_BITS)
        m.d.comb += [lane.eq(pair << 1), channel.eq(walker.g << lane_bits)]
        with m.Switch(layer.pack):
            for pack in range(self.config.pack_max + 1):
                kept = lane_bits - pack
                with m.Case(pack):
                    m.d.comb += [
                        slot.eq(lane >> kept),
                        x.eq(walker.x << pack | slot),
                        channel.eq(Cat(lane[:kept], C(0, pack), walker.g)),
                    ]
        four = CHANNELS_PER_WORD.bit_length() - 1
        y = Signal(POSITION_BITS)
        channels = Signal(10)
        m.d.comb += [
            y.eq(walker.y),
            channels.eq(channel >> four),
            hashed.keys.eq(self.keys),
        ]
        m.d.sync += [
            hashed.x.eq(Cat(y, x, channels[:2])),
            hashed.y.eq(Cat(channels[2:10], layer.hash_id | TAG)),
        ]

        # Keep bits gather into a word.
        drawn = Signal(CHANNELS_PER_WORD, reset_less=True)
        m.d.sync += drawn.eq(
            Cat(
                hashed.word[BITS * i : BITS * (i + 1)] >= layer.drop
                for i in range(CHANNELS_PER_WORD)
            )
        )
        at = delay(m, pair, WRITE_STAGE, "pair")
        gathered = Signal(lanes, reset_less=True)
        word = Signal(lanes)
        for i in range(lanes):
            here = Mux(narrow, at == i >> 1, at >> 1 == i >> 2)
            value = Mux(narrow, drawn[i & 1], drawn[i & 3])
            m.d.comb += word[i].eq(Mux(here, value, gathered[i]))
        m.d.sync += gathered.eq(word)
        passes = walker.valid & ends
        write = delay(m, passes, WRITE_STAGE, "write", reset_less=False)
        address = Signal(16, reset_less=True)
        with m.If(self.start):
            m.d.sync += address.eq(layer.error_base)
        with m.Elif(write):
            m.d.sync += address.eq(address + 1)
        used = delay(m, mask.lanes & passes.replicate(lanes), 1, "used")
        m.d.comb += [
            self.keep_write.enable.eq(write),
            self.keep_write.address.eq(address),
            self.keep_write.data.eq(word),
            self.issue.eq(delay(m, passes, 1 + COUNT_LATENCY, "issue", reset_less=False)),
            self.lanes.eq(counted(m, used, "lanes")),
            self.done.eq(delay(m, passes & walker.last, WRITE_STAGE, "done", reset_less=False)),
        ]
        return m
