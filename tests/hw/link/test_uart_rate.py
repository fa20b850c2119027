"""UART rate: when a new one begins, and that the board's own comes back."""

import math

import pytest

from host.protocol.packets import UART_FALLBACK_SECONDS, UART_QUIET, UART_STEPS
from hw.link.uart import bit_step
from hw.link.uart_rate import UartRate
from tests.hw.link.streams import simulate

pytestmark = pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")

CLOCK, BAUD = 100e6, 12_000_000
DEFAULT = bit_step(CLOCK, BAUD)
OTHER = bit_step(CLOCK, 1_000_000)
FALLBACK = 300


def play(scenario):
    dut = UartRate(CLOCK, BAUD, fallback=FALLBACK)

    async def drive(ctx):
        await scenario(ctx, dut)

    simulate(dut, drive)


async def write(ctx, dut, step):
    ctx.set(dut.port.value, step)
    ctx.set(dut.port.write, 1)
    await ctx.tick()
    ctx.set(dut.port.write, 0)


async def change(ctx, dut, step=OTHER):
    """Write a step and wait until it is used."""
    await write(ctx, dut, step)
    await ctx.tick().repeat(UART_QUIET + 2)
    assert ctx.get(dut.step) == step


async def pulse(ctx, signal, level=1):
    ctx.set(signal, level)
    await ctx.tick()
    ctx.set(signal, 1 - level)


async def given_up_after(ctx, dut):
    """Cycles until the default is back, infinite if it stays away."""
    for cycle in range(3 * FALLBACK):
        if ctx.get(dut.step) == DEFAULT:
            return cycle
        await ctx.tick()
    return math.inf


def test_registers_tell_clock_and_steps():
    async def scenario(ctx, dut):
        assert ctx.get(dut.port.clock) == CLOCK
        assert ctx.get(dut.port.default) == ctx.get(dut.port.step) == DEFAULT
        await change(ctx, dut)
        assert ctx.get(dut.port.default) == DEFAULT
        assert ctx.get(dut.port.step) == OTHER

    play(scenario)


def test_a_new_rate_waits_until_the_response_has_left():
    async def scenario(ctx, dut):
        await ctx.tick().repeat(UART_QUIET + 10)  # long quiet before
        await write(ctx, dut, OTHER)
        await ctx.tick().repeat(20)
        for _ in range(3):
            await pulse(ctx, dut.tx, 0)
            for _ in range(UART_QUIET - 1):
                await ctx.tick()
                assert ctx.get(dut.step) == DEFAULT
        await ctx.tick().repeat(3)
        assert ctx.get(dut.step) == OTHER

    play(scenario)


@pytest.mark.parametrize("step", [0, UART_STEPS[0] - 1, UART_STEPS[1] + 1, (1 << 16) + OTHER])
def test_impossible_steps_change_nothing(step):
    async def scenario(ctx, dut):
        await write(ctx, dut, step)
        await ctx.tick().repeat(UART_QUIET + 5)
        assert ctx.get(dut.step) == DEFAULT

    play(scenario)


@pytest.mark.parametrize("step", UART_STEPS)
def test_bounds_are_possible(step):
    async def scenario(ctx, dut):
        await change(ctx, dut, step)

    play(scenario)


def test_a_rate_that_nobody_asks_at_is_given_up():
    async def scenario(ctx, dut):
        await change(ctx, dut)
        assert FALLBACK - 5 < await given_up_after(ctx, dut) <= FALLBACK + 1

    play(scenario)


def test_a_rate_that_works_stays_while_the_line_rests():
    async def scenario(ctx, dut):
        await change(ctx, dut)
        await pulse(ctx, dut.port.request)
        assert await given_up_after(ctx, dut) == math.inf
        for _ in range(4):  # requests come, each in time
            await pulse(ctx, dut.rx, 0)
            await ctx.tick().repeat(FALLBACK - 20)
            await pulse(ctx, dut.port.request)
        assert await given_up_after(ctx, dut) == math.inf

    play(scenario)


def test_bytes_without_a_request_give_a_rate_up():
    async def scenario(ctx, dut):
        await change(ctx, dut)
        await pulse(ctx, dut.port.request)
        await ctx.tick().repeat(2 * FALLBACK)
        for _ in range(8):  # of a host at another rate
            await pulse(ctx, dut.rx, 0)
            await ctx.tick().repeat(10)
        assert FALLBACK - 100 < await given_up_after(ctx, dut) <= FALLBACK
        # At the default there is nothing to give up.
        await pulse(ctx, dut.rx, 0)
        assert await given_up_after(ctx, dut) == 0

    play(scenario)


def test_the_time_to_fall_back_is_seconds_of_the_clock():
    assert UartRate(40e6, 3_000_000)._fallback == UART_FALLBACK_SECONDS * 40_000_000


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (0, ValueError, "fallback must be at least 1 cycle, not 0"),
        (1.5, TypeError, "fallback must be an int, not 1.5"),
    ],
)
def test_bad_fallbacks_are_refused(value, error, message):
    with pytest.raises(error, match=message):
        UartRate(CLOCK, BAUD, fallback=value)
