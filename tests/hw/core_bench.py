"""Drive `hw.core.Core` in Amaranth's simulator through its own ports."""

from amaranth.sim import Simulator

from golden.core_config import CoreConfig
from golden.direct import bit_planes
from golden.layout import place
from golden.network import Network
from golden.random_weights import find_scale
from golden.settings import Settings
from host.compiler import job, layer_table, program
from host.protocol.packets import Space, space_shape
from host.protocol.program import INSTRUCTION, JOB, LAYER, PROFILE
from hw.core import Core
from hw.interfaces import PART, PART_LATENCY, RESULT_SPACE
from tests.hw.packing import from_word, list_entries, to_word

LIMIT = 200_000


class CoreBench:
    """A core with a network loaded; `body` is an async function of the simulator's context."""

    def __init__(self, network: Network, config: CoreConfig, settings: Settings):
        self.network, self.config, self.settings = network, config, settings
        self.layout = place(network, config, settings.interval)
        self.dut = Core(config)
        self.ctx = None

    def run(self, body, vcd=None):
        sim = Simulator(self.dut)
        sim.add_clock(1e-8)

        async def testbench(ctx):
            self.ctx = ctx
            await body(self)

        sim.add_testbench(testbench)
        if vcd:
            with sim.write_vcd(vcd):
                sim.run()
        else:
            sim.run()

    async def _access(self, space: int, address: int, width: int, write=None) -> int:
        ctx, port = self.ctx, self.dut.access
        ctx.set(port.space, int(space))
        ctx.set(port.address, address)
        parts = -(-width // PART)
        if write is not None:
            assert 0 <= write < 1 << width
            for i in range(parts):
                ctx.set(port.write_data, write >> (i * PART) & ((1 << PART) - 1))
                await self._pulse(port.shift)
        await self._pulse(port.read if write is None else port.write)
        for _ in range(20):
            if ctx.get(port.done):
                break
            await ctx.tick()
        else:
            raise AssertionError(f"no answer from {int(space)}[{address}]")
        data = ctx.get(port.read_data)
        await ctx.tick()
        if write is not None:
            return write
        for i in range(1, parts):
            await self._pulse(port.shift)
            for _ in range(PART_LATENCY - 1):
                await ctx.tick()
            data |= ctx.get(port.read_data) << (i * PART)
        return data & ((1 << width) - 1)

    async def _pulse(self, strobe) -> None:
        self.ctx.set(strobe, 1)
        await self.ctx.tick()
        self.ctx.set(strobe, 0)

    async def write(self, space: Space, address: int, row: int) -> None:
        depth, width = space_shape(space, self.config)
        assert 0 <= address < depth
        await self._access(space, address, width, row)

    async def read(self, space: Space, address: int) -> int:
        depth, width = space_shape(space, self.config)
        assert 0 <= address < depth
        return await self._access(space, address, width)

    async def load(self, weights) -> None:
        scales = {
            layer.hash_id: find_scale(self.settings.seed, layer, weights[layer.hash_id])
            for layer in self.network.weighted
            if layer.random
        }
        rows = layer_table(self.layout, self.settings, scales=scales)
        for i, row in enumerate(rows):
            await self.write(Space.LAYERS, i, LAYER.pack(row))
        for i, row in enumerate(program(self.layout, self.settings)):
            await self.write(Space.PROGRAM, i, INSTRUCTION.pack(row))
        for placed in self.layout.layers:
            if placed.layer.trainable:
                lanes = placed.weights_to_lanes(weights[placed.layer.hash_id])
                for i, row in enumerate(lanes):
                    await self.write(
                        Space.WEIGHTS,
                        placed.weight_base + i,
                        to_word(row, self.config.formats.weight),
                    )
        self.ctx.set(self.dut.seed, self.settings.seed)

    async def run_interval(
        self, run, frames, label, *, start, learn, trained_intervals, update=True
    ):
        ctx, dut = self.ctx, self.dut
        slot = run & 1
        direct = self.network.encoding == "direct"
        sent = bit_planes(frames[0]) if direct else frames
        for step, frame in enumerate(sent):
            base = slot * self.config.frame_words + step * self.layout.frame.words
            for i, entry in enumerate(list_entries(frame, self.layout.frame, self.config)):
                ctx.set(dut.frame_write.enable, 1)
                ctx.set(dut.frame_write.address, base + i)
                ctx.set(dut.frame_write.data, entry)
                await ctx.tick()
        ctx.set(dut.frame_write.enable, 0)
        header = JOB.pack(
            job(
                self.settings, self.network.classes, run=run, steps=len(frames), label=label,
                start=start, learn=learn, update=update and learn, frames=len(sent),
                trained_intervals=trained_intervals,
            )
        )  # fmt: skip
        ctx.set(dut.job.payload.as_value(), header)
        ctx.set(dut.job.valid, 1)
        for _ in range(LIMIT):
            if ctx.get(dut.job.ready):
                await ctx.tick()
                ctx.set(dut.job.valid, 0)
                break
            await ctx.tick()
        cycle = 0
        while not ctx.get(dut.finished):
            await ctx.tick()
            cycle += 1
            assert cycle < LIMIT, f"run {run} has not finished after {LIMIT} cycles"
        await ctx.tick()
        counts = []
        for group in range(self.layout.layers[-1].map.groups):
            groups = dut.config.class_groups
            bits = max(1, (groups - 1).bit_length())
            lanes = self.config.lanes
            word = await self._access(RESULT_SPACE, slot << bits | group, 16 * lanes)
            counts += [word >> (i * 16) & 65535 for i in range(lanes)]
        return counts[: self.network.classes], cycle

    async def read_weights(self, space: Space) -> list:
        import numpy as np

        f = self.config.formats
        width = f.weight if space is Space.WEIGHTS else f.gradient
        result = []
        for placed in self.layout.layers:
            if placed.layer.trainable:
                rows = [
                    from_word(
                        await self.read(space, placed.weight_base + i), self.config.lanes, width
                    )
                    for i in range(placed.weight_rows)
                ]
                result.append(placed.weights_from_lanes(np.array(rows)))
        return result

    async def read_state(self) -> list:
        import numpy as np

        result = []
        for placed in self.layout.layers:
            rows = [
                from_word(
                    await self.read(Space.STATE, placed.state_base + i),
                    self.config.lanes,
                    self.config.formats.state,
                )
                for i in range(placed.map.words)
            ]
            result.append(placed.map.from_lanes(np.array(rows)))
        return result

    async def read_profile(self) -> list[dict[str, int]]:
        length = len(program(self.layout, self.settings))
        return [PROFILE.unpack(await self.read(Space.PROFILE, i)) for i in range(length)]
