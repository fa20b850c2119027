"""UART pins of the accelerator in Verilator, driven by cocotbext-uart.

The core is the stub that only stores: the pins and the link are what is tested here.
"""

import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from hw.export import verilog_of, write_if_changed
from hw.uart_accelerator import UartAccelerator
from hw.virtual_board.build import ROOT, WAIVERS
from tests.hw.link.bench import CONFIG
from tests.hw.stub_core import StubCore

CLOCK = 100e6


@pytest.mark.parametrize(
    ("baud", "percent"),
    [(12_000_000, 0), (12_000_000, 2), (12_000_000, -2), (1_000_000, 0), (1_000_000, -2)],
)
def test_uart_pins(baud, percent, waves, monkeypatch):
    # The wheel's makefile lacks the option with which a precompiled header is included.
    monkeypatch.setenv("MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include")
    folder = ROOT / "build" / "cosim" / f"uart_{baud}"
    top = UartAccelerator(CONFIG, CLOCK, baud, core=StubCore(CONFIG, 60))
    source = folder / "uart_accelerator.v"
    write_if_changed(source, verilog_of(top, "uart_accelerator"))
    runner = get_runner("verilator")
    runner.build(
        sources=[WAIVERS, source],
        hdl_toplevel="uart_accelerator",
        build_dir=folder / "sim",
        build_args=["-Wall", *(["--trace"] if waves else [])],
        timescale=("1ns", "1ps"),
    )
    results = runner.test(
        hdl_toplevel="uart_accelerator",
        test_module="tests.cosim.uart_bench",
        build_dir=folder / "sim",
        test_dir=ROOT,
        results_xml=str(folder / f"results{percent:+d}.xml"),
        extra_env={"UART_BAUD": str(baud), "UART_PERCENT": str(percent)},
        waves=waves,
    )
    count, failed = get_results(results)
    assert count == 4
    assert failed == 0
