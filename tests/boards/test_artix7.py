"""Build folder of the Artix-7 boards; the tools themselves are played by scripts."""

import os
import subprocess

import pytest

from boards import artix7
from boards.catalogue import BOARDS
from boards.yowasp import ToolError
from tests.boards.test_definitions import SMALL
from tests.hw.stub_core import StubCore

BOARD = BOARDS["arty_a7_100"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    pytest.importorskip("amaranth_boards", reason="needs amaranth-boards")
    folder = tmp_path_factory.mktemp("arty")
    artix7.write_folder(BOARD, SMALL, 100_000_000, folder, StubCore(SMALL))
    return folder


@pytest.fixture
def path(tmp_path, monkeypatch):
    """A path with the shell's tools and those that `play` adds, none of an FPGA."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in ("sh", "dirname", "rm", "mv", "touch"):
        place = next(p for p in os.environ["PATH"].split(":") if os.access(f"{p}/{tool}", os.X_OK))
        (folder / tool).symlink_to(f"{place}/{tool}")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def play(path, tool, script):
    file = path / tool
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)


def run(folder):
    return subprocess.run(
        ["sh", str(folder / "build.sh")], capture_output=True, text=True, check=False
    )


def test_folder_holds_what_both_tool_chains_need(folder):
    assert {"top.v", "top.xdc", "openxc7.xdc", "vivado.tcl", "build.sh"} <= {
        file.name for file in folder.iterdir()
    }
    assert "module top(" in (folder / "top.v").read_text()
    tcl = (folder / "vivado.tcl").read_text()
    assert "create_project -force -name top -part xc7a100tcsg324-1" in tcl
    assert tcl.index("route_design") < tcl.index("get_timing_paths") < tcl.index("write_bitstream")
    assert os.access(folder / "build.sh", os.X_OK)


def test_openxc7_keeps_block_ram_and_multipliers(folder):
    script = (folder / "build.sh").read_text()
    assert "synth_xilinx" in script
    assert "-nobram" not in script
    assert "-nodsp" not in script


def test_openxc7_gets_every_pin_and_the_clock(folder):
    vivado = (folder / "top.xdc").read_text()
    text = (folder / "openxc7.xdc").read_text()
    assert text.count("set_property LOC") == vivado.count("set_property LOC") == 7
    assert 'set_property LOC E3 [get_ports "clk100_0__io"]' in text
    assert 'set_property IOSTANDARD LVCMOS33 [get_ports "clk100_0__io"]' in text
    assert 'create_clock -name clk100_0__io -period 10.0 [get_ports "clk100_0__io"]' in text
    assert "get_nets" not in text
    assert "current_design" not in text


def test_vivado_makes_the_bitstream_when_it_is_there(folder, path):
    play(path, "vivado", 'touch top.bit; echo "$@" >called')
    done = run(folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "called").read_text().split()[-1] == "vivado.tcl"
    assert (folder / "arty_a7_100.bit").is_file()


def test_openxc7_is_called_for_the_part(folder, path, tmp_path, monkeypatch):
    for tool in artix7.OPENXC7:
        play(path, tool, f'echo {tool} "$@" >>called; case {tool} in xc7*) touch top.bit;; esac')
    (folder / "called").unlink(missing_ok=True)
    done = run(folder)
    assert done.returncode == 2
    assert "no chipdb/xc7a100tcsg324.bin: set CHIPDB and PRJXRAY_DB_DIR" in done.stderr
    part = tmp_path / "artix7" / "xc7a100tcsg324-1" / "part.yaml"
    part.parent.mkdir(parents=True)
    part.touch()
    monkeypatch.setenv("CHIPDB", str(part))
    monkeypatch.setenv("PRJXRAY_DB_DIR", str(tmp_path))
    done = run(folder)
    assert done.returncode == 0, done.stderr
    called = (folder / "called").read_text().splitlines()
    assert [line.split()[0] for line in called] == list(artix7.OPENXC7)
    assert "--freq 100.000000" in called[1]
    assert "--part_name xc7a100tcsg324-1" in called[3]


def test_a_tool_that_fails_leaves_no_bitstream(folder, path):
    play(path, "vivado", "touch top.bit; exit 1")
    assert run(folder).returncode == 1
    assert not (folder / "arty_a7_100.bit").exists()


def test_no_tool_is_said_by_the_script_and_before_it(folder, path):
    done = run(folder)
    assert done.returncode == 2
    assert "neither vivado nor all of yosys nextpnr-xilinx" in done.stderr
    assert artix7.missing_tools() == (
        "vivado, or yosys, nextpnr-xilinx, fasm2frames, xc7frames2bit of openXC7"
    )
    play(path, "yosys", "")
    assert artix7.missing_tools().startswith("vivado, or nextpnr-xilinx, ")
    play(path, "vivado", "")
    assert artix7.missing_tools() == ""


def test_build_runs_the_script(folder, path, tmp_path, monkeypatch):
    monkeypatch.setattr(
        artix7, "write_folder", lambda *arguments: (folder / "build.sh")
    )  # the folder is there
    arguments = (BOARD, SMALL, 100_000_000, folder)
    with pytest.raises(artix7.MissingToolsError, match=r"not on the path: vivado, or .*build\.sh"):
        artix7.build(*arguments, report=str)
    play(path, "vivado", "touch top.bit")
    assert artix7.build(*arguments, report=str) == folder / "arty_a7_100.bit"
    play(path, "vivado", "echo no licence; exit 3")
    with pytest.raises(ToolError, match=r"build.sh ended with status 3 .*\nno licence"):
        artix7.build(*arguments, report=str)
    assert not (folder / "arty_a7_100.bit").exists()
