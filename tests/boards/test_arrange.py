"""Which sites block RAMs and multipliers move to."""

import itertools
import random

import pytest

from boards.arrange import HOT, WARM, arrange
from boards.macro_nets import MacroNets
from boards.macro_sites import MULTIPLIER, RAM, Site
from boards.yowasp import ToolError
from tests.boards.test_macro_nets import cell

SITES = {
    RAM: [Site(column, row, f"EBR{column // 10}") for row in (22, 46) for column in (10, 20, 30)],
    MULTIPLIER: [Site(column, 34, "MULT18_0") for column in (5, 15, 25)],
}


def logic(column, row, *bits):
    return cell("TRELLIS_COMB", f"X{column}/Y{row}/SLICEA.K0", *bits)


def arranged(cells, temperature=HOT, seed=1, report=str):
    macros = sorted(name for name, found in cells.items() if found["type"] in SITES)
    netlist = {"modules": {"top": {"cells": cells}}}
    return arrange(netlist, macros, SITES, temperature, seed, report)


@pytest.mark.parametrize("temperature", [HOT, WARM, 0.0])
def test_a_cell_moves_to_its_loads_in_another_row(temperature):
    cells = {
        "ram": cell(RAM, "X10/Y22/EBR1", 1, 2),
        "one": logic(31, 47, 1),
        "two": logic(29, 48, 2),
    }
    told = []
    assert arranged(cells, temperature, report=told.append) == {"ram": "X30/Y46/EBR3"}
    # 21 + 25 and 19 + 26, then 1 + 1 and 1 + 2
    before = 46 + 46**2 / 40 + 45 + 45**2 / 40
    after = 2 + 4 / 40 + 3 + 9 / 40
    assert told == [f"cost of the nets at block RAMs and multipliers {before:.0f} -> {after:.0f}"]


def test_two_cells_change_places():
    cells = {
        "one": cell(RAM, "X10/Y22/EBR1", 1),
        "two": cell(RAM, "X30/Y46/EBR3", 2),
        "left": logic(9, 22, 2),
        "right": logic(31, 46, 1),
    }
    assert arranged(cells, 0.0) == {"one": "X30/Y46/EBR3", "two": "X10/Y22/EBR1"}


def test_cells_follow_each_other():
    cells = {
        "ram": cell(RAM, "X10/Y22/EBR1", 1, 2, 3),
        "dsp": cell(MULTIPLIER, "X25/Y34/MULT18_0", 1, 2, 4),
        "end": logic(24, 60, 3, 4),
    }
    assert arranged(cells) == {"ram": "X20/Y46/EBR2", "dsp": "X25/Y34/MULT18_0"}


def full(seed):
    """All sites taken but one of each type, with random nets among macros and logic."""
    draw = random.Random(seed)
    macros = [(kind, site) for kind, sites in SITES.items() for site in sites[:-1]]
    cells = {f"m{number}": cell(kind, str(site)) for number, (kind, site) in enumerate(macros)} | {
        f"l{number}": logic(draw.randrange(40), draw.randrange(60)) for number in range(12)
    }
    for bit in range(30):
        for name in draw.sample(sorted(cells), draw.randint(2, 5)):
            cells[name]["connections"][f"P{bit}"] = [bit]
    return cells


def total(cells, bels):
    """Cost of the cells' nets with other places, from the beginning."""
    moved = {
        name: found | {"attributes": {"NEXTPNR_BEL": bels[name]}} if name in bels else found
        for name, found in cells.items()
    }
    return MacroNets(moved, list(bels)).costs.sum()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cells_stay_on_sites_of_their_own(seed):
    cells = full(seed)
    told = []
    bels = arranged(cells, seed=seed, report=told.append)
    assert len(set(bels.values())) == len(bels) == 7
    for name, bel in bels.items():
        assert bel in map(str, SITES[cells[name]["type"]])
    assert told[0].endswith(f" -> {total(cells, bels):,.0f}")
    assert bels == arranged(cells, seed=seed)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_better_than_what_is_found(seed):
    cells = full(seed)
    kinds = [found["type"] for found in cells.values() if found["type"] in SITES]
    rams, dsps = kinds.count(RAM), kinds.count(MULTIPLIER)
    best = min(
        total(cells, {f"m{number}": str(site) for number, site in enumerate([*ram, *dsp])})
        for ram in itertools.permutations(SITES[RAM], rams)
        for dsp in itertools.permutations(SITES[MULTIPLIER], dsps)
    )
    assert total(cells, arranged(cells)) == pytest.approx(best)


def test_the_seed_counts():
    cells = {"ram": cell(RAM, "X10/Y22/EBR1", 1), "same": logic(20, 34, 1)}
    found = {arranged(cells, seed=seed)["ram"] for seed in range(8)}
    assert found == {"X20/Y22/EBR2", "X20/Y46/EBR2"}  # as far from row 34


def test_a_place_that_is_no_site_is_named():
    cells = {"ram": cell(RAM, "X11/Y22/EBR1", 1)}
    with pytest.raises(ToolError, match=r"put ram \(DP16KD\) on X11/Y22/EBR1, which is not among"):
        arranged(cells)
