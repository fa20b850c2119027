"""The Python interface to a board: ``open_board("sim")``, then load, train, evaluate."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden import random_weights
from golden.core_config import CoreConfig
from golden.direct import bit_planes
from golden.layout import Layout
from golden.qformat import Int
from golden.settings import Settings
from host import compiler
from host.board import Board, BoardError
from host.golden_board import GoldenBoard
from host.link import BusyError, Link
from host.packing import encode_frame, pack_rows, unpack_rows
from host.protocol.fields import Record
from host.protocol.packets import (
    ACCESS,
    CLEAR_COUNTERS,
    CLEAR_RUN,
    FRAMES,
    MAGIC,
    READ_ONLY,
    REGISTERS,
    RESULT,
    STATUS,
    VERSION,
    WAIT,
    Packet,
    Space,
    space_shape,
)
from host.protocol.program import INSTRUCTION, JOB, LAYER, PROFILE, Op, When
from host.transport.base import Transport
from host.transport.pcie import PcieTransport
from host.transport.sim import SimTransport, build_library
from host.transport.uart import USUAL_BAUD, UartTransport

__all__ = ["Board", "BoardError", "GoldenBoard", "LinkBoard", "identify", "open_board"]

REGISTER_BYTES = 4
INTERVAL_SECONDS = 60.0
"""An interval that takes longer means that the board hangs [s]."""


def identify(link: Link) -> CoreConfig:
    """Greet the board; return what its bitstream can hold.

    Raises
    ------
    BoardError
        Something else answers, or a bitstream of another version.
    """
    answer = link.request(Packet.HELLO)
    words = [
        int.from_bytes(answer[i : i + REGISTER_BYTES], "little")
        for i in range(0, len(answer), REGISTER_BYTES)
    ]
    name = link.transport.name
    if not words or words[0] != MAGIC:
        found = f"0x{words[0]:08x}" if words else "nothing"
        raise BoardError(f"{name} is no board of this project: magic is {found}, not 0x{MAGIC:08x}")
    if len(words) < 2 or words[1] != VERSION:
        raise BoardError(
            f"{name} speaks protocol version {words[1] if len(words) > 1 else 'none'}, this driver "
            f"version {VERSION}: build its bitstream from the same sources"
        )
    values = dict(zip(READ_ONLY, words, strict=False))
    if len(words) != len(READ_ONLY):
        raise BoardError(f"{name} has {len(words)} describing registers, not {len(READ_ONLY)}")
    prefix = "config_"
    fields = {
        key[len(prefix) :]: value
        for key, value in values.items()
        if key.startswith(prefix) and key != "config_hash"
    }
    try:
        config = CoreConfig.from_words(fields)
    except ValueError as error:
        raise BoardError(f"{name} describes a configuration that is not valid: {error}") from error
    if config.hash != values["config_hash"]:
        raise BoardError(
            f"{name} has configuration hash {values['config_hash']:08x}, its fields give "
            f"{config.hash:08x}: build its bitstream from the same sources"
        )
    return config


def _refuse_other(name: str, found: CoreConfig, wanted: CoreConfig) -> None:
    has, wants = found.to_words(), wanted.to_words()
    lines = [f"{k} is {has[k]}, not {wants[k]}" for k in wants if has[k] != wants[k]]
    if lines:
        raise BoardError(f"{name} has another configuration: " + ", ".join(lines))


class LinkBoard(Board):
    """A board behind the packet link.

    Parameters
    ----------
    transport : Transport
        Byte streams to the board; closed with it.
    config : CoreConfig, optional
        Refuse a board of another configuration.
    retries : int
        Times a request is repeated.

    Raises
    ------
    BoardError
        The board is not one of this project, version or configuration.
    host.link.LinkError
        Nothing answers.
    """

    def __init__(
        self, transport: Transport, config: CoreConfig | None = None, *, retries: int = 8
    ) -> None:
        self.transport = transport
        self.link = Link(transport, retries=retries)
        try:
            found = identify(self.link)
            if config is not None:
                _refuse_other(transport.name, found, config)
        except BaseException:
            transport.close()
            raise
        super().__init__(found)
        self.name = transport.name
        self._next_run = 0
        self._scales: dict[int, int] = {}  # of random classifiers, by hash_id
        self._image: NDArray[Any] | None = None  # the one that the board holds

    def close(self) -> None:
        """Close the transport."""
        self.transport.close()

    def reconnect(self) -> None:
        """Begin a new link where the one before gave up.

        Raises
        ------
        host.link.LinkError
            Nothing answers.
        """
        self.link = Link(self.transport, retries=self.link.retries)
        identify(self.link)

    # ---- memories and registers ---------------------------------------------------------------

    def read_rows(self, space: Space, start: int = 0, rows: int | None = None) -> bytes:
        """Return rows of a space, each padded to whole bytes; all by default."""
        depth, bits = space_shape(space, self.config)
        size = -(-bits // 8)
        end = depth if rows is None else start + rows
        most = (self.config.packet_bytes - 1) // size
        data = []
        for first in range(start, end, most):
            count = min(most, end - first)
            access = ACCESS.pack({"space": space, "start": first, "rows": count})
            answer = self.link.request(Packet.READ, access.to_bytes(ACCESS.bytes, "little"))
            if len(answer) != count * size:
                raise BoardError(
                    f"{self.name} sends {len(answer)} bytes of {space.name}, not {count * size}"
                )
            data.append(answer)
        return b"".join(data)

    def write_rows(self, space: Space, data: bytes, start: int = 0) -> None:
        """Write rows, each padded to whole bytes, from row `start` on."""
        size = -(-space_shape(space, self.config)[1] // 8)
        most = (self.config.packet_bytes - ACCESS.bytes) // size
        for first in range(0, len(data) // size, most):
            part = data[first * size : (first + most) * size]
            access = ACCESS.pack(
                {"space": space, "start": start + first, "rows": len(part) // size}
            )
            self._request_idle(Packet.WRITE, access.to_bytes(ACCESS.bytes, "little") + part)

    def _write_records(
        self, space: Space, record: Record, values: list[dict[str, int]], start: int = 0
    ) -> None:
        data = b"".join(record.pack(v).to_bytes(record.bytes, "little") for v in values)
        self.write_rows(space, data, start)

    def write_register(self, name: str, value: int) -> None:
        """Write one of the registers `CONTROL`."""
        self.write_rows(
            Space.REGISTERS, value.to_bytes(REGISTER_BYTES, "little"), REGISTERS.index(name)
        )

    def registers(self) -> dict[str, int]:
        """Return the value of every register."""
        data = self.read_rows(Space.REGISTERS)
        return {
            name: int.from_bytes(data[REGISTER_BYTES * i : REGISTER_BYTES * (i + 1)], "little")
            for i, name in enumerate(REGISTERS)
        }

    def _request_idle(self, kind: Packet, payload: bytes) -> bytes:
        """Carry out a request as soon as the board is not busy."""
        end = time.monotonic() + INTERVAL_SECONDS
        while True:
            try:
                return self.link.request(kind, payload)
            except BusyError:
                if time.monotonic() > end:
                    raise BoardError(
                        f"{self.name} is busy for more than {INTERVAL_SECONDS:.0f} s: reset it"
                    ) from None

    # ---- network ------------------------------------------------------------------------------

    def _load(self, layout: Layout, settings: Settings) -> None:
        table, program = compiler.layer_table(layout, settings), compiler.program(layout, settings)
        self.write_register("clear", CLEAR_COUNTERS | CLEAR_RUN)
        self._next_run = 0
        self._image = None
        self._scales = {}
        self.write_register("seed", settings.seed)
        self._write_records(Space.LAYERS, LAYER, table)
        self._write_records(Space.PROGRAM, INSTRUCTION, program)
        needs = layout.needs
        for space, rows in (
            (Space.WEIGHTS, needs["weight_rows"]),
            (Space.MOMENTUM, needs["weight_rows"]),
            (Space.STATE, needs["neuron_words"]),
        ):
            self.write_rows(space, bytes(-(-space_shape(space, self.config)[1] // 8) * rows))

    def _apply_halvings(self) -> None:
        self._write_table()

    def _write_table(self) -> None:
        table = compiler.layer_table(self.layout, self.settings, self._halvings, self._scales)
        self._write_records(Space.LAYERS, LAYER, table)

    def _lanes(self, kind: str) -> tuple[Space, int]:
        formats = self.config.formats
        return {
            "weights": (Space.WEIGHTS, formats.weight),
            "momentum": (Space.MOMENTUM, formats.gradient),
            "state": (Space.STATE, formats.state),
        }[kind]

    def _write(self, kind: str, values: list[Int]) -> None:
        space, width = self._lanes(kind)
        if kind == "weights":
            self._scales = {
                layer.hash_id: random_weights.find_scale(
                    self.settings.seed, layer, values[layer.hash_id]
                )
                for layer in self.network.weighted
                if layer.random
            }
            if self._scales:
                self._write_table()
        for placed in self.layout.layers:
            if placed.layer.trainable:
                lanes = placed.weights_to_lanes(values[placed.layer.hash_id])
                self.write_rows(space, pack_rows(lanes, width), placed.weight_base)

    def _read(self, kind: str) -> list[Int]:
        space, width = self._lanes(kind)
        lanes = self.config.lanes
        values = []
        for placed in self.layout.layers:
            if kind == "state":
                data = self.read_rows(space, placed.state_base, placed.map.words)
                values.append(placed.map.from_lanes(unpack_rows(data, lanes, width)))
            elif placed.layer.random:
                scale = self._scales.get(placed.layer.hash_id, 0) if kind == "weights" else 0
                values.append(random_weights.pattern(self.settings.seed, placed.layer) * scale)
            elif placed.layer.has_weights:
                data = self.read_rows(space, placed.weight_base, placed.weight_rows)
                values.append(placed.weights_from_lanes(unpack_rows(data, lanes, width)))
        return values

    # ---- intervals ----------------------------------------------------------------------------

    def _submit(
        self, frames: NDArray[Any], label: int, start: bool, learn: bool, update: bool
    ) -> int:
        run = self._next_run
        sent = self._to_send(frames, start)
        if len(sent):
            self._image = None
        job = JOB.pack(
            compiler.job(
                self.settings, self.network.classes, run=run, steps=len(frames), label=label,
                start=start, learn=learn, update=update, frames=len(sent),
                trained_intervals=self.trained_intervals,
            )
        ).to_bytes(JOB.bytes, "little")  # fmt: skip
        coded = [encode_frame(frame) for frame in sent]
        room = self.config.packet_bytes - FRAMES.bytes
        first = 0
        while first < len(coded):
            last, size = first, 0
            while last < len(coded) and size + len(coded[last]) <= room:
                size += len(coded[last])
                last += 1
            if last == first:
                raise BoardError(
                    f"a frame needs {len(coded[first])} bytes, packets of {self.name} hold {room}"
                )
            if last == len(coded) and size + JOB.bytes <= room:
                break
            self._request_idle(Packet.FRAMES, self._frames(run, first, coded[first:last]))
            first = last
        self._request_idle(Packet.RUN, job + self._frames(run, first, coded[first:]))
        if self.network.encoding == "direct":
            self._image = np.array(frames[0])
        self._next_run = (run + 1) % 2**32
        return run

    def _to_send(self, frames: NDArray[Any], start: bool) -> NDArray[Any]:
        """Return the frames that the board does not hold yet: none for an image sent before."""
        if self.network.encoding != "direct":
            return frames
        image = frames[0]
        if not start and self._image is not None and np.array_equal(image, self._image):
            return frames[:0]
        return bit_planes(image)

    @staticmethod
    def _frames(run: int, first: int, coded: list[bytes]) -> bytes:
        header = FRAMES.pack({"run": run, "first": first if coded else 0, "count": len(coded)})
        return header.to_bytes(FRAMES.bytes, "little") + b"".join(coded)

    def _collect(self, run: int) -> Int:
        wait = WAIT.pack({"run": run}).to_bytes(WAIT.bytes, "little")
        answer = self._request_idle(Packet.RESULT, wait)
        header = RESULT.unpack(int.from_bytes(answer[: RESULT.bytes], "little"))
        counts = np.frombuffer(answer, "<u2", offset=RESULT.bytes).astype(np.int64)
        if header["run"] != run or len(counts) != header["groups"] * self.config.lanes:
            raise BoardError(
                f"{self.name} answers with {len(counts)} counts of interval {header['run']}, not "
                f"with those of interval {run}"
            )
        if len(counts) < self.network.classes:
            raise BoardError(
                f"{self.name} counts {len(counts)} classes, not {self.network.classes}"
            )
        return counts[: self.network.classes]

    # ---- counters -----------------------------------------------------------------------------

    def counters(self) -> dict[str, int]:
        """Return saturations per kind, the overflow flag, cycles and errors of the link."""
        values = self.registers()
        cycles = values["cycles_low"] | values["cycles_high"] << 32
        hidden = ("status", "next_run", "finished_runs", "cycles_low", "cycles_high")
        return {n: values[n] for n in STATUS if n not in hidden} | {"cycles": cycles}

    def clear_counters(self) -> None:
        """Zero the counters and the profile."""
        self.drain()
        self.write_register("clear", CLEAR_COUNTERS)

    def profile(self) -> list[dict[str, Any]]:
        """Return cycles, lane operations and useful lanes per instruction.

        Each entry also names the instruction's operation ``op``, its conditions ``when``, and the
        layers ``layer`` and ``other`` (``input`` is the frame, None if not used).
        """
        code = compiler.program(self.layout, self.settings)
        self.drain()
        data = self.read_rows(Space.PROFILE, 0, len(code))
        rows = compiler.row_layers(self.layout, self.settings)
        names = [layer.name if layer else "input" for layer in rows]
        entries: list[dict[str, Any]] = []
        for position, instruction in enumerate(code):
            op = Op(instruction["op"])
            row = data[position * PROFILE.bytes : (position + 1) * PROFILE.bytes]
            layer, other = instruction["layer"], instruction["other"]
            entries.append(
                {
                    "address": position,
                    "op": op.name,
                    "when": When(instruction["when"]),
                    "layer": names[layer] if layer else None,
                    "other": names[other] if layer else None,
                    **PROFILE.unpack(int.from_bytes(row, "little")),
                }
            )
        return entries


def open_board(
    name: str, config: CoreConfig | None = None, *, stall: int = 0, baud: int = USUAL_BAUD
) -> Board:
    """Open a board.

    Parameters
    ----------
    name : str
        ``sim`` (the virtual board, built if needed), ``golden`` (the integer model), ``uart:PORT``
        such as ``uart:/dev/ttyUSB1``, with a rate ``uart:/dev/ttyUSB0,3000000``, or ``pcie:DEVICE``
        such as ``pcie:/dev/xdma0`` for the first card, ``pcie:/dev/xdma0,1`` for its second DMA
        channel.
    config : CoreConfig, optional
        Configuration of the virtual board or the golden model; a real board must have it.
    stall : int
        The virtual board's streams pause in this many of 256 cycles.
    baud : int
        Rate of the serial port where `name` has none [bit/s].

    Raises
    ------
    ValueError
        `name` is not known.
    host.transport.base.TransportError
        No board is there.
    BoardError
        The board is another one.
    """
    kind, _, rest = name.partition(":")
    if name == "golden":
        return GoldenBoard(config)
    if name == "sim":
        wanted = config or CoreConfig()
        return LinkBoard(SimTransport(build_library(wanted), stall=stall), wanted)
    device, comma, number = rest.partition(",")
    if device and (number.isdecimal() or not comma):
        if kind == "uart":
            return LinkBoard(UartTransport(device, int(number or baud)), config)
        if kind == "pcie":
            return LinkBoard(PcieTransport(device, int(number or 0)), config)
    raise ValueError(
        f"board must be sim, golden, uart:PORT[,BAUD] or pcie:DEVICE[,CHANNEL], not {name!r}"
    )
