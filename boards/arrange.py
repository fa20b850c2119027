"""Better sites for the block RAMs and multipliers of a placed ECP5.

nextpnr's analytic placer puts them with everything else and then moves them no further than a few
columns, since their rows are 24 apart. Here they move, by simulated annealing, while everything
else stays: one goes to a free site or changes places with another, for the sake of the nets at
both. A move that lengthens them is made with a probability that falls with the temperature.
"""

import math
import random

from boards.macro_nets import REMEDY, MacroNets
from boards.macro_sites import Site
from boards.yowasp import ToolError

MOVES = 1200
"""Moves tried with each cell: ten seconds for 250 cells."""

HOT, WARM = 1000.0, 150.0
"""Temperatures to begin with where nextpnr chose the sites, and where `arrange` did once before
[cost of nets, see `boards.macro_nets.MacroNets`]."""

COOLING = 0.8
"""Share of the moves in which the temperature falls to 0; then only better sites are taken."""


def arrange(
    placed: dict, macros: list[str], sites: dict[str, list[Site]], temperature: float,
    seed: int = 1, report=print, top: str = "top",
) -> dict[str, str]:  # fmt: skip
    """Return better places for some cells of a placed design: of each the name of its bel.

    Parameters
    ----------
    placed : dict
        What nextpnr's ``--write`` wrote.
    macros : list of str
        Cells that move.
    sites : dict
        Places for each of their types, see `boards.macro_sites.sites_of`.
    temperature : float
        To begin with, `HOT` or `WARM`.
    seed : int
        Of the random moves. The same seed gives the same places.
    report : callable
        Told what the cells' nets cost before and after.
    top : str
        Module of the flattened design.

    Raises
    ------
    ToolError
        A cell is missing, has no place, or one that is no site of its type.
    """
    cells = placed["modules"][top]["cells"]
    nets = MacroNets(cells, macros)
    choices = [sites[cells[name]["type"]] for name in macros]
    for name, site, fitting in zip(macros, nets.sites, choices, strict=True):
        if site not in fitting:
            raise ToolError(
                f"nextpnr-ecp5 put {name} ({cells[name]['type']}) on {site}, which is not among "
                f"the sites in its data base; {REMEDY}"
            )
    before = nets.costs.sum()
    _anneal(nets, choices, temperature, random.Random(seed))
    report(f"cost of the nets at block RAMs and multipliers {before:,.0f} -> "
           f"{nets.costs.sum():,.0f}")  # fmt: skip
    return {name: str(site) for name, site in zip(macros, nets.sites, strict=True)}


def _anneal(nets: MacroNets, choices: list[list[Site]], temperature: float, draw) -> None:
    """Move macros between their choices while the temperature falls."""
    owners = {site: macro for macro, site in enumerate(nets.sites)}
    for turn in range(MOVES):
        now = temperature * max(0.0, 1 - turn / (COOLING * MOVES))
        for macro, sites in enumerate(choices):
            left, site = nets.sites[macro], draw.choice(sites)
            other = owners.get(site)
            if site != left and _move(nets, macro, site, other, now, draw):
                owners[site] = macro
                if other is None:
                    del owners[left]
                else:
                    owners[left] = other


def _move(nets: MacroNets, macro: int, site: Site, other: int | None, now: float, draw) -> bool:
    """Try a site, whose owner takes the one that is left; return whether that is kept.

    A net at both is counted twice and does not matter: the box around it stays as it was.
    """
    left = nets.sites[macro]
    moves = {macro: (left, site)} if other is None else {macro: (left, site), other: (site, left)}
    for moved, (_, to) in moves.items():
        nets.move(moved, to)
    costs = {moved: nets.costs_of(moved) for moved in moves}
    growth = sum(nets.growth(moved, found) for moved, found in costs.items())
    kept = growth <= 0 or (now > 0 and draw.random() < math.exp(-growth / now))
    for moved, (back, _) in moves.items():
        if kept:
            nets.accept(moved, costs[moved])
        else:
            nets.move(moved, back)
    return kept
