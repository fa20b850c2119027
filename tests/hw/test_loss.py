"""LossPass against golden.loss, its counts and its result memory."""

import numpy as np
import pytest

from golden.formats import Formats
from golden.loss import class_errors, entropy_difference, square_difference
from golden.settings import Settings
from host.protocol.program import LossFlag
from hw.loss import LossPass
from tests.hw.pass_bench import (
    Bench,
    Map,
    pack_word,
    random_words,
    set_fields,
    small_config,
    unpack_word,
)


class Run:
    """LossPass with its error memory and a classifier."""

    def __init__(self, lanes, classes, formats=None, seed=0, class_groups=8):
        formats = formats or Formats()
        self.config = small_config(lanes, formats=formats, class_groups=class_groups)
        self.area = Map((1, 1, classes), self.config, dense=True)
        self.bench = Bench(LossPass(self.config), {"delta": self.config.memory_shapes["delta"]})
        self.rng = np.random.default_rng(seed)

    async def count(self, ctx, steps, chance):
        """Show `steps` steps of random spikes; return the count of every class."""
        unit, area = self.bench.unit, self.area
        spikes = self.rng.random((steps, *area.shape)) < chance
        for step in spikes:
            others = self.rng.random(area.valid.shape) < 0.5  # lanes without a class: anything
            for group, word in enumerate(area.to_words(step, others)):
                ctx.set(unit.count_valid, 1)
                ctx.set(unit.count_group, group)
                ctx.set(unit.count_bits, pack_word(word, 1))
                await ctx.tick()
                if self.rng.random() < 0.3:
                    ctx.set(unit.count_valid, 0)
                    ctx.set(unit.count_bits, (1 << self.config.lanes) - 1)
                    await ctx.tick()
        ctx.set(unit.count_valid, 0)
        await ctx.tick()
        return spikes.sum(axis=0)[0, 0]

    async def loss(
        self, ctx, counts, scale, *, label, steps, run=0, learn=1, report=1, softness=None
    ):
        """Run one pass and compare with golden; return the number of clipped errors."""
        bench, area, config = self.bench, self.area, self.config
        unit, f, base = bench.unit, config.formats, 11
        before = random_words(self.rng, *config.memory_shapes["delta"])
        bench.fill(ctx, "delta", before)
        set_fields(ctx, unit.layer, area.row(error_base=base))
        job = {
            "run": run, "label": label, "steps": steps, "learn": learn, "loss": scale[0],
            "loss_shift": scale[1],
        }  # fmt: skip
        set_fields(ctx, unit.job, job)
        flags = int(LossFlag.REPORT) if report else 0
        wanted = area.words * config.lanes + 13
        if softness is not None:
            flags |= LossFlag.ENTROPY | softness << 2
            wanted += learn * (2 * (area.words * config.lanes + 7) + 32)
        ctx.set(unit.flags, int(flags))
        cycles, issued, useful, clipped = await bench.operation(ctx)
        assert cycles == wanted
        assert (issued, useful) == (area.words, area.valid.sum())
        difference = square_difference(counts, label, steps)
        if softness is not None:
            difference = entropy_difference(counts, label, softness)
        error, count = class_errors(difference, scale, f.delta_format(0))
        expected = list(before)
        if learn:
            words = area.to_words(error, np.zeros(area.valid.shape, np.int64))
            expected[base : base + area.words] = [pack_word(word, f.delta) for word in words]
        got = bench.dump(ctx, "delta")
        for word in range(area.words):
            values = [unpack_word(w[base + word], config.lanes, f.delta) for w in (got, expected)]
            assert values[0] == values[1], f"word {word}, K, r {scale}, counts {counts}"
        assert got == expected
        assert clipped == (count if learn else 0)
        return clipped

    async def result(self, ctx, slot):
        """Return the counts of a slot of the result memory."""
        unit, config = self.bench.unit, self.config
        lanes, values = config.lanes, []
        for group in range(ctx.get(unit.result_groups)):
            ctx.set(unit.result_address, group | slot << (len(unit.result_address) - 1))
            await ctx.tick()
            values += unpack_word(ctx.get(unit.result_data), lanes, config.formats.count, False)
        return values[: self.area.shape[2]]


