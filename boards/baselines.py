"""Stored figures of yosys: ``python -m boards baselines``.

``baselines.json`` holds what yosys makes of every board's configuration and of the calibration
sizes that the estimate's constants are fitted to. The command synthesises them again and compares;
exit status 1 when a figure differs by more than its tolerance. ``--write`` stores what was found.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, replace

from boards import estimate
from boards.catalogue import BOARDS
from boards.cells import Figures
from boards.estimate import STORED, Measured
from boards.parts import LARGEST
from boards.pcie import bitstream_name
from boards.synth import SynthesisError, accelerator, synthesise
from golden.core_config import CoreConfig
from golden.fitting import smallest
from golden.formats import Formats
from golden.network import lenet1_events

TOLERANCE = {"lut": 0.03, "memory": 0.0, "ff": 0.03, "ram": 0.0, "dsp": 0.0}
"""Largest relative difference from the stored figures, either way. A smaller figure is as much a
reason to store it anew, since the estimate is fitted to it; `abc` moves LUTs by a percent or two
when unrelated lines change."""

SHALLOW = CoreConfig(
    lanes=4, pack_max=1, weight_rows=1024, neuron_words=512, error_words=512, spike_words=1024,
    mask_words=1024, frame_words=512, layers=8, instructions=64, map_bits=4, group_bits=4,
    packet_bytes=2048,
)  # fmt: skip
"""The cheapest size: just deep enough that block RAM is the right place for every memory."""

NARROW = Formats(
    weight=8, weight_fraction=6, forward_shift=1, carry=9, state=18, gamma=8, delta=10,
    gradient=12, coefficient=10, count=4,
)  # fmt: skip
"""About half the default widths."""

TABLES = replace(SHALLOW, layers=32, instructions=128, map_bits=6, group_bits=7)
"""Shallow memories with the default tables."""

INTERVAL = 10
"""k of LeNet-1 in the calibration sizes."""


def lenet_core(lanes: int, formats: Formats | None = None) -> CoreConfig:
    """Return the smallest core that holds LeNet-1 for events with random classifiers at k = 10."""
    wide = CoreConfig(
        lanes=lanes, pack_max=min(2, lanes.bit_length() - 2), formats=formats or Formats()
    )
    return smallest(replace(lenet1_events(), classifier="random"), wide, INTERVAL)


def wanted() -> list[Measured]:
    """Return what is stored, without figures: calibration sizes, P = 32 as a check, boards."""
    found = []
    sizes = {f"P{lanes}": lenet_core(lanes) for lanes in (4, 8, 16)}
    sizes |= {"P8-narrow": lenet_core(8, formats=NARROW), "P4-shallow": SHALLOW}
    sizes["P4-tables"] = TABLES
    for family in LARGEST:
        found += [Measured(name, family, config, {}, True) for name, config in sizes.items()]
    found.append(Measured("P32", "xc7", lenet_core(32), {}, False))
    of_boards: dict[tuple[str, CoreConfig], list[str]] = {}
    for board in BOARDS.values():
        cores = {board.name: board.config}
        if board.pcie is not None:
            cores[bitstream_name(board)] = board.pcie.config
        for name, config in cores.items():
            of_boards.setdefault((board.limits.family, config), []).append(name)
    found += [
        Measured(" ".join(names), family, config, {}, False)
        for (family, config), names in of_boards.items()
    ]
    return found


def measure(size: Measured) -> Measured:
    """Return a size with what yosys makes of it now.

    Raises
    ------
    SynthesisError
        yosys fails or is not installed.
    """
    part = LARGEST[size.family]
    cells = synthesise(accelerator(size.config, part), "accelerator", part.family)
    return replace(size, units=cells.units())


def excess(before: Figures, now: Figures) -> list[str]:
    """Return a line for every figure that differs by more than its tolerance."""
    return [
        f"{name}: stored {old:,g}, now {new:,g} ({(new - old) / max(old, 1):+.1%}, "
        f"tolerance {TOLERANCE[name]:.0%})"
        for name, old, new in zip(TOLERANCE, astuple(before), astuple(now), strict=True)
        if abs(new - old) > TOLERANCE[name] * old
    ]


def known(size: Measured) -> Measured | None:
    """Return what is stored of a size, None if it is another configuration or not stored."""
    return {_key(found): found for found in estimate.stored()}.get(_key(size))


def _key(size: Measured) -> tuple[str, CoreConfig]:
    return size.family, size.config


def line(size: Measured) -> str:
    """Return a row of the table: yosys's figures, and how far the estimate is off."""
    found, expected = size.total, estimate.estimate(size.config, LARGEST[size.family]).total

    def off(now: float, guess: float) -> str:
        return f"{guess / now - 1:+.1%}"

    return (
        f"{size.family:<5}{size.name:<30}{found.luts:>8,}{off(found.luts, expected.luts):>8}"
        f"{found.ff:>8,}{off(found.ff, expected.ff):>8}{found.ram:>8g}"
        f"{off(found.ram, expected.ram):>8}{found.dsp:>6}{off(found.dsp, expected.dsp):>8}"
    )


