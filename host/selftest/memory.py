"""March test of every memory that the link reads and writes.

March C- (van de Goor): up w0; up r0 w1; up r1 w0; down r0 w1; down r1 w0; up r0. Its steps go over
blocks of as many rows as a packet holds, and each goes over all memories before the next begins, so
that rows which share an address are found between memories too. For 0 and 1 stand a background and
its complement: zeros, a checkerboard, and the address, which differs between any two rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from golden.core_config import CoreConfig
from host.driver import LinkBoard
from host.protocol.packets import ACCESS, Space, space_shape
from host.selftest.checks import FAILED, OK, Check

PART = "memory"

Bytes = NDArray[np.uint8]
Advance = Callable[[int, str], None]

ELEMENTS: tuple[tuple[int, int | None, int | None], ...] = (
    (1, None, 0), (1, 0, 1), (1, 1, 0), (-1, 0, 1), (-1, 1, 0), (1, 0, None),
)  # fmt: skip
"""Direction over the blocks, what is read, what is written: 0 the background, 1 its complement."""

PASSES = sum((read is not None) + (write is not None) for _, read, write in ELEMENTS)
"""Times that each row passes over the link per background."""

ADDRESS_BITS = 16
SPACE_BITS = 4
"""Of the number that stands for a row: {space, address}."""

SHOWN = 8
"""Rows and bits that a report names at most."""

NOT_MARCHED = (Space.REGISTERS, Space.PROFILE)
"""Registers have meanings of their own, and the profile is only cleared."""

SEEDS = (0x00000000, 0xFFFFFFFF, 0x55555555, 0xAAAAAAAA)
"""What the register ``seed`` must hold."""


def marched(config: CoreConfig) -> list[Space]:
    """Return the memories that are marched through."""
    return [s for s in Space if s not in NOT_MARCHED and space_shape(s, config)[0]]


def backgrounds(bits: int) -> list[str]:
    """Return the backgrounds of rows of `bits`; narrow ones need several for the address."""
    shifts = -(-(ADDRESS_BITS + SPACE_BITS) // bits)
    return ["zeros", "checkerboard", *(f"address {i}" for i in range(shifts))]


def pattern(background: str, space: Space, start: int, rows: int, bits: int) -> Bytes:
    """Return rows of a background as bits, shape (rows, bits)."""
    row = np.arange(start, start + rows)[:, None]
    bit = np.arange(bits)[None, :]
    if background == "zeros":
        return np.zeros((rows, bits), np.uint8)
    if background == "checkerboard":
        return ((row + bit) & 1).astype(np.uint8)
    shift = int(background.split()[1]) * bits
    number = row | int(space) << ADDRESS_BITS
    return (number >> (bit + shift) % (ADDRESS_BITS + SPACE_BITS) & 1).astype(np.uint8)


@dataclass
class Findings:
    """What was read wrong in a memory.

    Attributes
    ----------
    rows : set of int
        With a wrong bit.
    ones, zeros : set of int
        Bits that were read as 1 in place of 0, and as 0 in place of 1.
    """

    rows: set[int] = field(default_factory=set)
    ones: set[int] = field(default_factory=set)
    zeros: set[int] = field(default_factory=set)

    def note(self, start: int, got: Bytes, wanted: Bytes) -> None:
        """Compare rows, both as bits, from row `start` on."""
        wrong = got != wanted
        if wrong.any():
            self.rows |= {start + int(row) for row in np.flatnonzero(wrong.any(axis=1))}
            self.ones |= {int(bit) for bit in np.flatnonzero((wrong & (got == 1)).any(axis=0))}
            self.zeros |= {int(bit) for bit in np.flatnonzero((wrong & (got == 0)).any(axis=0))}

    def text(self) -> str:
        """Return rows and bits in a line."""
        parts = [f"wrong in {len(self.rows)} rows: {_some(self.rows)}"]
        for what, bits in (("1", self.ones), ("0", self.zeros)):
            if bits:
                parts.append(f"bits read as {what} in place of {1 - int(what)}: {_some(bits)}")
        return "; ".join(parts)


def _some(numbers: set[int]) -> str:
    shown = ", ".join(str(number) for number in sorted(numbers)[:SHOWN])
    return shown + (f" and {len(numbers) - SHOWN} more" if len(numbers) > SHOWN else "")


def _blocks(space: Space, config: CoreConfig) -> list[tuple[int, int]]:
    """Return (first row, rows) of the blocks of a memory."""
    depth, bits = space_shape(space, config)
    rows = (config.packet_bytes - ACCESS.bytes) // -(-bits // 8)
    return [(first, min(rows, depth - first)) for first in range(0, depth, rows)]


def work(config: CoreConfig) -> int:
    """Return the bytes that the test moves, for a progress bar."""
    shapes = [space_shape(space, config) for space in marched(config)]
    return PASSES * sum(len(backgrounds(bits)) * rows * -(-bits // 8) for rows, bits in shapes)


def march(board: LinkBoard, advance: Advance | None = None) -> dict[Space, Findings]:
    """Run the test; return what it found in each memory."""
    config = board.config
    widths = {space: space_shape(space, config)[1] for space in marched(config)}
    found = {space: Findings() for space in widths}
    for background in backgrounds(min(widths.values())):
        for direction, read, write in ELEMENTS:
            for space, bits in widths.items():
                if background not in backgrounds(bits):
                    continue
                for first, rows in _blocks(space, config)[::direction]:
                    plain = pattern(background, space, first, rows, bits)
                    moved = 0
                    if read is not None:
                        data = board.read_rows(space, first, rows)
                        found[space].note(first, _bits(data, bits), plain ^ np.uint8(read))
                        moved += len(data)
                    if write is not None:
                        data = _bytes(plain ^ np.uint8(write))
                        board.write_rows(space, data, first)
                        moved += len(data)
                    if advance is not None:
                        advance(moved, f"{PART}: {background}, {space.name.lower()}")
    return found


def _bytes(rows: Bytes) -> bytes:
    return np.packbits(rows, axis=1, bitorder="little").tobytes()


def _bits(data: bytes, bits: int) -> Bytes:
    rows = np.frombuffer(data, np.uint8).reshape(-1, -(-bits // 8))
    return np.unpackbits(rows, axis=1, count=bits, bitorder="little")


def check(board: LinkBoard, advance: Advance | None = None) -> Iterator[Check]:
    """Yield a check per memory. The network that the board holds is lost."""
    wrong = []
    for value in SEEDS:
        board.write_register("seed", value)
        if (got := board.registers()["seed"]) != value:
            wrong.append(f"0x{value:08x} is read as 0x{got:08x}")
    yield Check(
        PART, "registers", FAILED if wrong else OK, "; ".join(wrong) or "seed holds 4 patterns",
        {"wrong": len(wrong)},
    )  # fmt: skip
    for space, findings in march(board, advance).items():
        depth, bits = space_shape(space, board.config)
        good = f"{depth} rows of {bits} bits: March C- with {len(backgrounds(bits))} backgrounds"
        figures = {
            "rows": depth, "bits": bits, "wrong_rows": sorted(findings.rows),
            "read_as_1": sorted(findings.ones), "read_as_0": sorted(findings.zeros),
        }  # fmt: skip
        result, text = (FAILED, findings.text()) if findings.rows else (OK, good)
        yield Check(PART, space.name.lower(), result, text, figures)
    board.clear_counters()
    depth, bits = space_shape(Space.PROFILE, board.config)
    findings = Findings()
    findings.note(0, _bits(board.read_rows(Space.PROFILE), bits), np.zeros((depth, bits), np.uint8))
    result, text = (FAILED, findings.text()) if findings.rows else (OK, "0 after it was cleared")
    yield Check(PART, "profile", result, text, {"wrong_rows": sorted(findings.rows)})
