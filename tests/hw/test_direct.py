# amaranth: UnusedElaboratable=no
"""Drive and sum of gamma in LifPass and ErrorPass against golden.direct, bit for bit."""

import numpy as np
import pytest

from golden import direct
from golden.formats import Formats
from golden.qformat import QFormat
from host.protocol.program import ErrorFlag, LifFlag
from hw.lif import LifPass
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
from tests.hw.test_lif import CODES, expected_list, golden_step

STATE, ERRORS, DRIVE = 3, 7, 100
"""First words in the U, gamma and e memories."""

CASES = [  # lanes, shape, dense, formats
    (4, (3, 5, 2), False, Formats()),
    (8, (2, 3, 7), False, Formats(carry=12, delta=13, gamma=11, gradient=12)),
    (8, (1, 1, 21), True, Formats()),
    (16, (3, 9, 3), False, Formats()),
]


class Pass:
    """A pass beside its memories, which hold random rows around a map's words."""

    def __init__(self, unit, lanes, shape, dense, formats, memories):
        self.config = small_config(lanes, formats=formats, drive_words=128)
        self.area = Map(shape, self.config, dense)
        shapes = self.config.memory_shapes
        self.bench = Bench(
            unit(self.config), {name: shapes[space] for name, space in memories.items()}
        )
        self.rng = np.random.default_rng(lanes)

    def place(self, ctx, name, base, values, width):
        """Fill a memory at random but for a map's words, (words, P); return its rows."""
        data = self.bench.data[name]
        rows = random_words(self.rng, data.depth, data.shape)
        rows[base : base + self.area.words] = [pack_word(word, width) for word in values]
        self.bench.fill(ctx, name, rows)
        return rows

    def words(self, ctx, name, base, width):
        rows = self.bench.dump(ctx, name)[base : base + self.area.words]
        return np.array([unpack_word(row, self.config.lanes, width) for row in rows])

    def random(self, width):
        return extremes(self.rng, self.area.valid.shape, width)


LIF_MEMORIES = {
    "state": "state", "drive": "delta", "keep": "keep", "spike": "spikes", "mask": "masks",
}  # fmt: skip


async def run_lif(run, ctx, flags, u, drive, codes=CODES[0], learn=1, keep=None):
    """Run LIF; return U and D after it, (words, P), and the clipped carries."""
    f, unit = run.config.formats, run.bench.unit
    run.place(ctx, "state", STATE, u, f.state)
    run.place(ctx, "drive", DRIVE, drive, f.delta)
    if keep is not None:
        run.place(ctx, "keep", ERRORS, keep, 1)
    constants = {n: getattr(codes, n) for n in ("tau", "theta", "u_th", "half_a")}
    bases = {"state_base": STATE, "error_base": ERRORS, "drive_base": DRIVE}
    set_fields(ctx, unit.layer, run.area.row(**bases, **constants))
    ctx.set(unit.flags, int(flags))
    ctx.set(unit.learn, learn)
    cycles, *_, clipped = await run.bench.operation(ctx)
    assert cycles == run.area.words + 10
    return run.words(ctx, "state", STATE, f.state), run.words(ctx, "drive", DRIVE, f.delta), clipped


@pytest.mark.parametrize(("lanes", "shape", "dense", "formats"), CASES)
def test_moves(lanes, shape, dense, formats):
    run = Pass(LifPass, lanes, shape, dense, formats, LIF_MEMORIES)
    valid = run.area.valid

    async def process(ctx):
        carry, drive = run.random(formats.carry), run.random(formats.carry)
        limit = formats.carry_format.maximum
        carry, drive = carry.clip(-limit, limit), drive.clip(-limit, limit)
        u, d, clipped = await run_lif(run, ctx, LifFlag.PARK, carry, drive)
        assert (np.array_equal(d[valid], carry[valid]), np.any(u), clipped) == (True, False, 0)
        u, d, clipped = await run_lif(run, ctx, LifFlag.RESTORE, carry, drive)
        assert np.array_equal(d[valid], carry[valid])
        assert np.array_equal(u, drive * valid)
        assert clipped == 0
        sums = run.random(formats.state)
        u, d, clipped = await run_lif(run, ctx, LifFlag.HALVE, sums, drive)
        halved, count = direct.drive((sums * valid)[np.newaxis], formats.carry_format)
        assert np.array_equal(u, halved)
        assert np.array_equal(d, drive)
        assert clipped == count > 0

    run.bench.simulate(process)


