"""Self-test of a board: ``python -m boards selftest --board uart:/dev/ttyUSB1``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path

from host import build_config
from host.board import Board, BoardError
from host.display import Display
from host.driver import LinkBoard, open_board
from host.link import RequestError
from host.selftest import link, memory, training
from host.selftest.checks import FAILED, SKIPPED, Check, passed, plain, table
from host.transport.base import TransportError
from host.transport.uart import USUAL_BAUD

PARTS = (link.PART, memory.PART, training.PART)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _parts(text: str) -> list[str]:
    names = text.split(",")
    if wrong := [name for name in names if name not in PARTS]:
        raise argparse.ArgumentTypeError(f"must be of {', '.join(PARTS)}, not {wrong[0]!r}")
    return names


_numbers.__name__ = "list of numbers"


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser(
        prog="python -m boards selftest",
        description="Test a board: loopback at every rate of its UART, a march through all "
        "memories, training beside the golden model. What the board held is lost. Exit status: 0 "
        "passed, 1 failed, 2 no board or wrong options.",
    )
    add = made.add_argument
    add("--board", required=True, metavar="B",
        help="sim, golden, uart:PORT[,BAUD] or pcie:DEVICE[,CHANNEL]")  # fmt: skip
    add("--config", type=Path, metavar="FILE",
        help="config.json of the build folder: the board must hold that configuration; tells the "
        "baud rate too, and what the virtual board is built with")  # fmt: skip
    add("--parts", type=_parts, default=list(PARTS), metavar="P,P", help=", ".join(PARTS))
    add("--rates", type=_numbers, metavar="BAUD,…", help="of the loopback, in place of the usual")
    add("--seed", type=int, default=1, metavar="N", help="of payloads and networks")
    add("--json", action="store_true", help="print the result as JSON")
    return made


def run(
    board: Board, parts: Sequence[str] = PARTS, rates: Sequence[int] | None = None, seed: int = 1
) -> list[Check]:
    """Carry out the parts, with a progress bar on stderr; the golden board has only training."""
    display = Display()
    checks: list[Check] = []
    tests: dict[str, Callable[[], Iterator[Check]]] = {
        training.PART: lambda: training.check(board, seed)
    }
    total = 0
    if isinstance(board, LinkBoard):
        wired = board
        tests[link.PART] = lambda: link.check(wired, rates, seed, display.advance)
        tests[memory.PART] = lambda: memory.check(wired, display.advance)
        total = memory.work(board.config) if memory.PART in parts else 0
    with display.shown(total) if total else nullcontext():
        for part in PARTS:
            if part not in parts:
                continue
            if part not in tests:
                checks.append(Check(part, part, SKIPPED, f"the {board.name} has none"))
                continue
            try:
                checks += tests[part]()
            except (BoardError, RequestError, TransportError) as error:
                checks.append(Check(part, "stopped", FAILED, str(error)))
                break
    return checks


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        config, baud = None, USUAL_BAUD
        if options.config is not None:
            config, baud = build_config.read(options.config)
        with open_board(options.board, config, baud=baud) as board:
            checks = run(board, options.parts, options.rates, options.seed)
            about = {
                "board": board.name, "lanes": board.config.lanes,
                "configuration": f"{board.config.hash:08x}",
            }  # fmt: skip
    except (BoardError, RequestError, OSError, ValueError) as error:
        print(f"boards selftest: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("boards selftest: stopped", file=sys.stderr)
        return 130
    if options.json:
        print(json.dumps(plain(checks, **about), indent=2))
    else:
        print(f"{board.name}, P = {board.config.lanes}, configuration {board.config.hash:08x}")
        print(table(checks))
    return 0 if passed(checks) else 1


if __name__ == "__main__":
    sys.exit(main())
