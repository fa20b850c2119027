"""Cells that yosys maps a design to, by unit of the accelerator, in the words of a part's table."""

import re
from collections import Counter
from dataclasses import astuple, dataclass

from hw.memory import COPY

COLLISIONS = "setparam -set COLLISION_X_MASK 1'1 */t:$memrd_v2 r:CLK_ENABLE=1 %i\n"
"""Amaranth's memories return the old row where a row is read and written at once. Block RAMs
promise nothing there, and yosys would add a bypass to each; nobody uses such a row, see
`hw.memory`."""

COPIES = f"setattr -set keep 1 */w:{COPY}* %ci:+$dff[Q] */t:$dff %i\n"
"""Copies of registers stay copies."""

MAPPED = "mapped.json"
"""Netlist that `SYNTH_ECP5` writes."""

SYNTH_ECP5 = f"""\
{COLLISIONS}{COPIES}tee -o synth.log synth_ecp5 -noabc9 -top {{top}}
tee -o stat.txt stat
write_json {MAPPED}
"""
"""What synth_ecp5 prints after abc is lost unless tee'd; -noabc9 is for releases that still know
plain abc, where abc9 ends YoWASP's yosys without a word."""

LUTS_PER_RAM = {"RAM32M": 4, "RAM64M": 4, "RAM128X1D": 4, "RAM256X1S": 4, "RAM32X1D": 2,
                "RAM64X1D": 2, "TRELLIS_DPR16X4": 4}  # fmt: skip
"""LUTs that one distributed memory takes."""

UNITS = ("core", "walker", "sequencer", "datapath", "lif", "error", "loss", "update", "link")
"""Parts of the accelerator that are estimated one by one; `core` is what no other part holds: the
memories with their ports, keys, CLEAR."""

_OWNERS = {"scanner": "walker", "profile": "sequencer", "drop": "lif"}


@dataclass(frozen=True)
class Figures:
    """What a design takes of a part.

    Attributes
    ----------
    lut : int
        Look-up tables of logic; a carry cell of an ECP5 takes two.
    memory : int
        Look-up tables of distributed memories.
    ff : int
        Flip-flops.
    ram : float
        Block RAMs, halves counted as 0.5.
    dsp : int
        Multipliers.
    """

    lut: int = 0
    memory: int = 0
    ff: int = 0
    ram: float = 0
    dsp: int = 0

    @property
    def luts(self) -> int:
        """All look-up tables."""
        return self.lut + self.memory

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def block_rams(cells: Counter) -> float:
    """Return block RAMs: of 36 kbit on 7 series, of 18 kbit on ECP5."""
    return cells["RAMB36E1"] + cells["RAMB18E1"] / 2 + cells["DP16KD"]


def luts(cells: Counter) -> int:
    """Return look-up tables, those of logic alone."""
    found = sum(count for kind, count in cells.items() if re.fullmatch(r"LUT\d|INV", kind))
    return found + 2 * cells["CCU2C"]


def memory_luts(cells: Counter) -> int:
    """Return the look-up tables that distributed memories take."""
    return sum(LUTS_PER_RAM.get(kind, 0) * count for kind, count in cells.items())


def flip_flops(cells: Counter) -> int:
    """Return flip-flops."""
    return sum(count for kind, count in cells.items() if kind.startswith(("FD", "TRELLIS_FF")))


def multiplier_cells(cells: Counter) -> int:
    """Return multipliers."""
    return cells["DSP48E1"] + cells["MULT18X18D"]


def figures(cells: Counter) -> Figures:
    """Return a count of cells in the words of a part's table."""
    return Figures(
        luts(cells),
        memory_luts(cells),
        flip_flops(cells),
        block_rams(cells),
        multiplier_cells(cells),
    )


def unit_of(name: str) -> str:
    """Return the unit that a module or cell belongs to.

    The accelerator may lie below other modules: ``accelerator.accelerator.core.lif.x_LUT4_Z``.
    A cell of a flattened design has the name of a signal that it drives, which may be one of the
    unit above.
    """
    parts = re.sub(r"^(accelerator\.)+", "", name).split(".")
    if parts[0] == "link":
        return "link"
    unit = parts[1].split("$")[0] if parts[0] == "core" and len(parts) > 1 else "core"
    unit = _OWNERS.get(unit, unit)
    return unit if unit in UNITS else "core"


@dataclass(frozen=True)
class Cells:
    """Cells of every module or, of a flattened design, of every unit.

    Attributes
    ----------
    modules : dict
        Counter of cell types by place below the accelerator, submodules excluded.
    """

    modules: dict[str, Counter]

    def total(self) -> Counter:
        """Return the cells of all modules."""
        return sum(self.modules.values(), Counter())

    def holding(self, prefix: str) -> list[str]:
        """Return the modules that hold a cell whose type starts so."""
        return [
            name
            for name, cells in self.modules.items()
            if any(kind.startswith(prefix) for kind in cells)
        ]

    def units(self) -> dict[str, Figures]:
        """Return the figures of every unit in `UNITS`."""
        found = dict.fromkeys(UNITS, Figures())
        for name, cells in self.modules.items():
            found[unit_of(name)] += figures(cells)
        return found

    @property
    def figures(self) -> Figures:
        """The figures of the whole design."""
        return figures(self.total())


def parse_stat(text: str, top: str) -> Cells:
    """Return the cells in the output of yosys's ``stat`` for a design with its hierarchy."""
    modules: dict[str, Counter] = {}
    current: Counter | None = None
    for line in text.splitlines():
        if title := re.fullmatch(r"=== (.+) ===", line.strip()):
            name = title[1].split("$")[0].removeprefix(top).removeprefix(".") or top
            # the last part repeats all of it as a hierarchy
            current = None if " " in name else modules.setdefault(name, Counter())
        elif current is not None and (row := re.fullmatch(r"\s+(\d+)\s+([A-Z][A-Z0-9]*)", line)):
            current[row[2]] += int(row[1])
    return Cells(modules)


def parse_netlist(netlist: dict, top: str = "top") -> Cells:
    """Return the cells, by unit, of a flattened design as yosys' ``write_json`` tells it."""
    modules: dict[str, Counter] = {}
    for name, cell in netlist["modules"][top]["cells"].items():
        unit = unit_of(name)
        where = unit if unit in ("core", "link") else f"core.{unit}"
        modules.setdefault(where, Counter())[cell["type"]] += 1
    return Cells(modules)
