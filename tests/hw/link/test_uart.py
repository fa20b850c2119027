"""UART: rates, tolerance, framing errors, refused rates."""

import pytest

from hw.link.uart import UartReceiver, UartTransmitter, bit_step, rate_error
from tests.hw.link.streams import PRESSURES, generator, receive, send, simulate

pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")

CLOCK = 100e6
CASES = [(12_000_000, 100e6), (1_000_000, 100e6), (3_000_000, 48e6), (115_200, 12e6)]


async def bits_out(ctx, dut, data, clocks_per_bit, offset=0.0, gap=0.0):
    """Drive the pin: bit n of the stream starts at clock ``offset + n * clocks_per_bit``."""
    levels, start, now = [], offset, 0
    for byte in data:
        frame = [0, *(byte >> i & 1 for i in range(8)), 1]
        levels += [(start + n * clocks_per_bit, level) for n, level in enumerate(frame)]
        start += 10 * clocks_per_bit + gap
    for time, level in levels:
        while now < time:
            await ctx.tick()
            now += 1
        ctx.set(dut.rx, level)
    for _ in range(int(3 * clocks_per_bit) + 8):
        await ctx.tick()


@pytest.mark.parametrize(("baud", "clock"), CASES)
def test_rate_is_within_half_a_percent(baud, clock):
    assert abs(rate_error(clock, baud)) < 0.005


def test_error_at_12_megabaud_is_the_one_stated():
    assert bit_step(CLOCK, 12_000_000) == 7864
    assert rate_error(CLOCK, 12_000_000) == pytest.approx(-4.07e-5, abs=1e-7)
    assert f"{-rate_error(CLOCK, 12_000_000):.4%}" == "0.0041%"
    assert "0.0041 % low" in UartReceiver.__doc__


@pytest.mark.parametrize("percent", [-3, -2, 0, 2, 3])
@pytest.mark.parametrize("offset", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("baud", [12_000_000, 1_000_000])
def test_receiver_tolerates_another_clock(baud, offset, percent):
    dut = UartReceiver(CLOCK, baud)
    rng = generator("uart", baud, percent)
    data = [0x00, 0xFF, 0x55, 0xAA, *rng.randbytes(8 if baud > 2_000_000 else 1)]
    got = []

    async def drive(ctx):
        await bits_out(ctx, dut, data, CLOCK / baud * (1 + percent / 100), offset)

    async def read(ctx):
        await receive(ctx, dut.o, got, 0, rng)

    simulate(dut, drive, background=[read])
    assert got == data


@pytest.mark.parametrize("pressure", PRESSURES)
@pytest.mark.parametrize(("baud", "clock"), CASES[:3])
def test_transmitter_edges_are_at_most_one_clock_late(baud, clock, pressure):
    dut = UartTransmitter(clock, baud)
    rng = generator("uart", baud, pressure)
    data = [*rng.randbytes(12), 0, 255]
    trace = []

    async def drive(ctx):
        await send(ctx, dut.i, data, PRESSURES[pressure], rng)
        for _ in range(int(12 * clock / baud)):
            await ctx.tick()

    async def watch(ctx):
        async for *_, tx in ctx.tick().sample(dut.tx):
            trace.append(tx)

    simulate(dut, drive, background=[watch])
    bit = clock / baud
    got, position = [], 0
    while 0 in trace[position:]:
        start = trace.index(0, position)
        # Well inside each bit, one clock from either end, the level must stand.
        frame = []
        for n in range(10):
            inside = trace[start + int(n * bit) + 1 : start + int((n + 1) * bit) - 1]
            assert len(set(inside)) == 1, f"bit {n} of byte {len(got)} changes: {inside}"
            frame.append(inside[0])
        assert frame[0] == 0
        assert frame[9] == 1
        got.append(sum(level << i for i, level in enumerate(frame[1:9])))
        position = start + int(9.6 * bit)
    assert got == data


def test_back_to_back_bytes_keep_the_mean_rate():
    dut = UartTransmitter(CLOCK, 12_000_000)
    trace = []

    async def drive(ctx):
        await send(ctx, dut.i, [0x55] * 60, 0, generator(1))
        for _ in range(200):
            await ctx.tick()

    async def watch(ctx):
        async for *_, tx in ctx.tick().sample(dut.tx):
            trace.append(tx)

    simulate(dut, drive, background=[watch])
    falls = [i for i in range(1, len(trace)) if trace[i - 1] > trace[i]]
    assert len(falls) == 5 * 60
    # 59.8 bytes of 83.33 clocks between the first and the last falling edge.
    assert falls[-1] - falls[0] == pytest.approx((59 * 10 + 8) * 100 / 12, abs=1)


def test_missing_stop_bit_drops_the_byte_and_a_glitch_is_none():
    dut = UartReceiver(CLOCK, 10_000_000)
    got, errors = [], []

    async def drive(ctx):
        for level, clocks in [(0, 100), (1, 30), (0, 3), (1, 60)]:
            ctx.set(dut.rx, level)
            for _ in range(clocks):
                await ctx.tick()
        await bits_out(ctx, dut, [0x5A], 10)

    async def read(ctx):
        await receive(ctx, dut.o, got, 0, generator(1))

    async def watch(ctx):
        async for *_, error in ctx.tick().sample(dut.framing_error):
            if error:
                errors.append(error)

    simulate(dut, drive, background=[read, watch])
    assert got == [0x5A]
    assert len(errors) == 1


def test_full_fifo_drops_and_tells():
    dut = UartReceiver(CLOCK, 10_000_000, depth=4)
    got, lost = [], []

    async def drive(ctx):
        await bits_out(ctx, dut, range(8), 10)
        for _ in range(6):
            ctx.set(dut.o.ready, 1)
            *_, valid, payload = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                got.append(payload)

    async def watch(ctx):
        async for *_, overflow in ctx.tick().sample(dut.overflow):
            if overflow:
                lost.append(overflow)

    simulate(dut, drive, background=[watch])
    assert got == list(range(len(got)))
    assert len(got) >= 4
    assert len(lost) == 8 - len(got)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((CLOCK, 25_000_000), ValueError, "baud must be at most clock / 5 = 20000000"),
        ((CLOCK, 9600), ValueError, "baud must be at least 152588"),
        ((CLOCK, 0), ValueError, "baud must be above 0, not 0"),
        ((-1.0, 9600), ValueError, "clock must be above 0, not -1.0"),
        ((CLOCK, "fast"), TypeError, "baud must be a number, not 'fast'"),
    ],
)
@pytest.mark.parametrize("kind", [UartReceiver, UartTransmitter])
def test_impossible_rates_are_refused(kind, arguments, error, message):
    with pytest.raises(error, match=message):
        kind(*arguments)


def test_fifo_depth_is_checked():
    with pytest.raises(ValueError, match="depth must be an int of at least 2, not 1"):
        UartReceiver(CLOCK, 1_000_000, depth=1)
