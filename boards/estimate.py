"""Look-up tables, flip-flops, block RAMs and multipliers of a configuration, without a tool.

Block RAMs, multipliers and the look-up tables of small memories follow from depths and widths.
Logic and flip-flops of the whole design and of each unit are ``c_0 + c_1 x_1 + ...`` with the sizes
x of `sizes`, and constants c fitted to what yosys made of the calibration sizes in
``baselines.json`` (``python -m boards baselines --write`` measures them again). The whole is fitted
for itself, because where a design is flattened its cells go to one unit or another by chance; the
units share it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np

from boards.cells import UNITS, Figures
from boards.fit import multipliers, part_excess, rams_of, small_memories
from boards.parts import LARGEST, Part
from golden.core_config import CoreConfig
from host.protocol.program import LAYER, PROFILE

STORED = Path(__file__).with_name("baselines.json")

WHOLE = "whole"
"""Name of the design beside those of its units."""

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
    """Return what each unit grows with: lanes times the width it handles, ports, tables.

    What lanes handle, block RAMs and multiplexed tables are the sizes of `WHOLE`.
    """
    f, p = config.formats, config.lanes
    shapes = config.memory_shapes.values()
    rams = sum(rams_of(config, part).values())
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
    handled = sum(found[unit][0] for unit in ("datapath", "lif", "error", "update"))
    found[WHOLE] = (handled, rams, multiplexed)
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
    columns = np.column_stack([np.ones(len(measured)), np.array(rows, float)]) * weight[:, None]
    best, result = np.inf, np.zeros(columns.shape[1])
    for number in range(1, columns.shape[1] + 1):
        for kept in combinations(range(columns.shape[1]), number):
            found, *_ = np.linalg.lstsq(columns[:, kept], measured * weight, rcond=None)
            error = np.square(columns[:, kept] @ found - measured * weight).sum()
            if found.min() >= 0 and error < best - 1e-12:
                best, result = error, np.zeros(columns.shape[1])
                result[list(kept)] = found
    return [float(value) for value in result]


@cache
def fitted(family: str) -> dict[str, tuple[list[float], list[float]]]:
    """Return the constants of the whole and of each unit of a family, for logic and flip-flops.

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
    values = [{**found.units, WHOLE: found.total} for found in known]
    return {
        unit: (
            constants([row[unit] for row in rows], [value[unit].lut for value in values]),
            constants([row[unit] for row in rows], [value[unit].ff for value in values]),
        )
        for unit in (*UNITS, WHOLE)
    }


def small_memory_luts(config: CoreConfig, family: str) -> int:
    """Return the look-up tables of the memories that are too small for block RAM."""
    count = 0
    for depth, width in small_memories(config, LARGEST[family]).values():
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

    def expected(unit: str, which: int) -> float:
        first, *factors = known[unit][which]
        return first + sum(c * x for c, x in zip(factors, found[unit], strict=True))

    whole = [expected(WHOLE, which) for which in (0, 1)]
    scale = [whole[which] / sum(expected(unit, which) for unit in UNITS) for which in (0, 1)]
    units = {
        unit: Figures(
            lut=round(scale[0] * expected(unit, 0)), ff=round(scale[1] * expected(unit, 1))
        )
        for unit in UNITS
    }
    total = Figures(
        round(whole[0]),
        small_memory_luts(config, part.family),
        round(whole[1]),
        sum(rams_of(config, part).values()),
        sum(multipliers(config, part.multiplier).values()),
    )
    return Estimate(units, total)


def excess(config: CoreConfig, part: Part) -> list[str]:
    """Return a line for every limit of a part that a configuration exceeds, LUTs as estimated."""
    lines, luts = part_excess(config, part), estimate(config, part).total.luts
    if luts > part.lut:
        lines.append(f"LUT: about {luts:,} expected, {part.name} has {part.lut:,}")
    return lines
