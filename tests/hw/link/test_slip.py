"""SLIP decoder and encoder against sliplib, under back-pressure."""

import pytest
import sliplib

from host.protocol.packets import SLIP_END, SLIP_ESC
from hw.link.slip import SlipDecoder, SlipEncoder
from tests.hw.link.streams import PRESSURES, generator, receive, send, simulate

END = bytes([SLIP_END])
AWKWARD = [0xC0, 0xDB, 0xDC, 0xDD, 0x00, 0xFF]


def messages(rng, count=8):
    """Messages, many bytes of which must be escaped."""
    choose = [lambda: rng.choice(AWKWARD), lambda: rng.randrange(256)]
    fixed = [bytes(AWKWARD), END, bytes([SLIP_ESC])]
    return fixed + [
        bytes(rng.choice(choose)() for _ in range(rng.randrange(1, 30))) for _ in range(count)
    ]


def decode(data, pressure, rng):
    """Frames the decoder finds in `data`: (bytes, bad)."""
    dut, items = SlipDecoder(), []

    async def drive(ctx):
        await send(ctx, dut.i, data, PRESSURES[pressure], rng)
        for _ in range(60):
            await ctx.tick()

    async def read(ctx):
        await receive(ctx, dut.o, items, PRESSURES[pressure], rng)

    simulate(dut, drive, background=[read])
    frames, current = [], bytearray()
    for item in items:
        if item >> 8 & 1:
            frames.append((bytes(current), bool(item >> 9)))
            current.clear()
        else:
            current.append(item & 255)
    return frames


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("pressure", PRESSURES)
def test_decoder_equals_sliplib(pressure, seed):
    rng = generator("decoder", pressure, seed)
    sent = messages(rng)
    data = b"".join(END + sliplib.encode(message) + END for message in sent)
    frames = [frame for frame in decode(data, pressure, rng) if frame[0]]
    assert frames == [(message, False) for message in sent]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("pressure", PRESSURES)
def test_encoder_equals_sliplib(pressure, seed):
    rng = generator("encoder", pressure, seed)
    sent, got = messages(rng), []
    dut = SlipEncoder()
    items = [b | (i == len(m) - 1) << 8 for m in sent for i, b in enumerate(m)]

    async def drive(ctx):
        await send(ctx, dut.i, items, PRESSURES[pressure], rng)
        for _ in range(60):
            await ctx.tick()

    async def read(ctx):
        await receive(ctx, dut.o, got, PRESSURES[pressure], rng)

    simulate(dut, drive, background=[read])
    assert bytes(got) == b"".join(END + sliplib.encode(message) + END for message in sent)


@pytest.mark.parametrize(
    ("data", "frames"),
    [
        (b"\xc0\xc0\xc0", [(b"", False)] * 3),
        (b"abc\xc0", [(b"abc", False)]),
        (b"\xdb\xdb\xc0", [(b"\xdb", True)]),
        (b"a\xdb\xc0b\xc0", [(b"a", True), (b"b", False)]),
        (b"\xdbx\xc0\xdb\xdc\xc0", [(b"x", True), (b"\xc0", False)]),
    ],
)
def test_invalid_escapes_are_marked_and_end_with_their_frame(data, frames):
    assert decode(data, "none", generator(1)) == frames


def test_garbage_does_not_reach_the_next_frame():
    rng = generator("garbage")
    data = rng.randbytes(200).replace(END, b"") + END + b"good" + END
    assert decode(data, "light", rng)[-1] == (b"good", False)
