"""What ``python -m boards`` can be told; `USAGE` lists it."""

import argparse
import json
import sys
from pathlib import Path

from boards import (
    artix7,
    baselines,
    built,
    ecp5,
    fit,
    pcie,
    program,
    report,
    selftest,
    synth,
    table,
)
from boards.board import LINKS, Artix7Board, Board, BoardError
from boards.catalogue import ALIASES, BOARDS, board_named
from boards.options import add_config_options, changed
from boards.timing import TimingError
from boards.yowasp import ToolError
from golden.core_config import CoreConfig
from golden.fitting import smallest
from golden.layout import place
from golden.network import CLASSIFIERS

ROOT = Path(__file__).resolve().parents[1]

USAGE = """\
python -m boards list           boards, with the configuration that each is built with
python -m boards build ...      bitstream of a board, or its build folder (--help for options)
python -m boards program ...    load a bitstream into a board, or build the virtual one
python -m boards selftest ...   link, memories and training of a board that is connected
python -m boards report ...     what a network needs on a board, before and after a build
python -m boards table ...      which P each part takes with LeNet-1 resident
python -m boards synth ...      what yosys makes of the accelerator, module by module
python -m boards baselines ...  what yosys makes of every board's core, against the stored figures
"""


def listing() -> str:
    """Return the boards as a table."""
    out = [
        f"{'board':<13}{'part':<14}{'P':>3}{'block RAM':>12}{'clock':>9}  {'UART':<10} made with"
    ]
    for board in BOARDS.values():
        rams = sum(fit.rams_of(board.config, board.limits).values())
        out.append(
            f"{board.name:<13}{board.part:<14}{board.config.lanes:>3}"
            f"{f'{rams:g}/{board.limits.ram}':>12}{board.target / 1e6:>5g} MHz"
            f"  {board.baud / 1e6:g} Mbaud{'':<3} {board.tools}"
        )
    short = ", ".join(f"{name} is {board}" for name, board in ALIASES.items())
    return "\n".join([*out, short])


def _seeds(text: str) -> list[int]:
    try:
        seeds = [int(part) for part in text.split(",")]
    except ValueError:
        seeds = []
    if not seeds or min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise ValueError(f"seeds must be different numbers such as 1,2,3, not {text!r}")
    return seeds


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m boards build",
        description="Bitstream of a board. Exit status: 0 made; 1 a tool failed, or the timing; "
        "2 wrong options, or a tool is missing.",
    )
    parser.add_argument("--board", required=True, help=", ".join([*ALIASES, *BOARDS]))
    parser.add_argument("--link", choices=LINKS, default="uart", help="default uart")
    parser.add_argument("--network", help="must fit: lenet1, or a network file (JSON)")
    parser.add_argument("--classifier", choices=CLASSIFIERS, help="of the network's blocks")
    parser.add_argument("--interval", type=int, default=10, help="k of the network, default 10")
    parser.add_argument("--smallest", action="store_true", help="just the memories it needs")
    parser.add_argument("--out", type=Path, help="build folder, default build/boards/BOARD")
    parser.add_argument("--clock", type=float, help="[Hz], default the board's target")
    parser.add_argument("--seeds", default="1", help="of nextpnr, the best is kept: 1,2,3")
    parser.add_argument("--jobs", type=int, default=1, help="seeds at a time, 1 GB each")
    parser.add_argument("--rounds", type=int, default=2, help="for better sites of block RAMs and "
                        "multipliers (ECP5), default 2; 0 leaves them to nextpnr")  # fmt: skip
    add_config_options(parser)
    return parser


def _config(board: Board, options) -> CoreConfig:
    """Return the board's configuration with what the options change."""
    if options.link == "pcie":
        start, limits = pcie.edge(board).config, pcie.limits(board)
    else:
        start, limits = board.config, board.limits
    config, network = changed(start, options), None
    if options.network is not None:
        network = fit.network_named(options.network, classifier=options.classifier)
    if options.smallest:
        if network is None:
            raise ValueError("--smallest is for a network: name one, --network lenet1")
        config = smallest(network, config, options.interval)
    if excess := fit.part_excess(config, limits):
        raise ValueError(f"the configuration does not fit {board.name}: " + "; ".join(excess))
    if network is not None:
        place(network, config, options.interval).check()
    return config


