"""Packets between host and accelerator.

A packet on a byte stream is a SLIP frame (RFC 1055: END 0xC0 before and after, ESC 0xDB) around::

    type u8 | sequence u8 | payload | CRC-32 (zlib's, over all before it) u32

Everything is little-endian. The host sends one request at a time and waits for the response of the
same sequence number, with the response bit set in the type and a status byte in front of the
payload.

HELLO is carried out with any sequence number, which becomes the last one accepted; before the first
HELLO every other request is answered with SEQUENCE. The number after the last one is accepted,
whatever the status of the response. The last number again, with the same type, is a repetition:
requests that only read (`IDEMPOTENT`) are carried out again, all others are answered with the
status they had, without effect. Any other number is answered with SEQUENCE and counted. A request
that was answered BUSY is tried again under a new number.

A frame that is too long, too short, damaged or whose CRC is wrong is dropped and counted; empty
frames (two END in a row) mean nothing. While a request is carried out the accelerator takes no
bytes.

Intervals are numbered from 0 (after `CLEAR_RUN`) and are queued in order: FRAMES and RUN name
`next_run`. Two frame buffers take turns, so that interval q + 1 is loaded and queued while q is
computed. An interval queued with `frames` = 0 uses the frames of the interval before it: an image
is sent once. The counts of an interval stay readable until the interval after next is queued.
"""

from __future__ import annotations

from enum import IntEnum

from golden.core_config import CoreConfig
from host.protocol.fields import Field, Record
from host.protocol.program import INSTRUCTION, JOB, LAYER, PROFILE

MAGIC = 0x50425454
"""``TTBP`` in ASCII, little-endian."""

VERSION = 3
"""Changes with every incompatible change of packets, table or instructions."""

SLIP_END, SLIP_ESC, SLIP_ESC_END, SLIP_ESC_ESC = 0xC0, 0xDB, 0xDC, 0xDD

CRC_BYTES = 4
HEADER_BYTES = 2
RESPONSE = 0x80


class Packet(IntEnum):
    """Request types."""

    HELLO = 1
    """No payload. Response: the read-only registers, 4 bytes each, in `REGISTERS`' order."""
    READ = 2
    """`ACCESS` header. Response: the rows, each padded to whole bytes."""
    WRITE = 3
    """`ACCESS` header, then the rows. Response: nothing."""
    FRAMES = 4
    """`FRAMES` header, then frames (see `Coding`). Response: nothing."""
    RUN = 5
    """`JOB`, then a `FRAMES` header and frames (count may be 0): loads the frames and queues the
    interval, of which exactly `frames` frames must then be loaded. Response: nothing."""
    RESULT = 6
    """`WAIT`. Waits until that interval is finished, or answers BUSY after a while. Response:
    `RESULT` header, then its counts."""
    ECHO = 7
    """Any payload. Response: the same bytes; a test of the link alone."""


IDEMPOTENT = frozenset({Packet.HELLO, Packet.READ, Packet.RESULT, Packet.ECHO})
"""Requests that are carried out again when repeated."""


class Status(IntEnum):
    """First payload byte of every response."""

    OK = 0
    """Carried out. FRAMES and RUN of an interval that was queued before: nothing to do."""
    BUSY = 1
    """Not carried out: an interval runs or waits (memory access, writing registers), both frame
    buffers are taken, or the result is not there yet."""
    SEQUENCE = 2
    """Not carried out: sequence number is neither the last one nor the next; the payload is the
    last one accepted (u8)."""
    UNKNOWN = 3
    """Not carried out: unknown type or space, or a payload of the wrong length."""
    RANGE = 4
    """Not carried out: rows beyond the end of a space or of a packet, a register that cannot be
    written, an interval out of order or whose counts are gone, frames that are malformed or not
    the next ones. The frames loaded so far for `next_run` are dropped by FRAMES and RUN."""


ACCESS = Record(
    "access",
    (
        Field("space", 8, "see Space"),
        Field("start", 32, "first row"),
        Field("rows", 16, "number of rows, at least 1; all of them fit one payload"),
    ),
)

