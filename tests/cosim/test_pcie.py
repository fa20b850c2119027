"""AXI4-Stream pins of the accelerator in Verilator.

Driven by cocotbext-axi the core is the stub that only stores: the pins, the clock crossing and the
link are what is tested. The virtual card has the real core, and trains through the transport.
"""

import pytest
from cocotb_tools.check_results import get_results
from cocotb_tools.runner import get_runner

from host.driver import open_board
from host.selftest import link, training
from host.selftest.checks import OK
from host.transport.sim import SimTransport
from hw.export import verilog_of, write_if_changed
from hw.pcie_accelerator import PcieAccelerator
from hw.virtual_board.build import ROOT, WAIVERS
from tests.cosim.boards import CARD, card_library
from tests.host.xdma_card import CardWithBoard
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


@pytest.mark.parametrize(("piece", "stall"), [(1 << 16, 0), (7, 100)])
def test_training_through_the_card_equals_golden(tmp_path, piece, stall):
    """Transport, named pipes as the driver's devices, AXI4-Stream, the accelerator with its core.

    With pauses, beats are not full either, and every packet comes in pieces.
    """
    with (
        SimTransport(card_library(), stall=stall) as inner,
        CardWithBoard(tmp_path, inner, piece) as card,
        open_board(f"pcie:{card.device}", CARD) as board,
    ):
        checks = [*link.check(board), *training.check(board)]
        assert [check.result for check in checks] == [OK] * (1 + len(training.CASES)), checks
        assert board.link.statistics.resends == 0
