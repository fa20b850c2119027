"""Netlists for an ECP5: the commands that `boards.ecp5` gives to yosys for a bitstream."""

import re

from boards import ecp5, ecp5_netlist, yowasp
from hw.virtual_board.build import ROOT

PART = "lfe5u-85f"
"""Any part of the family: what yosys makes is the same for all."""

TABLE = re.compile(r"\b(LUT4) #\(\s*")
"""A look-up table in a netlist that yosys wrote."""

CELLS = ROOT / "tests" / "netlist" / "ecp5_cells.v"


def map_to_cells(folder):
    """Map ``top.il`` in `folder`; return the yosys command that reads what came out."""
    (folder / "synth.ys").write_text(ecp5.SCRIPT, encoding="utf-8")
    yowasp.run("yosys", ["-q", "synth.ys"], folder, "yosys.log")
    ecp5_netlist.finish(folder)
    return f"read_json {ecp5_netlist.NETLIST}"


def models(folder):
    """Return the files of the cells' models."""
    return (CELLS,)
