"""Word order and lane masks against golden.layout."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from hw.map_walker import LaneMask, MapWalker
from tests.hw.pass_bench import Map, set_fields, small_config

SHAPES = [  # height, width, channels, dense: unpacked, packed by 2 and 4, odd edges, several groups
    (1, 1, 1, False), (3, 5, 2, False), (2, 7, 1, False), (4, 4, 4, False), (3, 3, 9, False),
    (2, 3, 16, False), (2, 2, 19, False), (5, 6, 8, False), (1, 1, 37, True), (1, 1, 4, True),
]  # fmt: skip


def walk(lanes, shape, dense, stalls=0):
    """Return what the walker shows in every taken cycle, and the cycles with a word."""
    config = small_config(lanes)
    area = Map(shape, config, dense)
    m = Module()
    m.submodules.walker = walker = MapWalker(config)
    m.submodules.mask = mask = LaneMask(config)
    m.d.comb += [
        mask.start.eq(walker.start), mask.layer.eq(walker.layer),
        mask.last_group.eq(walker.last_group), mask.last_x.eq(walker.last_x),
    ]  # fmt: skip
    seen, cycles = [], []
    rng = np.random.default_rng(int(10 * stalls))

    async def process(ctx):
        for base in (7, 1000):  # twice: nothing may stay behind from the first
            set_fields(ctx, walker.layer, area.row())
            ctx.set(walker.base, base)
            ctx.set(walker.start, 1)
            await ctx.tick()
            ctx.set(walker.start, 0)
            for cycle in range(20 + (20 if stalls else 2) * area.words):
                take = int(rng.random() >= stalls)
                ctx.set(walker.advance, take)
                if ctx.get(walker.valid) and take:
                    cycles.append(cycle)
                    seen.append([
                        ctx.get(s) for s in (
                            walker.y, walker.x, walker.g, walker.address, walker.last_group,
                            walker.last_x, walker.last, mask.lanes,
                        )
                    ])  # fmt: skip
                await ctx.tick()
                ctx.set(walker.base, 0xFFFF)

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(process)
    simulator.run()
    return area, seen, cycles


def expected(area):
    words = []
    for base in (7, 1000):
        for word in range(area.words):
            y, x, g = area.coordinates(word)
            last_g, last_x = g == area.layout.groups - 1, x == area.layout.x_words - 1
            lanes = sum(int(v) << lane for lane, v in enumerate(area.valid[word]))
            last = word == area.words - 1
            words.append([y, x, g, base + word, last_g, last_x, last, lanes])
    return words


@pytest.mark.parametrize("lanes", [4, 8, 16, 32])
@pytest.mark.parametrize(("height", "width", "channels", "dense"), SHAPES)
def test_every_word_once_in_order(lanes, height, width, channels, dense):
    area, seen, cycles = walk(lanes, (height, width, channels), dense)
    assert seen == expected(area)
    assert cycles == 2 * list(range(area.words))


def test_packed_widths_of_every_remainder():
    for pack_channels in (4, 8):
        for width in range(1, 10):
            area, seen, _ = walk(16, (2, width, pack_channels), False)
            assert area.layout.pack == {4: 2, 8: 1}[pack_channels]
            assert seen == expected(area)


@pytest.mark.parametrize("stalls", [0.2, 0.8])
def test_stalls_change_nothing(stalls):
    area, seen, cycles = walk(8, (3, 5, 2), False, stalls)
    assert seen == expected(area)
    assert cycles != 2 * list(range(area.words))


def test_a_wrong_mask_is_seen():
    _, seen, _ = walk(16, (2, 7, 3), False)
    assert [s[-1] for s in seen] != [0xFFFF] * len(seen)
    assert any(s[-1] != seen[0][-1] for s in seen)
