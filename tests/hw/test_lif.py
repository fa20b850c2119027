# amaranth: UnusedElaboratable=no
"""LifPass against golden.lif, bit for bit: carries, lists, counts, saturation, cycles."""

import numpy as np
import pytest

from golden import lif
from golden.formats import Formats
from golden.neuron import LifCodes
from host.protocol.program import LifFlag
from hw.interfaces import entry_layout
from hw.lif import LifPass
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

CODES = [
    LifCodes(tau=205, theta=1229, u_th=1229, half_a=1229, a=427, c0=205, c1=77),
    LifCodes(tau=256, theta=65535, u_th=65535, half_a=1, a=427, c0=205, c1=77),
    LifCodes(tau=0, theta=1, u_th=1, half_a=1, a=427, c0=205, c1=77),
    LifCodes(tau=255, theta=0, u_th=0, half_a=65535, a=427, c0=205, c1=77),
]
NARROW = Formats(weight=9, weight_fraction=7, forward_shift=1, carry=9, state=12)
CASES = [  # lanes, shape, dense, formats
    (4, (3, 5, 2), False, Formats()),
    (4, (2, 3, 7), False, NARROW),
    (8, (3, 7, 2), False, Formats()),
    (8, (1, 1, 21), True, Formats()),
    (16, (3, 9, 3), False, Formats()),
    (16, (2, 3, 6), False, NARROW),
    (16, (2, 2, 20), False, Formats(state=40, carry=24)),
    (16, (1, 1, 10), True, Formats()),
    (32, (2, 5, 6), False, Formats()),
    (32, (1, 1, 1), True, NARROW),
]


def stimulus(rng, area, codes, width):
    """Membrane words: extremes, and every distance to the threshold where s or h changes."""
    u = extremes(rng, area.valid.shape, width)
    edges = [codes.u_th + d + o for d in (0, codes.half_a, -codes.half_a) for o in (-1, 0, 1)]
    edges = [e for e in edges if abs(e) < 1 << (width - 1)] or [0]
    near = rng.random(u.shape) < 0.5
    return np.where(near, rng.choice(edges, u.shape), u)


def golden_step(u, codes, formats):
    """Return (s, h, carry, clipped) of a (words, P) array by golden.lif."""
    s = u >= codes.u_th
    carry, clipped = formats.carry_format.saturate(lif.leak(u, s, codes))
    return s, lif.surrogate(u, codes), carry, clipped


def expected_list(area, bits):
    """Entries of a map: words with a set bit, and the last word."""
    entries = []
    for word in range(area.words):
        last = word == area.words - 1
        if bits[word].any() or last:
            y, x, g = area.coordinates(word)
            entries.append({"bits": pack_word(bits[word], 1), "y": y, "x": x, "g": g, "last": last})
    return entries


class Run:
    """One configuration of LifPass and its memories, run for several steps."""

    def __init__(self, lanes, shape, dense, formats, seed, multiplier=25):
        self.config = small_config(lanes, formats=formats, class_groups=8)
        self.area = Map(shape, self.config, dense)
        shapes = self.config.memory_shapes
        self.bench = Bench(
            LifPass(self.config, multiplier),
            {"state": shapes["state"], "spike": shapes["spikes"], "mask": shapes["masks"]},
        )
        self.rng = np.random.default_rng(seed)

    async def step(self, ctx, codes, flags, learn, starts=(5, 9), base=3, u=None):
        """Run one step, compare everything with golden and return the number of clipped carries."""
        area, bench, unit, config = self.area, self.bench, self.bench.unit, self.config
        width = config.formats.state
        before = random_words(self.rng, *config.memory_shapes["state"])
        # Lanes without a neuron hold garbage: the pass clears them.
        u = stimulus(self.rng, area, codes, width) if u is None else u
        before[base : base + area.words] = [pack_word(word, width) for word in u]
        lists = {
            "spike": random_words(self.rng, *config.memory_shapes["spikes"]),
            "mask": random_words(self.rng, *config.memory_shapes["masks"]),
        }
        bench.fill(ctx, "state", before)
        for name, words in lists.items():
            bench.fill(ctx, name, words)
        constants = {n: getattr(codes, n) for n in ("tau", "theta", "u_th", "half_a")}
        set_fields(ctx, unit.layer, area.row(state_base=base, **constants))
        ctx.set(unit.flags, int(flags))
        ctx.set(unit.learn, learn)
        ctx.set(unit.spike_start, starts[0])
        ctx.set(unit.mask_start, starts[1])
        counted = []

        def watch(ctx, cycle):
            if ctx.get(unit.count_valid):
                counted.append((ctx.get(unit.count_group), ctx.get(unit.count_bits)))

        cycles, issued, useful, clipped = await bench.operation(ctx, watch)
        assert cycles == area.words + 10
        assert (issued, useful) == (area.words, area.valid.sum())

        s, h, carry, _ = golden_step(u, codes, config.formats)
        s, h, carry = s & area.valid, h & area.valid, carry * area.valid
        count = golden_step(area.neurons(u), codes, config.formats)[3]
        after = bench.dump(ctx, "state")
        got = np.array(
            [unpack_word(w, config.lanes, width) for w in after[base : base + area.words]]
        )
        wrong = np.argwhere(got != carry)
        assert not wrong.size, (
            f"word, lane {wrong[0]}: u {u[tuple(wrong[0])]}, got {got[tuple(wrong[0])]}, "
            f"expected {carry[tuple(wrong[0])]}"
        )
        assert after[:base] + after[base + area.words :] == (
            before[:base] + before[base + area.words :]
        )
        assert clipped == count
        if flags & LifFlag.COUNT:
            words = [(area.coordinates(w)[2], pack_word(s[w], 1)) for w in range(area.words)]
            assert counted == words
        else:
            assert not counted
        for name, bits, wanted, start in (
            ("spike", s, flags & LifFlag.SPIKES, starts[0]),
            ("mask", h, flags & LifFlag.MASKS and learn, starts[1]),
        ):
            entries = expected_list(area, bits) if wanted else []
            layout = entry_layout(config)
            words = [layout.const(entry).as_value().value for entry in entries]
            expected = [*lists[name][:start], *words, *lists[name][start + len(words) :]]
            assert bench.dump(ctx, name) == expected, name
        return count


