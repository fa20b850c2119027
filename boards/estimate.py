"""Look-up tables, flip-flops, block RAMs and multipliers of a configuration, without a tool.

Block RAMs, multipliers and the look-up tables of small memories follow from depths and widths.
Logic and flip-flops of each unit are ``c_0 + c_1 x_1 + ...`` with the sizes x of `sizes`, and
constants c fitted to what yosys made of the calibration sizes in ``baselines.json``
(``python -m boards baselines --write`` measures them again).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from boards.cells import UNITS, Figures
from boards.fit import block_memories, multipliers, part_excess, small_memories
from boards.parts import LARGEST, Part
from golden.core_config import CoreConfig
from host.protocol.program import LAYER, PROFILE

STORED = Path(__file__).with_name("baselines.json")

LUT_RAMS = {"xc7": ((32, 6), (64, 3)), "ecp5": ((16, 4),)}
"""Depth and width of the distributed memories that four look-up tables make."""


@dataclass(frozen=True)
class Measured:
    """What yosys made of one configuration.

    Attributes
    ----------
    name : str
        Of the size.
    family : str
        Of the part: ``xc7`` or ``ecp5``.
    config : CoreConfig
        What was synthesised: the accelerator behind a byte stream, without UART or PCIe.
    units : dict of Figures
        By name of `UNITS`.
    calibrates : bool
        The constants are fitted to it.
    """

    name: str
    family: str
    config: CoreConfig
    units: dict[str, Figures]
    calibrates: bool

    @property
    def total(self) -> Figures:
        """Sum of the units."""
        return sum(self.units.values(), Figures())


@dataclass(frozen=True)
class Estimate:
    """Expected figures.

    Attributes
    ----------
    units : dict of Figures
        Logic and flip-flops by unit.
    total : Figures
        Of the accelerator.
    """

    units: dict[str, Figures]
    total: Figures


@cache
def stored(path: Path = STORED) -> tuple[Measured, ...]:
    """Return what a file of baselines holds.

    Raises
    ------
    OSError, ValueError
        There is no such file, or it is not one that ``baselines --write`` wrote.
    """
    try:
        return tuple(
            Measured(
                entry["name"],
                entry["family"],
                CoreConfig.from_words(entry["config"]),
                {unit: Figures(*row) for unit, row in entry["units"].items()},
                entry["calibrates"],
            )
            for entry in json.loads(path.read_text(encoding="utf-8"))["sizes"]
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path.name} must come from baselines --write: {error!r}") from error


def sizes(config: CoreConfig, part: Part) -> dict[str, tuple[float, ...]]:
    """Return what each unit grows with: lanes times the width it handles, ports, tables."""
    f, p = config.formats, config.lanes
    shapes = config.memory_shapes.values()
    rams = sum(part.rams(*shape) for shape in shapes)
    row = max(LAYER.width, *(width for _, width in shapes))
    deepest = LUT_RAMS[part.family][-1][0]
    tables = ((config.layers, 2 * LAYER.width), (config.instructions, PROFILE.width))
    multiplexed = sum(width * (-(-depth // deepest) - 1) for depth, width in tables)
    found = {
        "core": (sum(width for _, width in shapes), rams),
        "walker": (p, 1 << config.map_bits),
        "sequencer": (multiplexed,),
        "datapath": (p * (f.state + f.gradient + f.weight + f.gamma),),
        "lif": (p * (f.state + f.carry),),
        "error": (p * (f.gamma + f.delta),),
        "loss": (p * f.count,),
        "update": (p * (f.gradient + f.weight),),
        "link": (row,),
    }
    assert set(found) == set(UNITS)
    return found


def constants(rows: Sequence[Sequence[float]], values: Sequence[float]) -> list[float]:
    """Return the constant and the factors, none negative, of the least relative squares.

    Parameters
    ----------
    rows : sequence of sequences
        Sizes of each measurement.
    values : sequence of float
        What was measured.
    """
    measured = np.array(values, float)
    weight = 1 / np.maximum(measured, 1)
    columns = np.column_stack([np.ones(len(measured)), np.array(rows, float)])
    kept = list(range(columns.shape[1]))
    while True:
        scaled = columns[:, kept] * weight[:, None]
        found, *_ = np.linalg.lstsq(scaled, measured * weight, rcond=None)
        if len(kept) == 1 or found.min() >= 0:
            break
        kept.pop(int(found.argmin()))
    result = [0.0] * columns.shape[1]
    for place, value in zip(kept, found, strict=True):
        result[place] = max(0.0, float(value))
    return result


@cache
def fitted(family: str) -> dict[str, tuple[list[float], list[float]]]:
    """Return the constants of each unit of a family, for logic and for flip-flops.

    Raises
    ------
    ValueError
        Fewer than two stored sizes of the family calibrate.
    """
    known = [found for found in stored() if found.family == family and found.calibrates]
    if len(known) < 2:
        raise ValueError(
            f"{STORED.name} must hold at least 2 calibration sizes of {family}, not {len(known)}: "
            "python -m boards baselines --write"
        )
    rows = [sizes(found.config, LARGEST[family]) for found in known]
    return {
        unit: (
            constants([row[unit] for row in rows], [found.units[unit].lut for found in known]),
            constants([row[unit] for row in rows], [found.units[unit].ff for found in known]),
        )
        for unit in UNITS
    }


def small_memory_luts(config: CoreConfig, family: str) -> int:
    """Return the look-up tables of the memories that are too small for block RAM."""
    count = 0
    for depth, width in small_memories(config).values():
        count += min(4 * -(-depth // d) * -(-width // w) for d, w in LUT_RAMS[family])
    return count


def estimate(config: CoreConfig, part: Part) -> Estimate:
    """Return the expected figures of the accelerator on a part, without UART or PCIe.

    Raises
    ------
    ValueError
        See `fitted`.
    """
    known, found = fitted(part.family), sizes(config, part)

    def expected(unit: str, which: int) -> int:
        first, *factors = known[unit][which]
        return round(first + sum(c * x for c, x in zip(factors, found[unit], strict=True)))

    units = {unit: Figures(lut=expected(unit, 0), ff=expected(unit, 1)) for unit in UNITS}
    logic = sum(units.values(), Figures())
    total = Figures(
        logic.lut,
        small_memory_luts(config, part.family),
        logic.ff,
        sum(part.rams(*shape) for shape in block_memories(config).values()),
        sum(multipliers(config, part.multiplier).values()),
    )
    return Estimate(units, total)


def excess(config: CoreConfig, part: Part) -> list[str]:
    """Return a line for every limit of a part that a configuration exceeds, LUTs as estimated."""
    lines, luts = part_excess(config, part), estimate(config, part).total.luts
    if luts > part.lut:
        lines.append(f"LUT: about {luts:,} expected, {part.name} has {part.lut:,}")
    return lines
