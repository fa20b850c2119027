"""AXI4-Stream of a DMA core on one side, the byte streams of the link on the other."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from host.protocol.packets import SLIP_END

__all__ = ["WIDTHS", "AxiStreamPacker", "AxiStreamUnpacker", "beat_layout"]

WIDTHS = (32, 64, 128, 256, 512)
"""Widths of tdata [bits]: XDMA has 64 and more (on 7 series parts 64 and 128), LitePCIe 32 too."""


def beat_layout(width):
    """Return the layout of one beat: `data` (tdata), `keep` (tkeep), `last` (tlast).

    Parameters
    ----------
    width : int
        Of tdata, one of `WIDTHS` [bits].

    Raises
    ------
    ValueError
        `width` is another one.
    """
    if width not in WIDTHS:
        raise ValueError(f"width must be one of {', '.join(map(str, WIDTHS))} bits, not {width!r}")
    return data.StructLayout({"data": width, "keep": width // 8, "last": 1})


class AxiStreamUnpacker(Component):
    """Bytes of the beats that a DMA core sends, lowest byte first, one per cycle.

    XDMA keeps all bytes of a beat but in the last beat of each descriptor (PG195, "DMA H2C
    Stream"), which ends in the middle of a packet wherever the host's buffer crosses into another
    page. So `keep` counts in every beat, and `last` in none: packets have their own marks. A byte
    that is not kept costs a cycle when a byte above it is.

    Parameters
    ----------
    width : int
        Of tdata [bits].

    Members
    -------
    i : In(stream.Signature(beat_layout(width)))
        Beats.
    o : Out(stream.Signature(8))
        Bytes.

    Raises
    ------
    ValueError
        See `beat_layout`.
    """

    def __init__(self, width):
        self._width = width
        super().__init__(
            {"i": In(stream.Signature(beat_layout(width))), "o": Out(stream.Signature(8))}
        )

    def elaborate(self, platform):
        m = Module()
        word = Signal(self._width)
        left = Signal(self._width // 8)  # bytes of `word` that are to come
        space = Signal()

        m.d.comb += [
            self.o.valid.eq(left[0]),
            self.o.payload.eq(word[:8]),
            space.eq(~left[0] | self.o.ready),
            self.i.ready.eq(space & ~left[1:].any()),
        ]
        with m.If(space):
            m.d.sync += [word.eq(word >> 8), left.eq(left >> 1)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [word.eq(self.i.p.data), left.eq(self.i.p.keep)]
        return m


class AxiStreamPacker(Component):
    """Beats for a DMA core, one byte taken per cycle; every SLIP frame is an AXI4-Stream packet.

    A beat leaves when it is full, and with `last` after the END byte that closes a frame: the first
    END behind another byte. So the host's read returns with the response. All bytes of a beat are
    kept but in the last of a packet, which has at least one (PG195, "DMA C2H Stream"). Behind bytes
    that no END closed, the next opening END does, and the frame behind it is a packet as usual.

    Parameters
    ----------
    width : int
        Of tdata [bits].

    Members
    -------
    i : In(stream.Signature(8))
        Bytes of SLIP frames.
    o : Out(stream.Signature(beat_layout(width)))
        Beats; bytes of `data` that are not kept mean nothing.

    Raises
    ------
    ValueError
        See `beat_layout`.
    """

    def __init__(self, width):
        self._width = width
        super().__init__(
            {"i": In(stream.Signature(8)), "o": Out(stream.Signature(beat_layout(width)))}
        )

    def elaborate(self, platform):
        m = Module()
        lanes = self._width // 8
        place = Signal(range(lanes))  # of the next byte in the beat
        inside = Signal()  # the byte before was none of END
        end, full = Signal(), Signal()

        m.d.comb += [
            self.i.ready.eq(~self.o.valid | self.o.ready),
            end.eq(self.i.payload == SLIP_END),
            full.eq(place == lanes - 1),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                self.o.p.data.word_select(place, 8).eq(self.i.payload),
                self.o.p.keep.eq((self.o.p.keep << 1) | 1),
                self.o.p.last.eq(end & inside),
                self.o.valid.eq(full | (end & inside)),
                inside.eq(~end),
                place.eq(place + 1),
            ]
            with m.If(place == 0):
                m.d.sync += self.o.p.keep.eq(1)
            with m.If(end & inside):
                m.d.sync += place.eq(0)
        return m
