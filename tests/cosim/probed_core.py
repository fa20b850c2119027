"""The core with its memories' write ports brought out, for the monitor of the cocotb bench."""

from amaranth.hdl import Cat
from amaranth.lib.wiring import Component, Out

from golden.core_config import clog2
from hw.core import MEMORIES, Core
from hw.interfaces import core_signature

STARTED, BACKWARD = len(MEMORIES), len(MEMORIES) + 1
"""Bits of `probe_enables` behind those of the memories: an instruction starts, and the write of the
memory of e is BACKWARD's."""


class ProbedCore(Core):
    """Core with probes; it behaves like `hw.core.Core`.

    Members
    -------
    probe_enables : Out
        A bit per memory that is written in this cycle, then `STARTED` and `BACKWARD`.
    probe_program : Out
        Program address of the instruction that is under way.
    probe_<memory>_address, probe_<memory>_data : Out
        What is written.
    """

    def __init__(self, config, multiplier=25):
        self.config, self.multiplier = config, multiplier
        self.tiling, self.stops = None, False
        probes = {
            "probe_enables": Out(len(MEMORIES) + 2),
            "probe_program": Out(clog2(config.instructions)),
        }
        for space in MEMORIES:
            depth, width = config.memory_shapes[space.name.lower()]
            probes[f"probe_{space.name.lower()}_address"] = Out(clog2(depth))
            probes[f"probe_{space.name.lower()}_data"] = Out(width)
        Component.__init__(self, {**core_signature(config), **probes})

    def elaborate(self, platform):
        m = super().elaborate(platform)
        enables = []
        for space in MEMORIES:
            name = space.name.lower()
            port = getattr(m.submodules, name).write
            enables.append(port.enable)
            m.d.comb += [
                getattr(self, f"probe_{name}_address").eq(port.address),
                getattr(self, f"probe_{name}_data").eq(port.data),
            ]
        started = m.submodules.sequencer.start
        backward = m.submodules.datapath.delta_write.enable
        m.d.comb += [
            self.probe_enables.eq(Cat(*enables, started, backward)),
            self.probe_program.eq(m.submodules.sequencer.address),
        ]
        return m
