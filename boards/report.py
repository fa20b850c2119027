"""What a network, a core configuration and an FPGA part make of each other.

``python -m boards report --board arty_a7`` prints, before anything is synthesised: every memory
with its padding, block RAMs, multipliers, look-up tables, the longest interval, cycles and time of
a recording, load of the link. After a build it sets the estimate beside the tools' figures. Exit
status 1 when something does not fit.
"""

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from boards import built, estimate, fit, pcie
from boards.board import LINKS, Board, BoardError
from boards.built import Built
from boards.catalogue import ALIASES, BOARDS, board_named
from boards.cells import Figures
from boards.options import add_config_options, changed
from boards.parts import PARTS, Part
from boards.speed import speed_lines
from golden.core_config import CoreConfig
from golden.fitting import longest_interval, smallest
from golden.layout import Layout, place
from golden.memories import training_over_inference
from golden.network import CLASSIFIERS, ENCODINGS, Network

FOLDERS = Path(__file__).resolve().parents[1] / "build" / "boards"
"""Build folders by board."""

ROWS = {"LUT": "luts", "flip-flops": "ff", "block RAM": "ram", "multipliers": "dsp"}
"""Resources in words, and what `Figures` calls them."""


@dataclass(frozen=True)
class Subject:
    """What a report is about.

    Attributes
    ----------
    layout : Layout
        The network in its core.
    part : Part
        What the core is for.
    clock, baud : float
        Of the accelerator [Hz] and of its UART [bit/s].
    steps : int
        T of a recording.
    build : Built, optional
        A build of this configuration.
    title : str
        Board, or part.
    """

    layout: Layout
    part: Part
    clock: float = 100e6
    baud: float = 12e6
    steps: int = 30
    build: Built | None = None
    title: str = ""

    def __post_init__(self) -> None:
        if self.clock <= 0:
            raise ValueError(f"clock must be above 0 Hz, not {self.clock:g}")
        if self.baud <= 0:
            raise ValueError(f"baud must be above 0 bit/s, not {self.baud:g}")
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")

    def problems(self) -> list[str]:
        """Return a line for everything that does not fit."""
        return [*fit.layout_excess(self.layout), *estimate.excess(self.layout.config, self.part)]


def longest(network: Network, config: CoreConfig, part: Part) -> int:
    """Return the longest interval for which some core of these lanes and formats fits a part."""

    def fits(interval: int) -> bool:
        try:
            return not estimate.excess(smallest(network, config, interval), part)
        except ValueError:
            return False  # deeper than any core

    return longest_interval(fits)


def memory_text(layout: Layout, part: Part) -> list[str]:
    """Return the table of memories."""
    lines = fit.memory_lines(layout, part)
    out = [
        f"{'memory':<10}{'rows used':>10}{'rows':>8}{'width':>7}{'bits':>12}{'useful':>8}"
        f"{'block RAM':>11}"
    ]
    for line in lines:
        use = line.use
        out.append(
            f"{use.name:<10}{use.used:>10,}{use.depth:>8,}{use.width:>7}{use.bits:>12,}"
            f"{use.useful / use.bits:>8.1%}{line.rams:>11g}"
        )
    bits, rams = sum(line.use.bits for line in lines), sum(line.rams for line in lines)
    useful = sum(line.use.useful for line in lines) / bits
    small = fit.small_memories(layout.config, part)
    used, as_built = training_over_inference(layout)
    return [
        *out,
        f"{'sum':<10}{'':>25}{bits:>12,}{useful:>8.1%}{rams:>11g}",
        f"in LUTs: {sum(d * w for d, w in small.values()):,} bits: "
        + ", ".join(f"{name} {d} x {w}" for name, (d, w) in small.items()),
        f"training memory over inference memory: {used:.2f} of the rows used, {as_built:.2f} as "
        "built",
    ]


def resource_text(config: CoreConfig, part: Part) -> list[str]:
    """Return what the estimate expects, in all and by unit."""
    expected = estimate.estimate(config, part)
    has = Figures(part.lut, 0, part.ff, part.ram, part.dsp)
    out = [f"{'estimate':<12}{'needs':>10}{'has':>10}{'share':>8}"]
    for name, field in ROWS.items():
        need, limit = getattr(expected.total, field), getattr(has, field)
        out.append(f"{name:<12}{need:>10,g}{limit:>10,}{need / limit:>8.1%}")
    units = {name: row.lut for name, row in expected.units.items()}
    units["small memories"] = expected.total.memory
    parts = ", ".join(f"{n} {v:,}" for n, v in sorted(units.items(), key=lambda item: -item[1]))
    return [*out, f"LUT by unit: {parts}"]


def interval_text(subject: Subject) -> str:
    """Return the longest intervals of this core and of this part."""
    layout = subject.layout
    network, config = layout.network, layout.config
    here = longest_interval(lambda k: not fit.layout_excess(place(network, config, k)))
    there = longest(network, config, subject.part)

    def told(most: int) -> str:
        return f"k up to {most}" if most else "no k"

    return (
        f"longest interval: {told(here)} in these memories, {told(there)} with P = {config.lanes} "
        f"on {subject.part.name} and memories made for it"
    )


