# amaranth: UnusedElaboratable=no
"""ErrorPass against golden.local_error and golden.synapse, bit for bit, over whole intervals."""

import numpy as np
import pytest

from golden.formats import Formats
from golden.local_error import potential_errors
from golden.network import AvgPool, Conv, Network
from golden.neuron import LifCodes
from golden.synapse import unpooled
from host.protocol.program import ErrorFlag
from hw.interfaces import entry_layout
from hw.local_error import ErrorPass
from tests.hw.pass_bench import (
    Bench,
    Map,
    extremes,
    pack_word,
    random_words,
    set_fields,
    small_config,
    unpack_word,
)
from tests.hw.test_lif import expected_list

CODES = [
    LifCodes(tau=205, theta=1229, u_th=1229, half_a=1229, a=107, c0=205, c1=-77),
    LifCodes(tau=256, theta=1229, u_th=1229, half_a=1, a=2047, c0=256, c1=-2048),
    LifCodes(tau=0, theta=1, u_th=1, half_a=1, a=427, c0=0, c1=2047),
]
NARROW = Formats(gamma=6, delta=7)
STEPS = 3


class Run:
    """One configuration of ErrorPass with its memories."""

    def __init__(self, lanes, shape, dense, formats, seed, pool=None, pack_max=None):
        self.config = small_config(lanes, pack_max=pack_max, formats=formats)
        self.area = Map(shape, self.config, dense)
        self.pool = pool
        self.above = Map(pool.out_shape, self.config) if pool else None
        shapes = self.config.memory_shapes
        self.bench = Bench(
            ErrorPass(self.config), {"gamma": shapes["gamma"], "delta": shapes["delta"]}
        )
        self.rng = np.random.default_rng(seed)
        self.layout = entry_layout(self.config)

    def words_of(self, ctx, name, base, area, width):
        """Return the (words, P) values of a map in a memory."""
        rows = self.bench.dump(ctx, name)[base : base + area.words]
        return np.array([unpack_word(word, self.config.lanes, width) for word in rows])

    async def step(self, ctx, mask, entry_cycle=4, stall=0.0):
        """Run one step; return cycles, clipped, flag rows, any_nonzero. `mask` is (words, P)."""
        unit, flags, layout = self.bench.unit, [], self.layout
        entries = [layout.const(e).as_value().value for e in expected_list(self.area, mask)]
        state = {"next": 0, "shown": False}

        def drive(ctx, cycle):
            if state["shown"] and state["ready"]:
                state["next"] += 1
                state["shown"] = False
            if cycle >= entry_cycle and state["next"] < len(entries):
                state["shown"] = state["shown"] or self.rng.random() >= stall
            ctx.set(unit.entries.valid, int(state["shown"]))
            garbage = int(self.rng.integers(0, 1 << 30)) % (1 << self.config.entry_bits)
            payload = entries[state["next"]] if state["shown"] else garbage
            ctx.set(unit.entries.payload.as_value(), payload)
            state["ready"] = ctx.get(unit.entries.ready)
            if ctx.get(unit.flag_write):
                flags.append((ctx.get(unit.flag_row), ctx.get(unit.flag_bits)))
            if ctx.get(unit.done):
                state["any"] = ctx.get(unit.any_nonzero)

        cycles, issued, useful, clipped = await self.bench.operation(ctx, drive)
        assert state["next"] == len(entries), "entries left over"
        assert (issued, useful) == (self.area.words, self.area.valid.sum())
        if not stall:
            assert cycles == self.area.words + max(entry_cycle, 2) + 8
        assert ctx.get(unit.any_nonzero) == state["any"]  # stays after done
        return cycles, clipped, flags, state["any"]


