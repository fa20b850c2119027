"""Rows of the address spaces to bytes of the link and back."""

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.packets import READ_ONLY, REGISTERS, STATUS, Space, space_shape
from hw.interfaces import access_port, access_width
from hw.link.slip import MARKED_LAYOUT

__all__ = ["RESULT_SPACE", "RowAccess"]

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
        To the link's registers; data follows the address by one cycle.
    result_address, result_data, result_groups
        To the core's counts.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        self._width = -(-max(access_width(config), 16 * config.lanes) // 8) * 8
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
        shift_bytes = self._width // 8
        # Of the space: taken over until a check or an access begins.
        depth = Signal(17)
        row_bytes = Signal(range(shift_bytes + 1))
        most = Signal(16)
        known = Signal()
        space = Signal.like(self.access.space)
        is_register, is_result, is_protected = Signal(), Signal(), Signal()
        end = Signal(len(self.start) + 1)
        too_many, beyond = Signal(), Signal()
        expected = Signal(17)
        todo = Signal(16)
        address = Signal(16)
        index = Signal(range(shift_bytes + 1))
        at_last, one_byte = Signal(), Signal()  # the row's last byte is next; rows have one byte
        before_last = Signal.like(row_bytes)
        last_row = Signal()
        register = Signal(self._width)
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
            self.o.p.data.eq(register[:8]),
            self.o.p.last.eq(at_last & last_row),
        ]
        m.d.sync += [
            self.checked.eq(0),
            self.access.read.eq(0),
            self.access.write.eq(0),
            self.register_write.eq(0),
        ]

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
                m.d.comb += self.register_read.eq(is_register)
                m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(is_register):
                    m.d.sync += register.eq(self.register_data)
                    m.next = "GIVE"
                with m.Elif(is_result):
                    m.d.sync += register.eq(counts)
                    m.next = "GIVE"
                with m.Elif(self.access.done):
                    m.d.sync += register.eq(self.access.read_data)
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [
                        register.eq(register >> 8),
                        index.eq(index + 1),
                        at_last.eq(index == before_last),
                    ]
                    with m.If(at_last):
                        m.d.sync += [todo.eq(todo - 1), address.eq(address + 1)]
                        m.next = "ASK"
                        with m.If(last_row):
                            m.d.comb += self.done.eq(1)
                            m.next = "IDLE"
            with m.State("BEGIN"):
                m.d.sync += [index.eq(0), at_last.eq(one_byte), last_row.eq(todo == 1)]
                m.next = "TAKE"
            with m.State("TAKE"):
                # Rows are shifted in from the top; shorter ones are shifted down with zeros.
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [
                        register.eq(Cat(register[8:], self.i.payload)),
                        index.eq(index + 1),
                        at_last.eq(index == before_last),
                    ]
                    with m.If(at_last):
                        m.next = "ALIGN"
            with m.State("ALIGN"):
                with m.If(index == shift_bytes):
                    m.d.sync += [
                        self.access.write.eq(~is_register),
                        self.register_write.eq(is_register),
                    ]
                    m.next = "WRITTEN"
                with m.Else():
                    m.d.sync += [register.eq(register >> 8), index.eq(index + 1)]
            with m.State("WRITTEN"):
                with m.If(is_register | self.access.done):
                    m.d.sync += [todo.eq(todo - 1), address.eq(address + 1)]
                    m.next = "BEGIN"
                    with m.If(last_row):
                        m.d.comb += self.done.eq(1)
                        m.next = "IDLE"
        return m
