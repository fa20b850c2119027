"""Dividers against the limits of the data sheets, and what is instantiated from them."""

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from amaranth.back import rtlil
from amaranth.hdl import ClockDomain, Elaboratable, Module, ResetSignal, Signal
from amaranth.sim import Simulator

from hw.clocking import (
    ECP5_PLL,
    MAX_ERROR,
    MMCM,
    ClockReset,
    Dividers,
    Ecp5Global,
    Ecp5Pll,
    Mmcm,
    dividers,
)

# of the data sheets, once more by hand: [MHz]
SHEETS = {
    ECP5_PLL: {"source": (8, 400), "detector": (10, 400), "oscillator": (400, 800),
               "output": (3.125, 400)},
    MMCM: {"source": (10, 800), "detector": (10, 450), "oscillator": (600, 1200),
           "output": (4.69, 800)},
}  # fmt: skip
RANGES = {ECP5_PLL: ((1, 128), (1, 128), (1, 128)), MMCM: ((1, 106), (2, 64), (1, 128))}

SOURCES = (12, 25, 30, 48, 100, 200)
TARGETS = (20, 25, 30, 40, 48, 50, 60, 62.5, 75, 80, 90, 100, 120, 125, 150, 200)


def possible(limits, source, target):
    """Whether any numbers within the data sheet come near enough."""
    sheet, (divides, multiplies, outputs) = SHEETS[limits], RANGES[limits]
    return any(
        abs(Fraction(source * m, d * o) - target) <= MAX_ERROR * target
        for d in range(divides[0], divides[1] + 1)
        if sheet["detector"][0] <= source / d <= sheet["detector"][1]
        for m in range(multiplies[0], multiplies[1] + 1)
        if sheet["oscillator"][0] <= source * m / d <= sheet["oscillator"][1]
        for o in range(outputs[0], outputs[1] + 1)
    )


@pytest.mark.parametrize("limits", SHEETS, ids=lambda limits: limits.name)
@pytest.mark.parametrize("source", SOURCES)
def test_every_setting_keeps_the_limits(limits, source):
    for target in TARGETS:
        try:
            found = dividers(limits, source * 10**6, int(target * 10**6))
        except ValueError:
            assert not possible(limits, source, Fraction(target)), target
            continue
        for name, (low, high) in SHEETS[limits].items():
            value = getattr(found, name) / 10**6
            assert low <= value <= high, (target, name, found)
        numbers = (found.divide, found.multiply, found.output_divide)
        for number, (low, high) in zip(numbers, RANGES[limits], strict=True):
            assert low <= number <= high
        made = Fraction(source * numbers[1], numbers[0] * numbers[2])
        assert found.output == made * 10**6
        assert abs(made - Fraction(target)) <= MAX_ERROR * Fraction(target)


@pytest.mark.parametrize(
    ("limits", "source", "target", "expected"),
    [
        (ECP5_PLL, 25, 50, (1, 32, 16)),
        (ECP5_PLL, 25, 62.5, (1, 30, 12)),
        (ECP5_PLL, 100, 60, (1, 6, 10)),
        (MMCM, 200, 100, (1, 6, 12)),
        (MMCM, 100, 80, (1, 12, 15)),
    ],
)
def test_fast_detector_then_fast_oscillator(limits, source, target, expected):
    found = dividers(limits, source * 10**6, int(target * 10**6))
    assert (found.divide, found.multiply, found.output_divide) == expected


def test_a_setting_that_is_not_exact_is_the_nearest():
    found = dividers(ECP5_PLL, 25_000_000, 33_333_333)
    assert found.output == Fraction(100_000_000, 3)


@pytest.mark.parametrize(
    ("limits", "source", "target", "message"),
    [
        (ECP5_PLL, 5e6, 50e6, r"source of EHXPLLL must be 8 to 400 MHz, not 5"),
        (ECP5_PLL, 25e6, 500e6, r"target of EHXPLLL must be 3.125 to 400 MHz, not 500"),
        (MMCM, 900e6, 50e6, r"source of MMCME2_BASE must be 10 to 800 MHz, not 900"),
        (MMCM, 100e6, 4e6, r"target of MMCME2_BASE must be 4.69 to 800 MHz, not 4"),
        (
            replace(ECP5_PLL, multiply=(1, 32)), 25e6, 333e6,
            r"target must be a clock that EHXPLLL can make from 25 MHz within 0.1%, not 333 MHz; "
            r"nearest: 337.5 MHz",
        ),
        (
            replace(ECP5_PLL, multiply=(1, 2)), 25e6, 50e6, r"not 50 MHz; nearest: none",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused(limits, source, target, message):
    with pytest.raises(ValueError, match=message):
        dividers(limits, source, target)


def parameters(component):
    """Parameters of the instances in a component."""
    text = rtlil.convert(component, name="top")
    return dict(re.findall(r"parameter (?:real )?\\(\w+) (.+)", text))


def test_ecp5_closes_its_loop_over_the_first_output():
    found = parameters(Ecp5Pll(Dividers(Fraction(25_000_000), 1, 32, 16)))
    assert found["FEEDBK_PATH"] == '"CLKOP"'
    divides = [int(found[f"{name}_DIV"]) for name in ("CLKI", "CLKFB", "CLKOP", "CLKOS")]
    assert divides == [1, 1, 32, 16]


def test_mmcm_gets_multiplier_divider_and_period():
    found = parameters(Mmcm(Dividers(Fraction(200_000_000), 1, 5, 10)))
    assert float(found["CLKFBOUT_MULT_F"].strip('"')) == 5
    assert float(found["CLKOUT0_DIVIDE_F"].strip('"')) == 10
    assert float(found["CLKIN1_PERIOD"].strip('"')) == 5


class FakePll(Elaboratable):
    """Passes the clock on; locks when told."""

    def __init__(self):
        self.i, self.o, self.locked = Signal(), Signal(), Signal()

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m


class FakeBuffer(Elaboratable):
    """Passes the reset on."""

    def __init__(self):
        self.i, self.o = Signal(), Signal()

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.i)
        return m


@pytest.mark.parametrize("with_pll", [False, True])
@pytest.mark.parametrize("with_buffer", [False, True])
def test_reset_ends_a_few_edges_after_the_clock_runs_and_comes_back(with_pll, with_buffer):
    pll = FakePll() if with_pll else None
    m = Module()
    m.domains.sync = ClockDomain()
    m.submodules.dut = dut = ClockReset(pll, FakeBuffer() if with_buffer else None)
    held = Signal()
    m.d.comb += held.eq(ResetSignal())

    async def edge(ctx):
        ctx.set(dut.clock, 1)
        await ctx.delay(1e-8)
        ctx.set(dut.clock, 0)
        await ctx.delay(1e-8)

    async def ends(ctx):
        for _ in range(2 + with_buffer):
            assert ctx.get(held)
            await edge(ctx)
        assert not ctx.get(held)

    async def bench(ctx):
        await ctx.delay(1e-8)
        assert ctx.get(held)
        if with_pll:
            for _ in range(5):
                await edge(ctx)
                assert ctx.get(held)
            ctx.set(pll.locked, 1)
        await ends(ctx)
        ctx.set(dut.reset, 1)
        await ctx.delay(1e-8)
        assert ctx.get(held) == (not with_buffer)  # the buffer's comes with the edge
        if with_buffer:
            await edge(ctx)
            assert ctx.get(held)
        ctx.set(dut.reset, 0)
        await ends(ctx)

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()


def test_an_ecp5_spreads_its_reset_over_a_global_net():
    assert "cell \\DCCA " in rtlil.convert(Ecp5Global(), name="top")
