"""What every transport offers: bytes out, bytes in within a time, an end."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from types import TracebackType


class TransportError(ConnectionError):
    """The stream to the board is not there or broke; the message says what to check."""


class Transport(ABC):
    """Two byte streams. They may lose or damage bytes, but they keep their order.

    Attributes
    ----------
    name : str
        For messages.
    timeout : float
        How long an answer to a short request can take [s].
    rate : int
        Of a serial line [bit/s], 0 for all others.
    """

    name: str = "transport"
    timeout: float = 1.0
    rate: int = 0

    @abstractmethod
    def send(self, data: bytes) -> None:
        """Send all of `data`."""

    @abstractmethod
    def receive(self, timeout: float) -> bytes:
        """Return what has arrived, at least one byte, or nothing after `timeout` [s]."""

    def set_rate(self, rate: int) -> None:
        """Change the rate of a serial line.

        Raises
        ------
        TransportError
            It is none, or it does not have that rate.
        """
        raise TransportError(f"{self.name} has no bit rate")

    def now(self) -> float:
        """Return the time that a throughput is measured with [s]."""
        return time.perf_counter()

    @abstractmethod
    def close(self) -> None:
        """Let the board go; closing twice is allowed."""

    def __enter__(self) -> Transport:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
