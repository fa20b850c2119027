"""What becomes of the netlist between synthesis and placement."""

import copy
import json

import pytest

from boards.ecp5_netlist import NETLIST, finish, fix
from boards.reset_net import relieve
from tests.boards.test_output_registers import two

RESET, DRIVER, GLOBAL = 29, 30, 31


def with_reset():
    """A buffered reset of a flip-flop and of look-up tables, a buffer that stops, a clock."""
    cells = {
        "driver": ("TRELLIS_FF", {"DI": RESET, "CLK": 2, "Q": DRIVER}),
        "buffer": ("DCCA", {"CLKI": DRIVER, "CLKO": GLOBAL, "CE": "1"}),
        "accelerator.core.lif.register": ("TRELLIS_FF", {"LSR": GLOBAL, "CLK": GLOBAL,
                                                         "DI": GLOBAL, "Q": 50}),
        "accelerator.core.lif.table": ("LUT4", {"A": GLOBAL, "B": 7}),
        "accelerator.link.memory": ("TRELLIS_DPR16X4", {"WCK": GLOBAL, "WRE": GLOBAL}),
        "gate": ("DCCA", {"CLKI": GLOBAL, "CLKO": 40, "CE": 6}),
        "gated": ("LUT4", {"A": 40}),
        "plain": ("DCCA", {"CLKI": 41, "CLKO": 42, "CE": "1"}),
        "clock": ("LUT4", {"A": 42}),
    }  # fmt: skip
    found = {
        name: {
            "type": kind, "parameters": {},
            "connections": {pin: [bit] for pin, bit in pins.items()},
            "port_directions": {
                pin: "output" if pin in ("CLKO", "Q") else "input" for pin in pins
            },
        }
        for name, (kind, pins) in cells.items()
    }  # fmt: skip
    return {"modules": {"top": {"cells": found, "ports": {}, "netnames": {}}}}


def pins(netlist, cell):
    connections = netlist["modules"]["top"]["cells"][cell]["connections"]
    return {pin: bits[0] for pin, bits in connections.items()}


def test_other_loads_of_a_reset_get_a_driver_of_their_own():
    found = with_reset()
    assert relieve(found) == 3
    lif, link = 51, 52
    assert pins(found, "driver_lif") == {"DI": RESET, "CLK": 2, "Q": lif}
    assert pins(found, "driver_link") == {"DI": RESET, "CLK": 2, "Q": link}
    register = pins(found, "accelerator.core.lif.register")
    assert register == {"LSR": GLOBAL, "CLK": GLOBAL, "DI": lif, "Q": 50}
    assert pins(found, "accelerator.core.lif.table") == {"A": lif, "B": 7}
    assert pins(found, "accelerator.link.memory") == {"WCK": GLOBAL, "WRE": link}
    assert pins(found, "gate")["CLKI"] == GLOBAL
    assert pins(found, "gated") == {"A": 40}  # not the same while the buffer stops
    assert pins(found, "clock") == {"A": 42}  # nothing to copy
    before = copy.deepcopy(found)
    assert relieve(found) == 0
    assert found == before


def test_the_netlist_for_place_and_route_is_written(tmp_path):
    netlist = two()
    netlist["modules"]["top"]["cells"] |= with_reset()["modules"]["top"]["cells"]
    (tmp_path / "mapped.json").write_text(json.dumps(netlist))
    found = finish(tmp_path)
    assert "ff0" not in found["modules"]["top"]["cells"]
    assert pins(found, "driver_lif")["DI"] == RESET
    assert json.loads((tmp_path / NETLIST).read_text()) == found
    with pytest.raises(FileNotFoundError):
        finish(tmp_path / "missing")


def test_places_are_fixed_in_the_netlist_that_is_placed(tmp_path):
    cells = {"ram": {"type": "DP16KD", "attributes": {"src": "a.py:1"}},
             "dsp": {"type": "MULT18X18D"}, "table": {"type": "LUT4"}}  # fmt: skip
    (tmp_path / NETLIST).write_text(json.dumps({"modules": {"top": {"cells": cells}}}))
    fix(tmp_path, {"ram": "X4/Y22/EBR0", "dsp": "X4/Y10/MULT18_0"})
    fix(tmp_path, {"ram": "X6/Y22/EBR1"})
    found = json.loads((tmp_path / NETLIST).read_text())["modules"]["top"]["cells"]
    assert found["ram"]["attributes"] == {"src": "a.py:1", "BEL": "X6/Y22/EBR1"}
    assert found["dsp"]["attributes"] == {"BEL": "X4/Y10/MULT18_0"}
    assert found["table"] == {"type": "LUT4"}
