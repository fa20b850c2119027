"""Length of nets while some of their cells move."""

import numpy as np
import pytest

from boards.macro_nets import LONG, MacroNets
from boards.macro_sites import MULTIPLIER, RAM, parse
from boards.yowasp import ToolError


def cell(kind, bel, *bits, **pins):
    pins = {f"P{number}": [bit] for number, bit in enumerate(bits)} | pins
    return {"type": kind, "attributes": {"NEXTPNR_BEL": bel}, "connections": pins}


def costs(lengths):
    return pytest.approx(sorted(length + length**2 / LONG for length in lengths))


def placed():
    """Two macros; nets 1 and 2 go from one to logic, 3 to the other, 4 to both and logic."""
    return {
        "ram": cell(RAM, "X10/Y22/EBR0", 1, 2, 3, 4, 9, CLKA=[7], SPARE=[], LOW=["0"]),
        "dsp": cell(MULTIPLIER, "X30/Y34/MULT18_0", 3, 4, CLK0=[7]),
        "near": cell("TRELLIS_COMB", "X10/Y24/SLICEA.K0", 1, 4, 5),
        "far": cell("TRELLIS_FF", "X50/Y20/SLICEB.FF0", 2, 1, 6, CLK=[7]),
        "other": cell("TRELLIS_FF", "X70/Y80/SLICEB.FF1", 5, 6, CLK=[7]),
        "clock": cell("DCCA", "X60/Y49/DCC0", CLKI=[8], CLKO=[7]),
    }


def test_costs_follow_the_boxes():
    nets = MacroNets(placed(), ["ram", "dsp"])
    first = [40 + 4, 40 + 2, 20 + 12, 20 + 12]
    assert sorted(nets.costs) == costs(first)  # neither the clock, nor 9, which has one cell
    assert sorted(nets.costs_of(1)) == costs([32, 32])
    assert nets.growth(1, nets.costs_of(1)) == 0

    nets.move(1, parse("X11/Y34/MULT18_1"))
    moved = nets.costs_of(1)
    assert sorted(moved) == costs([1 + 12, 1 + 12])
    assert nets.growth(1, moved) == pytest.approx(2 * (13 + 13**2 / LONG - 32 - 32**2 / LONG))
    assert sorted(nets.costs) == costs(first)
    nets.accept(1, moved)
    assert sorted(nets.costs) == costs([44, 42, 13, 13])
    assert list(map(str, nets.sites)) == ["X10/Y22/EBR0", "X11/Y34/MULT18_1"]

    nets.move(0, parse("X60/Y46/EBR0"))
    assert sorted(nets.costs_of(0)) == costs([50 + 26, 10 + 26, 49 + 12, 50 + 22])


def test_a_long_net_costs_more_than_two_halves():
    cells = {"ram": cell(RAM, "X1/Y1/EBR0", 1), "a": cell("TRELLIS_FF", "X41/Y1/FF0", 1)}
    assert list(MacroNets(cells, ["ram"]).costs) == [LONG + LONG]


def test_a_macro_without_nets_costs_nothing():
    nets = MacroNets({"ram": cell(RAM, "X1/Y1/EBR0", 1)}, ["ram"])
    assert nets.costs.sum() == 0
    assert np.array_equal(nets.costs_of(0), [])


def test_what_has_no_place_is_named():
    cells = placed()
    del cells["far"]["attributes"]["NEXTPNR_BEL"]
    text = r"must place far \(TRELLIS_FF\), but NEXTPNR_BEL is ''; build with --rounds 0"
    with pytest.raises(ToolError, match=text):
        MacroNets(cells, ["ram", "dsp"])
    del cells["other"]["attributes"]  # at none of the nets
    MacroNets(cells, ["dsp"])
    cells["dsp"]["attributes"]["NEXTPNR_BEL"] = "somewhere"
    with pytest.raises(ToolError, match=r"dsp \(MULT18X18D\), but NEXTPNR_BEL is 'somewhere'"):
        MacroNets(cells, ["dsp"])
    with pytest.raises(ToolError, match="must place lost, but wrote no such cell; build with --ro"):
        MacroNets(cells, ["lost"])
