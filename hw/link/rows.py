"""Rows of the address spaces to bytes of the link and back."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.packets import READ_ONLY, REGISTERS, STATUS, Space, space_shape
from hw.interfaces import access_port, access_width
from hw.link.slip import MARKED_LAYOUT

__all__ = ["RESULT_SPACE", "RowAccess"]

CHUNK = 8
"""Bytes by which a row is shifted: the row's register is as wide as the widest memory and lies
among all of them, so that bytes come and go through a small register beside the link."""

RESULT_SPACE = max(Space) + 1
"""Counts of an interval, read through the same register as rows; its start is {slot, 0}."""


class RowAccess(Component):
    """Shift register between rows of a space and bytes, little end first.

    Rows of REGISTERS go to the link's registers, those of all other spaces to the core.

    Parameters
    ----------
    config : CoreConfig
        Shapes of the spaces.

    Members
    -------
    space, start, rows : In
        What to access; they stay as they are from `check` until `done`.
    length : In
        Bytes of rows that a write brings.
    check : In(1)
        Pulse: look whether the access is possible; `checked` follows within `rows` + 4 cycles.
    checked, wrong_space, wrong_length, wrong_range : Out(1)
        One-cycle pulse, and with it what is wrong, first one first.
    begin, write : In(1)
        Pulse: start the access that was checked, as a write if `write` is held.
    done : Out(1)
        One-cycle pulse after the last row.
    i : In(stream.Signature(8))
        Rows to write.
    o : Out(stream.Signature(MARKED_LAYOUT))
        Rows read.
    access : Out(access_port(config))
        To the core.
    register_address, register_data, register_write, register_write_data
        To the link's registers; data follows the address by two cycles.
    result_address, result_data, result_groups
        To the core's counts.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        bits = 8 * CHUNK
        self._width = -(-max(access_width(config), 16 * config.lanes) // bits) * bits
        super().__init__(
            {
                "space": In(8),
                "start": In(32),
                "rows": In(16),
                "length": In(16),
                "check": In(1),
                "checked": Out(1),
                "wrong_space": Out(1),
                "wrong_length": Out(1),
                "wrong_range": Out(1),
                "begin": In(1),
                "write": In(1),
                "done": Out(1),
                "i": In(stream.Signature(8)),
                "o": Out(stream.Signature(MARKED_LAYOUT)),
                "access": Out(access_port(config)),
                "register_address": Out(clog2(len(REGISTERS))),
                "register_data": In(32),
                "register_read": Out(1),
                "register_write": Out(1),
                "register_write_data": Out(32),
                "result_address": Out(1 + clog2(config.class_groups)),
                "result_data": In(config.lanes * config.formats.count),
            }
        )

    def _shape(self, space):
        """Return rows, bytes per row and most rows per packet of `space`."""
        depth, bits = space_shape(space, self._config)
        row = -(-bits // 8)
        # One byte of the payload is the status of a response.
        return depth, row, (self._config.packet_bytes - 1) // row

    def elaborate(self, platform):
        m = Module()
        config = self._config
        chunks = self._width // (8 * CHUNK)
        # Of the space: taken over until a check or an access begins.
        depth = Signal(17)
        row_bytes = Signal(range(self._width // 8 + 1))
        most = Signal(16)
        known = Signal()
        space = Signal.like(self.access.space)
        is_register, is_result, is_protected = Signal(), Signal(), Signal()
        end = Signal(len(self.start) + 1)
        too_many, beyond = Signal(), Signal()
        expected = Signal(17)
        todo = Signal(16)
        address = Signal(16)
        index = Signal.like(row_bytes)
        at_last, one_byte = Signal(), Signal()  # the row's last byte is next; rows have one byte
        before_last = Signal.like(row_bytes)
        last_row = Signal()
        register = Signal(self._width, reset_less=True)
        chunk = Signal(8 * CHUNK, reset_less=True)
        place = Signal(range(CHUNK))  # of the next byte in the chunk
        filled = Signal(range(chunks + 1))  # chunks of the row that is written
        fill, shift, late = Signal(), Signal(), Signal()

        def take_over():
            m.d.sync += [
                known.eq(0),
                space.eq(self.space),
                is_register.eq(self.space == Space.REGISTERS),
                is_result.eq(self.space == RESULT_SPACE),
                is_protected.eq(self.start < len(READ_ONLY) + len(STATUS)),
                end.eq(self.start + self.rows),
            ]
            with m.Switch(self.space):
                for number in Space:
                    with m.Case(number):
                        rows, size, limit = self._shape(number)
                        m.d.sync += [
                            known.eq(1),
                            depth.eq(rows),
                            row_bytes.eq(size),
                            before_last.eq(size - 2),
                            one_byte.eq(size == 1),
                            most.eq(min(limit, 65535)),
                        ]
                with m.Case(RESULT_SPACE):
                    size = 2 * config.lanes
                    m.d.sync += [row_bytes.eq(size), before_last.eq(size - 2), one_byte.eq(0)]

        count_bits = config.formats.count
        counts = Cat(
            Cat(self.result_data.word_select(lane, count_bits), Const(0, 16 - count_bits))
            for lane in range(config.lanes)
        )
        m.d.comb += [
            self.access.space.eq(space),
            self.access.address.eq(address),
            self.access.write_data.eq(register),
            self.register_address.eq(address),
            self.register_write_data.eq(register),
            self.result_address.eq(address),
            self.o.p.data.eq(chunk[:8]),
            self.o.p.last.eq(at_last & last_row),
        ]
        m.d.sync += [
            self.checked.eq(0),
            self.access.read.eq(0),
            self.access.write.eq(0),
            self.register_write.eq(0),
            shift.eq(0),
        ]
        # A row goes down by a chunk, and the chunk that was filled enters at the top.
        row = Signal(self._width)
        m.d.comb += row.eq(
            Mux(is_register, self.register_data, Mux(is_result, counts, self.access.read_data))
        )
        with m.If(fill):
            m.d.sync += register.eq(row)
        with m.Elif(shift):
            m.d.sync += register.eq(Cat(register[8 * CHUNK :], chunk))

        with m.FSM():
            with m.State("IDLE"):
                take_over()
                m.d.sync += [
                    index.eq(0),
                    expected.eq(0),
                    todo.eq(self.rows),
                    address.eq(self.start),
                ]
                with m.If(self.check):
                    m.next = "BOUNDS"
                with m.If(self.begin):
                    with m.If(self.write):
                        m.next = "BEGIN"
                    with m.Else():
                        m.next = "ASK"
            with m.State("BOUNDS"):
                m.d.sync += [too_many.eq(self.rows > most), beyond.eq(end > depth)]
                m.next = "CHECK"
            with m.State("CHECK"):
                # rows * row_bytes by repeated addition; `most` bounds the cycles.
                m.d.sync += [
                    self.wrong_space.eq(~known),
                    self.wrong_length.eq(self.write & ~too_many & (expected != self.length)),
                    self.wrong_range.eq(
                        (self.rows == 0)
                        | too_many
                        | beyond
                        | (self.write & is_register & is_protected)
                    ),
                ]
                with m.If(~known | too_many | (todo == 0)):
                    m.d.sync += self.checked.eq(1)
                    m.next = "IDLE"
                with m.Else():
                    m.d.sync += [todo.eq(todo - 1), expected.eq(expected + row_bytes)]
            with m.State("ASK"):
                m.d.sync += [index.eq(0), at_last.eq(one_byte), last_row.eq(todo == 1)]
                m.d.sync += self.access.read.eq(~is_register & ~is_result)
                m.d.sync += [fill.eq(1), late.eq(0)]
                m.d.comb += self.register_read.eq(is_register)
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.sync += late.eq(1)
                with m.If((is_register & late) | is_result | self.access.done):
                    m.d.sync += [fill.eq(0), chunk.eq(row), place.eq(0), shift.eq(1)]
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [
                        chunk.eq(chunk >> 8),
                        place.eq(place + 1),
                        index.eq(index + 1),
                        at_last.eq(index == before_last),
                    ]
                    with m.If(place == CHUNK - 1):
                        m.d.sync += [chunk.eq(register), shift.eq(1)]
                    with m.If(at_last):
                        m.d.sync += [todo.eq(todo - 1), address.eq(address + 1)]
                        m.next = "ASK"
                        with m.If(last_row):
                            m.d.comb += self.done.eq(1)
                            m.next = "IDLE"
            with m.State("BEGIN"):
                m.d.sync += [index.eq(0), at_last.eq(one_byte), last_row.eq(todo == 1)]
                m.d.sync += [place.eq(0), filled.eq(0)]
                m.next = "TAKE"
            with m.State("TAKE"):
                # Rows are shifted in from the top; shorter ones are shifted down with zeros.
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [
                        chunk.eq(Cat(chunk[8:], self.i.payload)),
                        place.eq(place + 1),
                        index.eq(index + 1),
                        at_last.eq(index == before_last),
                    ]
                    with m.If(place == CHUNK - 1):
                        m.d.sync += [shift.eq(1), filled.eq(filled + 1)]
                    with m.If(at_last):
                        m.next = "ALIGN"
            with m.State("ALIGN"):
                with m.If(place != 0):
                    m.d.sync += [chunk.eq(chunk >> 8), place.eq(place + 1)]
                    with m.If(place == CHUNK - 1):
                        m.d.sync += [shift.eq(1), filled.eq(filled + 1)]
                with m.Elif(filled != chunks):
                    m.d.sync += [chunk.eq(0), shift.eq(1), filled.eq(filled + 1)]
                with m.Else():
                    # the last chunk enters in this cycle
                    m.d.sync += [
                        self.access.write.eq(~is_register),
                        self.register_write.eq(is_register),
                    ]
                    m.next = "WRITTEN"
            with m.State("WRITTEN"):
                with m.If(is_register | self.access.done):
                    m.d.sync += [todo.eq(todo - 1), address.eq(address + 1)]
                    m.next = "BEGIN"
                    with m.If(last_row):
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
        return m
