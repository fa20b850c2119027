"""KeySchedule and RandomWord against golden.random_bits."""

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from golden.random_bits import ROUNDS, WORD, encrypt, round_keys
from hw.random_bits import KeySchedule, RandomWord

KEYS = [(0, 0), (2**32 - 1, 2**32 - 1), (1, 0), (0x12345678, 0x9ABCDEF0), (0xFFFF, 0x10000)]


@pytest.mark.parametrize(("seed", "update"), KEYS)
def test_keys_and_words_are_goldens(seed, update):
    m = Module()
    m.submodules.schedule = schedule = KeySchedule()
    m.submodules.random = random = RandomWord()
    m.d.comb += random.keys.eq(schedule.keys)
    rng = np.random.default_rng(update)
    pairs = [(0, 0), (65535, 65535), (1, 0), (0, 1)]
    pairs += [tuple(int(v) for v in rng.integers(0, 1 << WORD, 2)) for _ in range(40)]
    keys = round_keys(seed, update)

    async def process(ctx):
        ctx.set(schedule.seed, 5)
        ctx.set(schedule.number, 6)
        for repetition in range(2):  # other keys first: nothing may stay behind
            if repetition:
                ctx.set(schedule.seed, seed)
                ctx.set(schedule.number, update)
            ctx.set(schedule.start, 1)
            cycles = 0
            while not ctx.get(schedule.done):
                await ctx.tick()
                ctx.set(schedule.start, 0)
                cycles += 1
            assert cycles == ROUNDS
            await ctx.tick()
            ctx.set(schedule.seed, 77)  # taken with start
        for _ in range(3):
            assert [ctx.get(schedule.keys[i]) for i in range(ROUNDS)] == keys
            await ctx.tick()
        got = []
        for x, y in pairs + [(0, 0)] * RandomWord.latency:
            ctx.set(random.x, x)
            ctx.set(random.y, y)
            got.append(ctx.get(random.word))
            await ctx.tick()
        x, y = (np.array(v, np.int64) for v in zip(*pairs, strict=True))
        x, y = encrypt(x, y, keys)
        assert got[RandomWord.latency :] == [int(v) for v in x | y << WORD]

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(process)
    simulator.run()


def test_keys_depend_on_every_input_bit():
    """What makes the test above able to fail: no bit of seed or update number is idle."""
    base = round_keys(0x1234, 0x5678)
    for bit in range(32):
        assert round_keys(0x1234 ^ 1 << bit, 0x5678) != base
        assert round_keys(0x1234, 0x5678 ^ 1 << bit) != base
