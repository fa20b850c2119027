"""Frames from the link to list entries of a frame buffer."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from host.protocol.packets import Coding
from hw.interfaces import LAYER_LAYOUT, entry_layout, write_port

__all__ = ["FrameLoader"]


class FrameLoader(Component):
    """Bit-serial decoder of bitmap and gap coded frames, one bit of the map per cycle.

    Bits arrive in the order ``(y * W + x) * C + c``. A word of P lanes holds ``2**pack`` positions
    of a row, ``P >> pack`` lanes each, or with pack 0 one of ``groups`` parts of a position's
    channels. Words without a set bit are skipped, except the map's last one. Entry i of step t
    goes to ``slot * frame_words + t * spike_stride + i``.

    Parameters
    ----------
    config : CoreConfig
        Lanes, widths of an entry and depth of a frame buffer.

    Members
    -------
    start : In(1)
        Decode `count` frames from `bytes`. The inputs below stay as they are until `done`.
    count : In(8)
        Frames to decode.
    first : In(8)
        Step of the first frame: `loaded`, or 0 to begin again.
    slot : In(1)
        Frame buffer to write.
    map : In(LAYER_LAYOUT)
        Row 0 of the layer table.
    bytes : In(stream.Signature(8))
        Payload of the packet.
    empty : In(1)
        No byte of the payload is left.
    drop : In(1)
        Forget what is loaded.
    loaded : Out(8)
        Frames loaded.
    done, failed : Out(1)
        One-cycle pulse at the end, and with it: the frames were malformed and are dropped.
    frame_write : Out(write_port(2 * config.frame_words, config.entry_bits))
        Entries.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__(
            {
                "start": In(1),
                "count": In(8),
                "first": In(8),
                "slot": In(1),
                "map": In(LAYER_LAYOUT),
                "bytes": In(stream.Signature(8)),
                "empty": In(1),
                "drop": In(1),
                "loaded": Out(8),
                "done": Out(1),
                "failed": Out(1),
                "frame_write": Out(write_port(2 * config.frame_words, config.entry_bits)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        words = self._config.frame_words
        left = Signal(8)  # frames to come
        base = Signal(17)  # first entry of the frame, inside its buffer
        index = Signal(17)  # next entry
        coding = Signal()
        fail, failing = Signal(), Signal()
        step = Signal()
        bit = Signal()
        final = Signal()
        emitted, pending = Signal(), Signal()
        overflow = Signal()
        finished = Signal()  # a frame

        m.submodules.bits = bits = _BitSource()
        m.submodules.words = walker = _WordWalker(self._config)
        m.d.comb += [
            bits.byte.eq(self.bytes.payload),
            bits.byte_valid.eq(self.bytes.valid),
            bits.coding.eq(coding),
            bit.eq(bits.bit),
            walker.map.eq(self.map),
            walker.bit.eq(bit),
            walker.step.eq(step),
            final.eq(walker.final),
        ]

        def reject():
            m.d.comb += fail.eq(1)
            m.next = "IDLE"

        m.d.sync += [self.done.eq(0), self.failed.eq(0)]
        m.d.sync += finished.eq(step & final)
        with m.If(finished):
            m.d.sync += self.loaded.eq(self.loaded + 1)
        with m.If(emitted):
            m.d.sync += index.eq(index + 1)
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += walker.restart.eq(1)
                with m.If(self.drop):
                    m.d.sync += self.loaded.eq(0)
                with m.If(self.start):
                    m.next = "BEGIN"
            with m.State("BEGIN"):
                m.d.sync += left.eq(self.count)
                m.next = "CODING"
                with m.If(self.first == 0):
                    m.d.sync += [self.loaded.eq(0), base.eq(0)]
                with m.If(
                    ((self.first != 0) & (self.first != self.loaded))
                    | (self.map.height == 0)
                    | (self.map.width == 0)
                    | (self.map.channels == 0)
                ):
                    reject()
            with m.State("CODING"):
                m.d.comb += [walker.restart.eq(1), bits.restart.eq(1)]
                m.d.sync += index.eq(base)
                with m.If(overflow):
                    reject()
                with m.Elif(left == 0):
                    # Bytes behind the last frame mean that host and core disagree.
                    with m.If(~self.empty):
                        reject()
                    with m.Else():
                        m.d.sync += self.done.eq(1)
                        m.next = "IDLE"
                with m.Elif(self.bytes.valid):
                    m.d.comb += self.bytes.ready.eq(1)
                    m.d.sync += coding.eq(self.bytes.payload[0])
                    with m.Switch(self.bytes.payload):
                        with m.Case(Coding.BITMAP):
                            m.next = "BITS"
                        with m.Case(Coding.GAPS):
                            m.next = "LENGTH_LOW"
                        with m.Default():
                            reject()
                with m.Elif(self.empty):
                    reject()
            for state, following in (("LENGTH_LOW", "LENGTH_HIGH"), ("LENGTH_HIGH", "BITS")):
                with m.State(state):
                    with m.If(self.bytes.valid):
                        m.d.comb += [self.bytes.ready.eq(1), bits.load_length.eq(1)]
                        m.next = following
                    with m.Elif(self.empty):
                        reject()
            with m.State("BITS"):
                m.d.comb += self.bytes.ready.eq(bits.byte_ready)
                with m.If(bits.byte_ready & self.empty):
                    reject()
                with m.If(bits.bit_valid):
                    m.d.comb += step.eq(1)
                    with m.If(final):
                        m.d.sync += [
                            base.eq(base + self.map.spike_stride),
                            left.eq(left - 1),
                        ]
                        m.next = "CODING"
                    with m.If(final & bits.more):
                        reject()
                with m.If(overflow):
                    reject()

        m.d.sync += failing.eq(fail)
        with m.If(failing):
            m.d.sync += [self.done.eq(1), self.failed.eq(1), self.loaded.eq(0)]

        # An entry stands in a register before it is written; that it has no room shows then.
        entry = Signal(len(self.frame_write.data), reset_less=True)
        m.d.comb += overflow.eq(emitted & (index >= words))
        m.d.sync += [
            emitted.eq(step & walker.emit),
            entry.eq(walker.entry),
            pending.eq(emitted & ~overflow),
            self.frame_write.address.eq(Mux(self.slot, words, 0) + index),
            self.frame_write.data.eq(entry),
        ]
        m.d.comb += self.frame_write.enable.eq(pending)
        return m


class _BitSource(Component):
    """Bits of one frame, either coding; `more` when the coding goes on behind the bit offered."""

    def __init__(self):
        super().__init__(
            {
                "restart": In(1),
                "coding": In(1),
                "load_length": In(1),
                "byte": In(8),
                "byte_valid": In(1),
                "byte_ready": Out(1),
                "bit": Out(1),
                "bit_valid": Out(1),
                "more": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        length = Signal(16)  # gap bytes to come
        some = Signal()  # more than none
        current = Signal(8)  # bits of the bitmap, or bits to skip
        have = Signal()  # bits of the bitmap's byte are left, or a gap is worked off
        rest = Signal(3)  # bits left of the bitmap's byte, less one
        sets = Signal()  # the gap ends in a set bit
        gaps = Signal()
        gap_ends = Signal()

        m.d.comb += gaps.eq(self.coding == Coding.GAPS)
        with m.If(~have):
            m.d.comb += [
                self.byte_ready.eq(~gaps | some),
                self.bit_valid.eq(gaps & ~some),
            ]
            with m.If(self.byte_ready & self.byte_valid):
                m.d.sync += [
                    current.eq(self.byte),
                    have.eq(1),
                    rest.eq(7),
                    sets.eq(self.byte != 255),
                ]
                with m.If(gaps):
                    m.d.sync += [length.eq(length - 1), some.eq(length != 1)]
        with m.Else():
            m.d.comb += self.bit_valid.eq(1)
            with m.If(gaps):
                m.d.comb += [
                    self.bit.eq(current == 0),
                    gap_ends.eq((current == 0) | ((current == 1) & ~sets)),
                    self.more.eq(~gap_ends | some),
                ]
                m.d.sync += [current.eq(current - 1), have.eq(~gap_ends)]
            with m.Else():
                m.d.comb += self.bit.eq(current[0])
                m.d.sync += [current.eq(current >> 1), rest.eq(rest - 1), have.eq(rest != 0)]
        with m.If(self.load_length):
            m.d.sync += [
                length.eq(Cat(length[8:], self.byte)),
                some.eq((length[8:] != 0) | (self.byte != 0)),
            ]
        with m.If(self.restart | self.load_length):
            m.d.sync += have.eq(0)
        return m


class _WordWalker(Component):
    """Position of a bit in the map, and the word it belongs to."""

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__(
            {
                "restart": In(1),
                "map": In(LAYER_LAYOUT),
                "bit": In(1),
                "step": In(1),
                "emit": Out(1),
                "entry": Out(entry_layout(config)),
                "final": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self._config.lanes
        y, x, c = Signal(8), Signal(8), Signal(13)
        place = Signal(range(lanes))  # position inside the word, 0 .. 2**pack - 1
        lane = Signal(range(lanes))
        slot_base = Signal(range(lanes))
        word, some = Signal(lanes), Signal()  # the bits set so far, and whether there are any
        slot_lanes = Signal(range(lanes + 1))
        # Whether a counter stands at its end is kept beside it: it decides about all that follow.
        one_c, one_x, one_y = Signal(), Signal(), Signal()
        before_c, before_x, before_y = Signal(13), Signal(8), Signal(8)
        x_end, y_end = Signal(), Signal()
        last_place = Signal(range(lanes))
        channel_end, word_end, row_end = Signal(), Signal(), Signal()
        entry = data.View(entry_layout(self._config), self.entry)
        xw, g = Signal(8), Signal(self._config.group_bits)

        m.d.sync += [
            slot_lanes.eq(lanes >> self.map.pack),
            last_place.eq((1 << self.map.pack) - 1),
            one_c.eq(self.map.channels == 1),
            one_x.eq(self.map.width == 1),
            one_y.eq(self.map.height == 1),
            before_c.eq(self.map.channels - 2),
            before_x.eq(self.map.width - 2),
            before_y.eq(self.map.height - 2),
        ]
        m.d.comb += [
            row_end.eq(channel_end & x_end),
            word_end.eq((channel_end & (x_end | (place == last_place))) | (lane == lanes - 1)),
            self.final.eq(row_end & y_end),
            entry.bits.eq(word | (self.bit << lane)),
            entry.y.eq(y),
            entry.x.eq(xw),
            entry.g.eq(g),
            entry.last.eq(self.final),
            self.emit.eq(word_end & (some | self.bit | self.final)),
        ]
        with m.If(self.step):
            m.d.sync += [
                word.eq(entry.bits),
                some.eq(some | self.bit),
                c.eq(c + 1),
                channel_end.eq(c == before_c),
                lane.eq(lane + 1),
            ]
            with m.If(word_end):
                m.d.sync += [word.eq(0), some.eq(0), g.eq(g + 1)]
            with m.If(channel_end):
                m.d.sync += [
                    c.eq(0),
                    channel_end.eq(one_c),
                    g.eq(0),
                    x.eq(x + 1),
                    x_end.eq(x == before_x),
                    place.eq(place + 1),
                    slot_base.eq(slot_base + slot_lanes),
                    lane.eq(slot_base + slot_lanes),
                ]
                with m.If(word_end):
                    m.d.sync += [place.eq(0), slot_base.eq(0), lane.eq(0), xw.eq(xw + 1)]
            with m.If(row_end):
                m.d.sync += [x.eq(0), x_end.eq(one_x), xw.eq(0)]
                m.d.sync += [y.eq(y + 1), y_end.eq(y == before_y)]
        with m.If(self.restart):
            m.d.sync += [
                signal.eq(0) for signal in (y, x, c, place, lane, slot_base, word, some, xw, g)
            ]
            m.d.sync += [channel_end.eq(one_c), x_end.eq(one_x), y_end.eq(one_y)]
        return m
