"""Benches of the models of cells: memories and multipliers as RTL and as mapped, and more."""

import subprocess

from amaranth.back import rtlil

from hw import verilator
from hw.export import verilog_of
from tests.netlist import netlist
from tests.netlist.cells_top import CellsTop


def tool(command, folder):
    """Run a command in a folder; return what `subprocess.run` does."""
    return subprocess.run(
        command, cwd=folder, env=verilator.environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def build_bench(folder, family, *options):
    """Compile a family's bench; return a function that runs it with a pin misused or a fault.

    That returns exit status and output. ``netlist.v`` and ``stat.txt`` are in `folder` then.
    """
    top = CellsTop(family)
    mapped = netlist.synthesise(rtlil.convert(top, name="top", emit_src=False), folder, family)
    (folder / "rtl.v").write_text(verilog_of(CellsTop(family), "rtl"))
    made = tool(
        verilator.command(
            "--cc", "--prefix", "Vbench", "--top-module", "bench", "--Mdir", "obj_dir",
            f"-GBITS={top.bits}", *netlist.VERILATOR, *options,
            *netlist.FAMILIES[family].models(folder), "rtl.v", mapped,
            netlist.HERE / "memories_bench.sv", netlist.HERE / f"{family}_bench.sv",
        ),
        folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    include = verilator.root() / "include"
    made = tool(
        [
            "g++", "-std=c++17", "-O0", "-Iobj_dir", f"-I{include}", f"-I{include / 'vltstd'}",
            *map(str, (folder / "obj_dir").glob("*.cpp")), str(netlist.HERE / "cells_main.cpp"),
            str(netlist.FAULTS), str(include / "verilated.cpp"),
            str(include / "verilated_threads.cpp"), "-pthread", "-o", "bench",
        ],
        folder,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr

    def run(pin=0, fault=0):
        done = tool([str(folder / "bench"), str(pin), str(fault)], folder)
        return done.returncode, done.stdout + done.stderr

    return run


def unsaid(folder, family, wrong):
    """Return the messages of `wrong` that Verilator does not end with.

    Its keys are unconnected cells with parameters, such as ``LUT2 #(1)``.
    """
    lines = [f"    {cell} c{i} ();\n" for i, cell in enumerate(wrong)]
    (folder / "wrong.v").write_text(f"module wrong;\n{''.join(lines)}endmodule\n")
    models = (netlist.MODELS, *netlist.FAMILIES[family].models(folder))
    done = tool(
        verilator.command(
            "--lint-only", "-Wno-lint", "-Wno-SPECIFYIGN", "--error-limit", "99", "--top-module",
            "wrong", *models, "wrong.v",
        ),
        folder,
    )  # fmt: skip
    assert done.returncode != 0
    return [message for message in wrong.values() if f" {message}\n" not in done.stderr]
