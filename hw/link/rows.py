"""Rows of the address spaces to bytes of the link and back."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.packets import READ_ONLY, REGISTERS, STATUS, Space, space_shape
from hw.interfaces import PART, PART_LATENCY, RESULT_SPACE, access_port
from hw.link.slip import MARKED_LAYOUT

BYTES = PART // 8
"""Bytes of a part."""
assert BYTES >= PART_LATENCY + 1, "the next part must be there when the last one has been given"


class RowAccess(Component):
    """Bytes to rows of a space and back, little end first.

    Rows of REGISTERS go to the link's registers, those of all other spaces to the core, part by
    part: its row registers lie beside their memories.

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
    access : Out(access_port())
        To the core.
    register_address, register_data, register_write, register_write_data
        To the link's registers; data follows the address by two cycles.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
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
                "access": Out(access_port()),
                "register_address": Out(clog2(len(REGISTERS))),
                "register_data": In(32),
                "register_read": Out(1),
                "register_write": Out(1),
                "register_write_data": Out(32),
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
        # Of the space: taken over until a check or an access begins.
        depth = Signal(17)
        widest = max(-(-space_shape(space, config)[1] // 8) for space in Space)
        row_bytes = Signal(range(max(widest, 2 * config.lanes) + 1))
        most = Signal(16)
        known = Signal()
        space = Signal.like(self.access.space)
        is_register, is_protected = Signal(), Signal()
        end = Signal(len(self.start) + 1)
        too_many, beyond = Signal(), Signal()
        expected = Signal(17)
        todo = Signal(16)
        address = Signal(16)
        index = Signal.like(row_bytes)
        at_last, one_byte = Signal(), Signal()  # the row's last byte is next; rows have one byte
        before_last = Signal.like(row_bytes)
        last_row = Signal()
        part = Signal(PART, reset_less=True)
        place = Signal(range(BYTES))  # of the next byte in the part
        late = Signal()

        def take_over():
            m.d.sync += [
                known.eq(0),
                space.eq(self.space),
                is_register.eq(self.space == Space.REGISTERS),
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

        m.d.comb += [
            self.access.space.eq(space),
            self.access.address.eq(address),
            self.access.write_data.eq(part),
            self.register_address.eq(address),
            self.register_write_data.eq(part),
            self.o.p.data.eq(part[:8]),
            self.o.p.last.eq(at_last & last_row),
        ]
        m.d.sync += [
            self.checked.eq(0),
            self.access.read.eq(0),
            self.access.write.eq(0),
            self.access.shift.eq(0),
            self.register_write.eq(0),
        ]
        # The part gives bytes, takes bytes or waits for a row; else it moves down to its first one.
        gives, takes, waits = Signal(), Signal(), Signal()
        with m.If(gives):
            with m.If(self.o.ready):
                m.d.sync += part.eq(Mux(place == BYTES - 1, self.access.read_data, part >> 8))
        with m.Elif(takes):
            with m.If(self.i.valid):
                m.d.sync += part.eq(Cat(part[8:], self.i.payload))
        with m.Elif(waits):
            m.d.sync += part.eq(Mux(is_register, self.register_data, self.access.read_data))
        with m.Elif(place != 0):
            m.d.sync += part.eq(part >> 8)

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
                m.d.sync += [self.access.read.eq(~is_register), late.eq(0), waits.eq(1)]
                m.d.comb += self.register_read.eq(is_register)
                m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.sync += late.eq(1)
                with m.If((is_register & late) | self.access.done):
                    m.d.sync += [place.eq(0), waits.eq(0), gives.eq(1), self.access.shift.eq(1)]
                    m.next = "GIVE"
            with m.State("GIVE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.d.sync += [
                        place.eq(place + 1),
                        index.eq(index + 1),
                        at_last.eq(index == before_last),
                    ]
                    m.d.sync += self.access.shift.eq(place == BYTES - 1)
                    with m.If(at_last):
                        m.d.sync += [gives.eq(0), todo.eq(todo - 1), address.eq(address + 1)]
                        m.next = "ASK"
                        with m.If(last_row):
                            m.d.comb += self.done.eq(1)
                            m.next = "IDLE"
            with m.State("BEGIN"):
                m.d.sync += [index.eq(0), at_last.eq(one_byte), last_row.eq(todo == 1)]
                m.d.sync += [place.eq(0), takes.eq(1)]
                m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += self.i.ready.eq(1)
                with m.If(self.i.valid):
                    m.d.sync += [
                        place.eq(place + 1),
                        index.eq(index + 1),
                        at_last.eq(index == before_last),
                    ]
                    m.d.sync += self.access.shift.eq(place == BYTES - 1)
                    with m.If(at_last):
                        m.d.sync += takes.eq(0)
                        m.next = "ALIGN"
            with m.State("ALIGN"):
                with m.If(place != 0):
                    m.d.sync += place.eq(place + 1)
                    m.d.sync += self.access.shift.eq(place == BYTES - 1)
                with m.Else():
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
