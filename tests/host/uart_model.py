"""Stand-in for a board behind a UART: a virtual board whose registers tell of one."""

from host.link import decode, encode
from host.protocol.packets import ACCESS, REGISTERS, UART_STEPS, Packet, Space
from host.transport.base import Transport, TransportError

CLOCK = 100_000_000
OWN = 3_000_000
TRIES = 4
"""Sends at a wrong rate after which the model falls back, in place of seconds."""


class UartModel(Transport):
    """Passes bytes while host and board have the same rate.

    Parameters
    ----------
    inner : SimTransport
    carries : int
        Above this rate every request is lost [bit/s].
    noisy : int
        Above this rate every other response is damaged [bit/s].
    lacks : tuple of int
        Rates that the port does not have.
    stuck : bool
        The board never falls back.
    """

    def __init__(self, inner, carries=CLOCK, noisy=CLOCK, lacks=(), stuck=False):
        self.inner = inner
        self.name = "modelled UART"
        self.timeout = 0.0004
        self.rate = OWN
        self.carries, self.noisy, self.lacks, self.stuck = carries, noisy, lacks, stuck
        self.answers = 0
        self.own = self.step = round(OWN * 2**16 / CLOCK)
        self.lost = 0
        self.request = b""
        self.used = []

    @property
    def board_rate(self):
        return self.step * CLOCK / 2**16

    def set_rate(self, rate):
        if rate in self.lacks:
            raise TransportError(f"{self.name} does not have {rate} baud")
        self.rate = rate

    def now(self):
        return self.inner.now()

    def send(self, data):
        if abs(self.board_rate / self.rate - 1) > 0.03 or self.rate > self.carries:
            self.lost += 1
            if self.lost >= TRIES and not self.stuck:
                self.step = self.own
            return
        self.lost = 0
        if not self.used or self.used[-1] != self.rate:
            self.used.append(self.rate)
        self.request = data
        self.inner.send(data)

    def receive(self, timeout):
        # The line's own time is not modelled: what takes longer does not come.
        data = self.inner.receive(min(timeout, self.timeout) if self.request else 1e-6)
        if not data:
            return data
        kind, _, payload = decode(self.request[1:-1])
        header = ACCESS.unpack(int.from_bytes(payload[: ACCESS.bytes], "little"))
        if kind in (Packet.READ, Packet.WRITE) and header["space"] == Space.REGISTERS:
            names = REGISTERS[header["start"] : header["start"] + header["rows"]]
            if kind == Packet.WRITE and "uart_step" in names:
                step = int.from_bytes(payload[ACCESS.bytes :], "little")
                if UART_STEPS[0] <= step <= UART_STEPS[1]:
                    self.step = step
            if kind == Packet.READ:
                data = self.patched(data, names)
        self.answers += 1
        if self.rate > self.noisy and self.answers % 2:
            data = data[:4] + bytes([data[4] ^ 1]) + data[5:]
        return data

    def patched(self, data, names):
        """The response with the registers of a UART."""
        kind, sequence, payload = decode(data[1:-1])
        values = {"uart_clock": CLOCK, "uart_default": self.own, "uart_step": self.step}
        rows = bytearray(payload)
        for place, name in enumerate(names):
            if name in values:
                rows[1 + 4 * place : 5 + 4 * place] = values[name].to_bytes(4, "little")
        return encode(kind, sequence, bytes(rows))

    def close(self):
        self.inner.close()
