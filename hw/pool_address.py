"""Words of a pool that lie above the words of the layer it reads, without a multiplier."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.interfaces import LAYER_LAYOUT
from hw.map_walker import ADDRESS_BITS


class PoolAddress(Component):
    """Address and slots in a pool's words that belong to the word a `MapWalker` shows.

    Position (y, x) of the layer lies under (y >> w, x >> w) of the pool, for a window of 2**w; both
    have the same channels and therefore the same groups and positions per word, 2**p. So word x of
    the layer lies under word ``x >> w`` of the pool, and position s of it under position
    ``((x * 2**p + s) >> w) mod 2**p`` of that. Without `pooled` the address is the layer's own.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start, advance : In(1)
        As for the `MapWalker` beside it.
    layer, other : In(LAYER_LAYOUT)
        The layer and the pool.
    pooled : In(1)
    valid, x, y, last_group, last_x : In
        From the `MapWalker`.
    address : Out(16)
        Address in the e memory, combinational with the walker's outputs like the rest.
    inside : Out(1)
        Not on an odd edge that the pool drops. Partly filled words of a pool hold zeros there.
    source : Out(2**pack_max * pack_max)
        Per slot of the finest packing, the slot it reads.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "advance": In(1),
                "layer": In(LAYER_LAYOUT),
                "other": In(LAYER_LAYOUT),
                "pooled": In(1),
                "valid": In(1),
                "x": In(config.map_bits),
                "y": In(config.map_bits),
                "last_group": In(1),
                "last_x": In(1),
                "address": Out(ADDRESS_BITS),
                "inside": Out(1),
                "source": Out(max(1, config.pack_max << config.pack_max)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        window = self.other.window
        # First words of the pool's row and column above; past its last column the walk waits at
        # the first word of its next row.
        row = Signal(ADDRESS_BITS, reset_less=True)
        column = Signal(ADDRESS_BITS, reset_less=True)
        following = Signal(ADDRESS_BITS)
        address = Signal(ADDRESS_BITS, reset_less=True)
        # The pool's column and row above, up to the last; whether they are there.
        above_x = Signal.like(self.x, reset_less=True)
        above_y = Signal.like(self.y, reset_less=True)
        inside_x, inside_y = Signal(reset_less=True), Signal(reset_less=True)
        ends_x, ends_y, leaves_x, leaves_y = Signal(), Signal(), Signal(), Signal()
        x_end, y_end = Signal.like(self.x, reset_less=True), Signal.like(self.y, reset_less=True)
        low = Signal(3, reset_less=True)
        pooled = Signal(reset_less=True)  # from the cycle after the start
        m.d.sync += [
            x_end.eq(self.other.x_words - 1),
            y_end.eq(self.other.height - 1),
            low.eq((1 << window) - 1),
            pooled.eq(self.pooled),
        ]
        m.d.comb += [
            leaves_x.eq((self.x & low) == low),
            leaves_y.eq((self.y & low) == low),
            ends_x.eq(above_x == x_end),
            ends_y.eq(above_y == y_end),
            following.eq(Mux(inside_x, column + self.layer.groups, column)),
            self.inside.eq(~pooled | (inside_x & inside_y)),
            self.address.eq(address),
        ]
        with m.If(self.start):
            base = Mux(self.pooled, self.other.error_base, self.layer.error_base)
            m.d.sync += [row.eq(base), column.eq(base), address.eq(base)]
            m.d.sync += [above_x.eq(0), above_y.eq(0), inside_x.eq(1), inside_y.eq(1)]
        with m.Elif(self.valid & self.advance):
            with m.If(~pooled | ~self.last_group):
                m.d.sync += address.eq(address + 1)
            with m.Elif(~self.last_x):
                with m.If(leaves_x):
                    m.d.sync += [column.eq(following), address.eq(following)]
                    m.d.sync += [above_x.eq(above_x + 1), inside_x.eq(inside_x & ~ends_x)]
                with m.Else():
                    m.d.sync += address.eq(column)
            with m.Else():
                m.d.sync += [above_x.eq(0), inside_x.eq(1)]
                with m.If(leaves_y):
                    m.d.sync += [row.eq(following), column.eq(following), address.eq(following)]
                    m.d.sync += [above_y.eq(above_y + 1), inside_y.eq(inside_y & ~ends_y)]
                with m.Else():
                    m.d.sync += [column.eq(row), address.eq(row)]
        self._slots(m)
        return m

    def _slots(self, m):
        finest = self.config.pack_max
        own = Cat(C(slot, finest) for slot in range(1 << finest))
        m.d.comb += self.source.eq(own)
        for pack in range(1, finest + 1):
            for window in range(1, 4):
                chosen = Signal(name=f"pack{pack}_window{window}", reset_less=True)
                m.d.sync += chosen.eq(
                    self.pooled & (self.layer.pack == pack) & (self.other.window == window)
                )
                sources = []
                for slot in range(1 << finest):
                    kept = finest - pack
                    position = Cat(C(slot >> kept, pack), self.x[:window])
                    above = position[window : window + pack]
                    sources.append(Cat(C(slot & ((1 << kept) - 1), kept), above))
                with m.If(chosen):
                    m.d.comb += self.source.eq(Cat(sources))
