"""What a build folder tells: configuration, cells by yosys, result of place and route."""

import json
import re
from dataclasses import astuple, dataclass
from pathlib import Path

from boards.board import Board
from boards.catalogue import board_named
from boards.cells import Cells, Figures
from boards.timing import Routed
from golden.core_config import CoreConfig

CONFIG, MAPPED, ROUTED = "config.json", "yosys.json", "result.json"
"""Files of a build folder: what is built, cells by unit, and what place and route reached."""

PLACED = {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "ram": "DP16KD", "dsp": "MULT18X18D"}
"""Rows of nextpnr's utilisation; distributed memories are among the first."""

VIVADO = {"lut": "Slice LUTs", "ff": "Slice Registers", "ram": "Block RAM Tile", "dsp": "DSPs"}
"""Rows of Vivado's utilisation, likewise."""

VIVADO_FILES = ("top_utilization_place.rpt", "top_timing.rpt")
"""Vivado's utilisation and timing, as amaranth's script names them."""


@dataclass(frozen=True)
class Built:
    """A build.

    Attributes
    ----------
    board : Board
        What it is for.
    config : CoreConfig
        Of the accelerator.
    clock : float
        That the PLL makes [Hz].
    link : str
        In `boards.board.LINKS`.
    units : dict of Figures
        Cells by unit, empty if yosys did not run here.
    result : dict
        What place and route reached: ``clock`` and ``target`` [Hz], ``slack`` [ns], critical
        ``path``, and ``used`` by the names of `Figures`; empty without it.
    """

    board: Board
    config: CoreConfig
    clock: float
    link: str
    units: dict[str, Figures]
    result: dict

    @property
    def mapped(self) -> Figures:
        """Cells of the whole design by yosys."""
        return sum(self.units.values(), Figures())

    @property
    def placed(self) -> Figures | None:
        """Cells of the whole design after place and route; distributed memories are in `lut`."""
        return Figures(**self.result["used"]) if self.result else None

    def timing(self) -> str:
        """Return clock and slack in a line, empty without place and route."""
        if not self.result:
            return ""
        return (
            f"{self.result['clock'] / 1e6:.1f} MHz of {self.result['target'] / 1e6:.1f} MHz, slack "
            f"{self.result['slack']:+.2f} ns"
        )


def write_mapped(folder: Path, cells: Cells) -> None:
    """Keep the cells of a synthesis in a build folder."""
    rows = {unit: list(astuple(found)) for unit, found in cells.units().items()}
    (folder / MAPPED).write_text(json.dumps({"units": rows}, indent=1) + "\n", encoding="utf-8")


def write_routed(folder: Path, routed: Routed) -> None:
    """Keep the best result of place and route in a build folder, negative slack included."""
    told = {
        "seed": routed.seed,
        "clock": routed.clock,
        "target": routed.target,
        "slack": routed.slack,
        "path": str(routed.path),
        "used": {name: routed.used.get(cell, (0, 0))[0] for name, cell in PLACED.items()},
    }
    (folder / ROUTED).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def forget(folder: Path) -> None:
    """Remove the results of an earlier build."""
    for name in (MAPPED, ROUTED, *VIVADO_FILES):
        (folder / name).unlink(missing_ok=True)


def parse_vivado(utilisation: str, timing: str, target: float) -> dict:
    """Return Vivado's reports as a `Built.result`.

    Parameters
    ----------
    utilisation, timing : str
        What ``report_utilization`` and ``report_timing_summary`` wrote.
    target : float
        Clock asked for [Hz].

    Raises
    ------
    ValueError
        A row or the worst slack is not found.
    """
    used = {}
    for name, row in VIVADO.items():
        match = re.search(rf"^\| {row}\*? *\| *([\d.]+) *\|", utilisation, re.MULTILINE)
        if match is None:
            raise ValueError(f"{VIVADO_FILES[0]} must have a row {row!r}")
        used[name] = float(match[1]) if name == "ram" else int(match[1])
    worst = re.search(r"^ *WNS\(ns\).*\n[ -]+\n *(-?[\d.]+) ", timing, re.MULTILINE)
    if worst is None:
        raise ValueError(f"{VIVADO_FILES[1]} must have a worst slack, WNS(ns)")
    slack = float(worst[1])
    clock = 1e9 / (1e9 / target - slack)
    path = f"in {VIVADO_FILES[1]}"
    return {"clock": clock, "target": target, "slack": slack, "path": path, "used": used}


def read(folder: Path) -> Built:
    """Return what a build folder tells.

    Raises
    ------
    OSError
        There is no ``config.json``.
    ValueError
        A file is not one that ``python -m boards build`` wrote.
    """
    described = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    texts = {
        name: json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        for name in (MAPPED, ROUTED)
        for path in [folder / name]
    }
    try:
        if all((folder / name).is_file() for name in VIVADO_FILES):
            reports = ((folder / name).read_text(encoding="utf-8") for name in VIVADO_FILES)
            texts[ROUTED] = parse_vivado(*reports, described["clock"])
        return Built(
            board_named(described["board"]),
            CoreConfig.from_words(described["config"]),
            described["clock"],
            described["link"],
            {unit: Figures(*row) for unit, row in texts[MAPPED].get("units", {}).items()},
            texts[ROUTED],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / CONFIG} must come from boards build: {error!r}") from error
