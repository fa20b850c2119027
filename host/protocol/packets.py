"""Packets between host and accelerator.

A packet on a byte stream is a SLIP frame (RFC 1055: END 0xC0 before and after, ESC 0xDB) around::

    type u8 | sequence u8 | payload | CRC-32 (zlib's, over all before it) u32

Everything is little-endian. The host sends one request at a time and waits for the response of the
same sequence number, with the response bit set in the type and a status byte in front of the
payload. A request whose sequence number is the last one's plus 1 is carried out; the last number
again is a repetition: requests that only read are carried out again, all others are acknowledged
without effect; any other number is answered with SEQUENCE. HELLO is carried out with any number.
A frame that is too long, too short or whose CRC is wrong is dropped and counted.
"""

from __future__ import annotations

from enum import IntEnum

from golden.core_config import CoreConfig
from host.protocol.fields import Field, Record
from host.protocol.program import INSTRUCTION, JOB, LAYER, PROFILE

MAGIC = 0x50425454
"""``TTBP`` in ASCII, little-endian."""

VERSION = 1
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
    """`JOB`, then a `FRAMES` header and frames (count may be 0): queues the interval once all its
    frames are loaded. Response: `RESULT` header and counts of the last interval finished."""
    RESULT = 6
    """`WAIT`. Waits until that interval is finished, or answers BUSY after a while. Response as
    for RUN."""


IDEMPOTENT = frozenset({Packet.HELLO, Packet.READ, Packet.RESULT})
"""Requests that are carried out again when repeated."""


class Status(IntEnum):
    """First payload byte of every response."""

    OK = 0
    BUSY = 1
    """Not carried out: the core runs (memory access) or both frame buffers are taken."""
    SEQUENCE = 2
    """Not carried out: sequence number is neither the last one nor the next; the payload is the
    last one accepted (u8)."""
    UNKNOWN = 3
    """Not carried out: unknown type or space, or a payload of the wrong length."""
    RANGE = 4
    """Not carried out: rows beyond the end of a space, steps out of bounds, run out of order."""


ACCESS = Record(
    "access",
    (
        Field("space", 8, "see Space"),
        Field("start", 32, "first row"),
        Field("rows", 16, "number of rows"),
    ),
)

FRAMES = Record(
    "frames",
    (
        Field("run", 32, "number of the interval the frames belong to"),
        Field("first", 8, "step of the first frame in the interval"),
        Field("count", 8, "number of frames that follow"),
    ),
)

WAIT = Record("wait", (Field("run", 32, "number of the interval"),))

RESULT = Record(
    "result",
    (
        Field("run", 32, "number of the last interval finished, 2**32 - 1 before the first"),
        Field("groups", 8, "words of P counts that follow, each count padded to 16 bits"),
    ),
)


class Coding(IntEnum):
    """First byte of a frame.

    The frame's bits are numbered ``(y * W + x) * C + c``.
    """

    BITMAP = 0
    """The bits, 8 a byte, bit 0 first, padded to a whole byte."""
    GAPS = 1
    """u16 number of bytes, then bytes: 0 .. 254 skips that many bits and sets the next; 255 skips
    255 bits and sets none. Bits after the last byte are 0."""


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
)
"""Read-only run-time registers; status bit 0 is set while the core runs or a job waits."""

CONTROL = ("seed", "clear")
"""Registers to write: the run seed, and `CLEAR_*` bits that act once."""

REGISTERS = (*READ_ONLY, *STATUS, *CONTROL)
"""All registers, 32 bits each; the address is the position."""

CLEAR_COUNTERS = 1
"""Zero saturation, overflow, cycle and error counters and the profile memory."""
CLEAR_RUN = 2
"""Forget loaded frames and set next_run to 0; the core must be idle."""

NO_RUN = 2**32 - 1

assert JOB.bytes == 16
