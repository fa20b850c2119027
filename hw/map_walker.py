"""Walk over the words of a layer's map, one word per cycle, and the lanes that hold neurons."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.interfaces import LAYER_LAYOUT

ADDRESS_BITS = 16
"""Width of the base addresses in the layer table [bits]."""


class MapWalker(Component):
    """Counter over words in memory order, ``(y * x_words + x) * groups + g``.

    Golden: `golden.layout.MapLayout.position`. The first word stands at the outputs in the cycle
    after `start`; each cycle with `advance` moves on to the next word.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start : In(1)
        Starts at the first word; `layer` and `base` are stable from then on.
    layer : In(LAYER_LAYOUT)
        Supplies height, x_words and groups, each at least 1.
    base : In(16)
        Address of the first word.
    advance : In(1)
        The word at the outputs is taken; 1 unless driven.
    valid : Out(1)
        A word stands at the outputs.
    y, x, g : Out
        Row, word in the row, group.
    address : Out(16)
        ``base`` plus word index.
    last_group, last_x, last : Out(1)
        Last group of a position word, last position word of a row, last word of the map.
    """

    def __init__(self, config: CoreConfig):
        super().__init__(
            {
                "start": In(1),
                "layer": In(LAYER_LAYOUT),
                "base": In(ADDRESS_BITS),
                "advance": In(1, init=1),
                "valid": Out(1),
                "y": Out(config.map_bits),
                "x": Out(config.map_bits),
                "g": Out(config.group_bits),
                "address": Out(ADDRESS_BITS),
                "last_group": Out(1),
                "last_x": Out(1),
                "last": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        # Whether a counter stands at its end is kept beside it: it decides about all that follow.
        layer = self.layer
        before_y, before_x, before_g = (
            Signal.like(counter, reset_less=True) for counter in (self.y, self.x, self.g)
        )
        one_x, one_g, last_row = Signal(reset_less=True), Signal(reset_less=True), Signal()
        m.d.comb += self.last.eq(self.last_group & self.last_x & last_row)
        with m.If(self.start):
            m.d.sync += [
                before_y.eq(layer.height - 2),
                before_x.eq(layer.x_words - 2),
                before_g.eq(layer.groups - 2),
                one_x.eq(layer.x_words == 1),
                one_g.eq(layer.groups == 1),
                self.last_group.eq(layer.groups == 1),
                self.last_x.eq(layer.x_words == 1),
                last_row.eq(layer.height == 1),
                self.valid.eq(1),
                self.y.eq(0),
                self.x.eq(0),
                self.g.eq(0),
                self.address.eq(self.base),
            ]
        with m.Elif(self.valid & self.advance):
            m.d.sync += [
                self.valid.eq(~self.last),
                self.address.eq(self.address + 1),
                self.g.eq(Mux(self.last_group, 0, self.g + 1)),
                self.last_group.eq(Mux(self.last_group, one_g, self.g == before_g)),
            ]
            with m.If(self.last_group):
                m.d.sync += [
                    self.x.eq(Mux(self.last_x, 0, self.x + 1)),
                    self.last_x.eq(Mux(self.last_x, one_x, self.x == before_x)),
                ]
                with m.If(self.last_x):
                    m.d.sync += [self.y.eq(self.y + 1), last_row.eq(self.y == before_y)]
        return m


class LaneMask(Component):
    """Lanes of a word that hold neurons of the layer: ``x < width`` and ``channel < channels``.

    Lane l of a word with 2**pack positions holds position ``l >> s`` of the word and channel
    ``g * P + (l mod 2**s)``, where ``2**s = P >> pack``. Only the last word of a row and the last
    group can have other lanes.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start : In(1)
        Registers the masks of `layer`; `lanes` is right from the next cycle on.
    layer : In(LAYER_LAYOUT)
        Supplies width, channels and pack.
    last_group, last_x : In(1)
        As from `MapWalker`.
    lanes : Out(P)
        One bit per lane, combinational.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "layer": In(LAYER_LAYOUT),
                "last_group": In(1),
                "last_x": In(1),
                "lanes": Out(config.lanes),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self.config.lanes
        channels = Signal(lanes, reset_less=True)
        positions = Signal(lanes, reset_less=True)
        with m.If(self.start):
            with m.Switch(self.layer.pack):
                for pack in range(self.config.pack_max + 1):
                    slot = lanes >> pack
                    # Remainders; 0 stands for a full word.
                    rest_c = self.layer.channels[: (lanes - 1).bit_length()]
                    rest_x = self.layer.width[:pack]
                    used = [(rest_c == 0) | (rest_c > lane % slot) for lane in range(lanes)]
                    inside = [(rest_x == 0) | (rest_x > lane // slot) for lane in range(lanes)]
                    with m.Case(pack):
                        m.d.sync += [channels.eq(Cat(used)), positions.eq(Cat(inside))]
        m.d.comb += self.lanes.eq(
            (channels | (~self.last_group).replicate(lanes))
            & (positions | (~self.last_x).replicate(lanes))
        )
        return m
