"""Pass that zeroes the membrane potentials of a layer at the start of a sample."""

from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out

from golden.core_config import CoreConfig
from hw.arith import COUNT_LATENCY, counted, delay
from hw.interfaces import LAYER_LAYOUT, write_port
from hw.map_walker import LaneMask, MapWalker


class ClearPass(Component):
    """Write of ``u = 0`` to every word of a layer's state, one word per cycle.

    `done` comes ``words + 3`` cycles after `start`, with the last write.

    Parameters
    ----------
    config : CoreConfig

    Members
    -------
    start, done : In(1), Out(1)
        One-cycle pulses.
    layer : In(LAYER_LAYOUT)
        Stable from `start` to `done`.
    issue, lanes : Out(1), Out(range(P + 1))
        A word is written, and its lanes that hold neurons.
    state_write : Out(write_port)
        The U memory.
    """

    def __init__(self, config: CoreConfig):
        self.config = config
        super().__init__(
            {
                "start": In(1),
                "done": Out(1),
                "layer": In(LAYER_LAYOUT),
                "issue": Out(1),
                "lanes": Out(range(config.lanes + 1)),
                "state_write": Out(write_port(*config.memory_shapes["state"])),
            }
        )

    def elaborate(self, platform):
        m = Module()
        m.submodules.walker = walker = MapWalker(self.config)
        m.submodules.mask = mask = LaneMask(self.config)
        m.d.comb += [
            walker.start.eq(self.start),
            walker.layer.eq(self.layer),
            walker.base.eq(self.layer.state_base),
            mask.start.eq(self.start),
            mask.layer.eq(self.layer),
            mask.last_group.eq(walker.last_group),
            mask.last_x.eq(walker.last_x),
        ]
        # The write waits for the count of useful lanes, so that nothing comes after `done`.
        lanes = delay(m, mask.lanes & walker.valid.replicate(len(mask.lanes)), 1, "lanes")
        valid = delay(m, walker.valid, 1 + COUNT_LATENCY, "valid", reset_less=False)
        m.d.comb += [
            self.lanes.eq(counted(m, lanes, "lanes")),
            self.issue.eq(valid),
            self.state_write.enable.eq(valid),
            self.state_write.address.eq(delay(m, walker.address, 1 + COUNT_LATENCY, "address")),
            self.done.eq(
                delay(m, walker.valid & walker.last, 1 + COUNT_LATENCY, "done", reset_less=False)
            ),
        ]
        return m
