"""SLIP framing (RFC 1055) of packets on a byte stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import Component, In, Out

from host.protocol.packets import SLIP_END, SLIP_ESC, SLIP_ESC_END, SLIP_ESC_ESC

__all__ = ["ITEM_LAYOUT", "MARKED_LAYOUT", "SlipDecoder", "SlipEncoder"]

ITEM_LAYOUT = data.StructLayout({"data": 8, "end": 1, "bad": 1})
"""What a decoder delivers: a byte, or (`end`) the end of a frame, `bad` after an invalid escape."""

MARKED_LAYOUT = data.StructLayout({"data": 8, "last": 1})
"""A byte of a frame, marked where it is the last one."""


class SlipDecoder(Component):
    """SLIP decoder.

    Every END byte ends a frame, which may be empty. Garbage before an END becomes a frame of its
    own, for the packet's CRC to refuse.

    Members
    -------
    i : In(stream.Signature(8))
        Bytes of the link.
    o : Out(stream.Signature(ITEM_LAYOUT))
        Bytes of frames and their ends.
    """

    def __init__(self):
        super().__init__({"i": In(stream.Signature(8)), "o": Out(stream.Signature(ITEM_LAYOUT))})

    def elaborate(self, platform):
        m = Module()
        escaped = Signal()
        broken = Signal()

        m.d.comb += self.i.ready.eq(~self.o.valid | self.o.ready)
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                escaped.eq(0),
                self.o.p.end.eq(0),
                self.o.p.bad.eq(0),
                self.o.p.data.eq(self.i.payload),
            ]
            with m.If(self.i.payload == SLIP_END):
                m.d.sync += [
                    self.o.valid.eq(1),
                    self.o.p.end.eq(1),
                    self.o.p.bad.eq(broken | escaped),
                    broken.eq(0),
                ]
            with m.Elif(escaped):
                m.d.sync += self.o.valid.eq(1)
                with m.Switch(self.i.payload):
                    with m.Case(SLIP_ESC_END):
                        m.d.sync += self.o.p.data.eq(SLIP_END)
                    with m.Case(SLIP_ESC_ESC):
                        m.d.sync += self.o.p.data.eq(SLIP_ESC)
                    with m.Default():
                        m.d.sync += broken.eq(1)
            with m.Elif(self.i.payload == SLIP_ESC):
                m.d.sync += escaped.eq(1)
            with m.Else():
                m.d.sync += self.o.valid.eq(1)
        return m


class SlipEncoder(Component):
    """SLIP encoder: END before and after every frame.

    Members
    -------
    i : In(stream.Signature(MARKED_LAYOUT))
        Bytes of frames, each with at least one byte.
    o : Out(stream.Signature(8))
        Bytes of the link.
    """

    def __init__(self):
        super().__init__({"i": In(stream.Signature(MARKED_LAYOUT)), "o": Out(stream.Signature(8))})

    def elaborate(self, platform):
        m = Module()
        inside = Signal()
        second = Signal()  # the other half of an escape comes next
        closing = Signal()
        space = Signal()

        m.d.comb += space.eq(~self.o.valid | self.o.ready)
        with m.If(space):
            m.d.sync += self.o.valid.eq(0)
            with m.If(closing):
                m.d.sync += [
                    self.o.valid.eq(1),
                    self.o.payload.eq(SLIP_END),
                    closing.eq(0),
                    inside.eq(0),
                ]
            with m.Elif(self.i.valid):
                m.d.sync += self.o.valid.eq(1)
                with m.If(~inside):
                    m.d.sync += [self.o.payload.eq(SLIP_END), inside.eq(1)]
                with m.Elif(~second & ((self.i.p.data == SLIP_END) | (self.i.p.data == SLIP_ESC))):
                    m.d.sync += [self.o.payload.eq(SLIP_ESC), second.eq(1)]
                with m.Else():
                    m.d.comb += self.i.ready.eq(1)
                    m.d.sync += [
                        self.o.payload.eq(self.i.p.data),
                        second.eq(0),
                        closing.eq(self.i.p.last),
                    ]
                    with m.If(second & (self.i.p.data == SLIP_END)):
                        m.d.sync += self.o.payload.eq(SLIP_ESC_END)
                    with m.If(second & (self.i.p.data == SLIP_ESC)):
                        m.d.sync += self.o.payload.eq(SLIP_ESC_ESC)
        return m
