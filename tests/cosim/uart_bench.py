"""cocotb side of test_uart.py: a host at the UART pins. Not collected by pytest."""

import os

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer, with_timeout
from cocotbext.uart import UartSink, UartSource

from host.link import END, decode, encode
from host.protocol.packets import MAGIC, REGISTERS, Packet, Space
from tests.hw.link.bench import access, run_interval

CLOCK_PS = 10_000
CLOCK = 10**12 // CLOCK_PS
BAUD = int(os.environ.get("UART_BAUD", "12000000"))
PERCENT = float(os.environ.get("UART_PERCENT", "0"))


class Host:
    """Requests over the pins; the host's rate differs by `PERCENT` from the nominal one."""

    def __init__(self, dut):
        self.dut = dut
        self.rate(BAUD)
        self.sequence = 0

    def rate(self, baud):
        baud *= 1 + PERCENT / 100
        self.source = UartSource(self.dut.rx, baud=baud)
        self.sink = UartSink(self.dut.tx, baud=baud)

    async def ask(self, kind, payload=b"", damage=False):
        packet = encode(kind, self.sequence, payload)
        if damage:
            packet = packet[:3] + bytes([packet[3] ^ 4]) + packet[4:]
        await self.source.write(packet)
        await self.source.wait()
        if damage:
            return None
        frame = bytearray()
        while frame.count(END) < 2:
            frame += await with_timeout(self.sink.read(1), 5, "ms")
        answer = decode(bytes(frame[1:-1]))
        assert answer is not None, f"damaged answer {bytes(frame).hex()}"
        assert answer[:2] == (kind | 0x80, self.sequence)
        self.sequence = (self.sequence + 1) & 255
        assert answer[2][0] == 0, f"status {answer[2][0]}"
        return answer[2][1:]


async def start(dut):
    cocotb.start_soon(Clock(dut.clk, CLOCK_PS, unit="ps").start())
    dut.rx.value = 1
    dut.rst.value = 1
    await Timer(100, unit="ns")
    await RisingEdge(dut.clk)
    dut.rst.value = 0
    await Timer(1, unit="us")
    return Host(dut)


@cocotb.test()
async def requests_over_the_pins(dut):
    host = await start(dut)
    answer = await host.ask(Packet.HELLO)
    assert int.from_bytes(answer[:4], "little") == MAGIC
    data = bytes([0x00, 0xFF, 0x55, 0xAA, 0xC0, 0xDB, 0x01, 0x80])
    await host.ask(Packet.WRITE, access(Space.WEIGHTS, 3, 1) + data)
    assert await host.ask(Packet.READ, access(Space.WEIGHTS, 3, 1)) == data
    assert dut.error.value == 0


@cocotb.test()
async def interval_over_the_pins(dut):
    host = await start(dut)
    await host.ask(Packet.HELLO)
    await run_interval(host.ask)


@cocotb.test()
async def the_host_changes_the_rate(dut):
    host = await start(dut)
    await host.ask(Packet.HELLO)
    for baud in (BAUD // 3, BAUD):
        step = round(2**16 * baud / CLOCK)
        place = access(Space.REGISTERS, REGISTERS.index("uart_step"), 1)
        await host.ask(Packet.WRITE, place + step.to_bytes(4, "little"))
        await Timer(90, unit="us")
        host.rate(baud)
        values = await host.ask(
            Packet.READ, access(Space.REGISTERS, REGISTERS.index("uart_clock"), 1)
        )
        assert int.from_bytes(values, "little") == CLOCK
        assert int.from_bytes(await host.ask(Packet.READ, place), "little") == step
        data = bytes(range(16))
        assert await host.ask(Packet.ECHO, data) == data
    assert dut.error.value == 0


@cocotb.test()
async def damaged_request_is_sent_again(dut):
    host = await start(dut)
    await host.ask(Packet.HELLO, damage=True)
    await Timer(int(40e6 / BAUD) + 2, unit="us")
    assert dut.error.value == 1
    assert host.sink.empty()
    assert len(await host.ask(Packet.HELLO)) > 100
