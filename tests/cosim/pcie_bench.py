"""cocotb side of test_pcie.py: a host at the AXI4-Stream pins. Not collected by pytest."""

import itertools
import os
import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from host.link import END, decode, encode
from host.protocol.packets import MAGIC, Packet, Space, Status
from tests.hw.link.bench import access, run_interval

CLOCK_PS = 10_000
AXI_PS = int(os.environ.get("PCIE_AXI_PS", "4003"))
PAUSE = float(os.environ.get("PCIE_PAUSE", "0"))
SEED = int(os.environ.get("PCIE_SEED", "1"))
ROW = 8
"""Bytes of a row of WEIGHTS in the bench's configuration."""


def pauses(*key):
    """Random pauses for ever."""
    generator = random.Random(repr(key))
    return (generator.random() < PAUSE for _ in itertools.count())


class Host:
    """Requests over AXI4-Stream; checks how every response is laid out in beats."""

    def __init__(self, dut):
        self.dut = dut
        reset = (dut.axi_aclk, dut.axi_aresetn, False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis_h2c"), *reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_c2h"), *reset)
        for part in (self.source, self.sink):
            part.log.setLevel("WARNING")
        self.source.set_pause_generator(pauses("source", SEED))
        self.sink.set_pause_generator(pauses("sink", SEED))
        self.random = random.Random(SEED)
        self.sequence = 0
        self.packet_length = 0

    async def send(self, data):
        """Send bytes in descriptors of random lengths, which end in the middle of beats."""
        while data:
            length = self.random.choice([1, 2, 7, 8, 9, 17, 64, 4096])
            await self.source.send(AxiStreamFrame(data[:length]))
            data = data[length:]

    async def receive(self):
        """Return the bytes of a packet up to tlast."""
        packet = await with_timeout(self.sink.recv(compact=False), 2, "ms")
        keep = "".join(str(int(bit)) for bit in packet.tkeep)
        assert keep.rstrip("0").count("0") == 0, f"bytes kept are not contiguous: {keep}"
        missing = len(keep) - len(keep.rstrip("0"))
        lanes = len(self.sink.bus.tkeep)
        assert missing < lanes, f"the last beat is empty: {keep}"
        self.packet_length = len(keep) - missing
        return bytes(packet.tdata[: self.packet_length])

    async def ask(self, kind, payload=b"", status=Status.OK):
        """Return the payload of the response."""
        self.sequence = (self.sequence + 1) & 255
        await self.send(encode(kind, self.sequence, payload))
        packet = await self.receive()
        assert packet[:1] == packet[-1:] == END, f"{packet.hex()} is not one frame"
        assert packet.count(END) == 2, f"{packet.hex()} is not one frame"
        answer = decode(packet[1:-1])
        assert answer is not None, f"damaged answer {packet.hex()}"
        assert answer[:2] == (kind | 0x80, self.sequence)
        assert answer[2][0] == status, f"status {answer[2][0]}"
        return answer[2][1:]


