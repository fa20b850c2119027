"""Cells that yosys tells, read and sorted by unit."""

from collections import Counter

import pytest

from boards import cells
from boards.cells import Cells, Figures

STAT = """
=== top ===
        2   FDRE
        1 submodules
        1   top.core

=== top.core.lif$3 ===
       10 wires
        3   RAMB18E1
        1   RAM32M
        5   LUT4
        2   INV
        1   DSP48E1
=== top.link.rows$7 ===
        4   LUT6
=== design hierarchy ===
        3   RAMB18E1
"""


def test_modules_are_read_from_the_statistics_of_yosys():
    found = cells.parse_stat(STAT, "top")
    assert found.modules["top"] == {"FDRE": 2}
    assert found.modules["core.lif"]["LUT4"] == 5
    assert found.holding("RAMB") == ["core.lif"]
    assert found.figures == Figures(lut=11, memory=4, ff=2, ram=1.5, dsp=1)
    assert found.figures.luts == 15
    units = found.units()
    assert list(units) == list(cells.UNITS)
    assert units["lif"] == Figures(7, 4, 0, 1.5, 1)
    assert (units["link"].lut, units["core"].ff, units["walker"]) == (4, 2, Figures())


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("core.walker.y_LUT4_Z", "walker"),
        ("core.scanner.queue", "walker"),
        ("core.drop.hash", "lif"),
        ("core.keys$359", "core"),
        ("core.lif$12.x", "lif"),
        ("link.rows$207", "link"),
        ("read_data_PFUMX", "core"),
        ("core", "core"),
    ],
)
def test_unit_of_a_module_or_cell(name, unit):
    assert cells.unit_of(name) == unit


def test_cells_of_a_flattened_board_are_sorted_by_name():
    listed = {
        "accelerator.accelerator.core.lif.x_LUT4_Z": "LUT4",
        "accelerator.receiver.y": "LUT4",
        "accelerator.accelerator.link.rows$2.z": "CCU2C",
        "accelerator.accelerator.core.sequencer.table.0": "TRELLIS_DPR16X4",
        "accelerator.accelerator.core.weights.array.0.0": "DP16KD",
    }
    found = {"modules": {"top": {"cells": {name: {"type": listed[name]} for name in listed}}}}
    units = cells.parse_netlist(found).units()
    assert units["lif"] == Figures(lut=1)
    assert units["link"] == Figures(lut=2)
    assert units["sequencer"] == Figures(memory=4)
    assert units["core"] == Figures(lut=1, ram=1)


def test_counts_of_both_families():
    xc7 = Counter(LUT6=3, INV=1, RAM64M=2, FDSE=1, FDRE=1, RAMB36E1=1, RAMB18E1=1, DSP48E1=2)
    assert cells.figures(xc7) == Figures(4, 8, 2, 1.5, 2)
    ecp5 = Counter(LUT4=3, CCU2C=2, PFUMX=9, TRELLIS_FF=4, DP16KD=2, MULT18X18D=1)
    assert cells.figures(ecp5) == Figures(7, 0, 4, 2, 1)
    assert Cells({"core": ecp5, "link": xc7}).figures == Figures(11, 8, 6, 3.5, 3)
