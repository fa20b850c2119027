"""A transport that damages what passes, to test what the link makes of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from host.transport.base import Transport

KINDS = ("drop", "flip", "repeat", "truncate", "garbage")


@dataclass
class Faults:
    """How often what happens, per chunk of bytes sent or received, 0 to 1.

    Attributes
    ----------
    drop : float
        The chunk is lost.
    flip : float
        One bit changes.
    repeat : float
        The chunk comes twice.
    truncate : float
        The chunk's end is lost.
    garbage : float
        Random bytes come before it.
    count : dict
        How often each happened.
    """

    drop: float = 0.0
    flip: float = 0.0
    repeat: float = 0.0
    truncate: float = 0.0
    garbage: float = 0.0
    count: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))


class FaultyTransport(Transport):
    """Damages both directions of another transport, reproducibly.

    Parameters
    ----------
    inner : Transport
        Where the bytes go.
    sending, receiving : Faults
        What happens to them.
    seed : int
        Of the random choices.
    """

    def __init__(
        self,
        inner: Transport,
        sending: Faults | None = None,
        receiving: Faults | None = None,
        seed: int = 1,
    ) -> None:
        self.inner = inner
        self.name = f"faulty {inner.name}"
        self.timeout = inner.timeout
        self.rate = inner.rate
        self.sending = sending or Faults()
        self.receiving = receiving or Faults()
        self._random = random.Random(seed)

    def _damage(self, data: bytes, faults: Faults) -> bytes:
        happens = {k: self._random.random() < getattr(faults, k) for k in KINDS}
        for kind, yes in happens.items():
            faults.count[kind] += yes
        if happens["drop"]:
            return b""
        if happens["flip"]:
            damaged = bytearray(data)
            damaged[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
            data = bytes(damaged)
        if happens["truncate"]:
            data = data[: self._random.randrange(len(data))]
        if happens["repeat"]:
            data = data * 2
        if happens["garbage"]:
            data = self._random.randbytes(self._random.randrange(1, 20)) + data
        return data

    def set_rate(self, rate: int) -> None:
        """Change the rate of the inner transport."""
        self.inner.set_rate(rate)
        self.rate = rate

    def now(self) -> float:
        """Return the inner transport's time."""
        return self.inner.now()

    def send(self, data: bytes) -> None:
        """Send what is left of `data`."""
        damaged = self._damage(data, self.sending)
        if damaged:
            self.inner.send(damaged)

    def receive(self, timeout: float) -> bytes:
        """Return what is left of what arrived."""
        data = self.inner.receive(timeout)
        return self._damage(data, self.receiving) if data else data

    def close(self) -> None:
        """Close the inner transport."""
        self.inner.close()
