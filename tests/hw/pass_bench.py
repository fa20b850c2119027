"""Bench of one pass: its memories with known contents, its layer row, and a run to `done`."""

import contextlib

import numpy as np
from amaranth.hdl import Module
from amaranth.lib.memory import Memory, MemoryData
from amaranth.sim import Simulator

from golden.core_config import CoreConfig
from golden.formats import Formats
from golden.layout import map_layout
from hw.arith import delay
from hw.interfaces import READ_LATENCY

SMALL = {"neuron_words": 256, "error_words": 256, "weight_rows": 256, "spike_words": 256}


def small_config(lanes, pack_max=None, formats=None, **fields):
    """Return a configuration with small memories."""
    if pack_max is None:
        pack_max = min(2, (lanes // 2).bit_length() - 1)
    return CoreConfig(
        lanes=lanes, pack_max=pack_max, formats=formats or Formats(),
        **(SMALL | {"mask_words": 256, "frame_words": 8} | fields),
    )  # fmt: skip


def pack_word(values, width):
    """Pack signed or unsigned lane values, lane 0 in the low bits."""
    word = 0
    for lane, value in enumerate(values):
        word |= (int(value) & ((1 << width) - 1)) << (lane * width)
    return word


def unpack_word(word, lanes, width, signed=True):
    """Return the lane values of a word."""
    values = [word >> (lane * width) & ((1 << width) - 1) for lane in range(lanes)]
    if signed:
        values = [v - (1 << width) if v >> (width - 1) else v for v in values]
    return values


def random_words(rng, count, width):
    """Return `count` random words of `width` bits."""
    size, spare = -(-width // 8), -width % 8
    return [int.from_bytes(rng.bytes(size), "little") >> spare for _ in range(count)]


def extremes(rng, shape, width, share=0.3):
    """Return random signed codes of `width` bits, a share of them at or next to corner values."""
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    values = rng.integers(low, high + 1, shape)
    small = rng.integers(-3, 4, shape)
    corners = np.array([low, low + 1, -1, 0, 1, high - 1, high])[rng.integers(0, 7, shape)]
    kind = rng.random(shape)
    return np.where(kind < share / 2, corners, np.where(kind < share, small, values))


class Map:
    """A layer's map: where each neuron's word and lane are.

    Attributes
    ----------
    valid : array of bool, shape (words, P)
    """

    def __init__(self, shape, config, dense=False):
        self.layout = map_layout(shape, config.lanes, 0 if dense else config.pack_max)
        self.shape, self.config, self.dense = shape, config, dense
        height, width, channels = shape
        self.words = self.layout.words
        where = [
            self.layout.position(y, x, c)
            for y in range(height)
            for x in range(width)
            for c in range(channels)
        ]
        self.index = tuple(np.array(where).T)
        self.valid = np.zeros((self.words, config.lanes), bool)
        self.valid[self.index] = True

    def row(self, **fields):
        """Return the geometry fields of the layer row, and `fields`."""
        height, width, channels = self.shape
        return {
            "height": height, "width": width, "channels": channels, "x_words": self.layout.x_words,
            "groups": self.layout.groups, "pack": self.layout.pack, "dense": int(self.dense),
            **fields,
        }  # fmt: skip

    def coordinates(self, word):
        """Return (y, x word, group)."""
        rest, g = divmod(word, self.layout.groups)
        y, x = divmod(rest, self.layout.x_words)
        return y, x, g

    def neurons(self, words):
        """Return the (height, width, channels) array of a (words, P) array."""
        return words[self.index].reshape(self.shape)

    def to_words(self, neurons, fill):
        """Return a copy of the (words, P) array `fill` with `neurons` in their lanes."""
        words = fill.copy()
        words[self.index] = np.asarray(neurons).reshape(-1)
        return words


class Bench:
    """A pass with memories at its ports, simulated one operation at a time.

    Parameters
    ----------
    unit : Component
    memories : dict
        Per name: (depth, width); a memory joins the ports ``<name>_read`` and ``<name>_write``
        that the unit has.
    """

    def __init__(self, unit, memories):
        self.unit, self.module = unit, Module()
        self.module.submodules.unit = unit
        self.data = {}
        for name, (depth, width) in memories.items():
            self.data[name] = data = MemoryData(shape=width, depth=depth, init=[])
            memory = Memory(data)
            self.module.submodules[name] = memory
            if hasattr(unit, f"{name}_read"):
                port, user = memory.read_port(), getattr(unit, f"{name}_read")
                data = delay(self.module, port.data, READ_LATENCY - 2, f"{name}_output")
                self.module.d.comb += user.data.eq(data)
                self.module.d.sync += port.addr.eq(user.address)
            if hasattr(unit, f"{name}_write"):
                port, user = memory.write_port(), getattr(unit, f"{name}_write")
                self.module.d.sync += [
                    port.addr.eq(user.address), port.data.eq(user.data), port.en.eq(user.enable),
                ]  # fmt: skip

    def simulate(self, process, watch=(), waves=None):
        """Run `process(ctx)` and the `watch` processes beside it."""
        simulator = Simulator(self.module)
        simulator.add_clock(1e-8)
        for watcher in watch:
            simulator.add_process(watcher)
        simulator.add_testbench(process)
        with simulator.write_vcd(str(waves)) if waves else contextlib.nullcontext():
            simulator.run()

    def fill(self, ctx, name, words):
        """Write `words` to a memory from row 0."""
        for row, word in enumerate(words):
            ctx.set(self.data[name][row], int(word))

    def dump(self, ctx, name):
        """Return a memory's contents."""
        return [ctx.get(self.data[name][row]) for row in range(self.data[name].depth)]

    async def operation(self, ctx, each=None, limit=5000):
        """Pulse `start`; return (cycles to `done`, words issued, lanes issued, clipped lanes).

        `each(ctx, cycle)` is called in every cycle, the start included. All counts are complete
        by `done` but the clipped lanes, for which three more cycles are run.
        """
        unit = self.unit
        issued = lanes = clipped = 0
        ctx.set(unit.start, 1)
        cycle, done, end = 0, None, limit
        while cycle < end:
            if each is not None:
                each(ctx, cycle)
            if ctx.get(unit.issue):
                assert done is None, f"issue {cycle - done} cycles after done"
                issued += 1
                lanes += ctx.get(unit.lanes)
            if hasattr(unit, "saturated"):
                clipped += ctx.get(unit.saturated)
            if ctx.get(unit.done):
                assert done is None, f"done twice, in cycles {done} and {cycle}"
                done, end = cycle, cycle + 4
            elif done is not None:
                for member in unit.signature.members:
                    if member.endswith("_write"):
                        port = getattr(unit, member)
                        enable = getattr(port, "enable", port)
                        assert not ctx.get(enable), f"{member} after done"
            await ctx.tick()
            ctx.set(unit.start, 0)
            cycle += 1
        assert done is not None, f"no done within {limit} cycles"
        return done, issued, lanes, clipped


def set_fields(ctx, view, values):
    """Drive the fields of a struct input; the others are 0. Every value must fit."""
    from host.protocol.program import JOB, LAYER

    record = {"layer": LAYER, "other": LAYER, "job": JOB}[view.as_value().name.split("__")[-1]]
    bits = record.pack(values)
    ctx.set(view.as_value(), bits)
