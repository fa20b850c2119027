"""The accelerator: packet link and core, between two byte streams."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out, connect, flipped

from golden.core_config import CoreConfig
from hw.interfaces import uart_port
from hw.link.link import Link

__all__ = ["Accelerator"]


class Accelerator(Component):
    """Accelerator behind a byte interface: UART, PCIe stream or simulated board.

    Parameters
    ----------
    config : CoreConfig
        Maxima and formats.
    result_timeout : int
        A request for the counts of an interval is answered BUSY after this long [cycles].
    core : Component, optional
        Stands in for `hw.core.Core(config)`; it has the members of `core_signature(config)`.

    Members
    -------
    rx : In(stream.Signature(8))
        Bytes from the host.
    tx : Out(stream.Signature(8))
        Bytes to the host.
    uart : Out(uart_port())
        For a UART that carries the bytes, see `hw.link.uart_rate.UartRate`.
    alive : Out(1)
        Blinks: toggles every 2**25 cycles (0.34 s at 100 MHz).
    training : Out(1)
        An interval waits or runs.
    error : Out(1)
        A packet was dropped or refused since the counters were cleared.
    """

    def __init__(self, config: CoreConfig, *, result_timeout: int = 1 << 20, core=None):
        if not isinstance(config, CoreConfig):
            raise TypeError(f"config must be a CoreConfig, not {config!r}")
        if core is None:
            from hw.core import Core

            core = Core(config)
        self._core = core
        self._link = Link(config, result_timeout)
        super().__init__(
            {
                "rx": In(stream.Signature(8)),
                "tx": Out(stream.Signature(8)),
                "uart": Out(uart_port()),
                "alive": Out(1),
                "training": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.core = core = self._core
        m.submodules.link = link = self._link
        connect(m, flipped(self.rx), link.rx)
        connect(m, link.tx, flipped(self.tx))
        connect(m, link.core, core)
        connect(m, link.uart, flipped(self.uart))

        blink = Signal(26)
        m.d.sync += blink.eq(blink + 1)
        m.d.comb += [
            self.alive.eq(blink[-1]),
            self.training.eq(link.busy),
            self.error.eq(link.error),
        ]
        return m
