"""AXI4-Stream pins of the accelerator in Verilator, driven by cocotbext-axi.

The core is the stub that only stores: the pins, the clock crossing and the link are what is tested.
"""

import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from hw.export import verilog_of, write_if_changed
from hw.pcie_accelerator import PcieAccelerator
from hw.virtual_board.build import ROOT, WAIVERS
from tests.hw.link.bench import CONFIG
from tests.hw.link.streams import PRESSURES
from tests.hw.stub_core import StubCore

CASES = [
    # bits of tdata, period of the DMA core's clock [ps]: just beside 250, 125 and 62.5 MHz, so that
    # its edges pass all places between those of the accelerator's, at 100 MHz
    (64, 4_003, "none"),
    (64, 16_007, "light"),
    (128, 7_993, "light"),
    (128, 7_993, "heavy"),
]


@pytest.mark.parametrize(("width", "period", "pressure"), CASES)
def test_axi_stream_pins(width, period, pressure, waves, monkeypatch):
    # The wheel's makefile lacks the option with which a precompiled header is included. To compile
    # takes longer than to run, so that -O0 is fastest.
    monkeypatch.setenv("MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include OPT_GLOBAL=-O0 OPT_FAST=-O0")
    folder = ROOT / "build" / "cosim" / f"pcie_{width}"
    top = PcieAccelerator(CONFIG, width, core=StubCore(CONFIG, 60))
    source = folder / "pcie_accelerator.v"
    write_if_changed(source, verilog_of(top, "pcie_accelerator"))
    runner = get_runner("verilator")
    runner.build(
        sources=[WAIVERS, source],
        hdl_toplevel="pcie_accelerator",
        build_dir=folder / "sim",
        build_args=["-Wall", *(["--trace"] if waves else [])],
        timescale=("1ns", "1ps"),
    )
    results = runner.test(
        hdl_toplevel="pcie_accelerator",
        test_module="tests.cosim.pcie_bench",
        build_dir=folder / "sim",
        test_dir=ROOT,
        results_xml=str(folder / f"results_{period}_{pressure}.xml"),
        extra_env={"PCIE_AXI_PS": str(period), "PCIE_PAUSE": str(PRESSURES[pressure])},
        waves=waves,
    )
    count, failed = get_results(results)
    assert count == 6
    assert failed == 0
