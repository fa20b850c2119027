"""A board behind PCIe: the character devices of AMD's driver for XDMA (Linux)."""

from __future__ import annotations

import contextlib
import errno
import io
import mmap
import os
import queue
import re
import stat
import threading
from pathlib import Path

from host.transport.base import Transport, TransportError

ERESTARTSYS = 512
"""What older drivers say when no data came; a number of the kernel's own that is not in `errno`."""

NOTHING_YET = (errno.ETIMEDOUT, ERESTARTSYS)
"""A transfer ends so when the card moved nothing for a while (by default 10 s)."""

GUIDE = "docs/pcie.md"


def _open(path: Path, flags: int) -> int:
    """Open one of the card's devices.

    Raises
    ------
    TransportError
        It is not there, not permitted, taken, or not a device.
    """
    try:
        device = None if stat.S_ISREG(path.stat().st_mode) else os.open(path, flags)
    except OSError as error:
        raise TransportError(f"no board at {path} {_reason(path, error)}") from error
    if device is None:
        raise TransportError(
            f"no board at {path}: this is a file, not a device. A program wrote it while no driver "
            f"was loaded: delete it, then load the driver ({GUIDE})"
        )
    return device


def _reason(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        pattern = re.compile(r"(.+)_h2c_\d+")
        names = sorted({m[1] for p in path.parent.glob("*") if (m := pattern.fullmatch(p.name))})
        return (
            "(no such device): is the driver xdma loaded, and was the card configured before the "
            f"computer looked for PCIe devices ({GUIDE})? Cards here: {', '.join(names) or 'none'}"
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"(no permission): give your user access with a udev rule ({GUIDE})"
    if error.errno == errno.EBUSY:
        return (
            "(in use): another program has it open, or one that ended within the last 10 s still "
            "waits for an answer there"
        )
    return f"({error.strerror or error}): `dmesg` says why ({GUIDE})"


class PcieTransport(Transport):
    """Streaming channel of a card with AMD's XDMA, by its two character devices.

    The driver's devices cannot be polled, and a read of one blocks until the card ends a packet,
    so a thread of its own reads. It reads only while `receive` waits for bytes: nothing but one
    chunk is ever queued, the rest waits in the card, and no read is under way between requests.
    Each read asks for one page, which is one descriptor of the DMA: the only length for which the
    driver's count of bytes is right whatever the card sends (a descriptor that a packet ended is
    left half filled, and the next packet begins in the next one).

    Parameters
    ----------
    device : str
        What the names of the devices begin with, ``/dev/xdma0`` for the first card: ``_h2c_0`` and
        ``_c2h_0`` are appended.
    channel : int
        DMA channel, the last number of these names.

    Raises
    ------
    ValueError
        `channel` is negative.
    TransportError
        A device does not exist, is not permitted, or is taken.
    """

    timeout = 0.5

    def __init__(self, device: str = "/dev/xdma0", channel: int = 0) -> None:
        if channel < 0:
            raise ValueError(f"channel must be at least 0, not {channel}")
        self.name = f"PCIe card {device}" + (f" channel {channel}" if channel else "")
        # The driver may refuse memory that is not aligned as the core asks for; a page always is.
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._to_card: int | None = _open(Path(f"{device}_h2c_{channel}"), os.O_WRONLY)
        try:
            from_card = _open(Path(f"{device}_c2h_{channel}"), os.O_RDONLY)
        except BaseException:
            os.close(self._to_card)
            raise
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._chunks: queue.SimpleQueue[bytes | OSError] = queue.SimpleQueue()
        self._reading = False
        self._closed = threading.Event()
        self._thread = threading.Thread(
            target=self._read, args=(from_card,), name=f"reader of {self.name}", daemon=True
        )
        self._thread.start()

    def _read(self, device: int) -> None:
        """Read one chunk for each True in `_wanted`, until a False; the thread's own function."""
        # io.FileIO reads into memory that is there, with read(2); readv(2), which os offers, leads
        # to the driver's asynchronous requests.
        with mmap.mmap(-1, mmap.PAGESIZE) as page, io.FileIO(device, "rb") as file:
            while self._wanted.get():
                while not self._closed.is_set():
                    try:
                        count = file.readinto(page)
                    except OSError as error:
                        if error.errno in NOTHING_YET:
                            continue
                        self._chunks.put(error)
                        return
                    self._chunks.put(page[:count] if count else OSError("the device is gone"))
                    break

    def send(self, data: bytes) -> None:
        """Send all of `data`.

        Raises
        ------
        TransportError
            The device broke, or the card takes no bytes.
        """
        if self._to_card is None:
            raise TransportError(f"{self.name} is closed")
        while data:
            size = min(len(data), mmap.PAGESIZE)
            self._page[:size] = data[:size]
            data = data[self._write(self._to_card, memoryview(self._page)[:size]) :]

    def _write(self, device: int, data: memoryview) -> int:
        try:
            count = os.write(device, data)
        except OSError as error:
            if error.errno in NOTHING_YET:
                raise TransportError(
                    f"{self.name} takes no bytes: does its bitstream hold the accelerator, and is "
                    "this the channel it is connected to?"
                ) from error
            raise self._broke("sending", error) from error
        if not count:
            raise self._broke("sending", OSError("the device is gone"))
        return count

    def receive(self, timeout: float) -> bytes:
        """Return what has arrived within `timeout` [s].

        Raises
        ------
        TransportError
            The device broke.
        """
        if self._to_card is None:
            raise TransportError(f"{self.name} is closed")
        if not self._reading:
            self._reading = True
            self._wanted.put(True)
        try:
            chunk = self._chunks.get(timeout=max(0.0, timeout))
        except queue.Empty:
            return b""
        if isinstance(chunk, OSError):
            self._chunks.put(chunk)  # for whoever asks again
            raise self._broke("receiving", chunk) from chunk
        self._reading = False
        return chunk

    def _broke(self, doing: str, error: OSError) -> TransportError:
        return TransportError(
            f"{self.name} broke while {doing}: {error}. `dmesg` says why; after another bitstream "
            f"was loaded the driver must find the card again ({GUIDE})"
        )

    def close(self) -> None:
        """Close the devices; a read under way, if a request had no answer, ends by itself later."""
        if self._to_card is None:
            return
        self._closed.set()
        self._wanted.put(False)
        with contextlib.suppress(OSError):
            os.close(self._to_card)
        self._to_card = None
        self._thread.join(0.2)  # it closes the other device, so that the card can be opened again
