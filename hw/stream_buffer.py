"""Register in both directions of a stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out


class StreamBuffer(Component):
    """Two places for payloads, so that neither `valid` nor `ready` passes without a register.

    One payload per cycle, one cycle late.

    Parameters
    ----------
    shape : Shape
        Of the payload.

    Members
    -------
    i : In(stream.Signature(shape))
    o : Out(stream.Signature(shape))
    """

    def __init__(self, shape):
        self._shape = shape
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform):
        m = Module()
        payload = Signal(self._shape, reset_less=True)
        spare = Signal(self._shape, reset_less=True)
        full = Signal()  # the spare place is taken
        m.d.comb += [self.i.ready.eq(~full), self.o.payload.eq(payload)]
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [payload.eq(self.i.payload), self.o.valid.eq(self.i.valid | full)]
            with m.If(full):
                m.d.sync += [payload.eq(spare), full.eq(0)]
        with m.Elif(self.i.valid & self.i.ready):
            m.d.sync += full.eq(1)
        with m.If(~full):
            m.d.sync += spare.eq(self.i.payload)
        return m
