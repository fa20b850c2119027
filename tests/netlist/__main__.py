"""A configuration's netlist against golden: ``make netlist BOARD=ulx3s``.

Builds the netlist as a bitstream's flow does, without pins and PLL, and runs the networks of the
tests and generated ones on it; then it breaks look-up tables, to tell how many of them would have
been noticed. Exit status: 0 all equal, 1 a difference or a tool that failed, 2 wrong options.
"""

import argparse
import sys
import time
from pathlib import Path

from boards.board import BoardError
from boards.catalogue import board_named
from boards.parts import PARTS
from boards.yowasp import ToolError
from golden.layout import DoesNotFitError, place
from hw.export import add_config_arguments, config_from
from hw.virtual_board.build import ROOT, BuildError
from tests.cosim.against_golden import compare
from tests.cosim.cases import cases, generated
from tests.netlist import netlist
from tests.netlist.cases import CASES


def _parser():
    parser = argparse.ArgumentParser(prog="python -m tests.netlist", description=__doc__)
    parser.add_argument("--board", help="take its configuration, not the options below")
    parser.add_argument(
        "--family", choices=netlist.FAMILIES, help="without --board, default ecp5"
    )
    parser.add_argument("--out", type=Path, help="build folder, default build/netlist/HASH-FAMILY")
    parser.add_argument("--examples", type=int, default=10, help="generated networks, default 10")
    parser.add_argument("--seed", type=int, default=0, help="of the generated networks, default 0")
    parser.add_argument("--tables", type=int, default=0, help="look-up tables to break, default 0")
    add_config_arguments(parser)
    return parser


def _chosen(options):
    """Return configuration and family."""
    if options.board is None:
        return config_from(options), options.family or "ecp5"
    if options.family is not None:
        raise ValueError("leave out --family: --board has one")
    board = board_named(options.board)
    return board.config, PARTS[board.part].family


def _fitting(config):
    """Return the networks of the tests that fit; tell which do not and why."""
    fitting = []
    for name, case in CASES.items():
        try:
            place(case.network, config, case.settings.interval).check()
            fitting.append(case)
        except DoesNotFitError as error:
            print(f"without {name!r}: {error}")
    return fitting


def _run(library, config, options, fixed):
    """Run all cases; return their number and the cycles."""
    runs = cycles = 0

    def check(case):
        nonlocal runs, cycles
        with netlist.open_board(library, config) as board:
            compare(board, case)
            cycles += board.transport.cycles
        runs += 1

    for case in fixed:
        check(case)
    if options.examples:
        generated(cases(config), options.seed, options.examples, shrink=False)(check)()
    return runs, cycles


def main(arguments=None):
    """Build and compare; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        config, family = _chosen(options)
        folder = options.out or ROOT / "build" / "netlist" / f"{config.hash:08x}-{family}"
        print(
            f"{family}, P = {config.lanes}, configuration {config.hash:08x}, in {folder}",
            flush=True,
        )
        fixed = _fitting(config)
        library = netlist.build(
            config, folder, family, tables=options.tables, flags="-O1",
            report=lambda text: print(text, flush=True),
        )  # fmt: skip
        print((folder / "stat.txt").read_text().split("submodules.")[-1].strip("\n |"))
        start = time.monotonic()
        runs, cycles = _run(library, config, options, fixed)
        print(f"{runs} networks equal golden, {cycles:,} cycles, {time.monotonic() - start:.0f} s")
        broken = range(netlist.TABLES, netlist.TABLES + options.tables)
        if broken:
            shown = [netlist.noticed(library, config, fault, fixed) for fault in broken]
            found = sum(map(bool, shown))
            print(f"{found} of {len(broken)} broken look-up tables are noticed")
    except (*netlist.DIFFERENCES, BuildError, ToolError) as error:
        print(f"netlist: {error}", file=sys.stderr)
        return 1
    except (BoardError, OSError, ValueError, TypeError) as error:
        print(f"netlist: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
