"""The walker's lane operations against a plain enumeration of the same walk."""

import numpy as np
import pytest
from amaranth.sim import Simulator

from golden.core_config import CoreConfig
from golden.layout import place
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from host.compiler import layer_table
from host.protocol.program import LAYER
from hw.operation import Mode
from hw.walker import Walker
from tests.hw.packing import list_entries

CONFIGS = {
    lanes: CoreConfig(
        lanes=lanes, pack_max=pack, weight_rows=4096, neuron_words=1024, error_words=1024,
        spike_words=4096, mask_words=4096, frame_words=512, class_groups=8, map_bits=4,
        group_bits=5,
    )
    for lanes, pack in ((4, 1), (8, 2), (16, 2))
}  # fmt: skip

NETWORKS = {
    "same": Network((6, 7, 3), (Conv(5, 5, 2), Dense(3)), 3),
    "valid": Network((7, 5, 2), (Conv(2, 3), Dense(20)), 9),
    "stride2": Network((8, 9, 2), (Conv(3, 5, 2, 2), Conv(20, 3, 1, 2)), 3),
    "stride4": Network((9, 9, 1), (Conv(18, 3, 0, 4), Dense(70)), 19),
    "one": Network((3, 3, 9), (Conv(9, 1), Conv(2, 2, 1, 2)), 3),
    "wide": Network((8, 8, 1), (Conv(4, 8, 4), AvgPool(2), Dense(5)), 2),
}


def expected(mode, layer, placed, source_map, source_base, spikes, nonzero, lanes):
    """Yield (weight row, word, slot, tag, lane, first, null) in walking order."""
    base = placed.state_base if mode is Mode.FORWARD else placed.error_base
    order = sorted(
        (source_map.position(y, x, c), y, x, c) for y, x, c in np.argwhere(spikes).tolist()
    )
    for (word, lane), y, x, c in order:
        operations = []
        if layer.kind == "conv":
            for oy in range(layer.out_shape[0]):
                for ox in range(layer.out_shape[1]):
                    ky = y + layer.padding - oy * layer.stride
                    kx = x + layer.padding - ox * layer.stride
                    inside = 0 <= ky < layer.kernel and 0 <= kx < layer.kernel
                    if not inside or not nonzero[oy, ox]:
                        continue
                    for g in range(placed.map.groups):
                        row = (c * layer.kernel + ky) * layer.kernel + kx + g * layer.rows
                        at, first_lane = placed.map.position(oy, ox, 0)
                        slot = first_lane // placed.map.slot_lanes
                        operations.append((placed.weight_base + row, base + at + g, slot))
        else:
            feature = (y * layer.in_shape[1] + x) * layer.in_shape[2] + c
            operations = [
                (placed.weight_base + g * layer.rows + feature, base + g, 0)
                for g in range(placed.map.groups)
                if nonzero[g]
            ]
        if not operations and mode is Mode.BACKWARD:
            yield (None, None, None, source_base + word, lane, 1, 1)
        for i, operation in enumerate(operations):
            yield (*operation, source_base + word, lane, int(i == 0), 0)


@pytest.mark.parametrize("mode", [Mode.FORWARD, Mode.GRADIENT, Mode.BACKWARD])
@pytest.mark.parametrize("density", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("lanes", CONFIGS)
@pytest.mark.parametrize("name", NETWORKS)
def test_walk(name, lanes, density, mode):
    config, network = CONFIGS[lanes], NETWORKS[name]
    settings = Settings(interval=1)
    layout = place(network, config, 1)
    rows = layer_table(layout, settings)
    rng = np.random.default_rng(7)
    dut = Walker(config)
    problems = []

    async def testbench(ctx):
        for layer in network.weighted:
            placed = layout.layers[layer.index]
            source = layer.source
            source_map = layout.frame if source < 0 else layout.layers[source].map
            spikes = (rng.random(layer.in_shape) < density).astype(np.uint8)
            shape = layer.out_shape[:2] if layer.kind == "conv" else (placed.map.groups,)
            nonzero = np.ones(shape, bool) if mode is Mode.FORWARD else rng.random(shape) < 0.5
            flags = np.zeros((16, 16), bool)
            if layer.kind == "conv":
                flags[: shape[0], : shape[1]] = nonzero
            else:
                for g in range(shape[0]):
                    flags[g >> 3, g & 7] = nonzero[g]
            ctx.set(dut.flag_write, 1)
            for y in range(16):
                ctx.set(dut.flag_row, y)
                ctx.set(dut.flag_bits, sum(int(b) << x for x, b in enumerate(flags[y])))
                await ctx.tick()
            ctx.set(dut.flag_write, 0)
            ctx.set(dut.mode, mode)
            ctx.set(dut.layer.as_value(), LAYER.pack(rows[layer.index + 1]))
            ctx.set(dut.source.as_value(), LAYER.pack(rows[source + 1]))
            ctx.set(dut.layer_stride, placed.map.x_words * placed.map.groups)
            ctx.set(dut.source_stride, source_map.x_words * source_map.groups)
            ctx.set(dut.last_lanes, (layer.out_shape[2] - 1) % lanes + 1)

            entries = list_entries(spikes, source_map, config)
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            got, pending, finished = [], list(entries), False
            for _ in range(20_000):
                offer = bool(pending) and rng.random() < 0.8
                ctx.set(dut.entries.valid, offer)
                ctx.set(dut.entries.payload.as_value(), pending[0] if offer else 0xDEAD)
                await ctx.delay(1e-9)
                if offer and ctx.get(dut.entries.ready):
                    pending.pop(0)
                if ctx.get(dut.valid) and not ctx.get(dut.operation.flush):
                    op = dut.operation
                    null = ctx.get(op.null)
                    got.append(
                        (
                            None if null else ctx.get(op.weight),
                            None if null else ctx.get(op.word),
                            None if null else ctx.get(op.slot),
                            ctx.get(op.tag),
                            ctx.get(op.lane),
                            ctx.get(op.first),
                            null,
                        )
                    )
                    if not null and not ctx.get(op.issued):
                        problems.append("issued is 0 on an operation")
                finished = ctx.get(dut.finished)
                await ctx.tick()
                if finished:
                    break
            if not finished:
                problems.append(f"{layer.name}: not finished")
            source_base = 0 if source < 0 else layout.layers[source].error_base
            want = list(
                expected(mode, layer, placed, source_map, source_base, spikes, nonzero, lanes)
            )
            if mode is not Mode.BACKWARD:
                got = [g[:3] for g in got]
                want = [w[:3] for w in want]
            if got != want:
                at = next(
                    (i for i, (a, b) in enumerate(zip(got, want, strict=False)) if a != b),
                    len(want),
                )
                problems.append(
                    f"{layer.name}: operation {at}: got {got[at : at + 3]}, expected "
                    f"{want[at : at + 3]}; {len(got)} of {len(want)}"
                )

    sim = Simulator(dut)
    sim.add_clock(1e-8)
    sim.add_testbench(testbench)
    sim.run()
    assert not problems, problems
