"""cocotb side of test_traces.py: core, monitor and golden's trace. Not collected by pytest."""

import os
from pathlib import Path

import cocotb
import numpy as np
from amaranth.hdl import Value
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from golden.counters import PHASES, SATURATIONS, Counters
from golden.trace import Trace
from golden.trainer import GoldenModel
from host.compiler import program
from host.protocol.program import Op
from hw.core import MEMORIES
from tests.cosim.monitor import Monitor
from tests.cosim.probed_core import BACKWARD, STARTED
from tests.cosim.trace_cases import CASES, CONFIGS
from tests.hw.core_bench import CoreBench

BACKWARDS = ("e", "gamma")
"""Fields that arise from the last step to the first."""


class Context:
    """What `CoreBench` needs of a simulator, on top of cocotb.

    Between two falling edges of the clock registers take over what was set at the first.
    """

    def __init__(self, dut):
        self.dut = dut
        self.edge = FallingEdge(dut.clk)

    def _handle(self, port):
        return getattr(self.dut, Value.cast(port).name)

    def set(self, port, value):
        self._handle(port).value = int(value)

    def get(self, port):
        return int(self._handle(port).value)

    async def tick(self):
        await self.edge


async def watch(dut, monitor, job):
    """Tell the monitor every write and every start while a job runs."""
    probes = [
        (space, getattr(dut, f"probe_{space.name.lower()}_address"),
         getattr(dut, f"probe_{space.name.lower()}_data"))
        for space in MEMORIES
    ]  # fmt: skip
    while True:
        await FallingEdge(dut.clk)
        enables = int(dut.probe_enables.value)
        if not enables:
            continue
        if enables >> STARTED & 1:
            monitor.started(int(dut.probe_program.value), job["learn"])
        for number, (space, address, data) in enumerate(probes):
            if enables >> number & 1:
                late = space.name == "DELTA" and enables >> BACKWARD & 1
                monitor.wrote(space, int(address.value), int(data.value), bool(late))


class Report:
    """One line per check: case, layer, what, values compared, PASS, or FAIL and where."""

    def __init__(self, name):
        self.name, self.lines, self.failed = name, [], 0

    def check(self, layer, what, got, expected):
        got, expected = np.asarray(got), np.asarray(expected)
        verdict = "PASS"
        if got.shape != expected.shape:
            verdict = f"FAIL shape {got.shape}, expected {expected.shape}"
        elif len(wrong := np.argwhere(got != expected)):
            first = tuple(int(i) for i in wrong[0])
            verdict = (
                f"FAIL at {len(wrong)}, first at interval or step and index {first}: "
                f"got {got[first]}, expected {expected[first]}"
            )
        self.failed += verdict != "PASS"
        nonzero = np.count_nonzero(expected)
        size = f"{expected.size:5} values, {nonzero:4} not 0"
        self.lines.append(f"{self.name}  {layer:12} {what:14} {size}  {verdict}")


def expected_of(trace, layer, field):
    """Return golden's arrays of all intervals, steps in the order in which the core makes them."""
    made = []
    for interval in range(trace.intervals):
        if (interval, layer, field) in trace:
            values = trace[interval, layer, field]
            if field in ("V_sum", "V", "W", "drive", "gamma_sum"):
                made.append(values[np.newaxis])
            else:
                made.append(values[::-1] if field in BACKWARDS else values)
    return np.concatenate(made)


async def check_operations(bench, counters, report):
    """Compare lane operations and useful lanes of every walk with golden's counters."""
    got, code = {}, program(bench.layout, bench.settings)
    for instruction, row in zip(code, await bench.read_profile(), strict=True):
        phase = Op(instruction["op"]).name.lower()
        if phase in PHASES:
            layer = bench.network.resolved[instruction["layer"] - 1].name
            got[layer, phase] = [row["operations"], row["lanes"]]
    for (layer, phase), values in got.items():
        key = (layer, phase)
        expected = [counters.operations.get(key, 0), counters.useful.get(key, 0)]
        report.check(layer, phase + " lanes", values, expected)


@cocotb.test()
async def every_state_equals_golden(dut):
    name, lanes = os.environ["TRACE_CASE"], os.environ["TRACE_CONFIG"]
    case, config = CASES[name], CONFIGS[lanes]
    weights, material = case.material(config.formats)
    bench = CoreBench(case.network, config, case.settings)
    bench.ctx = Context(dut)
    core, access = bench.dut, bench.dut.access
    for port in (core.job.valid, core.frame_write.enable, core.clear_counters,
                 access.read, access.write, access.shift):  # fmt: skip
        bench.ctx.set(port, 0)
    dut.rst.value = 1
    Clock(dut.clk, 10, "ns").start()
    await bench.ctx.tick()
    dut.rst.value = 0
    await bench.ctx.tick()
    monitor, job = Monitor(bench.layout, config, case.settings), {"learn": False}
    cocotb.start_soon(watch(dut, monitor, job))
    await bench.load(weights)
    monitor.clear()

    model = GoldenModel(case.network, config.formats, case.settings, weights, strict=False)
    trace, counters = Trace(), Counters(config.lanes, config.pack_max)
    counts, wanted = [], []
    for number, ((_, start, learn, update), (frames, label)) in enumerate(
        zip(case.intervals, material, strict=True)
    ):
        updates = model.trained_intervals
        wanted.append(
            model.run_interval(
                frames, label, start=start, learn=learn, update=update, trace=trace,
                counters=counters,
            )
        )  # fmt: skip
        job["learn"] = learn
        got, _ = await bench.run_interval(
            number,
            frames,
            label,
            start=start,
            learn=learn,
            update=update,
            trained_intervals=updates,
        )
        monitor.started(None, learn)
        counts.append(got)

    report = Report(f"{name} {lanes}")
    for layer, field in monitor.found:
        got = np.array(monitor.found[layer, field])
        report.check(layer, field, got, expected_of(trace, layer, field))
    report.check("output", "counts", counts, wanted)
    saturated = [bench.ctx.get(getattr(bench.dut, f"saturated_{kind}")) for kind in SATURATIONS]
    report.check("all", "saturations", saturated, list(counters.saturations.values()))
    await check_operations(bench, counters, report)
    fields = {field for (_, field), values in monitor.found.items() if np.any(values)}
    wanted = {"s", "h", "u", "carry", "e", "gamma", "V_sum", "V", "W"}
    if case.network.encoding == "direct":
        wanted |= {"drive", "gamma_sum"}
    assert fields == wanted, fields
    Path(os.environ["TRACE_REPORT"]).write_text("\n".join(report.lines) + "\n", encoding="utf-8")
    assert not monitor.problems, monitor.problems
    assert not report.failed, [line for line in report.lines if "FAIL" in line]
