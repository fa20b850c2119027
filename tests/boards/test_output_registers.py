"""Which flip-flops become the output registers of block RAMs."""

import copy

import pytest

from boards.output_registers import absorb

CLOCK, LOW, HIGH, LOADED, SPARE = 2, 10, 11, 20, 12


def flip_flop(data, output, **changes):
    pins = {"CLK": [CLOCK], "DI": [data], "LSR": ["0"], "Q": [output], **changes.pop("pins", {})}
    parameters = {"CLKMUX": "CLK", "CEMUX": "1 ", **changes}
    ways = {pin: "output" if pin == "Q" else "input" for pin in pins}
    return {
        "type": "TRELLIS_FF", "parameters": parameters, "connections": pins,
        "port_directions": ways, "attributes": {},
    }  # fmt: skip


def block_ram(width, outputs, **pins):
    pins = {
        "CLKA": [CLOCK], "CLKB": [CLOCK], "OCEA": ["1"], "OCEB": ["1"], "RSTA": ["0"],
        "RSTB": ["0"], **{pin: [bit] for pin, bit in outputs.items()}, **pins,
    }  # fmt: skip
    ways = {pin: "output" if pin in outputs else "input" for pin in pins}
    parameters = {"DATA_WIDTH_B": f"{width:032b}", "REGMODE_A": "NOREG", "REGMODE_B": "NOREG"}
    return {
        "type": "DP16KD", "parameters": parameters, "connections": pins, "port_directions": ways
    }


def netlist(ram, *registers, outputs=()):
    cells = {"ram": ram, **{f"ff{number}": cell for number, cell in enumerate(registers)}}
    names = {"array": {"bits": [LOW, HIGH]}, "captured": {"bits": [LOADED, LOADED + 1]}}
    ports = {"out": {"direction": "output", "bits": list(outputs)}}
    return {"modules": {"top": {"cells": cells, "ports": ports, "netnames": names}}}


def two(**changes):
    """A block RAM with two used outputs and a spare one, and the flip-flops behind it."""
    ram = block_ram(9, {"DOB0": LOW, "DOB1": HIGH, "DOB2": SPARE}, **changes.pop("ram", {}))
    return netlist(ram, flip_flop(LOW, LOADED), flip_flop(HIGH, LOADED + 1, **changes))


def test_flip_flops_move_into_the_block_ram():
    found = two()
    assert absorb(found) == 2
    top = found["modules"]["top"]
    assert list(top["cells"]) == ["ram"]
    ram = top["cells"]["ram"]
    assert (ram["parameters"]["REGMODE_A"], ram["parameters"]["REGMODE_B"]) == ("NOREG", "OUTREG")
    outputs = [ram["connections"][f"DOB{bit}"] for bit in range(3)]
    assert outputs == [[LOADED], [LOADED + 1], [SPARE]]
    assert top["netnames"]["array"]["bits"] == ["x", "x"]
    assert top["netnames"]["captured"]["bits"] == [LOADED, LOADED + 1]


def test_both_halves_of_36_bits_move_together():
    def wide(**pins):
        ram = block_ram(36, {"DOA0": LOW, "DOB17": HIGH}, OCEA=["0"], **pins)
        return netlist(ram, flip_flop(LOW, LOADED), flip_flop(HIGH, LOADED + 1))

    found = wide()
    assert absorb(found) == 2
    ram = found["modules"]["top"]["cells"]["ram"]
    assert (ram["parameters"]["REGMODE_A"], ram["parameters"]["REGMODE_B"]) == ("OUTREG", "OUTREG")
    assert ram["connections"]["OCEA"] == ram["connections"]["OCEB"] == ["1"]
    found = wide()
    del found["modules"]["top"]["cells"]["ff1"]
    found["modules"]["top"]["cells"]["ff1"] = flip_flop(HIGH, LOADED + 1, CEMUX="CE")
    assert absorb(found) == 0
    assert absorb(wide(RSTA=[5])) == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"CEMUX": "CE", "pins": {"CE": [7]}},
        {"CEMUX": "INV", "pins": {"CE": [7]}},
        {"CLKMUX": "INV"},
        {"pins": {"CLK": [3]}},
        {"pins": {"LSR": [8]}},
        {"pins": {"DI": [LOADED], "CE": [HIGH]}},  # not data of the flip-flop
        {"ram": {"OCEB": ["0"]}},
        {"ram": {"OCEB": [9]}},
        {"ram": {"RSTB": [9]}},
        {"ram": {"CLKB": [3]}},
    ],
)
def test_what_would_not_be_the_same_stays(changes):
    found = two(**changes)
    before = copy.deepcopy(found)
    assert absorb(found) == 0
    assert found == before


def test_an_output_that_goes_elsewhere_too_stays():
    for found in (two(), netlist(two()["modules"]["top"]["cells"]["ram"], outputs=[LOW])):
        top = found["modules"]["top"]
        top["cells"]["logic"] = {
            "type": "LUT4", "connections": {"A": [LOW]}, "port_directions": {"A": "input"},
            "parameters": {},
        }  # fmt: skip
        assert absorb(found) == 0
    kept = two()
    kept["modules"]["top"]["cells"]["ff0"]["attributes"]["keep"] = "1"
    assert absorb(kept) == 0
