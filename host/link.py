"""Requests and responses: SLIP, CRC-32, sequence numbers, repetition, statistics."""

from __future__ import annotations

import random
import time
import zlib
from collections import Counter
from dataclasses import dataclass, field

import sliplib

from host.protocol.packets import (
    CRC_BYTES,
    HEADER_BYTES,
    RESPONSE,
    SLIP_END,
    Packet,
    Status,
)
from host.transport.base import Transport, TransportError

END = bytes([SLIP_END])


class LinkError(TransportError):
    """No valid response came, whatever was tried."""


class RequestError(RuntimeError):
    """The board answered that it does not carry out a request.

    Attributes
    ----------
    status : Status
        Why.
    """

    def __init__(self, kind: Packet, status: Status, text: str = "") -> None:
        super().__init__(
            f"board answers {status.name} to {kind.name}" + (f": {text}" if text else "")
        )
        self.kind = kind
        self.status = status


class BusyError(RequestError):
    """The board is at work; the same request can succeed later."""


def encode(kind: int, sequence: int, payload: bytes) -> bytes:
    """Return the bytes of a packet on the stream."""
    body = bytes([kind, sequence]) + payload
    body += zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    return END + sliplib.encode(body) + END


def decode(frame: bytes) -> tuple[int, int, bytes] | None:
    """Return (type, sequence, payload) of a SLIP frame without its END bytes, None if damaged."""
    try:
        body = sliplib.decode(frame)
    except sliplib.ProtocolError:
        return None
    if len(body) < HEADER_BYTES + CRC_BYTES:
        return None
    body, crc = body[:-CRC_BYTES], body[-CRC_BYTES:]
    if zlib.crc32(body) != int.from_bytes(crc, "little"):
        return None
    return body[0], body[1], bytes(body[HEADER_BYTES:])


@dataclass
class LinkStatistics:
    """What passed over a link.

    Attributes
    ----------
    requests : Counter
        Requests answered, per type.
    sent, received : Counter
        Bytes on the stream per request type, framing and repetitions included.
    resends : int
        Requests sent again.
    damaged : int
        Frames from the board that were damaged.
    stale : int
        Valid responses to earlier requests.
    """

    requests: Counter[str] = field(default_factory=Counter)
    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    resends: int = 0
    damaged: int = 0
    stale: int = 0

    @property
    def bytes_sent(self) -> int:
        """Bytes to the board."""
        return sum(self.sent.values())

    @property
    def bytes_received(self) -> int:
        """Bytes from the board."""
        return sum(self.received.values())


class Link:
    """Stop and wait: one request, its response, repeated until it arrives.

    Parameters
    ----------
    transport : Transport
        The streams.
    retries : int
        Times a request is sent again before giving up.
    first_sequence : int, optional
        Number of the first request, random by default so that responses to an earlier program
        are not taken for this one's.

    Raises
    ------
    ValueError
        `retries` is negative.
    """

    def __init__(
        self, transport: Transport, *, retries: int = 8, first_sequence: int | None = None
    ) -> None:
        if retries < 0:
            raise ValueError(f"retries must be at least 0, not {retries}")
        self.transport = transport
        self.retries = retries
        self.statistics = LinkStatistics()
        start = random.SystemRandom().randrange(256) if first_sequence is None else first_sequence
        self._sequence = (start - 1) & 255
        self._partial = bytearray()
        self._broken = False

    def request(self, kind: Packet, payload: bytes = b"", *, timeout: float | None = None) -> bytes:
        """Send a request; return the response's payload behind its status.

        Raises
        ------
        BusyError, RequestError
            The board answers with another status than OK.
        LinkError
            No valid response came; whether the request was carried out is not known, so that
            nothing but opening the board again can follow.
        """
        if self._broken:
            raise LinkError(f"{self.transport.name} stopped answering: open the board again")
        self._sequence = (self._sequence + 1) & 255
        packet = encode(kind, self._sequence, payload)
        wait = self.transport.timeout if timeout is None else timeout
        for attempt in range(self.retries + 1):
            if attempt:
                self.statistics.resends += 1
            self.transport.send(packet)
            self.statistics.sent[kind.name] += len(packet)
            answer = self._await(kind, wait)
            if answer is not None:
                return self._judge(kind, answer)
        self._broken = True
        raise LinkError(
            f"{self.transport.name} does not answer {kind.name} after {self.retries + 1} attempts"
            + (
                ": is a board of this project connected, configured and at this baud rate?"
                if not self.statistics.requests
                else ""
            )
        )

    def _judge(self, kind: Packet, answer: bytes) -> bytes:
        self.statistics.requests[kind.name] += 1
        try:
            status = Status(answer[0])
        except (IndexError, ValueError):
            raise LinkError(f"board answers {kind.name} with an unknown status") from None
        if status is Status.OK:
            return answer[1:]
        if status is Status.BUSY:
            raise BusyError(kind, status)
        if status is Status.SEQUENCE:
            raise RequestError(
                kind, status, "it was reset, or another program uses it; open it again"
            )
        raise RequestError(kind, status)

    def _await(self, kind: Packet, timeout: float) -> bytes | None:
        """Return the payload of the response to the current request, None if none comes."""
        end = time.monotonic() + max(timeout, 0.001)
        while True:
            data = self.transport.receive(timeout)
            self.statistics.received[kind.name] += len(data)
            if not data:
                return None
            self._partial += data
            *frames, rest = self._partial.split(END)
            self._partial = bytearray(rest)
            for frame in frames:
                if not frame:
                    continue
                packet = decode(bytes(frame))
                if packet is None:
                    self.statistics.damaged += 1
                elif packet[0] == kind | RESPONSE and packet[1] == self._sequence:
                    return packet[2]
                else:
                    self.statistics.stale += 1
            if time.monotonic() > end + 10 * timeout:
                return None  # a stream of garbage must not hold the host for ever