@pytest.mark.parametrize("learn", [0, 1])
@pytest.mark.parametrize(("lanes", "shape", "dense", "formats"), CASES)
def test_drive_adds_and_dropped_neurons_are_not_listed(lanes, shape, dense, formats, learn):
    run = Pass(LifPass, lanes, shape, dense, formats, LIF_MEMORIES)
    area, config = run.area, run.config

    async def process(ctx):
        u, drive = run.random(formats.carry), run.random(formats.carry)
        keep = run.rng.random(area.valid.shape) < 0.6
        flags = LifFlag.SPIKES | LifFlag.MASKS | LifFlag.DRIVE | LifFlag.DROP
        after, d, _clipped = await run_lif(run, ctx, flags, u, drive, learn=learn, keep=keep)
        s, h, carry, _ = golden_step(u + drive, CODES[0], formats)
        assert np.array_equal(after, carry * area.valid)
        assert np.array_equal(d, drive)
        passed = area.valid & (keep | (not learn))
        for name, bits in (("spike", s & passed), ("mask", h & passed)):
            if name == "mask" and not learn:
                continue
            entries = [e["bits"] for e in expected_list(area, bits)]
            mask = (1 << config.lanes) - 1
            assert [row & mask for row in run.bench.dump(ctx, name)[: len(entries)]] == entries

    run.bench.simulate(process)


ERROR_MEMORIES = {"gamma": "gamma", "delta": "delta"}


async def run_error(run, ctx, flags, gamma, total, plane=0, first=0):
    """Run ERROR; return gamma and S after it, (words, P), and the clipped values."""
    f, unit = run.config.formats, run.bench.unit
    run.place(ctx, "gamma", ERRORS, gamma, f.gamma)
    run.place(ctx, "delta", DRIVE, total, f.delta)
    set_fields(
        ctx, unit.layer,
        run.area.row(error_base=ERRORS, drive_base=DRIVE, a=427, c0=205, c1=77),
    )  # fmt: skip
    ctx.set(unit.flags, int(flags))
    ctx.set(unit.plane, plane)
    ctx.set(unit.first, first)
    ctx.set(unit.delta_zero, 1)
    cycles, *_, clipped = await run.bench.operation(ctx)
    assert cycles == run.area.words + 10
    return (
        run.words(ctx, "gamma", ERRORS, f.gamma),
        run.words(ctx, "delta", DRIVE, f.delta),
        clipped,
    )


@pytest.mark.parametrize(("lanes", "shape", "dense", "formats"), CASES)
def test_sum_and_planes(lanes, shape, dense, formats):
    run = Pass(ErrorPass, lanes, shape, dense, formats, ERROR_MEMORIES)
    valid, e_format = run.area.valid, QFormat(formats.delta)

    async def process(ctx):
        limit = QFormat(formats.gamma).maximum
        signs = run.rng.choice([-1, 1], valid.shape) * valid  # of one sign, so that sums saturate
        gammas = [abs(run.random(formats.gamma)).clip(0, limit) * signs for _ in range(14)]
        total, clips = run.random(formats.delta), 0
        for number, gamma in enumerate(gammas):  # from the last step to the first
            kept, total, clipped = await run_error(
                run, ctx, ErrorFlag.SUM, gamma, total, first=int(number == 0)
            )
            assert np.array_equal(kept, gamma)
            clips += clipped
        wanted, count = direct.gamma_sum(np.stack(gammas[::-1]), e_format)
        assert np.array_equal(total, wanted)
        assert clips == count > 0
        planes, count = direct.plane_gammas(wanted, QFormat(formats.gamma))
        clips = 0
        for plane in range(direct.PLANES):
            gamma, kept, clipped = await run_error(
                run, ctx, ErrorFlag.PLANE, gammas[0], total, plane
            )
            assert np.array_equal(gamma, planes[plane]), plane
            assert np.array_equal(kept, total)
            clips += clipped
        assert clips == count > 0

    run.bench.simulate(process)