def expected_flags(area, gamma):
    """Rows of non-zero flags of a (height, width, channels) array."""
    set_ = np.asarray(gamma).reshape(area.shape) != 0
    if area.dense:
        lanes = area.config.lanes
        groups = [set_[0, 0, g * lanes : (g + 1) * lanes].any() for g in range(area.layout.groups)]
        return [
            (row, pack_word(groups[8 * row : 8 * row + 8], 1))
            for row in range(-(-len(groups) // 8))
        ]
    return [(y, pack_word(set_[y].any(axis=1), 1)) for y in range(area.shape[0])]


CASES = [  # lanes, shape, dense, formats, pooled window
    (4, (3, 5, 2), False, Formats(), 0),
    (4, (1, 1, 39), True, NARROW, 0),
    (8, (3, 7, 3), False, NARROW, 0),
    (8, (1, 1, 72), True, Formats(), 0),
    (16, (2, 3, 20), False, Formats(gamma=24, delta=26, gradient=24), 0),
    (16, (4, 9, 3), False, Formats(), 0),
    (32, (2, 3, 6), False, Formats(), 0),
    (32, (1, 1, 10), True, Formats(), 0),
    (4, (4, 6, 3), False, Formats(), 2),
    (4, (5, 7, 2), False, NARROW, 2),
    (8, (5, 9, 2), False, Formats(), 2),
    (8, (9, 7, 10), False, Formats(), 4),
    (16, (4, 8, 6), False, Formats(), 2),
    (16, (5, 11, 4), False, Formats(), 2),
    (16, (6, 13, 3), False, NARROW, 4),
    (16, (3, 5, 17), False, Formats(), 2),
    (32, (3, 7, 5), False, Formats(), 2),
]


@pytest.mark.parametrize("codes", CODES)
@pytest.mark.parametrize(("lanes", "shape", "dense", "formats", "window"), CASES)
def test_intervals_are_goldens(lanes, shape, dense, formats, window, codes):
    pool = None
    if window:
        network = Network(shape, (Conv(shape[2], 1), AvgPool(window)), 2)
        pool = network.resolved[1]
        assert pool.in_shape == shape
    run = Run(lanes, shape, dense, formats, lanes + window, pool)
    area, config, rng, bench = run.area, run.config, run.rng, run.bench
    base, above_base = 3, 150
    source, source_base = (run.above, above_base) if pool else (area, base)
    error = extremes(rng, (STEPS, *source.shape), formats.delta)
    mask = rng.random((STEPS, *shape)) < 0.4
    spread = unpooled(error, pool) if pool else error
    gamma, clipped = potential_errors(spread, mask, codes, formats.gamma_format(0))
    flags = ErrorFlag.POOLED if pool else ErrorFlag(0)
    results = {}

    async def process(ctx):
        results["gamma"] = before = random_words(rng, *config.memory_shapes["gamma"])
        bench.fill(ctx, "gamma", before)
        constants = {n: getattr(codes, n) for n in ("a", "c0", "c1")}
        set_fields(ctx, bench.unit.layer, area.row(error_base=base, **constants))
        if pool:
            above = run.above.row(error_base=above_base, window=window.bit_length() - 1)
            set_fields(ctx, bench.unit.other, above)
        ctx.set(bench.unit.flags, int(flags))
        total = 0
        for t in range(STEPS - 1, -1, -1):
            delta = random_words(rng, *config.memory_shapes["delta"])
            # Lanes of the pool without a neuron hold 0, others whatever is there.
            fill = np.zeros(source.valid.shape, np.int64)
            if not pool:
                fill = extremes(rng, source.valid.shape, formats.delta)
            words = source.to_words(error[t], fill)
            delta[source_base : source_base + source.words] = [
                pack_word(word, formats.delta) for word in words
            ]
            bench.fill(ctx, "delta", delta)
            ctx.set(bench.unit.first, t == STEPS - 1)
            bits = area.to_words(mask[t], np.zeros(area.valid.shape, bool))
            _, count, rows, any_nonzero = await run.step(ctx, bits, entry_cycle=4 if t else 7)
            total += count
            got = run.words_of(ctx, "gamma", base, area, formats.gamma)
            expected = area.to_words(gamma[t], np.zeros(area.valid.shape, np.int64))
            wrong = np.argwhere(got != expected)
            assert not wrong.size, (
                f"step {t}, word, lane {wrong[0]}: got {got[tuple(wrong[0])]}, "
                f"expected {expected[tuple(wrong[0])]}"
            )
            assert rows == expected_flags(area, gamma[t])
            assert any_nonzero == gamma[t].any()
            assert bench.dump(ctx, "delta") == delta  # no COPY: nothing written
        after = bench.dump(ctx, "gamma")
        assert after[:base] == before[:base]
        assert after[base + area.words :] == before[base + area.words :]
        assert total == clipped

    bench.simulate(process)


@pytest.mark.parametrize("stall", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("entry_cycle", [0, 1, 3, 9])
def test_list_may_come_late_and_stall(entry_cycle, stall):
    """Results do not depend on when the list arrives."""
    formats, codes = Formats(), CODES[0]
    run = Run(8, (3, 5, 3), False, formats, int(10 * stall) + entry_cycle)
    area, bench, rng = run.area, run.bench, run.rng
    error = extremes(rng, area.shape, formats.delta)
    later = extremes(rng, area.shape, formats.gamma)
    mask = rng.random(area.shape) < 0.2
    empty = np.zeros(area.valid.shape, np.int64)

    async def process(ctx):
        constants = {n: getattr(codes, n) for n in ("a", "c0", "c1")}
        set_fields(ctx, bench.unit.layer, area.row(error_base=0, **constants))
        for h in (mask, np.zeros_like(mask), np.ones_like(mask)):
            for name, values, width in (("delta", error, 16), ("gamma", later, 14)):
                words = [pack_word(w, width) for w in area.to_words(values, empty)]
                bench.fill(ctx, name, words)
            await run.step(ctx, area.to_words(h, empty), entry_cycle, stall)
            got = area.neurons(run.words_of(ctx, "gamma", 0, area, formats.gamma))
            wide = (h * codes.a * error + np.where(h, codes.c1, codes.c0) * later + 128) >> 8
            assert np.array_equal(got, np.clip(wide, -8191, 8191))

    bench.simulate(process)


@pytest.mark.parametrize(
    ("flags", "dense"),
    [(f, d) for f in range(8) for d in (False, True) if not (d and f & ErrorFlag.POOLED)],
)
@pytest.mark.parametrize("delta_zero", [0, 1])
def test_flags_select_e(flags, delta_zero, dense):
    flags, formats, codes = ErrorFlag(flags), Formats(), CODES[0]
    pool = Network((3, 5, 3), (Conv(3, 1), AvgPool(2)), 2).resolved[1]
    run = Run(8, (1, 1, 20) if dense else (3, 5, 3), dense, formats, int(flags), pool)
    area, bench, rng, config = run.area, run.bench, run.rng, run.config
    empty = np.zeros(area.valid.shape, np.int64)
    mask = rng.random(area.shape) < 0.6

    async def process(ctx):
        constants = {n: getattr(codes, n) for n in ("a", "c0", "c1")}
        set_fields(ctx, bench.unit.layer, area.row(error_base=9, **constants))
        set_fields(ctx, bench.unit.other, run.above.row(error_base=100, window=1))
        ctx.set(bench.unit.flags, int(flags))
        ctx.set(bench.unit.delta_zero, delta_zero)
        ctx.set(bench.unit.first, 1)
        delta = random_words(rng, *config.memory_shapes["delta"])
        above = extremes(rng, run.above.shape, formats.delta)
        blank = np.zeros(run.above.valid.shape, np.int64)
        words = [pack_word(w, formats.delta) for w in run.above.to_words(above, blank)]
        delta[100 : 100 + len(words)] = words
        bench.fill(ctx, "delta", delta)
        own = area.neurons(run.words_of(ctx, "delta", 9, area, formats.delta))
        await run.step(ctx, area.to_words(mask, empty))
        if flags & ErrorFlag.POOLED:
            error = unpooled(above[None], pool)[0]
        else:
            error = own * (not delta_zero or bool(flags & ErrorFlag.LOSS))
        gamma = np.clip((mask * codes.a * error + 128) >> 8, -8191, 8191)
        assert np.array_equal(area.neurons(run.words_of(ctx, "gamma", 9, area, 14)), gamma)
        words = [pack_word(w, formats.delta) for w in area.to_words(gamma, empty)]
        if flags & ErrorFlag.COPY:
            delta[9 : 9 + area.words] = words
        assert bench.dump(ctx, "delta") == delta

    bench.simulate(process)


def test_pack_max_0_and_3():
    for pack_max in (0, 3):
        pool = Network((3, 17, 2), (Conv(2, 1), AvgPool(2)), 2).resolved[1]
        run = Run(16, (3, 17, 2), False, Formats(), pack_max, pool, pack_max)
        assert run.area.layout.pack == pack_max
        area, bench, rng = run.area, run.bench, run.rng
        above = extremes(rng, run.above.shape, 16)

        async def process(ctx, run=run, area=area, bench=bench, above=above, pool=pool):
            set_fields(ctx, bench.unit.layer, area.row(a=256))
            set_fields(ctx, bench.unit.other, run.above.row(error_base=100, window=1))
            ctx.set(bench.unit.flags, int(ErrorFlag.POOLED))
            ctx.set(bench.unit.first, 1)
            blank = np.zeros(run.above.valid.shape, np.int64)
            words = [pack_word(w, 16) for w in run.above.to_words(above, blank)]
            bench.fill(ctx, "delta", [0] * 100 + words)
            _, _, rows, _ = await run.step(ctx, area.valid)
            gamma = np.clip(unpooled(above[None], pool)[0], -8191, 8191)
            assert np.array_equal(area.neurons(run.words_of(ctx, "gamma", 0, area, 14)), gamma)
            assert rows == expected_flags(area, gamma)

        bench.simulate(process)


def test_flags_of_a_silent_step_after_another():
    run = Run(8, (2, 3, 3), False, Formats(), 0)
    area, bench = run.area, run.bench

    async def process(ctx):
        bench.fill(ctx, "delta", [1] * 16)
        set_fields(ctx, bench.unit.layer, area.row(a=256))
        ctx.set(bench.unit.first, 1)
        _, _, rows, any_nonzero = await run.step(ctx, area.valid)
        assert (rows, any_nonzero) == ([(0, 0b101), (1, 0b101)], 1)  # lane 0 of each word
        _, _, rows, any_nonzero = await run.step(ctx, np.zeros_like(area.valid))
        assert (rows, any_nonzero) == ([(0, 0), (1, 0)], 0)

    bench.simulate(process)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda h, e, g, c: (h * c.a * e + np.where(h, c.c1, c.c0) * g) >> 8,  # no rounding
        lambda h, e, g, c: (h * c.a * e + c.c0 * g + 128) >> 8,  # reset detached
        lambda h, e, g, c: (c.a * e + np.where(h, c.c1, c.c0) * g + 128) >> 8,  # mask dropped
        lambda h, e, g, c: ((h * c.a * e + 128) >> 8) + ((np.where(h, c.c1, c.c0) * g + 128) >> 8),
    ],
)
def test_stimulus_tells_a_wrong_rule(wrong):
    rng, codes = np.random.default_rng(1), CODES[0]
    error, later = extremes(rng, (3, 5, 3), 16), extremes(rng, (3, 5, 3), 14)
    mask = rng.random((3, 5, 3)) < 0.4
    right = (mask * codes.a * error + np.where(mask, codes.c1, codes.c0) * later + 128) >> 8
    assert not np.array_equal(
        np.clip(right, -8191, 8191), np.clip(wrong(mask, error, later, codes), -8191, 8191)
    )


def test_too_few_map_bits():
    with pytest.raises(ValueError, match="map_bits must be at least 5 to hold the flags of"):
        ErrorPass(small_config(8, map_bits=4, group_bits=8))
