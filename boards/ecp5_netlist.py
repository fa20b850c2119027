"""From the netlist that yosys makes for an ECP5 to the one that is placed."""

import json
from pathlib import Path

from boards import output_registers, reset_net
from boards.cells import MAPPED

NETLIST = "top.json"
"""What `finish` writes."""

FIXED_PLACE = "BEL"
"""Attribute that tells nextpnr where a cell goes."""


def finish(folder: Path, top: str = "top") -> dict:
    """Read the netlist that yosys wrote into a folder, write the final one and return it.

    Parameters
    ----------
    folder : Path
        With `boards.cells.MAPPED`; gets `NETLIST`.
    top : str
        Module of the flattened design.

    Raises
    ------
    OSError
        There is no netlist.
    """
    netlist = json.loads((folder / MAPPED).read_text(encoding="utf-8"))
    output_registers.absorb(netlist, top)
    reset_net.relieve(netlist, top)
    (folder / NETLIST).write_text(json.dumps(netlist), encoding="utf-8")
    return netlist


def fix(folder: Path, bels: dict[str, str], top: str = "top") -> None:
    """Fix the places of some cells of the final netlist.

    Parameters
    ----------
    folder : Path
        With `NETLIST`, which is changed.
    bels : dict
        Of each cell the name of its place, as nextpnr calls it.
    top : str
        Module of the flattened design.

    Raises
    ------
    OSError
        There is no netlist.
    """
    netlist = json.loads((folder / NETLIST).read_text(encoding="utf-8"))
    cells = netlist["modules"][top]["cells"]
    for name, bel in bels.items():
        cells[name].setdefault("attributes", {})[FIXED_PLACE] = bel
    (folder / NETLIST).write_text(json.dumps(netlist), encoding="utf-8")
