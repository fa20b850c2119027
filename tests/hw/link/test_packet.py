"""Packet buffer and CRC against zlib, under back-pressure."""

import zlib

import pytest

from golden.core_config import CoreConfig
from hw.link.packet import PacketReceiver, PacketTransmitter
from tests.hw.link.streams import PRESSURES, generator, receive, send, simulate

CONFIG = CoreConfig(packet_bytes=64)
END, BAD = 1 << 8, 1 << 9


def packet(kind, sequence, payload):
    body = bytes([kind, sequence]) + payload
    return body + zlib.crc32(body).to_bytes(4, "little")


def accepted(frames, pressure, rng, config=CONFIG):
    """Packets the receiver offers, and how many CRC and length errors it reports."""
    dut = PacketReceiver(config)
    items = [item for frame in frames for item in (*frame, END)]
    got, errors = [], [0, 0]

    async def drive(ctx):
        await send(ctx, dut.items, items, PRESSURES[pressure], rng)
        for _ in range(400):
            await ctx.tick()

    async def read(ctx):
        while True:
            *_, valid, header = await ctx.tick().sample(dut.packet.valid, dut.packet.payload)
            if not valid:
                continue
            payload = bytearray()
            while not ctx.get(dut.empty):
                ready = rng.random() >= PRESSURES[pressure]
                ctx.set(dut.bytes.ready, ready)
                *_, valid, byte = await ctx.tick().sample(dut.bytes.valid, dut.bytes.payload)
                if valid and ready:
                    payload.append(byte)
            ctx.set(dut.bytes.ready, 0)
            assert len(payload) == header.length
            got.append((header.type, header.sequence, bytes(payload)))
            ctx.set(dut.packet.ready, 1)
            await ctx.tick()
            ctx.set(dut.packet.ready, 0)

    async def watch(ctx):
        async for *_, crc, length in ctx.tick().sample(dut.crc_error, dut.length_error):
            errors[0] += crc
            errors[1] += length

    simulate(dut, drive, background=[read, watch])
    return got, tuple(errors)


@pytest.mark.parametrize("pressure", PRESSURES)
def test_good_packets_pass_and_bad_ones_are_counted(pressure):
    rng = generator("receiver", pressure)
    sizes = [0, 1, 63, 64]
    good = [(rng.randrange(256), rng.randrange(256), rng.randbytes(n)) for n in sizes]
    flipped = bytearray(packet(*good[2]))
    flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    frames = [
        packet(*good[0]),
        b"",
        bytes(flipped),
        packet(*good[1]),
        packet(1, 2, rng.randbytes(65)),
        packet(*good[2]),
        packet(1, 2, b"cut")[:-1],
        b"short",
        packet(1, 2, rng.randbytes(300)),
        packet(*good[3]),
    ]
    got, errors = accepted(frames, pressure, rng)
    assert got == good
    assert errors == (2, 3)


def test_invalid_escape_damages_a_packet_whose_crc_is_right():
    dut = PacketReceiver(CONFIG)
    pulses = []

    async def drive(ctx):
        await send(ctx, dut.items, [*packet(1, 2, b""), END | BAD], 0, generator(1))
        for _ in range(4):
            await ctx.tick()
            assert not ctx.get(dut.packet.valid)

    async def watch(ctx):
        async for *_, crc in ctx.tick().sample(dut.crc_error):
            pulses.append(crc)

    simulate(dut, drive, background=[watch])
    assert sum(pulses) == 1


@pytest.mark.parametrize("pressure", PRESSURES)
def test_transmitter_appends_the_crc_of_zlib(pressure):
    rng = generator("transmitter", pressure)
    bodies = [rng.randbytes(n) for n in (1, 2, 3, 40)]
    items = [b | (i == len(m) - 1) << 8 for m in bodies for i, b in enumerate(m)]
    dut, got = PacketTransmitter(), []

    async def drive(ctx):
        await send(ctx, dut.i, items, PRESSURES[pressure], rng)
        for _ in range(100):
            await ctx.tick()

    async def read(ctx):
        await receive(ctx, dut.o, got, PRESSURES[pressure], rng)

    simulate(dut, drive, background=[read])
    expected = []
    for body in bodies:
        whole = body + zlib.crc32(body).to_bytes(4, "little")
        expected += [b | (i == len(whole) - 1) << 8 for i, b in enumerate(whole)]
    assert got == expected
