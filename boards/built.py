"""What a build folder tells: configuration, cells by yosys, result of place and route."""

import json
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
"""Rows of nextpnr's utilisation."""


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
    units : dict of Figures
        Cells by unit, empty if yosys did not run here.
    result : dict
        What `write_routed` wrote, empty without place and route.
    """

    board: Board
    config: CoreConfig
    clock: float
    units: dict[str, Figures]
    result: dict

    @property
    def mapped(self) -> Figures:
        """Cells of the whole design by yosys."""
        return sum(self.units.values(), Figures())

    @property
    def placed(self) -> Figures | None:
        """Cells of the whole design after place and route; distributed memories are among `lut`."""
        if not self.result:
            return None
        return Figures(**{name: self.result["used"].get(row, 0) for name, row in PLACED.items()})

    def timing(self) -> str:
        """Return clock and slack in a line, empty without place and route."""
        if not self.result:
            return ""
        return (
            f"{self.result['clock'] / 1e6:.1f} MHz of {self.result['target'] / 1e6:.1f} MHz, slack "
            f"{self.result['slack']:+.2f} ns (seed {self.result['seed']})"
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
        "used": {cell: used for cell, (used, _) in routed.used.items()},
    }
    (folder / ROUTED).write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def forget(folder: Path) -> None:
    """Remove the results of an earlier build."""
    for name in (MAPPED, ROUTED):
        (folder / name).unlink(missing_ok=True)


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
        return Built(
            board_named(described["board"]),
            CoreConfig.from_words(described["config"]),
            described["clock"],
            {unit: Figures(*row) for unit, row in texts[MAPPED].get("units", {}).items()},
            texts[ROUTED],
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder / CONFIG} must come from boards build: {error!r}") from error