HEAD = (
    f"{'':<5}{'size':<30}{'LUT':>8}{'est.':>8}{'FF':>8}{'est.':>8}{'RAM':>8}{'est.':>8}{'DSP':>6}"
    f"{'est.':>8}"
)


def write(sizes: Sequence[Measured]) -> None:
    """Store sizes in place of those of the same configuration; others that are wanted stay."""
    old = estimate.stored() if STORED.is_file() else ()
    units = {_key(size): size.units for size in (*old, *sizes)}
    entries = [
        {
            "name": size.name,
            "family": size.family,
            "calibrates": size.calibrates,
            "config": size.config.to_words(),
            "units": {unit: list(astuple(row)) for unit, row in units[_key(size)].items()},
        }
        for size in wanted()
        if _key(size) in units
    ]
    text = ",\n".join("  " + json.dumps(entry) for entry in entries)
    STORED.write_text(f'{{"sizes": [\n{text}\n]}}\n', encoding="utf-8")
    estimate.stored.cache_clear()
    estimate.fitted.cache_clear()


def _chosen(only: str | None) -> list[Measured]:
    sizes = wanted()
    if only is None:
        return sizes
    names = set(only.split(","))
    known_names = dict.fromkeys(word for size in sizes for word in size.name.split())
    if missing := names - set(known_names):
        raise ValueError(
            f"--only must name boards and sizes of {', '.join(known_names)}, "
            f"not {', '.join(sorted(missing))}"
        )
    return [size for size in sizes if names & set(size.name.split())]


def main(arguments=None) -> int:
    """Compare with the stored figures, or store them."""
    parser = argparse.ArgumentParser(prog="python -m boards baselines", description=__doc__)
    parser.add_argument("--write", action="store_true", help="store what is found")
    parser.add_argument("--only", help="sizes or boards, such as P4,ulx3s")
    parser.add_argument("--jobs", type=int, default=1, help="syntheses at a time")
    options = parser.parse_args(arguments)
    try:
        sizes = _chosen(options.only)
        if options.jobs < 1:
            raise ValueError(f"jobs must be at least 1, not {options.jobs}")
        found = []
        with ThreadPoolExecutor(options.jobs) as pool:
            for size in pool.map(measure, sizes):
                found.append(size)
                if options.write:
                    write([size])
    except (SynthesisError, OSError, ValueError) as error:
        print(f"boards baselines: {error}", file=sys.stderr)
        return 2
    print(HEAD)
    worse = 0
    for size in found:
        print(line(size))
        before = known(size)
        lines = (
            ["nothing is stored of this configuration: --write"]
            if before is None
            else excess(before.total, size.total)
        )
        worse += bool(lines)
        for text in lines:
            print(f"     {text}")
    return 1 if worse else 0
