"""Bit rate of a board's UART: which ones it can make, and how both ends change to one."""

from __future__ import annotations

import time
from dataclasses import dataclass

from host.driver import LinkBoard
from host.link import Link, LinkError
from host.protocol.packets import (
    UART_FALLBACK_SECONDS,
    UART_PHASE_BITS,
    UART_QUIET,
    UART_STEPS,
    Packet,
)
from host.transport.base import TransportError

MAX_ERROR = 0.01
"""Largest relative difference of a rate that is made to the one that is wanted. Receivers of both
ends stand 4 % together."""

SETTLE_SECONDS = 0.005
"""For the port to change its rate, beside the clocks that the board takes [s]."""


class RateError(TransportError):
    """Nothing passes at a rate; both ends have the board's own rate again."""


@dataclass(frozen=True)
class UartClock:
    """What a board's UART divides its rates from.

    Attributes
    ----------
    clock : int
        [Hz].
    default : int
        Step of the rate after a reset.
    """

    clock: int
    default: int

    def baud(self, step: int) -> float:
        """Return the rate of a step [bit/s]."""
        return step * self.clock / (1 << UART_PHASE_BITS)

    def step(self, baud: int) -> int:
        """Return the step of a rate.

        Raises
        ------
        ValueError
            The clock is too slow or too fast for the rate.
        """
        step = round((baud << UART_PHASE_BITS) / self.clock)
        low, high = UART_STEPS
        if not low <= step <= high or abs(self.baud(step) / baud - 1) > MAX_ERROR:
            raise ValueError(
                f"baud must be {self.baud(low):.0f} to {self.baud(high):.0f} with a clock of "
                f"{self.clock} Hz, not {baud}"
            )
        return step


def uart_of(board: LinkBoard) -> UartClock | None:
    """Return the clock of the UART that connects a board; None if it is connected otherwise."""
    values = board.registers()
    if not values["uart_clock"] or not board.transport.rate:
        return None
    return UartClock(values["uart_clock"], values["uart_default"])


def change(board: LinkBoard, uart: UartClock, baud: int, own: int) -> None:
    """Change the rate of both ends.

    Parameters
    ----------
    board : LinkBoard
        Idle.
    uart : UartClock
        Its UART.
    baud : int
        New rate [bit/s].
    own : int
        The board's own [bit/s].

    Raises
    ------
    ValueError
        The board cannot make the rate; nothing has changed.
    TransportError
        The port cannot make the rate; nothing has changed.
    RateError
        Nothing passes; both ends have the board's own rate.
    host.link.LinkError
        Nothing passes any more, at that rate neither.
    """
    step, transport, before = uart.step(baud), board.transport, board.transport.rate
    transport.set_rate(baud)  # before the board changes: an adapter may not have the rate
    transport.set_rate(before)
    board.write_register("uart_step", step)
    time.sleep(UART_QUIET / uart.clock + SETTLE_SECONDS)
    transport.set_rate(baud)
    try:
        Link(transport, retries=2).request(Packet.HELLO)
        board.reconnect()
    except LinkError:
        reach(board, own)
        raise RateError(f"{transport.name} gets no answer at {baud} baud") from None


def reach(board: LinkBoard, baud: int) -> None:
    """Reach a board at its own rate, which it returns to when nothing else comes.

    Raises
    ------
    host.link.LinkError
        It does not answer for longer than that takes.
    """
    board.transport.set_rate(baud)
    end = time.monotonic() + 2 * UART_FALLBACK_SECONDS
    while True:
        try:
            Link(board.transport, retries=0).request(Packet.HELLO)
            break
        except LinkError:
            if time.monotonic() > end:
                raise
    board.reconnect()