@pytest.mark.parametrize(
    ("lanes", "classes"), [(4, 3), (4, 26), (8, 8), (8, 11), (16, 10), (32, 47), (64, 10)]
)
def test_intervals_are_goldens(lanes, classes):
    run = Run(lanes, classes, seed=lanes + classes)
    scales = [
        (steps, Settings(error_fraction=fraction).loss_scale(steps, classes))
        for steps, fraction in ((5, 16), (1, 12), (9, 20), (4, 8))
    ]
    shown = []

    async def process(ctx):
        for number, (steps, scale) in enumerate(scales):
            counts = await run.count(ctx, steps, 0.4)
            label = int(run.rng.integers(classes))
            await run.loss(ctx, counts, scale, label=label, steps=steps, run=number)
            assert await run.result(ctx, number % 2) == counts.tolist()
            shown.append(counts.tolist())
            if number:  # the other slot still holds the interval before
                assert await run.result(ctx, 1 - number % 2) == shown[-2]

    run.bench.simulate(process)


@pytest.mark.parametrize(
    ("lanes", "classes", "formats"),
    [
        (4, 3, Formats()), (4, 26, Formats(delta=14)), (8, 11, Formats(count=12)),
        (16, 10, Formats()), (32, 47, Formats(count=5)), (64, 10, Formats()),
    ],
)  # fmt: skip
def test_cross_entropy_is_goldens(lanes, classes, formats):
    run = Run(lanes, classes, formats, seed=lanes + classes)

    async def process(ctx):
        for number in range(8):
            options = Settings(
                error_fraction=14, loss="cross-entropy", temperature_shift=number % 4
            )
            steps = (1, 9, 25, 3)[number % 4]
            counts = await run.count(ctx, steps, (0.0, 0.4, 0.1, 0.9)[number // 2])
            await run.loss(
                ctx, counts, options.loss_scale(steps, classes), run=number, steps=steps,
                label=int(run.rng.integers(classes)), softness=number % 4, learn=number != 5,
            )  # fmt: skip
            assert await run.result(ctx, number % 2) == counts.tolist()

    run.bench.simulate(process)


@pytest.mark.parametrize("formats", [Formats(), Formats(count=12, delta=26), Formats(count=4)])
def test_every_shift(formats):
    run = Run(8, 5, formats, class_groups=1)
    clipped = []

    async def process(ctx):
        for r in range(32):
            steps = min(15, 3 + r % 5)
            counts = await run.count(ctx, steps, (0, 1, 0.5)[r % 3])
            scale = ((65535, 1, 12345, 32768)[r % 4], r)
            clipped.append(
                await run.loss(ctx, counts, scale, label=r % 5, steps=(steps, 255)[r % 2])
            )

    run.bench.simulate(process)
    assert (sum(clipped) > 0) == (formats.delta < 20)


def test_without_learning_and_report():
    run = Run(8, 11)

    async def process(ctx):
        counts = await run.count(ctx, 3, 0.5)
        shown = counts.tolist()
        await run.loss(ctx, counts, (65535, 0), label=2, steps=3, run=6, learn=0)
        assert await run.result(ctx, 0) == shown
        # Counts start again from 0; nothing is reported.
        counts = await run.count(ctx, 4, 0.5)
        await run.loss(ctx, counts, (65535, 0), label=2, steps=4, run=6, report=0)
        assert await run.result(ctx, 0) == shown != counts.tolist()
        run.area = Map((1, 1, 3), run.config, dense=True)  # a smaller classifier
        await run.loss(ctx, np.zeros(3, int), (65535, 0), label=2, steps=4, report=0)
        assert ctx.get(run.bench.unit.result_groups) == 2

    run.bench.simulate(process)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda d, k, r: (d * k) >> r,  # not rounded
        lambda d, k, r: np.sign(d) * ((np.abs(d) * k + (1 << r - 1)) >> r),  # half away from 0
        lambda d, k, r: ((d + 1) * k + (1 << r - 1)) >> r,
    ],
)
def test_shifts_tell_a_wrong_rule(wrong):
    d, k, r = np.arange(-15, 16), 12345, np.arange(1, 16)[:, None]
    right = (d * k + (1 << r - 1)) >> r
    assert not np.array_equal(right, wrong(d, k, r))
