"""Loopback: random payloads that the board must send back, at every rate of its UART."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass

from host.driver import LinkBoard
from host.link import Link, LinkError
from host.protocol.packets import SLIP_END, SLIP_ESC, Packet
from host.selftest.checks import FAILED, OK, SKIPPED, Check
from host.transport.base import TransportError
from host.uart_rate import RateError, UartClock, change, reach, uart_of

PART = "link"

RATES = (
    115_200, 230_400, 460_800, 921_600, 1_000_000, 2_000_000, 3_000_000, 4_000_000, 6_000_000,
    8_000_000, 12_000_000,
)  # fmt: skip
"""Usual rates of UARTs and their adapters [bit/s]."""

PAYLOADS = 64
"""Echoes per rate."""

SECONDS = 3.0
"""A slow rate gets fewer echoes, but `FEWEST` [s]."""

FEWEST = 8

BITS_PER_BYTE = 10
"""Of a UART: start bit, 8 bits, stop bit."""

COUNTERS = ("crc_errors", "length_errors", "sequence_errors")
"""Registers that count what reached the board damaged."""

Advance = Callable[[int, str], None]


@dataclass
class Echoes:
    """What came of some echoes.

    Attributes
    ----------
    payloads : int
        Sent back.
    bytes : int
        Of payload, each way.
    seconds : float
        Taken by them [s].
    changed : int
        Sent back otherwise, with a right CRC.
    resends, damaged, stale : int
        See `host.link.LinkStatistics`.
    board_errors : int
        Packets that reached the board damaged.
    silent : str
        Why nothing came any more.
    """

    payloads: int = 0
    bytes: int = 0
    seconds: float = 0.0
    changed: int = 0
    resends: int = 0
    damaged: int = 0
    stale: int = 0
    board_errors: int = 0
    silent: str = ""

    @property
    def clean(self) -> bool:
        """Whether all came back at once."""
        errors = (self.changed, self.resends, self.damaged, self.stale, self.board_errors)
        return not self.silent and self.payloads > 0 and not any(errors)

    def text(self) -> str:
        """Return what happened in a line."""
        rate = self.bytes / self.seconds if self.seconds else 0.0
        done = f"{self.payloads} payloads, {self.bytes:,} bytes each way, {rate:,.0f} bytes/s: "
        if self.clean:
            return done + "no errors"
        counts = {
            "came back changed": self.changed,
            "requests repeated": self.resends,
            "damaged on the way here": self.damaged,
            "damaged on the way there": self.board_errors,
            "answers too late": self.stale,
        }
        words = [f"{count} {what}" for what, count in counts.items() if count]
        return done + ", ".join([*words, *([self.silent] if self.silent else [])])


def payload(generator: random.Random, number: int, longest: int) -> bytes:
    """Return a payload: the shortest and the longest first; SLIP's bytes are frequent in some."""
    length = (0, 1, longest)[number] if number < 3 else generator.randint(1, longest)
    data = bytearray(generator.randbytes(length))
    if number % 4 == 2:
        for place in range(0, length, 3):
            data[place] = generator.choice((SLIP_END, SLIP_ESC, 0x00, 0xFF))
    return bytes(data)


def errors_of_board(board: LinkBoard) -> int:
    """Return how many packets reached the board damaged since its counters were cleared."""
    values = board.registers()
    return sum(values[name] for name in COUNTERS)


def echoes(
    board: LinkBoard, count: int = PAYLOADS, seed: int = 1, advance: Advance | None = None
) -> Echoes:
    """Send payloads and compare what comes back; unless that ends in silence the board is ready."""
    transport, generator, found = board.transport, random.Random(seed), Echoes()
    link = Link(transport)
    try:
        before = errors_of_board(board)
        start = transport.now()
        link.request(Packet.HELLO)
        for number in range(count):
            data = payload(generator, number, board.config.packet_bytes)
            line = 2 * len(data) * BITS_PER_BYTE / transport.rate if transport.rate else 0.0
            got = link.request(Packet.ECHO, data, timeout=transport.timeout + line)
            found.payloads += 1
            found.bytes += len(data)
            found.changed += got != data
            found.seconds = transport.now() - start
            if advance is not None:
                advance(1, f"{PART}: echo")
            if number >= FEWEST and found.seconds > SECONDS:
                break
        board.reconnect()
        found.board_errors = errors_of_board(board) - before
    except LinkError as error:
        found.silent = str(error)
    statistics = link.statistics
    found.resends, found.damaged = statistics.resends, statistics.damaged
    found.stale = statistics.stale
    return found


def rates(uart: UartClock, own: int, asked: Sequence[int] | None) -> list[int]:
    """Return the rates to try, rising: those asked for, or the usual ones that the board makes."""
    if asked:
        return sorted({*asked})
    possible = {own}
    for baud in RATES:
        try:
            uart.step(baud)
        except ValueError:
            continue
        possible.add(baud)
    return sorted(possible)


def check(
    board: LinkBoard, asked: Sequence[int] | None = None, seed: int = 1,
    advance: Advance | None = None,
) -> Iterator[Check]:  # fmt: skip
    """Yield a check per rate, or one where the link is no UART.

    Rates above the bitstream's own tell how much more the line would carry; they do not count.
    """
    uart, own = uart_of(board), board.transport.rate
    if uart is None:
        found = echoes(board, seed=seed, advance=advance)
        yield _check("loopback", found)
        if found.silent:
            board.reconnect()
        return
    for baud in rates(uart, own, asked):
        name = f"{baud:,} baud" + (" (its own)" if baud == own else "")
        try:
            if baud != board.transport.rate:
                change(board, uart, baud, own)
        except RateError as error:
            result = SKIPPED if baud > own else FAILED
            yield Check(PART, name, result, str(error), {"baud": baud})
            continue
        except LinkError:
            raise
        except (TransportError, ValueError) as error:
            yield Check(PART, name, SKIPPED, str(error), {"baud": baud})
            continue
        found = echoes(board, seed=seed, advance=advance)
        if baud > own and not found.clean:
            yield Check(
                PART, name, SKIPPED, "above the board's own rate: " + found.text(),
                {"baud": baud, **asdict(found)},
            )  # fmt: skip
        else:
            yield _check(name, found, baud)
        if not found.clean:
            reach(board, own)
    if board.transport.rate != own:
        change(board, uart, own, own)


def _check(name: str, found: Echoes, baud: int | None = None) -> Check:
    figures = {**({"baud": baud} if baud else {}), **asdict(found)}
    return Check(PART, name, OK if found.clean else FAILED, found.text(), figures)