def build_text(subject: Subject) -> list[str]:
    """Return the estimate beside the figures of the tools, and what the clock reached."""
    build = subject.build
    if build is None:
        return []
    expected = estimate.estimate(build.config, subject.part).total
    placed = build.placed
    out = [
        "",
        f"build of {build.board.name}, configuration {build.config.hash:08x}",
        f"{'':<12}{'estimate':>10}{'yosys':>10}{'estimate':>10}{'placed':>10}",
    ]
    for name, field in ROWS.items():
        guess, mapped = getattr(expected, field), getattr(build.mapped, field)
        row = f"{name:<12}{guess:>10,g}"
        row += f"{mapped:>10,g}{guess / mapped - 1:>+10.1%}" if mapped else f"{'-':>10}{'-':>10}"
        out.append(row + (f"{getattr(placed, field):>10,g}" if placed else f"{'-':>10}"))
    if not build.units:
        out.append("yosys has not run here")
    if build.result:
        out += [f"place and route: {build.timing()}", f"critical path {build.result['path']}"]
    else:
        out.append("no place and route here")
    return out


def text(subject: Subject) -> str:
    """Return the report."""
    layout, part = subject.layout, subject.part
    network, problems = layout.network, subject.problems()
    return "\n".join(
        [
            f"network {network.name}: {network.weights:,} weights, {network.classifier} "
            f"classifiers, k = {layout.interval}, blocks {[len(b.layers) for b in network.blocks]}",
            f"core: P = {layout.config.lanes}, packing up to {1 << layout.config.pack_max}, "
            f"{subject.title or part.name}, part {part.name}",
            "",
            *memory_text(layout, part),
            "",
            *resource_text(layout.config, part),
            "",
            interval_text(subject),
            "",
            *speed_lines(layout, subject.steps, subject.clock, subject.baud),
            *build_text(subject),
            "",
            "fits" if not problems else "does not fit because\n  " + "\n  ".join(problems),
        ]
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m boards report", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--board", help=", ".join([*ALIASES, *BOARDS]))
    what.add_argument("--part", choices=sorted(PARTS), help="with the default configuration")
    what.add_argument("--build", type=Path, metavar="FOLDER", help="what a build folder holds")
    parser.add_argument("--link", choices=LINKS, help="of the board, default uart")
    parser.add_argument("--network", default="lenet1", help="lenet1, or a network file (JSON)")
    parser.add_argument("--encoding", choices=ENCODINGS, help="events, or direct for images")
    parser.add_argument("--interval", type=int, default=10, help="k [steps]")
    parser.add_argument("--block-length", type=int, default=1, help="n of lenet1")
    parser.add_argument("--classifier", choices=CLASSIFIERS, help="of all blocks")
    parser.add_argument("--steps", type=int, default=30, help="T of a recording (default 30)")
    parser.add_argument("--clock", type=float, help="[Hz], default the board's, or 100e6")
    parser.add_argument("--baud", type=float, help="of the UART, default the board's, or 12e6")
    parser.add_argument("--plot", type=Path, metavar="PNG", help="draw the resources, too")
    parser.add_argument("--smallest", action="store_true", help="just the memories it needs")
    add_config_options(parser)
    return parser


def _behind(board: Board, link: str) -> tuple[CoreConfig, Part, str]:
    """Return configuration, limits and name of a board's bitstream with a link."""
    if link == "pcie":
        return pcie.edge(board).config, pcie.limits(board), pcie.bitstream_name(board)
    return board.config, board.limits, board.name


def _subject(options) -> Subject:
    """Return what the options ask for."""
    network = fit.network_named(
        options.network, options.block_length, options.classifier, options.encoding
    )
    build = built.read(options.build) if options.build else None
    board = board_named(options.board) if options.board else build and build.board
    if options.link and not options.board:
        raise ValueError("--link goes with --board: a part has none, a build has its own")
    start, limits, name = CoreConfig(), PARTS.get(options.part), ""
    if board:
        start, limits, name = _behind(board, build.link if build else options.link or "uart")
    if build:
        config = build.config
        if options.smallest or changed(config, options) != config:
            raise ValueError("--build has a configuration: leave --smallest and the numbers out")
    else:
        config = changed(start, options)
    if options.smallest:
        config = smallest(network, config, options.interval)
    if build is None and board and (FOLDERS / name / built.CONFIG).is_file():
        found = built.read(FOLDERS / name)
        build = found if found.config == config else None
    clock = float(board.made_clock(board.target)) if board else 100e6
    given = {"clock": options.clock, "baud": options.baud}
    subject = Subject(
        place(network, config, options.interval),
        limits,
        build.clock if build else clock,
        board.baud if board else 12e6,
        options.steps,
        build,
        board.title if board else "",
    )
    return replace(subject, **{name: value for name, value in given.items() if value is not None})


def main(arguments: list[str] | None = None) -> int:
    """Print the report."""
    options = _parser().parse_args(arguments)
    try:
        subject = _subject(options)
        if options.plot:
            from boards.report_plot import draw

            draw(options.plot, subject)
    except (BoardError, OSError, ValueError, TypeError) as error:
        print(f"boards report: {error}", file=sys.stderr)
        return 2
    print(text(subject))
    return 1 if subject.problems() else 0