async def start(dut):
    dut.clk.value = dut.axi_aclk.value = 0
    cocotb.start_soon(Clock(dut.clk, CLOCK_PS, unit="ps").start())
    cocotb.start_soon(Clock(dut.axi_aclk, AXI_PS, unit="ps", period_high=AXI_PS // 2).start())
    dut.rst.value = 1
    dut.axi_aresetn.value = 0
    host = Host(dut)
    await Timer(200, unit="ns")
    dut.rst.value = 0
    await RisingEdge(dut.axi_aclk)
    dut.axi_aresetn.value = 1
    await Timer(200, unit="ns")
    return host


@cocotb.test()
async def rows_of_random_lengths(dut):
    host = await start(dut)
    answer = await host.ask(Packet.HELLO)
    assert int.from_bytes(answer[:4], "little") == MAGIC
    memory = bytearray(16 * ROW)
    for _ in range(8):
        rows = host.random.randrange(1, 12)
        first = host.random.randrange(17 - rows)
        # Bytes that SLIP escapes are as likely as all others.
        data = bytes(host.random.choice([0xC0, 0xDB, 0, 255, 7]) for _ in range(rows * ROW))
        await host.ask(Packet.WRITE, access(Space.WEIGHTS, first, rows) + data)
        memory[first * ROW : first * ROW + len(data)] = data
        first = host.random.randrange(17 - rows)
        got = await host.ask(Packet.READ, access(Space.WEIGHTS, first, rows))
        assert got == memory[first * ROW : (first + rows) * ROW]
    assert host.sink.empty()
    assert dut.error.value == 0


@cocotb.test()
async def an_interval(dut):
    host = await start(dut)
    await host.ask(Packet.HELLO)
    await run_interval(host.ask)


@cocotb.test()
async def garbage_is_no_packet(dut):
    host = await start(dut)
    await host.send(host.random.randbytes(300))
    await host.ask(Packet.HELLO)
    assert dut.error.value == 1
    assert host.sink.empty()


@cocotb.test()
@cocotb.parametrize(who=["host", "card"])
async def reset_in_the_middle(dut, who):
    """Requests work after a reset of either side, whatever was under way; memories stay."""
    host = await start(dut)
    data = host.random.randbytes(4 * ROW)
    await host.ask(Packet.HELLO)
    await host.ask(Packet.WRITE, access(Space.WEIGHTS, 3, 4) + data)
    for delay in (1, 40, 150, 260):  # within the request, at work on it, within the response
        await host.send(encode(Packet.READ, host.sequence, access(Space.WEIGHTS, 3, 4)))
        await ClockCycles(dut.clk, delay)
        if who == "host":
            await RisingEdge(dut.axi_aclk)
            dut.axi_aresetn.value = 0
        else:
            await RisingEdge(dut.clk)
            dut.rst.value = 1
        host.source.clear()
        host.sink.set_pause_generator(itertools.repeat(True))
        await ClockCycles(dut.clk, 20)
        dut.axi_aresetn.value = 1
        dut.rst.value = 0
        await ClockCycles(dut.clk, 20)
        assert dut.m_axis_c2h_tvalid.value == 0, f"a beat from before the reset at {delay}"
        host.sink.clear()
        host.sink.set_pause_generator(pauses("sink", SEED, delay))
        # The rest of the request may still come; its END closes it, and nobody has said HELLO.
        await host.send(END)
        await host.ask(Packet.READ, access(Space.WEIGHTS, 3, 4), status=Status.SEQUENCE)
        await host.ask(Packet.HELLO)
        assert await host.ask(Packet.READ, access(Space.WEIGHTS, 3, 4)) == data


@cocotb.test(skip=PAUSE > 0)
async def bytes_per_cycle(dut):
    """A byte per cycle of the slower clock to the card; the link makes the pace of a response."""
    host = await start(dut)
    await host.ask(Packet.HELLO)
    slower = max(CLOCK_PS, AXI_PS)
    begin = 0
    for count in (256, 2048):  # the first fills the FIFO; no END among them: dropped as they come
        begin = get_sim_time("ps")
        await host.source.send(AxiStreamFrame(bytes(count)))
        await host.source.wait()
    to_card = count * slower / (get_sim_time("ps") - begin)
    await host.send(END)
    await host.ask(Packet.HELLO)
    begins = cocotb.start_soon(first_beat(dut))
    await host.ask(Packet.READ, access(Space.WEIGHTS, 0, 11))
    # The first beat was gathered before.
    length = host.packet_length - len(host.sink.bus.tkeep)
    to_host = length * slower / (get_sim_time("ps") - await begins)
    dut._log.warning("bytes per cycle: %.3f to the card, %.3f to the host", to_card, to_host)
    assert 0.99 < to_card < 1.01
    assert to_host > 0.7


async def first_beat(dut):
    """Return when the next beat to the host begins [ps]."""
    await RisingEdge(dut.m_axis_c2h_tvalid)
    return get_sim_time("ps")
