"""The clock of a unit without work stops, on the simulated board alone; a reset reaches it."""

import pytest
from amaranth.hdl import Elaboratable, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import Component, In, Out

from host.transport.sim import SimTransport
from hw.core import Core
from hw.export import verilog_of
from hw.standby import SETTLE, standby
from hw.virtual_board.build import compile_library
from tests.hw.link.bench import CONFIG

READ = 0


class Counter(Elaboratable):
    """Counts its clock's cycles."""

    def __init__(self):
        self.count = Signal(8)

    def elaborate(self, platform):
        m = Module()
        m.d.sync += self.count.eq(self.count + 1)
        return m


class Bench(Component):
    """A counter that has work for as many cycles as each byte says; its count answers each byte."""

    def __init__(self, stops):
        self._stops = stops
        lights = {name: Out(1) for name in ("alive", "training", "error")}
        streams = {"rx": In(stream.Signature(8)), "tx": Out(stream.Signature(8))}
        super().__init__({**streams, **lights})

    def elaborate(self, platform):
        m = Module()
        counter = Counter()
        left = Signal(8)
        standby(m, "counter", counter, left != 0, stops=self._stops)
        m.d.comb += self.rx.ready.eq(1)
        m.d.sync += left.eq(left - (left != 0))
        with m.If(self.tx.ready):
            m.d.sync += self.tx.valid.eq(0)
        with m.If(self.rx.valid):
            m.d.sync += [
                left.eq(self.rx.payload),
                self.tx.payload.eq(counter.count),
                self.tx.valid.eq(1),
            ]
        return m


@pytest.fixture(scope="module", params=[True, False], ids=["stops", "runs"])
def bench(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("standby")
    path = folder / "accelerator.v"
    path.write_text(verilog_of(Bench(request.param), "accelerator"), encoding="utf-8")
    compile_library(path, folder, "-O1 -fPIC", False, 2)
    transport = SimTransport(folder / "libvirtual_board.so")
    yield request.param, transport
    transport.close()


def ask(transport, byte):
    """Send a byte; return the count before it and the cycle in which it was taken."""
    transport.send(bytes([byte]))
    cycle = transport.cycles
    return transport.receive(1e-6)[0], cycle


@pytest.mark.cosim
@pytest.mark.parametrize("work", [1, 2, 7, 100])
def test_a_unit_runs_while_it_has_work_and_settles(bench, work):
    stops, transport = bench
    transport.run(50)
    before, start = ask(transport, work)
    transport.run(work + 50)
    after, end = ask(transport, READ)
    assert (after - before) % 256 == (work + SETTLE if stops else (end - start) % 256)


@pytest.mark.cosim
def test_a_reset_reaches_a_unit_whose_clock_stands(bench):
    stops, transport = bench
    ask(transport, 9)
    transport.run(100)
    count, _ = ask(transport, READ)
    assert count
    transport.reset()
    start = transport.cycles
    count, end = ask(transport, READ)
    assert count == (1 if stops else end - start)  # its gate is open to the cycle behind the reset


@pytest.mark.parametrize("stops", [False, True])
def test_only_the_virtual_board_has_gated_clocks(stops):
    gates = {
        f"{name}_running"
        for name in ("lif", "error", "update", "drop", "random", "state", "momentum", "backward")
    }
    core = Core(CONFIG, stops=True) if stops else Core(CONFIG)
    text = verilog_of(core, "core")
    assert {gate for gate in gates if f"reg {gate}" in text} == (gates if stops else set())
