"""What of a reset on an ECP5's global net stays off it.

A global net reaches the reset pins of flip-flops. Where a reset is one of several conditions it is
an input of a look-up table, which a global net reaches only through wires that nextpnr takes
before it routes anything else: other nets then do not reach the look-up tables beside it, and
routing fails. Each unit of the accelerator gets a copy of the flip-flop before the buffer for
those loads, with the same reset in the same cycle.
"""

import copy

from boards.cells import unit_of

BUFFER, REGISTER = "DCCA", "TRELLIS_FF"


def relieve(netlist: dict, top: str = "top") -> int:
    """Move loads that are no clock or reset pins from global nets to copies of their drivers.

    Parameters
    ----------
    netlist : dict
        What yosys' ``write_json`` wrote; changed in place. Buffers that can stop, or that no
        flip-flop drives, are left alone.
    top : str
        Module of the flattened design.

    Returns
    -------
    int
        Loads that were moved.
    """
    module = netlist["modules"][top]
    cells = module["cells"]
    drivers = {
        cell["connections"]["Q"][0]: name
        for name, cell in cells.items()
        if cell["type"] == REGISTER
    }
    sources = {}
    for cell in cells.values():
        pins = cell["connections"]
        if cell["type"] == BUFFER and pins["CE"] == ["1"] and pins["CLKI"][0] in drivers:
            sources[pins["CLKO"][0]] = drivers[pins["CLKI"][0]]
    free = 1 + max(
        (bit for cell in cells.values() for bits in cell["connections"].values() for bit in bits
         if isinstance(bit, int)), default=0,
    )  # fmt: skip
    copies: dict[tuple[str, str], int] = {}
    moved = 0
    for name, cell in list(cells.items()):
        for pin, bits in cell["connections"].items():
            if cell["port_directions"].get(pin) != "input" or _dedicated(cell, pin):
                continue
            if bits[0] in sources:
                source = sources[bits[0]]
                unit = unit_of(name)
                if (source, unit) not in copies:
                    copies[source, unit] = free + len(copies)
                cell["connections"][pin] = [copies[source, unit]]
                moved += 1
    for (source, unit), bit in copies.items():
        twin = copy.deepcopy(cells[source])
        twin["connections"]["Q"] = [bit]
        cells[f"{source}_{unit}"] = twin
        module["netnames"][f"{source}_{unit}_Q"] = {
            "hide_name": 0, "bits": [bit], "attributes": {}
        }  # fmt: skip
    return moved


def _dedicated(cell: dict, pin: str) -> bool:
    """Return whether a global net reaches a pin without help."""
    return pin.startswith(("CLK", "WCK")) or (pin == "LSR" and cell["type"] == REGISTER)
