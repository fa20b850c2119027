"""Registers behind the block RAMs of an ECP5 become their own output registers.

Data leave a block RAM of speed grade 6 5.8 ns after the clock edge, through its output register
1.0 ns after it (prjtrellis-db, ECP5/timing/speed_6/cells.json: ``DP16KD``, CLKB to DOB). yosys
does not use these registers, so that `hw.memory`'s capture registers are made of flip-flops: a
block RAM of a netlist whose outputs all go to one plain flip-flop each takes them in. They are the
same registers, cycle by cycle; what they hold before the first clock edge is the only difference,
and nobody reads it.
"""

from collections import defaultdict

RAM, REGISTER = "DP16KD", "TRELLIS_FF"

SIDES = {"DOA": ("A", "REGMODE_A"), "DOB": ("B", "REGMODE_B")}
"""Outputs of a block RAM; their enable and reset, and the parameter that registers them."""


def absorb(netlist: dict, top: str = "top") -> int:
    """Move flip-flops into the block RAMs before them; return how many.

    Parameters
    ----------
    netlist : dict
        What yosys' ``write_json`` wrote; changed in place.
    top : str
        Module of the flattened design.
    """
    module = netlist["modules"][top]
    cells = module["cells"]
    rams = [cell for cell in cells.values() if cell["type"] == RAM]
    outputs = {bit for cell in rams for port in SIDES for _, bit in _bits(cell, port)}
    loads = defaultdict(list)
    for name, cell in cells.items():
        for port, bits in cell["connections"].items():
            if cell["port_directions"].get(port) == "input":
                for bit in bits:
                    if bit in outputs:
                        loads[bit].append((name, port))
    for name, port in module["ports"].items():
        for bit in port["bits"]:
            if port["direction"] == "output" and bit in outputs:
                loads[bit].append((name, "port"))
    gone = {}
    for cell in rams:
        for side in _sides(cell):
            found = _registers(cell, side, cells, loads)
            if found is None:
                continue
            for port, (bit, name) in found.items():
                cell["connections"][port] = cells[name]["connections"]["Q"]
                gone[bit] = name
            for outputs_of_one in side:
                letter, parameter = SIDES[outputs_of_one]
                cell["parameters"][parameter] = "OUTREG"
                cell["connections"][f"OCE{letter}"] = ["1"]
    for name in gone.values():
        del cells[name]
    for net in module["netnames"].values():
        net["bits"] = ["x" if bit in gone else bit for bit in net["bits"]]
    return len(gone)


def _bits(cell: dict, port: str):
    """Return the connected bits of an output: pairs of a pin's name and the net's number."""
    pins = ((pin, bits[0]) for pin, bits in cell["connections"].items() if pin.startswith(port))
    return [(pin, bit) for pin, bit in pins if isinstance(bit, int)]


def _sides(cell: dict) -> list[tuple[str, ...]]:
    """Return the groups of outputs that belong together, all of them at 36 bits.

    The pins of B control them then. yosys ties A's enable to 0, other flows leave it at its
    default, 1 (nextpnr, ecp5/pack.cc: ``PDPW16KD`` has one enable).
    """
    if int(cell["parameters"]["DATA_WIDTH_B"], 2) == 36:
        return [("DOA", "DOB")]
    return [("DOA",), ("DOB",)]


def _registers(cell, side, cells, loads) -> dict | None:
    """Return the flip-flop behind each used pin, None unless all can be moved.

    An output without a load keeps its net, which nobody reads.
    """
    pins = cell["connections"]
    letter = SIDES[side[-1]][0]
    resets = {tuple(pins[f"RST{SIDES[outputs][0]}"]) for outputs in side}
    if pins[f"OCE{letter}"] != ["1"] or resets != {("0",)}:
        return None
    found = {}
    for port in side:
        for pin, bit in _bits(cell, port):
            if not loads[bit]:
                continue
            name, used = loads[bit][0]
            if len(loads[bit]) > 1 or used != "DI" or not _plain(cells[name], pins[f"CLK{letter}"]):
                return None
            found[pin] = bit, name
    return found or None


def _plain(cell: dict, clock: list) -> bool:
    """Return whether a cell is a flip-flop of a clock that loads in every cycle."""
    if cell["type"] != REGISTER:
        return False
    values, pins = cell["parameters"], cell["connections"]
    return (
        pins["CLK"] == clock
        and values["CLKMUX"].strip() == "CLK"
        and values["CEMUX"].strip() == "1"
        and pins.get("LSR", ["0"]) == ["0"]
        and "keep" not in cell.get("attributes", {})
    )
