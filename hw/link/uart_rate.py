"""Bit rate of the UART, which the host may change and which comes back by itself."""

from amaranth.hdl import Module, Signal
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import Component, In, Out

from host.protocol.packets import UART_FALLBACK_SECONDS, UART_PHASE_BITS, UART_QUIET, UART_STEPS
from hw.interfaces import uart_port
from hw.link.uart import bit_step

__all__ = ["UartRate"]


class UartRate(Component):
    """Step of the UART's phase accumulators.

    A step that the host writes is used once the response has left. It is given up for the default,
    so that a board never stays out of reach, when no request whose CRC is right comes in time:
    after the change, or after the first 0 on the line since the last such request. While the line
    rests, nothing is given up.

    Parameters
    ----------
    clock : float
        [Hz].
    baud : int
        Default rate [bit/s].
    fallback : int, optional
        Time for a request [cycles]; `UART_FALLBACK_SECONDS` by default.

    Members
    -------
    rx : In(1)
        Pin, asynchronous.
    tx : In(1)
        What the transmitter drives.
    port : In(uart_port())
        From the link.
    step : Out(UART_PHASE_BITS)
        For receiver and transmitter.

    Raises
    ------
    TypeError, ValueError
        See `hw.link.uart.bit_step`; `fallback` is no positive int.
    """

    def __init__(self, clock, baud, fallback=None):
        self._clock = clock
        self._default = bit_step(clock, baud)
        self._fallback = round(UART_FALLBACK_SECONDS * clock) if fallback is None else fallback
        if not isinstance(self._fallback, int):
            raise TypeError(f"fallback must be an int, not {fallback!r}")
        if self._fallback < 1:
            raise ValueError(f"fallback must be at least 1 cycle, not {fallback}")
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": In(1, init=1),
                "port": In(uart_port()),
                "step": Out(UART_PHASE_BITS, init=self._default),
            }
        )

    def elaborate(self, platform):
        m = Module()
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx, line, init=1)
        asked = Signal(UART_PHASE_BITS)
        pending = Signal()
        quiet = Signal(range(UART_QUIET + 1))
        waiting = Signal()  # for a request
        timer = Signal(range(self._fallback + 1))
        low, high = UART_STEPS

        m.d.comb += [
            self.port.clock.eq(round(self._clock)),
            self.port.default.eq(self._default),
            self.port.step.eq(self.step),
        ]
        with m.If(~self.tx):
            m.d.sync += quiet.eq(0)
        with m.Elif(quiet != UART_QUIET):
            m.d.sync += quiet.eq(quiet + 1)

        with m.If(self.port.request):
            m.d.sync += [waiting.eq(0), timer.eq(0)]
        with m.Elif(waiting):
            m.d.sync += timer.eq(timer + 1)
            with m.If(timer == self._fallback):
                m.d.sync += [self.step.eq(self._default), waiting.eq(0), timer.eq(0)]
        with m.Elif(~line):
            m.d.sync += waiting.eq(self.step != self._default)

        with m.If(pending & (quiet == UART_QUIET)):
            m.d.sync += [self.step.eq(asked), pending.eq(0), waiting.eq(1), timer.eq(0)]
        with m.If(self.port.write & (self.port.value >= low) & (self.port.value <= high)):
            m.d.sync += [asked.eq(self.port.value), pending.eq(1), quiet.eq(0)]
        return m
