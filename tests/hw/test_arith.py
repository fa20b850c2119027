"""hw.arith against the golden helpers, over every small code."""

import numpy as np
import pytest
from amaranth.hdl import Cat, Module, Signal, signed, unsigned
from amaranth.sim import Simulator

from golden.qformat import QFormat, round_shift
from hw import arith


def outputs(inputs, stimulus, expressions, cycles=0):
    """Values of `expressions` (made in a module by a function) for each stimulus tuple."""
    m = Module()
    results = []
    m.d.sync += Signal().eq(0)
    sinks = []
    for expression in expressions(m):
        sink = Signal(expression.shape())
        m.d.comb += sink.eq(expression)
        sinks.append(sink)

    async def process(ctx):
        for values in stimulus:
            for signal, value in zip(inputs, values, strict=True):
                ctx.set(signal, int(value))
            for _ in range(cycles):
                await ctx.tick()
            if not cycles:
                await ctx.delay(1e-9)
            results.append([ctx.get(sink) for sink in sinks])

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(process)
    simulator.run()
    return results


@pytest.mark.parametrize(("source", "width"), [(8, 5), (8, 8), (8, 7), (8, 2), (5, 8), (8, 9)])
def test_saturate_is_goldens(source, width):
    value = Signal(signed(source))
    codes = range(-(1 << (source - 1)), 1 << (source - 1))
    got = outputs([value], [(c,) for c in codes], lambda m: arith.saturate(value, width))
    for code, (limited, clipped) in zip(codes, got, strict=True):
        expected, count = QFormat(width).saturate(np.array(code))
        assert (limited, clipped) == (int(expected), count), f"{code} to {width} bits"
    wrapped = [int(QFormat(width).wrap(np.array(c))) for c in codes]
    if width < source:
        assert wrapped != [limited for limited, _ in got]  # wrapping instead would be seen


@pytest.mark.parametrize("shift", range(10))
def test_round_shift_is_goldens(shift):
    value = Signal(signed(8))
    codes = range(-128, 128)
    got = outputs([value], [(c,) for c in codes], lambda m: [arith.round_shift(value, shift)])
    assert [g for (g,) in got] == [int(round_shift(np.array(c), shift)) for c in codes]
    if 0 < shift < 8:
        assert [g for (g,) in got] != [c >> shift for c in codes]


@pytest.mark.parametrize("width", [3, 6, 8, 11])
def test_resize_is_goldens_wrap(width):
    value = Signal(signed(8))
    codes = range(-128, 128)
    got = outputs([value], [(c,) for c in codes], lambda m: [arith.resize(value, width)])
    assert [g for (g,) in got] == [int(QFormat(width).wrap(np.array(c))) for c in codes]


@pytest.mark.parametrize("lanes", [4, 8, 16, 32, 64])
def test_popcounts(lanes):
    rng = np.random.default_rng(lanes)
    bits = Signal(lanes)
    words = [0, (1 << lanes) - 1, 1, 1 << (lanes - 1)]
    words += [int.from_bytes(rng.bytes(8), "little") % (1 << lanes) for _ in range(40)]
    got = outputs(
        [bits], [(w,) for w in words],
        lambda m: [arith.popcount(bits), arith.counted(m, bits, "bits")],
        cycles=arith.COUNT_LATENCY,
    )  # fmt: skip
    expected = [bin(w).count("1") for w in words]
    assert got == [[e, e] for e in expected]


@pytest.mark.parametrize("lanes", [1, 3, 8, 16])
def test_few_bits_are_told_from_many(lanes):
    rng = np.random.default_rng(lanes)
    bits = Signal(lanes)
    words = range(1 << lanes) if lanes <= 8 else [int(w) for w in rng.integers(1 << lanes, size=60)]
    words = [*words, *(1 << i | 1 << j for i in range(lanes) for j in range(i))]
    got = outputs(
        [bits], [(w,) for w in words],
        lambda m: [*(arith.at_most(n, bits) for n in (0, 1, 2)), arith.without_lowest(bits)],
    )  # fmt: skip
    assert got == [[*(w.bit_count() <= n for n in (0, 1, 2)), w & (w - 1)] for w in words]


def test_delay_and_split():
    word = Signal(12)
    got = outputs(
        [word], [(0x8F1,), (0x123,)],
        lambda m: [arith.delay(m, word, 3, "word"), Cat(arith.split(word, 3))],
        cycles=3,
    )  # fmt: skip
    assert got == [[0x8F1, 0x8F1], [0x123, 0x123]]
    assert [v.shape() for v in arith.split(word, 3)] == [signed(4)] * 3
    lanes = outputs([word], [(0x8F1,)], lambda m: arith.split(word, 3))
    assert lanes == [[1, -1, -8]]


def test_errors_name_the_argument():
    with pytest.raises(TypeError, match="value must be signed, not unsigned"):
        arith.saturate(Signal(unsigned(4)), 3)
    with pytest.raises(ValueError, match="width must be at least 2 bits, not 1"):
        arith.saturate(Signal(signed(4)), 1)
    with pytest.raises(ValueError, match="shift must not be negative, not -1"):
        arith.round_shift(Signal(signed(4)), -1)