@pytest.mark.parametrize(("lanes", "shape", "dense", "formats"), CASES)
def test_steps_are_goldens(lanes, shape, dense, formats):
    run = Run(lanes, shape, dense, formats, seed=lanes)
    everything = LifFlag.SPIKES | LifFlag.MASKS
    clipped = []

    async def process(ctx):
        clipped.extend([await run.step(ctx, codes, everything, learn=1) for codes in CODES])
        await run.step(ctx, CODES[0], LifFlag.COUNT, learn=0)

    run.bench.simulate(process)
    assert sum(clipped) > 0  # saturation is exercised


@pytest.mark.parametrize("multiplier", [10, 18, 24])
@pytest.mark.parametrize("formats", [Formats(), Formats(state=40, carry=24)])
def test_narrow_multipliers_change_nothing(formats, multiplier):
    run = Run(4, (2, 5, 3), False, formats, seed=multiplier, multiplier=multiplier)

    async def process(ctx):
        for codes in CODES:
            await run.step(ctx, codes, LifFlag.SPIKES | LifFlag.MASKS, learn=1)

    run.bench.simulate(process)


@pytest.mark.parametrize("learn", [0, 1])
@pytest.mark.parametrize("flags", range(8))
def test_flags(flags, learn):
    run = Run(8, (2, 3, 3), False, Formats(), seed=flags)

    async def process(ctx):
        await run.step(ctx, CODES[0], LifFlag(flags), learn, starts=(0, 200), base=100)
        await run.step(ctx, CODES[0], LifFlag(flags), learn, starts=(100, 0), base=0)

    run.bench.simulate(process)


def test_silent_layer_lists_its_last_word():
    run = Run(8, (2, 3, 3), False, Formats(), seed=0)
    silent = np.zeros(run.area.valid.shape, np.int64)
    entries = expected_list(run.area, silent)
    assert [(e["y"], e["x"], e["bits"], e["last"]) for e in entries] == [(1, 1, 0, True)]

    async def process(ctx):
        codes = LifCodes(tau=205, theta=1229, u_th=1229, half_a=1229, a=427, c0=205, c1=77)
        await run.step(ctx, codes, LifFlag.SPIKES | LifFlag.MASKS, learn=1, u=silent)

    run.bench.simulate(process)


def test_too_narrow_multiplier():
    with pytest.raises(ValueError, match="multiplier must be at least 10 bits wide, not 9"):
        LifPass(small_config(8), 9)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda u, s, c: (u * c.tau) >> 8,  # reset dropped
        lambda u, s, c: ((u - s * c.theta) * c.tau) >> 8,  # reset before the leak
        lambda u, s, c: (u * c.tau + 128 >> 8) - s * c.theta,  # rounded instead of floored
        lambda u, s, c: ((u * c.tau) >> 8) - (u > c.u_th) * c.theta,  # threshold strict
    ],
)
def test_stimulus_tells_a_wrong_rule(wrong):
    area = Map((3, 7, 2), small_config(8))
    u = stimulus(np.random.default_rng(8), area, CODES[0], 25)
    s, h, carry, _ = golden_step(u, CODES[0], Formats())
    limited, _ = Formats().carry_format.saturate(wrong(u, s, CODES[0]))
    assert (limited != carry)[area.valid].any()
    loose = np.abs(u - CODES[0].u_th) <= CODES[0].half_a  # mask not strict
    assert (loose != h)[area.valid].any()
