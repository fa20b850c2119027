"""UART with a fractional bit clock: 8 data bits, no parity, 1 stop bit."""

from fractions import Fraction

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import Component, In, Out

from host.protocol.packets import UART_PHASE_BITS, UART_STEPS

__all__ = ["UartReceiver", "UartTransmitter", "bit_step", "rate_error"]

PHASE_BITS = UART_PHASE_BITS
"""Width of the phase accumulator [bits]."""

MIN_CLOCKS = (1 << PHASE_BITS) // UART_STEPS[1]
"""Clocks per bit below which the sampling point is too uncertain."""


def bit_step(clock, baud):
    """Return what the phase grows per clock, in units of 2**-PHASE_BITS bit.

    Parameters
    ----------
    clock : float
        [Hz].
    baud : int
        [bit/s].

    Raises
    ------
    TypeError, ValueError
        A rate is no positive number, or there are fewer than `MIN_CLOCKS` clocks or more than
        ``2**PHASE_BITS / 100`` clocks per bit (where the rate's error could exceed 0.5 %): the step
        would be outside `UART_STEPS`.
    """
    for name, value in (("clock", clock), ("baud", baud)):
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise TypeError(f"{name} must be a number, not {value!r}")
        if value <= 0:
            raise ValueError(f"{name} must be above 0, not {value!r}")
    if clock < MIN_CLOCKS * baud:
        raise ValueError(
            f"baud must be at most clock / {MIN_CLOCKS} = {clock / MIN_CLOCKS:.0f} for a clock of "
            f"{clock:.0f} Hz, not {baud}"
        )
    slowest = clock * UART_STEPS[0] / (1 << PHASE_BITS)
    if baud < slowest:
        raise ValueError(
            f"baud must be at least {slowest:.0f} for a clock of {clock:.0f} Hz, not {baud}"
        )
    return round((1 << PHASE_BITS) * baud / clock)


def rate_error(clock, baud):
    """Return the relative error of the mean bit rate: -4.1e-5 for 12 Mbaud from 100 MHz."""
    exact = Fraction(baud) * (1 << PHASE_BITS) / Fraction(clock)
    return float(bit_step(clock, baud) / exact - 1)


class UartReceiver(Component):
    """UART receiver with a small FIFO.

    Every byte is timed from its own start bit: a phase accumulator, set to half a bit at the edge,
    overflows in the middle of each bit. The middle is met within 1 clock. At 12 Mbaud from 100 MHz
    (8.33 clocks per bit) that is 0.12 bit, which leaves 0.38 bit in 9.5, 4.0 %, for the difference
    of the two rates; the mean rate itself is 0.0041 % low (step 7,864 of 65,536, not 7,864.32).

    Parameters
    ----------
    clock : float
        [Hz].
    baud : int
        [bit/s].
    depth : int
        Bytes of the FIFO.

    Members
    -------
    rx : In(1)
        Pin, asynchronous.
    step : In(PHASE_BITS)
        What the phase grows per clock; where nothing drives it, that of `baud`.
    o : Out(stream.Signature(8))
        Bytes.
    framing_error : Out(1)
        One-cycle pulse: no stop bit; the byte is dropped.
    overflow : Out(1)
        One-cycle pulse: the FIFO was full; the byte is dropped.

    Raises
    ------
    TypeError, ValueError
        See `bit_step`; `depth` is below 2.
    """

    def __init__(self, clock, baud, depth=16):
        step = bit_step(clock, baud)
        if not isinstance(depth, int) or depth < 2:
            raise ValueError(f"depth must be an int of at least 2, not {depth!r}")
        self._depth = depth
        super().__init__(
            {
                "rx": In(1, init=1),
                "step": In(PHASE_BITS, init=step),
                "o": Out(stream.Signature(8)),
                "framing_error": Out(1),
                "overflow": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.fifo = fifo = SyncFIFOBuffered(width=8, depth=self._depth)
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        phase = Signal(PHASE_BITS)
        tick = Signal()
        shift = Signal(8)
        count = Signal(3)

        m.d.sync += Cat(phase, tick).eq(phase + self.step)
        m.d.comb += [
            fifo.w_data.eq(shift),
            self.o.valid.eq(fifo.r_rdy),
            self.o.payload.eq(fifo.r_data),
            fifo.r_en.eq(self.o.ready),
        ]
        with m.FSM():
            with m.State("IDLE"):
                with m.If(~line):
                    # One clock for this cycle, one for the mean delay of edge and tick.
                    m.d.sync += [phase.eq((1 << (PHASE_BITS - 1)) + 2 * self.step), tick.eq(0)]
                    m.next = "START"
            with m.State("START"):
                with m.If(tick):
                    m.d.sync += count.eq(0)
                    m.next = "DATA"
                    with m.If(line):
                        m.next = "IDLE"  # a glitch
            with m.State("DATA"):
                with m.If(tick):
                    m.d.sync += [shift.eq(Cat(shift[1:], line)), count.eq(count + 1)]
                    with m.If(count == 7):
                        m.next = "STOP"
            with m.State("STOP"):
                with m.If(tick):
                    m.next = "IDLE"
                    with m.If(line):
                        m.d.comb += [fifo.w_en.eq(1), self.overflow.eq(~fifo.w_rdy)]
                    with m.Else():
                        m.d.comb += self.framing_error.eq(1)
                        m.next = "BREAK"
            with m.State("BREAK"):
                with m.If(line):
                    m.next = "IDLE"
        return m


class UartTransmitter(Component):
    """UART transmitter.

    The phase runs through from bit to bit and byte to byte: an edge is less than one clock late and
    the error does not add up. The mean rate has the error that `rate_error` returns.

    Parameters
    ----------
    clock : float
        [Hz].
    baud : int
        [bit/s].

    Members
    -------
    i : In(stream.Signature(8))
        Bytes.
    step : In(PHASE_BITS)
        What the phase grows per clock; where nothing drives it, that of `baud`.
    tx : Out(1)
        Pin.

    Raises
    ------
    TypeError, ValueError
        See `bit_step`.
    """

    def __init__(self, clock, baud):
        super().__init__(
            {
                "i": In(stream.Signature(8)),
                "step": In(PHASE_BITS, init=bit_step(clock, baud)),
                "tx": Out(1, init=1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        phase = Signal(PHASE_BITS)
        tick = Signal()
        bits = Signal(9)  # what follows the bit on the line, the stop bit last
        left = Signal(range(10))  # bits after the one on the line
        active = Signal()
        done = Signal()

        m.d.comb += [
            done.eq(~active | (tick & (left == 0))),
            self.i.ready.eq(done),
        ]
        m.d.sync += Cat(phase, tick).eq(phase + self.step)
        with m.If(active & tick):
            m.d.sync += [self.tx.eq(bits[0]), bits.eq(Cat(bits[1:], 1)), left.eq(left - 1)]
        with m.If(done):
            m.d.sync += [active.eq(self.i.valid), self.tx.eq(1)]
            with m.If(self.i.valid):
                m.d.sync += [self.tx.eq(0), bits.eq(Cat(self.i.payload, 1)), left.eq(9)]
            with m.If(~active):
                m.d.sync += [phase.eq(self.step), tick.eq(0)]
        return m
