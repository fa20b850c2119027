"""Events of a list: one set bit after the other, with its position and channel."""

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.arith import at_most, without_lowest
from hw.interfaces import LAYER_LAYOUT, entry_layout


def event_layout(config: CoreConfig) -> data.StructLayout:
    """Return the layout of an event.

    ``y``, ``x``, ``c`` are its position and channel, ``xw``, ``g``, ``lane`` its place in memory
    words. ``bits`` are those of its word that are not yet handled; whole words use them.
    """
    lane_bits = (config.lanes - 1).bit_length()
    return data.StructLayout(
        {
            "y": config.map_bits,
            "x": config.map_bits,
            "xw": config.map_bits,
            "g": config.group_bits,
            "c": config.group_bits + lane_bits,
            "lane": lane_bits,
            "bits": config.lanes,
        }
    )


class EventReader(Component):
    """Stream of events from a stream of list entries, one event per cycle, lowest lane first.

    Parameters
    ----------
    config : CoreConfig
        Lanes and coordinate widths.

    Members
    -------
    start : In(1)
        A new list begins.
    words : In(1)
        Each word is one event.
    source : In(LAYER_LAYOUT)
        Layer whose neurons the bits are.
    entries : In(stream of entry)
        The list.
    events : Out(stream of event)
        2 cycles after their entry.
    empty : Out(1)
        The list has ended and all its events have left.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        self.entry = entry_layout(config)
        self.event = event_layout(config)
        super().__init__(
            {
                "start": In(1),
                "words": In(1),
                "source": In(LAYER_LAYOUT),
                "entries": In(stream.Signature(self.entry)),
                "events": Out(stream.Signature(self.event)),
                "empty": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        config, source = self.config, self.source
        lane_bits = (config.lanes - 1).bit_length()

        # the word under way; its handled bits are cleared
        word = Signal(self.entry)
        word_valid = Signal()
        listed = Signal()  # the list's last entry has been consumed
        rest = Signal(config.lanes)
        found, taken, word_done = Signal(), Signal(), Signal()
        some, one = Signal(), Signal()  # bits are left; no more than one event
        entry = self.entries.payload
        m.d.comb += [
            rest.eq(without_lowest(word.bits)),
            found.eq(word_valid & some),
            word_done.eq(word_valid & (~some | (taken & one))),
            self.entries.ready.eq(~listed & (~word_valid | (word_done & ~word.last))),
        ]
        with m.If(found & taken):
            m.d.sync += [
                word.bits.eq(rest),
                some.eq(~at_most(1, word.bits)),
                one.eq(self.words | at_most(2, word.bits)),
            ]
        with m.If(word_done):
            m.d.sync += word_valid.eq(0)
            with m.If(word.last):
                m.d.sync += listed.eq(1)
        with m.If(self.entries.valid & self.entries.ready):
            m.d.sync += [
                word.eq(entry),
                word_valid.eq(1),
                some.eq(entry.bits.any()),
                one.eq(self.words | at_most(1, entry.bits)),
            ]
        with m.If(self.start):
            m.d.sync += listed.eq(0)

        lane = Signal(lane_bits)
        for i in reversed(range(config.lanes)):
            with m.If(word.bits[i]):
                m.d.comb += lane.eq(i)
        slot_bits = Signal(range(lane_bits + 1))  # log2 of the lanes of a slot
        in_slot = Signal(lane_bits)
        m.d.comb += [
            slot_bits.eq(lane_bits - source.pack),
            in_slot.eq(lane & ~(Const(-1, lane_bits).as_unsigned() << slot_bits)),
        ]

        event = Signal(self.event, reset_less=True)
        m.d.comb += [
            taken.eq(~self.events.valid | self.events.ready),
            self.events.payload.eq(event),
            self.empty.eq(listed & ~(word_valid | self.events.valid)),
        ]
        with m.If(taken):
            m.d.sync += [
                self.events.valid.eq(found),
                event.y.eq(word.y),
                event.xw.eq(word.x),
                event.x.eq(word.x << source.pack | (lane >> slot_bits)),
                event.g.eq(word.g),
                event.c.eq((word.g << lane_bits) + in_slot),
                event.lane.eq(lane),
                event.bits.eq(word.bits),
            ]
        return m