FRAMES = Record(
    "frames",
    (
        Field("run", 32, "number of the interval the frames belong to"),
        Field("first", 8, "step of the first frame: the next one, or 0 to load all again"),
        Field("count", 8, "number of frames that follow"),
    ),
)

WAIT = Record("wait", (Field("run", 32, "number of the interval"),))

RESULT = Record(
    "result",
    (
        Field("run", 32, "number of the interval"),
        Field("groups", 8, "words of P counts that follow, each count padded to 16 bits"),
    ),
)


class Coding(IntEnum):
    """First byte of a frame.

    The frame's bits are numbered ``(y * W + x) * C + c``.
    """

    BITMAP = 0
    """The bits, 8 a byte, bit 0 first, padded to a whole byte with zeros (not looked at)."""
    GAPS = 1
    """u16 number of bytes, then bytes: 0 .. 254 skips that many bits and sets the next; 255 skips
    255 bits and sets none. Bits after the last byte are 0; a byte that leads beyond the map is an
    error."""


class Space(IntEnum):
    """Address spaces of READ and WRITE; all but REGISTERS need an idle core."""

    REGISTERS = 0
    LAYERS = 1
    PROGRAM = 2
    WEIGHTS = 3
    MOMENTUM = 4
    STATE = 5
    GAMMA = 6
    DELTA = 7
    SPIKES = 8
    MASKS = 9
    FRAMES = 10
    PROFILE = 11
    KEEP = 12


def space_shape(space: Space, config: CoreConfig) -> tuple[int, int]:
    """Return (rows, row width [bits]) of a space."""
    if space is Space.REGISTERS:
        return len(REGISTERS), 32
    if space is Space.LAYERS:
        return config.layers, LAYER.width
    if space is Space.PROGRAM:
        return config.instructions, INSTRUCTION.width
    if space is Space.PROFILE:
        return config.instructions, PROFILE.width
    return config.memory_shapes[space.name.lower()]


READ_ONLY = (
    "magic",
    "version",
    "config_hash",
    *(f"config_{name}" for name in CoreConfig().to_words()),
)
"""Registers that describe the bitstream; HELLO returns them."""

STATUS = (
    "status",
    "next_run",
    "finished_runs",
    "saturated_carry",
    "saturated_delta",
    "saturated_gamma",
    "saturated_weight",
    "gradient_overflow",
    "cycles_low",
    "cycles_high",
    "crc_errors",
    "length_errors",
    "sequence_errors",
    "uart_clock",
    "uart_default",
)
"""Read-only run-time registers; status bit 0 is set while the core runs or a job waits.
`cycles_high` holds the value it had when `cycles_low` was read. `uart_clock` is the UART's clock
[Hz], 0 where there is no UART; `uart_default` is the bitstream's own `uart_step`."""

CONTROL = ("seed", "clear", "uart_step")
"""Registers to write: the run seed, `CLEAR_*` bits that act once (and read as 0), and the rate of
the UART (see `UART_STEPS`)."""

REGISTERS = (*READ_ONLY, *STATUS, *CONTROL)
"""All registers, 32 bits each; the address is the position."""

CLEAR_COUNTERS = 1
"""Zero saturation, overflow, cycle and error counters and the profile memory."""
CLEAR_RUN = 2
"""Forget loaded frames and set next_run to 0; the core must be idle."""

UART_PHASE_BITS = 16
"""The UART has `uart_step` * `uart_clock` / 2**16 baud."""
UART_STEPS = (100, 13107)
"""655 clocks a bit to 5; writing another value changes nothing. The new rate begins 8192 clocks
after the response. It falls back to `uart_default` with a reset, and when no request with a right
CRC comes within 3 s of the change, or of the first byte since the last request: a board that was
left at another rate is reached again by asking at its own."""
UART_QUIET = 8192
"""Clocks without a 0 on the line after which a response has left: a byte has up to 9 bits that are
1, of 655 clocks each at the slowest rate."""
UART_FALLBACK_SECONDS = 3
"""The longest packet takes 0.3 s at the slowest rate of 100 MHz, and the host repeats a request
after 0.5 s."""

assert JOB.bytes == 16
