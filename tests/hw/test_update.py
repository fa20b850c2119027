"""UpdatePass against golden.gradient and golden.random_bits, bit for bit, over every shift."""

import numpy as np
import pytest

from golden.formats import Formats
from golden.gradient import decay, update
from golden.random_bits import round_keys, rounding_words
from hw.update import UpdatePass
from tests.hw.pass_bench import (
    Bench,
    extremes,
    pack_word,
    random_words,
    set_fields,
    small_config,
    unpack_word,
)

WIDE = Formats(gradient=32, weight=24, weight_fraction=14)
NARROW = Formats(gradient=14, weight=9, weight_fraction=7, forward_shift=1)


class Run:
    """UpdatePass of one configuration with its memories."""

    def __init__(self, lanes, formats, seed):
        self.config = small_config(lanes, formats=formats)
        shapes = self.config.memory_shapes
        self.bench = Bench(
            UpdatePass(self.config), {"weight": shapes["weights"], "momentum": shapes["momentum"]}
        )
        self.rng = np.random.default_rng(seed)

    def matrix(self, words, base, rows, channels, width):
        """Return the (rows, channels) matrix held in memory rows."""
        lanes = self.config.lanes
        groups = -(-channels // lanes)
        values = [unpack_word(w, lanes, width) for w in words[base : base + groups * rows]]
        return np.array(values).reshape(groups, rows, lanes).transpose(1, 0, 2).reshape(rows, -1)

    async def update(
        self, ctx, rows, channels, q, d, base=5, hash_id=3, keys=(7, 8), to_zero=False
    ):
        """Run one update and compare with golden; return the number of clipped weights."""
        bench, config, rng = self.bench, self.config, self.rng
        f, lanes = config.formats, config.lanes
        groups = -(-channels // lanes)
        before = {}
        for name, width in (("weight", f.weight), ("momentum", f.gradient)):
            before[name] = random_words(rng, *config.memory_shapes[name + "s" * (name == "weight")])
            values = extremes(rng, (groups * rows, lanes), width)
            if name == "weight":  # no code beyond the symmetric range comes out of a saturation
                values = np.maximum(values, f.weight_format.minimum)
            before[name][base : base + groups * rows] = [pack_word(v, width) for v in values]
            bench.fill(ctx, name, before[name])
        for lane, key in enumerate(round_keys(*keys)):
            ctx.set(bench.unit.keys[lane], key)
        set_fields(
            ctx, bench.unit.layer,
            {
                "weight_base": base, "rows": rows, "groups": groups, "channels": channels,
                "shift": q, "decay": d, "to_zero": to_zero, "hash_id": hash_id,
            },
        )  # fmt: skip
        cycles, issued, useful, clipped = await bench.operation(ctx)
        assert cycles == groups * rows + 13
        assert (issued, useful) == (groups * rows, channels * rows)

        w = self.matrix(before["weight"], base, rows, channels, f.weight)[:, :channels].copy()
        v = self.matrix(before["momentum"], base, rows, channels, f.gradient)[:, :channels].copy()
        words = rounding_words(round_keys(*keys), hash_id, rows, channels)
        count = update(w, v, words, q, f.weight_format)
        decay(v, d, to_zero)
        for name, expected, width in (("weight", w, f.weight), ("momentum", v, f.gradient)):
            after = bench.dump(ctx, name)
            got = self.matrix(after, base, rows, channels, width)[:, :channels]
            bad = np.argwhere(got != expected)
            assert not bad.size, (
                f"{name}, q {q}, d {d}, row, channel {bad[0]}: got {got[tuple(bad[0])]}, "
                f"expected {expected[tuple(bad[0])]}"
            )
            end = base + groups * rows
            assert after[:base] + after[end:] == before[name][:base] + before[name][end:]
        assert clipped == count
        return count


@pytest.mark.parametrize("formats", [Formats(), WIDE, NARROW], ids=["default", "wide", "narrow"])
@pytest.mark.parametrize("start", range(-15, 32, 12))
def test_every_shift_is_goldens(start, formats):
    run = Run(4, formats, seed=start + 100)

    async def process(ctx):
        for q in range(start, min(32, start + 12)):
            keys = (q + 50, 2**32 - 1)
            for to_zero in (False, True):
                await run.update(
                    ctx, rows=12, channels=7, q=q, d=(q + 15) % 16, keys=keys, to_zero=to_zero
                )

    run.bench.simulate(process)


@pytest.mark.parametrize(
    ("lanes", "rows", "channels"),
    [
        (4, 1, 1), (4, 9, 18), (8, 25, 6), (8, 5, 21), (16, 9, 16), (16, 6, 35), (32, 5, 10),
        (32, 4, 70), (64, 3, 40), (64, 2, 130),
    ],
)  # fmt: skip
def test_layers_are_goldens(lanes, rows, channels):
    run = Run(lanes, Formats(), seed=lanes + rows)
    clipped = []

    async def process(ctx):
        clipped.append(await run.update(ctx, rows, channels, q=3, d=3))
        clipped.append(await run.update(ctx, rows, channels, q=8, d=0, base=0, hash_id=255))
        clipped.append(await run.update(ctx, rows, channels, q=-2, d=15, base=0, keys=(0, 1)))

    run.bench.simulate(process)
    if rows * channels > 20:
        assert sum(clipped) > 0


@pytest.mark.parametrize(
    "wrong",
    [
        lambda v, r, q: v >> q,  # floored
        lambda v, r, q: (v + (1 << (q - 1))) >> q,  # half up
        lambda v, r, q: (v + r + 1) >> q,
        lambda v, r, q: (v + np.roll(r, 1, axis=0)) >> q,  # a row's bits used for the next
    ],
)
def test_stimulus_tells_a_wrong_rule(wrong):
    rng, q = np.random.default_rng(3), 3
    v = extremes(rng, (12, 7), 18)
    words = rounding_words(round_keys(7, 8), 3, 12, 7)
    r = (words & ((1 << q) - 1)).repeat(16, axis=1)[:, :7]
    assert not np.array_equal((v + r) >> q, wrong(v, r, q))
