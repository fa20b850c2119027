"""Packets on SLIP frames: CRC-32, the buffer that holds a request, the tail of a response."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import data, stream
from amaranth.lib.crc.catalog import CRC32_ISO_HDLC
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig, clog2
from host.protocol.packets import CRC_BYTES, HEADER_BYTES
from hw.link.slip import ITEM_LAYOUT, MARKED_LAYOUT
from hw.stream_buffer import StreamBuffer

__all__ = ["PacketReceiver", "PacketTransmitter", "header_layout"]

FRAME_OVERHEAD = HEADER_BYTES + CRC_BYTES


def header_layout(config: CoreConfig) -> data.StructLayout:
    """Return the layout of a received packet's header; `length` is that of its payload [bytes]."""
    return data.StructLayout(
        {"type": 8, "sequence": 8, "length": (config.packet_bytes).bit_length()}
    )


class PacketReceiver(Component):
    """Buffer of one whole packet, offered only when its length and its CRC-32 are right.

    The payload goes to a memory of `config.packet_bytes`. While a packet is offered, no bytes are
    taken.

    Parameters
    ----------
    config : CoreConfig
        Supplies the bound of the payload.

    Members
    -------
    items : In(stream.Signature(ITEM_LAYOUT))
        From the SLIP decoder.
    packet : Out(stream.Signature(header_layout(config)))
        Header of the packet held; taking it releases the buffer.
    bytes : Out(stream.Signature(8))
        Payload of the packet held, from its first byte.
    empty : Out(1)
        All payload bytes are taken; it rises two cycles after the last one.
    crc_error, length_error : Out(1)
        One-cycle pulses: a frame was dropped.
    """

    def __init__(self, config: CoreConfig):
        self._config = config
        super().__init__(
            {
                "items": In(stream.Signature(ITEM_LAYOUT)),
                "packet": Out(stream.Signature(header_layout(config))),
                "bytes": Out(stream.Signature(8)),
                "empty": Out(1),
                "crc_error": Out(1),
                "length_error": Out(1),
            }
        )

    def elaborate(self, platform):
        m = Module()
        longest = self._config.packet_bytes
        m.submodules.memory = memory = Memory(shape=8, depth=longest, init=[])
        m.submodules.check = crc = CRC32_ISO_HDLC(data_width=8).create()
        write, read = memory.write_port(), memory.read_port()

        # Bytes of the frame so far; one more than the longest frame means too long.
        count = Signal(range(longest + FRAME_OVERHEAD + 2))
        too_long = count == longest + FRAME_OVERHEAD + 1
        position = Signal(clog2(longest + FRAME_OVERHEAD + 2))
        following = Signal(range(longest + 1))  # byte that is read next
        left = Signal(range(longest + 1))  # bytes not taken
        header = self.packet.payload

        m.d.comb += [
            self.items.ready.eq(~self.packet.valid),
            position.eq(count - HEADER_BYTES),
            write.addr.eq(position),
            write.data.eq(self.items.p.data),
            crc.data.eq(self.items.p.data),
        ]
        with m.If(self.items.valid & self.items.ready):
            with m.If(~self.items.p.end):
                m.d.comb += [
                    crc.valid.eq(1),
                    write.en.eq((count >= HEADER_BYTES) & (position < longest)),
                ]
                with m.If(~too_long):
                    m.d.sync += count.eq(count + 1)
                with m.If(count == 0):
                    m.d.sync += header.type.eq(self.items.p.data)
                with m.If(count == 1):
                    m.d.sync += header.sequence.eq(self.items.p.data)
            with m.Else():
                m.d.comb += crc.start.eq(1)
                m.d.sync += [
                    count.eq(0),
                    left.eq(count - FRAME_OVERHEAD),
                    self.empty.eq(count == FRAME_OVERHEAD),
                    header.length.eq(count - FRAME_OVERHEAD),
                ]
                with m.If(count == 0):
                    m.d.comb += self.crc_error.eq(self.items.p.bad)
                with m.Elif(too_long | (count < FRAME_OVERHEAD)):
                    m.d.comb += self.length_error.eq(1)
                with m.Elif(self.items.p.bad | ~crc.match_detected):
                    m.d.comb += self.crc_error.eq(1)
                with m.Else():
                    m.d.sync += self.packet.valid.eq(1)

        # Behind the slow memory stands a buffer, which forgets what is left with the packet.
        release = Signal()
        m.submodules.buffer = buffer = ResetInserter(release)(StreamBuffer(8))
        fetched, more, taken = Signal(), Signal(), Signal()
        m.d.comb += [
            release.eq(self.packet.valid & self.packet.ready),
            read.addr.eq(following),
            read.en.eq(~fetched | buffer.i.ready),
            more.eq(self.packet.valid & (following != header.length)),
            buffer.i.valid.eq(fetched),
            buffer.i.payload.eq(read.data),
            self.bytes.valid.eq(buffer.o.valid),
            self.bytes.payload.eq(buffer.o.payload),
            buffer.o.ready.eq(self.bytes.ready),
        ]
        with m.If(read.en):
            m.d.sync += [fetched.eq(more), following.eq(following + more)]
        m.d.sync += taken.eq(self.bytes.valid & self.bytes.ready)
        with m.If(taken):
            m.d.sync += [left.eq(left - 1), self.empty.eq(left == 1)]
        with m.If(release):
            m.d.sync += [self.packet.valid.eq(0), fetched.eq(0), following.eq(0)]
        return m


class PacketTransmitter(Component):
    """CRC-32 behind every packet.

    Members
    -------
    i : In(stream.Signature(MARKED_LAYOUT))
        Type, sequence and payload, the last byte marked.
    o : Out(stream.Signature(MARKED_LAYOUT))
        The same bytes and the CRC, its last byte marked.
    """

    def __init__(self):
        super().__init__(
            {
                "i": In(stream.Signature(MARKED_LAYOUT)),
                "o": Out(stream.Signature(MARKED_LAYOUT)),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.check = crc = CRC32_ISO_HDLC(data_width=8).create()
        tail = Signal()
        index = Signal(range(CRC_BYTES))
        space = Signal()

        m.d.comb += [
            space.eq(~self.o.valid | self.o.ready),
            self.i.ready.eq(space & ~tail),
            crc.data.eq(self.i.p.data),
        ]
        with m.If(space):
            m.d.sync += self.o.valid.eq(0)
            with m.If(tail):
                m.d.sync += [
                    self.o.valid.eq(1),
                    self.o.p.data.eq(crc.crc.word_select(index, 8)),
                    self.o.p.last.eq(index == CRC_BYTES - 1),
                    index.eq(index + 1),
                ]
                with m.If(index == CRC_BYTES - 1):
                    m.d.comb += crc.start.eq(1)
                    m.d.sync += tail.eq(0)
            with m.Elif(self.i.valid):
                m.d.comb += crc.valid.eq(1)
                m.d.sync += [
                    self.o.valid.eq(1),
                    self.o.p.data.eq(self.i.p.data),
                    self.o.p.last.eq(0),
                    tail.eq(self.i.p.last),
                ]
        return m
