"""The virtual board: the Verilated accelerator in a shared library."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

from golden.core_config import CoreConfig
from host.transport.base import Transport, TransportError

ROOT = Path(__file__).resolve().parents[2]
INTERFACE = 1
"""Version of the harness's C functions."""

CLOCK = 100e6
"""Clock that stands for the board's, to turn a timeout into cycles [Hz]."""

QUIET = 32
"""Cycles without a byte after which a response counts as complete."""

RECEIVE_BYTES = 1 << 16


def build_library(config: CoreConfig, *, trace: bool = False, verbose: bool = True) -> Path:
    """Build the virtual board of `config` unless it is up to date; return its library.

    Raises
    ------
    TransportError
        The build failed; the message holds the tools' output.
    """
    folder = ROOT / "build" / "virtual_board" / (f"{config.hash:08x}" + "-trace" * trace)
    library = folder / "libvirtual_board.so"
    command = [sys.executable, "-m", "hw.virtual_board.build", *(["--trace"] if trace else [])]
    for name, value in config.to_words().items():
        command += ["--" + name.replace("_", "-"), str(value)]
    if verbose and not library.is_file():
        print(f"Building the virtual board (P = {config.lanes}), a minute or two", file=sys.stderr)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TransportError(f"the virtual board cannot be built:\n{done.stdout}{done.stderr}")
    return library


class SimTransport(Transport):
    """Byte streams of the accelerator in a shared library; time stands still between the calls.

    Parameters
    ----------
    library : Path
        What `build_library` returns.
    stall : int
        Both streams pause in this many of 256 cycles.
    seed : int
        Of the pauses.
    waves : Path, optional
        Write a VCD here; the library must be built with traces.

    Raises
    ------
    TransportError
        The library cannot be loaded.
    """

    name = "virtual board"
    timeout = 0.02

    def __init__(
        self, library: Path, *, stall: int = 0, seed: int = 1, waves: Path | None = None
    ) -> None:
        try:
            self._lib = ctypes.CDLL(str(library))
            version = self._lib.virtual_board_interface()
        except (OSError, AttributeError) as error:
            raise TransportError(f"virtual board {library} cannot be loaded: {error}") from error
        if version != INTERFACE:
            raise TransportError(
                f"virtual board {library} has interface {version}, not {INTERFACE}: build it again"
            )
        pointer, count = ctypes.c_void_p, ctypes.c_uint64
        count_pointer = ctypes.POINTER(count)
        self._lib.virtual_board_create.restype = pointer
        self._lib.virtual_board_destroy.argtypes = [pointer]
        self._lib.virtual_board_reset.argtypes = [pointer]
        self._lib.virtual_board_stall.argtypes = [pointer, ctypes.c_uint32, count]
        self._lib.virtual_board_trace.argtypes = [pointer, ctypes.c_char_p]
        self._lib.virtual_board_cycles.argtypes = [pointer]
        self._lib.virtual_board_cycles.restype = count
        self._lib.virtual_board_run.argtypes = [
            pointer, count, count, ctypes.c_char_p, count, count_pointer,
            pointer, count, count_pointer,
        ]  # fmt: skip
        self._handle: int | None = self._lib.virtual_board_create()
        self._buffer = ctypes.create_string_buffer(RECEIVE_BYTES)
        self._received = bytearray()
        if waves is not None and self._lib.virtual_board_trace(self._board, str(waves).encode()):
            raise TransportError("the virtual board is built without traces")
        self._lib.virtual_board_stall(self._board, stall, seed)
        self.reset()

    @property
    def _board(self) -> int:
        if self._handle is None:
            raise TransportError("the virtual board is closed")
        return self._handle

    @property
    def cycles(self) -> int:
        """Cycles simulated."""
        return int(self._lib.virtual_board_cycles(self._board))

    def now(self) -> float:
        """Return the time that has been simulated [s]."""
        return self.cycles / CLOCK

    def reset(self) -> None:
        """Reset the accelerator; memories keep their contents."""
        self._lib.virtual_board_reset(self._board)
        self._received.clear()

    def run(self, cycles: int) -> None:
        """Let time pass."""
        self._step(b"", cycles, cycles)

    def _step(self, data: bytes, cycles: int, quiet: int) -> tuple[int, int]:
        """Clock the accelerator; return the bytes it took and gave."""
        taken, given = ctypes.c_uint64(), ctypes.c_uint64()
        self._lib.virtual_board_run(
            self._board, cycles, quiet, data, len(data), ctypes.byref(taken),
            self._buffer, RECEIVE_BYTES, ctypes.byref(given),
        )  # fmt: skip
        self._received += self._buffer.raw[: given.value]
        return taken.value, given.value

    def send(self, data: bytes) -> None:
        """Send all of `data`; what the board sends meanwhile is kept."""
        left = int(self.timeout * CLOCK)
        while data:
            before = self.cycles
            taken, _ = self._step(data, left, 0)
            data = data[taken:]
            left = left - (self.cycles - before) if not taken else int(self.timeout * CLOCK)
            if left <= 0:
                raise TransportError("the virtual board takes no bytes")

    def receive(self, timeout: float) -> bytes:
        """Return what the accelerator sends within `timeout` seconds of its clock."""
        if not self._received:
            self._step(b"", max(1, int(timeout * CLOCK)), QUIET)
        data = bytes(self._received)
        self._received.clear()
        return data

    def close(self) -> None:
        """Free the simulation."""
        if self._handle is not None:
            self._lib.virtual_board_destroy(self._handle)
            self._handle = None
