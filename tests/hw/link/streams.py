"""Drive and read streams in Amaranth's simulator under back-pressure."""

import random

from amaranth.hdl import Module
from amaranth.sim import Simulator

PRESSURES = {"none": 0.0, "light": 0.2, "heavy": 0.8}
"""Share of cycles in which a stream pauses."""


def raw(payload):
    """The payload's signal as a plain value."""
    return payload.as_value() if hasattr(payload, "as_value") else payload


async def send(ctx, stream, items, pause, rng):
    """Send ints; the payload is random whenever valid is low."""
    value = raw(stream.payload)
    for item in items:
        while rng.random() < pause:
            ctx.set(stream.valid, 0)
            ctx.set(value, rng.getrandbits(len(value)))
            await ctx.tick()
        ctx.set(stream.valid, 1)
        ctx.set(value, int(item))
        await ctx.tick().until(stream.ready)
        ctx.set(stream.valid, 0)
        ctx.set(value, rng.getrandbits(len(value)))


async def receive(ctx, stream, into, pause, rng):
    """Collect ints for ever; checks that valid and payload stay until the transfer."""
    value = raw(stream.payload)
    held = None
    while True:
        ready = rng.random() >= pause
        ctx.set(stream.ready, ready)
        _, _, valid, payload = await ctx.tick().sample(stream.valid, value)
        if held is not None:
            assert valid, "valid fell before the transfer"
            assert payload == held, f"payload changed before the transfer: {held} to {payload}"
        held = payload if valid and not ready else None
        if valid and ready:
            into.append(payload)


def simulate(dut, *benches, clock=1e-8, background=()):
    """Run test benches until all `benches` end."""
    m = Module()
    m.submodules.dut = dut
    simulator = Simulator(m)
    simulator.add_clock(clock)
    for bench in benches:
        simulator.add_testbench(bench)
    for bench in background:
        simulator.add_testbench(bench, background=True)
    simulator.run()


def generator(*key):
    """A random generator of its own for each key."""
    return random.Random(repr(key))
