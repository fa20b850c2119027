"""Top level of a board: clock, reset, UART, LEDs, accelerator."""

from amaranth.hdl import ClockDomain, Elaboratable, Module
from amaranth.lib import io

from boards.board import Board, Pin
from boards.core import core_for
from golden.core_config import CoreConfig
from hw.clocking import ClockReset
from hw.uart_accelerator import UartAccelerator

__all__ = ["BoardTop", "pin_port"]


class BoardTop(Elaboratable):
    """The accelerator on a board's pins.

    Parameters
    ----------
    board : Board
    config : CoreConfig
        Maxima and formats.
    target : int, optional
        Clock of the accelerator [Hz]; the board's by default.
    core : Component, optional
        Stands in for the core, see `hw.accelerator.Accelerator`.

    Raises
    ------
    ValueError
        No PLL makes the clock, or it is too slow for the board's UART.
    """

    def __init__(self, board: Board, config: CoreConfig, target: int | None = None, core=None):
        self._board = board
        target = board.target if target is None else target
        clock = float(board.made_clock(target))
        self._pll = None if target == board.clock else board.pll(board.setting(target))
        if core is None:
            core = core_for(config, board.limits)
        self._accelerator = UartAccelerator(config, clock, board.baud, core=core)

    def elaborate(self, platform):
        m = Module()
        board = self._board
        m.domains.sync = ClockDomain()
        m.submodules.clocking = clocking = ClockReset(self._pll, self._board.reset_buffer())
        m.submodules.accelerator = accelerator = self._accelerator
        m.submodules.clock_pin = clock_pin = io.Buffer(
            "i", platform.request(board.clock_name, 0, dir="-")
        )
        m.d.comb += clocking.clock.eq(clock_pin.i)
        if board.reset is not None:
            m.submodules.reset_pin = reset_pin = io.Buffer("i", pin_port(platform, board.reset, {}))
            m.d.comb += clocking.reset.eq(reset_pin.i)
        uart = platform.request(board.uart, 0, dir="-")
        m.submodules.rx_pin = rx_pin = io.Buffer("i", uart.rx)
        m.submodules.tx_pin = tx_pin = io.Buffer("o", uart.tx)
        m.d.comb += [accelerator.rx.eq(rx_pin.i), tx_pin.o.eq(accelerator.tx)]
        asked: dict = {}
        for name, pin in zip(("alive", "training", "error"), board.leds, strict=True):
            buffer = io.Buffer("o", pin_port(platform, pin, asked))
            m.submodules[f"{name}_pin"] = buffer
            m.d.comb += buffer.o.eq(getattr(accelerator, name))
        for number, pin in enumerate(board.high):
            buffer = io.Buffer("o", pin_port(platform, pin, asked))
            m.submodules[f"high_pin{number}"] = buffer
            m.d.comb += buffer.o.eq(1)
        return m


def pin_port(platform, pin: Pin, asked: dict):
    """Return a pin's port; a resource is requested once and kept in `asked`."""
    key = (pin.resource, pin.number)
    if key not in asked:
        asked[key] = platform.request(*key, dir="-")
    return getattr(asked[key], pin.part) if pin.part else asked[key]
