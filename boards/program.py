"""Load a bitstream into a board with openFPGALoader, or build the virtual board.

Names of boards and options are those of openFPGALoader 0.10 (Debian 12) and later:
https://trabucayre.github.io/openFPGALoader.
"""

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from boards import pcie
from boards.board import Board, BoardError
from boards.catalogue import ALIASES, BOARDS, board_named
from boards.options import add_config_options, changed
from golden.core_config import CoreConfig
from hw.virtual_board.build import ROOT, BuildError, build

TOOL = "openFPGALoader"

MISSING = f"""\
{TOOL} is not on the path. It is a program of its own, not on PyPI: `apt install openfpgaloader`
(Debian, Ubuntu), `brew install openfpgaloader` (macOS), `pacman -S openfpgaloader` (Arch), a build
from https://github.com/trabucayre/openFPGALoader, or the OSS CAD Suite, which holds it"""

VIRTUAL = "sim"
"""Name of the virtual board."""

FOR_A_BOARD = ("bitstream", "pcie", "flash", "serial", "usb", "cable", "loader_board", "more")
"""Options that the virtual board does not have."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m boards program",
        description="Load a bitstream into a board, or build the virtual one. What follows -- goes "
        f"to {TOOL} as it is. Exit status: 0 loaded; 1 the tool failed; 2 wrong options, or the "
        "tool or the bitstream is missing.",
    )
    parser.add_argument("--board", required=True, help=", ".join([VIRTUAL, *ALIASES, *BOARDS]))
    parser.add_argument("--bitstream", type=Path, help="default build/boards/BOARD/BOARD.bit")
    parser.add_argument("--pcie", action="store_true", help="the bitstream that --link pcie made")
    parser.add_argument(
        "--flash", action="store_true", help="write it to the flash, so that it stays"
    )
    group = parser.add_argument_group(
        "which board", f"of several at this computer; `{TOOL} --scan-usb` lists them"
    )
    group.add_argument("--serial", metavar="S", help="serial number of the board's USB chip")
    group.add_argument("--usb", metavar="BUS:DEVICE", help="its place at the USB, such as 1:14")
    group.add_argument("--cable", metavar="NAME", help="JTAG cable, for cards without USB")
    group.add_argument("--loader-board", metavar="NAME", help=f"another of {TOOL}'s boards")
    parser.add_argument(
        "--like", metavar="BOARD", help=f"{VIRTUAL}: begin with this board's configuration"
    )
    add_config_options(parser)
    return parser


def bitstream_of(board: Board, path: Path | None, with_pcie: bool = False) -> Path:
    """Return the bitstream to load.

    Raises
    ------
    BoardError
        There is none, or it is another board's.
    """
    name, more = board.name, ""
    if with_pcie:
        pcie.edge(board)
        name, more = pcie.bitstream_name(board), " ARGS='--link pcie'"
    found = path or ROOT / "build" / "boards" / name / f"{name}.bit"
    if not found.is_file():
        raise BoardError(
            f"no bitstream {found}: `make bitstream BOARD={board.name}{more}` makes it"
        )
    described = found.parent / "config.json"
    if described.is_file():
        name = json.loads(described.read_text(encoding="utf-8")).get("board")
        if name not in (None, board.name):
            raise BoardError(f"{found} is a bitstream of {name}, not of {board.name}")
    return found


def command_for(board: Board, bitstream: Path, options) -> list[str]:
    """Return the command line that loads a bitstream.

    Raises
    ------
    ValueError
        The board needs a cable that is not named, or the place at the USB is none.
    """
    named = ("--board", options.loader_board) if options.loader_board else board.loader
    if "--board" not in named and not options.cable:
        raise ValueError(
            f"{board.title} has no cable of its own: name yours with --cable, such as digilent_hs2 "
            f"(`{TOOL} --list-cables`)"
        )
    if options.usb is not None and not re.fullmatch(r"\d+:\d+", options.usb):
        raise ValueError(f"usb must be BUS:DEVICE such as 1:14, not {options.usb!r}")
    command = [TOOL, *named]
    for option, value in (
        ("--cable", options.cable), ("--ftdi-serial", options.serial),
        ("--busdev-num", options.usb),
    ):  # fmt: skip
        command += [option, value] if value else []
    return [*command, *(["--write-flash"] if options.flash else []), *options.more, str(bitstream)]


def load(board: Board, options) -> int:
    """Load the bitstream, the tool's output shown as it comes; return the exit status."""
    bitstream = bitstream_of(board, options.bitstream, options.pcie)
    command = command_for(board, bitstream, options)
    if shutil.which(TOOL) is None:
        raise BoardError(MISSING)
    print(shlex.join(command), flush=True)
    status = subprocess.run(command, check=False).returncode
    if status:
        print(f"boards program: {TOOL} ended with status {status}", file=sys.stderr)
        return 1
    described = bitstream.parent / "config.json"
    config = f" --config {os.path.relpath(described)}" if described.is_file() else ""
    if options.pcie:
        print(f"next, {pcie.NEXT}: python -m boards selftest{config}")
    else:
        print(f"next: python -m boards selftest --board uart:PORT{config} ({board.uart_note})")
    return 0


def build_virtual(options) -> int:
    """Build the virtual board; return the exit status."""
    start = CoreConfig() if options.like is None else board_named(options.like).config
    library, seconds = build(changed(start, options))
    done = f"built in {seconds:.0f} s" if seconds else "up to date"
    print(f"virtual board {done}: {os.path.relpath(library)}")
    described = os.path.relpath(library.parent / "config.json")
    print(f"next: python -m boards selftest --board {VIRTUAL} --config {described}")
    return 0


def main(arguments) -> int:
    """Load or build; return the exit status."""
    place = arguments.index("--") if "--" in arguments else len(arguments)
    options = _parser().parse_args(arguments[:place])
    options.more = arguments[place + 1 :]
    own = FOR_A_BOARD if options.board == VIRTUAL else ("like", *CoreConfig().to_words())
    wrong = [name for name in own if getattr(options, name) not in (None, False, [])]
    try:
        if wrong:
            names = ", ".join("--" if n == "more" else "--" + n.replace("_", "-") for n in wrong)
            raise ValueError(f"{options.board} takes no {names}")
        if options.board == VIRTUAL:
            return build_virtual(options)
        return load(board_named(options.board), options)
    except BuildError as error:
        print(f"boards program: {error}", file=sys.stderr)
        return 1
    except (BoardError, OSError, ValueError) as error:
        print(f"boards program: {error}", file=sys.stderr)
        return 2
