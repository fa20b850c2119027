"""The accelerator behind UART pins."""

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import Component, In, Out, connect

from golden.core_config import CoreConfig
from hw.accelerator import Accelerator
from hw.link.uart import UartReceiver, UartTransmitter
from hw.link.uart_rate import UartRate

__all__ = ["UartAccelerator"]


class UartAccelerator(Component):
    """Accelerator with UART pins.

    Parameters
    ----------
    config : CoreConfig
        Maxima and formats.
    clock : float
        [Hz].
    baud : int
        After a reset; the host may change it [bit/s].
    result_timeout, core
        See `Accelerator`.

    Members
    -------
    rx : In(1)
        Pin, asynchronous.
    tx : Out(1)
        Pin.
    alive, training, error : Out(1)
        See `Accelerator`; `error` also shows bytes without stop bit and lost bytes, for ever.
    """

    def __init__(self, config: CoreConfig, clock, baud, *, result_timeout=1 << 20, core=None):
        self._receiver = UartReceiver(clock, baud)
        self._transmitter = UartTransmitter(clock, baud)
        self._rate = UartRate(clock, baud)
        self._accelerator = Accelerator(config, result_timeout=result_timeout, core=core)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "alive": Out(1),
                "training": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.receiver = receiver = self._receiver
        m.submodules.transmitter = transmitter = self._transmitter
        m.submodules.rate = rate = self._rate
        m.submodules.accelerator = accelerator = self._accelerator
        lost = Signal()

        connect(m, receiver.o, accelerator.rx)
        connect(m, accelerator.tx, transmitter.i)
        connect(m, accelerator.uart, rate.port)
        with m.If(receiver.framing_error | receiver.overflow):
            m.d.sync += lost.eq(1)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            receiver.step.eq(rate.step),
            transmitter.step.eq(rate.step),
            rate.rx.eq(self.rx),
            rate.tx.eq(transmitter.tx),
            self.tx.eq(transmitter.tx),
            self.alive.eq(accelerator.alive),
            self.training.eq(accelerator.training),
            self.error.eq(accelerator.error | lost),
        ]
        return m
