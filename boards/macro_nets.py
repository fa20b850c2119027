"""Length of the nets at some cells of a placed netlist while these cells move.

All other cells stay where they are, so that of a net they count as one box.
"""

from collections import defaultdict

import numpy as np

from boards.macro_sites import Site, parse
from boards.yowasp import ToolError

PLACE = "NEXTPNR_BEL"
"""Attribute in which nextpnr writes where it put a cell."""

GLOBAL = "DCCA"
"""Driver of a net with wires of its own, a clock or a reset, whose length does not count."""

LONG = 40
"""Length at which a tile more costs three times what the first one does [tiles]."""

REMEDY = "build with --rounds 0 to leave all places to it"

_FAR = 1 << 16


class MacroNets:
    """Nets at the cells that move, called macros, and what the length of each costs.

    A net's length w is half the perimeter of the box around its cells [tiles], its cost
    w + w² / `LONG`: of two designs with the same wire length the one without long nets is faster.

    Parameters
    ----------
    cells : dict
        Of a module that nextpnr placed.
    macros : list of str
        Names of those that move; they are numbered in this order.

    Attributes
    ----------
    sites : list of Site
        Where each macro is, at first where nextpnr put it.
    costs : array of float
        Of each net, where the macros were when `accept` was last called for one of the net's.

    Raises
    ------
    ToolError
        A macro is missing, or a cell at one of the nets has no place.
    """

    def __init__(self, cells: dict, macros: list[str]):
        if missing := [name for name in macros if name not in cells]:
            raise ToolError(
                f"nextpnr-ecp5 must place {missing[0]}, but wrote no such cell; {REMEDY}"
            )
        self.sites = [_site(name, cells[name]) for name in macros]
        self._at = np.array([site[:2] for site in self.sites], dtype=int).reshape(-1, 2).T.copy()
        members, low, high = _nets(cells, macros)
        self.costs = np.zeros(len(members))
        nets_of: list[list[int]] = [[] for _ in macros]
        for net, found in enumerate(members):
            for macro in found:
                nets_of[macro].append(net)
        self._nets = [np.array(nets, dtype=int) for nets in nets_of]
        self._boxes = [(low[:, nets], high[:, nets]) for nets in self._nets]
        self._members = []
        for nets in nets_of:
            flat = [macro for net in nets for macro in members[net]]
            starts = np.cumsum([0, *(len(members[net]) for net in nets)])[:-1]
            self._members.append((np.array(flat, dtype=int), starts))
        for macro in range(len(macros)):
            self.accept(macro, self.costs_of(macro))

    def move(self, macro: int, site: Site) -> None:
        """Put a macro on a site."""
        self.sites[macro] = site
        self._at[0, macro], self._at[1, macro] = site.column, site.row

    def costs_of(self, macro: int) -> np.ndarray:
        """Return the costs of a macro's nets, with all macros where they are now."""
        flat, starts = self._members[macro]
        low, high = self._boxes[macro]
        places = self._at[:, flat]
        low = np.minimum(np.minimum.reduceat(places, starts, axis=1), low)
        high = np.maximum(np.maximum.reduceat(places, starts, axis=1), high)
        length = (high - low).sum(axis=0)
        return length * (1 + length / LONG)

    def growth(self, macro: int, costs: np.ndarray) -> float:
        """Return how much larger some costs of a macro's nets are than the accepted ones."""
        return float(costs.sum() - self.costs[self._nets[macro]].sum())

    def accept(self, macro: int, costs: np.ndarray) -> None:
        """Keep what `costs_of` returned."""
        self.costs[self._nets[macro]] = costs


def _site(name: str, cell: dict) -> Site:
    """Return where a cell was placed."""
    bel = cell.get("attributes", {}).get(PLACE, "")
    try:
        return parse(bel)
    except ValueError:
        raise ToolError(
            f"nextpnr-ecp5 must place {name} ({cell['type']}), but {PLACE} is {bel!r}; {REMEDY}"
        ) from None


def _nets(cells: dict, macros: list[str]) -> tuple[list[set[int]], np.ndarray, np.ndarray]:
    """Return of each net its macros, and the corners of the box around its other cells.

    Nets with one cell and those that `GLOBAL` drives are left out. The corners of a box around
    nothing are swapped and far away.
    """
    wide = {bit for cell in cells.values() if cell["type"] == GLOBAL
            for bit in cell["connections"]["CLKO"]}  # fmt: skip
    numbers = {name: number for number, name in enumerate(macros)}
    members = defaultdict(set)
    for name, number in numbers.items():
        for bit in _bits(cells[name]) - wide:
            members[bit].add(number)
    boxes = {bit: [_FAR, _FAR, -_FAR, -_FAR] for bit in members}
    for name, cell in cells.items():
        bits = () if name in numbers else _bits(cell) & members.keys()
        if bits:
            column, row, _ = _site(name, cell)
            for bit in bits:
                left, top, right, bottom = boxes[bit]
                boxes[bit] = [
                    min(left, column), min(top, row), max(right, column), max(bottom, row)
                ]  # fmt: skip
    nets = [bit for bit, found in members.items() if len(found) > 1 or boxes[bit][0] < _FAR]
    corners = np.array([boxes[bit] for bit in nets], dtype=int).reshape(-1, 4).T
    return [members[bit] for bit in nets], corners[:2], corners[2:]


def _bits(cell: dict) -> set[int]:
    """Return the nets at a cell."""
    return {bit for bits in cell["connections"].values() for bit in bits if isinstance(bit, int)}
