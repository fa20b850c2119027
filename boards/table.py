"""Which P each part takes with a network resident: ``python -m boards table``.

Memories are the smallest that hold the network at interval k; LUTs and flip-flops are estimates.
Markdown, as in ``docs/boards.md``.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from boards import estimate, fit
from boards.catalogue import BOARDS
from boards.cells import Figures
from boards.parts import Part
from boards.report import longest
from golden.core_config import CoreConfig
from golden.fitting import smallest
from golden.network import CLASSIFIERS, ENCODINGS, Network

LANES = (8, 16, 32, 64)


@dataclass(frozen=True)
class Choice:
    """One number of lanes on one part.

    Attributes
    ----------
    part : Part
        What it is for.
    classifier : str
        Of the network.
    config : CoreConfig
        The smallest core that holds the network.
    needs : Figures
        What that core takes.
    problems : tuple of str
        Why it does not fit; empty if it does.
    longest : int
        The longest interval of any core of these lanes on the part; 0 if none fits.
    """

    part: Part
    classifier: str
    config: CoreConfig
    needs: Figures
    problems: tuple[str, ...]
    longest: int


def choice(network: Network, lanes: int, part: Part, interval: int) -> Choice:
    """Return what P = `lanes` takes of a part with a network resident.

    Raises
    ------
    ValueError
        No core holds the network.
    """
    config = CoreConfig(lanes=lanes, pack_max=min(2, lanes.bit_length() - 2))
    config = smallest(network, config, interval)
    return Choice(
        part,
        network.classifier,
        config,
        estimate.estimate(config, part).total,
        tuple(estimate.excess(config, part)),
        longest(network, config, part),
    )


def parts_of_boards() -> dict[Part, list[str]]:
    """Return the parts that boards have, each with its boards; equal limits are one part."""
    found: dict[Part, list[str]] = {}
    for board in BOARDS.values():
        limits = board.limits
        same = [part for part in found if _limits(part) == _limits(limits)]
        found.setdefault(same[0] if same else limits, []).append(board.name)
    return found


def _limits(part: Part) -> tuple:
    return (part.family, part.lut, part.ram, part.dsp)


def needs_table(choices: Sequence[Choice]) -> list[str]:
    """Return what each P takes on a family of parts, with lanes per block RAM and multiplier."""
    out = [
        "| family | classifiers | P | block RAM | lanes per block RAM | multipliers | lanes per "
        "multiplier | LUT | flip-flops |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    seen = set()
    for found in choices:
        row, lanes = found.needs, found.config.lanes
        key = (found.part.family, found.classifier, lanes)
        if key not in seen:
            seen.add(key)
            family = {"xc7": "Artix-7", "ecp5": "ECP5"}[found.part.family]
            out.append(
                f"| {family} | {found.classifier} | {lanes} | {row.ram:g} | {lanes / row.ram:.3f} "
                f"| {row.dsp} | {lanes / row.dsp:.2f} | {row.luts:,} | {row.ff:,} |"
            )
    return out


def parts_table(choices: Sequence[Choice], boards: dict[Part, list[str]]) -> list[str]:
    """Return, per part and kind of classifiers, the shares that each P takes and what fits."""
    lanes = sorted({found.config.lanes for found in choices})
    out = [
        "| part (boards): block RAM / multipliers / LUT | classifiers | "
        + " | ".join(f"P = {p}" for p in lanes)
        + " |",
        "|" + "---|" * (2 + len(lanes)),
    ]
    for part, names in boards.items():
        for classifier in CLASSIFIERS:
            row = {
                found.config.lanes: found
                for found in choices
                if found.part == part and found.classifier == classifier
            }
            cells = " | ".join(_cell(row[p]) for p in lanes)
            out.append(f"| {part.name} ({', '.join(names)}) | {classifier} | {cells} |")
    return out


def _cell(found: Choice) -> str:
    part, needs = found.part, found.needs
    shares = (needs.ram / part.ram, needs.dsp / part.dsp, needs.luts / part.lut)
    told = " / ".join(f"{share:.0%}".rstrip("%") for share in shares) + " %"
    verdict = "" if found.problems else "**fits**, "
    most = f"k ≤ {found.longest}" if found.longest else "no k"
    return f"{told}; {verdict}{most}"


def tables(network: str, interval: int, encoding: str | None = None) -> tuple[str, list[Choice]]:
    """Return both tables as text, and what they were made of."""
    boards = parts_of_boards()
    networks = [fit.network_named(network, 1, kind, encoding) for kind in CLASSIFIERS]
    choices = [
        choice(each, lanes, part, interval)
        for part in boards
        for each in networks
        for lanes in LANES
    ]
    lines = [*needs_table(choices), "", *parts_table(choices, boards)]
    return "\n".join(lines), choices


def main(arguments: list[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m boards table", description=__doc__)
    parser.add_argument("--network", default="lenet1", help="lenet1, or a network file (JSON)")
    parser.add_argument("--encoding", choices=ENCODINGS, help="events, or direct for images")
    parser.add_argument("--interval", type=int, default=10, help="k [steps]")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the shares, too")
    options = parser.parse_args(arguments)
    try:
        text, choices = tables(options.network, options.interval, options.encoding)
        if options.plot:
            from boards.report_plot import over_lanes

            name = fit.network_named(options.network).name
            title = f"{name}, k = {options.interval}"
            over_lanes(options.plot, choices, parts_of_boards(), title)
    except (OSError, ValueError, TypeError) as error:
        print(f"boards table: {error}", file=sys.stderr)
        return 2
    print(text)
    return 0