def _describe(board: Board, config: CoreConfig, target: int, link: str) -> dict:
    """Return what a build folder's ``config.json`` says of the bitstream."""
    return {
        "board": board.name,
        "part": board.part,
        "clock": float(board.made_clock(target)),
        "link": link,
        **({"baud": board.baud} if link == "uart" else {}),
        "hash": f"{config.hash:08x}",
        "config": config.to_words(),
    }


def build(arguments) -> int:
    """Make a bitstream; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        board = board_named(options.board)
        config, seeds = _config(board, options), _seeds(options.seeds)
        target = board.target if options.clock is None else round(options.clock)
        if options.jobs < 1:
            raise ValueError(f"jobs must be at least 1, not {options.jobs}")
        if options.rounds < 0:
            raise ValueError(f"rounds must be at least 0, not {options.rounds}")
        described = _describe(board, config, target, options.link)
        name = board.name if options.link == "uart" else pcie.bitstream_name(board)
        folder = options.out or ROOT / "build" / "boards" / name
        folder.mkdir(parents=True, exist_ok=True)
        built.forget(folder)
        (folder / built.CONFIG).write_text(json.dumps(described, indent=2) + "\n")
        print(f"{board.title}, P = {config.lanes}, {described['clock'] / 1e6:g} MHz, "
              f"configuration {described['hash']}")  # fmt: skip
        if isinstance(board, Artix7Board):
            make = artix7.build if options.link == "uart" else pcie.build
            bitstream = _build_artix7(make, board, config, target, folder)
        else:
            bitstream, best = ecp5.build(
                board, config, target, folder, seeds, options.jobs, options.rounds
            )
            print(f"{best.clock / 1e6:.1f} MHz of {best.target / 1e6:.1f} MHz with seed "
                  f"{best.seed}; {best.utilisation()}\ncritical path {best.path}")  # fmt: skip
    except (TimingError, ToolError, synth.SynthesisError) as error:
        print(f"boards build: {error}", file=sys.stderr)
        return 1
    except (BoardError, OSError, ValueError, TypeError) as error:
        print(f"boards build: {error}", file=sys.stderr)
        return 2
    uart = f"UART with {board.baud:,} baud at {board.uart_note}"
    print(f"bitstream {bitstream}; {uart if options.link == 'uart' else pcie.NEXT}")
    return 0


def _build_artix7(make, board: Artix7Board, config: CoreConfig, target: int, folder: Path) -> Path:
    """Make the bitstream; where the tools are missing tell at least what the part will hold."""
    try:
        return make(board, config, target, folder)
    except artix7.MissingToolsError:
        try:
            text, cells = synth.utilisation(config, board.part)
        except synth.SynthesisError as error:
            print(f"no utilisation: {error}", file=sys.stderr)
        else:
            (folder / "utilisation.txt").write_text(text + "\n", encoding="utf-8")
            built.write_mapped(folder, cells)
            print(f"yosys, module by module in {folder / 'utilisation.txt'}:")
            print(text.split("\n\n")[-1])
        raise


def main(arguments=None) -> int:
    """Run a command."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if command == "list" and not rest:
        print(listing())
        return 0
    commands = {
        "build": build,
        "program": program.main,
        "selftest": selftest.main,
        "report": report.main,
        "table": table.main,
        "synth": synth.main,
        "baselines": baselines.main,
    }
    if command in commands:
        return commands[command](rest)
    print(USAGE, end="", file=sys.stdout if command in ("-h", "--help") else sys.stderr)
    return 0 if command in ("-h", "--help") else 2


if __name__ == "__main__":
    raise SystemExit(main())
