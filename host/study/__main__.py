"""Accuracy over (k, n): ``python -m host.study run``, then ``python -m host.study report``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from host.datasets import DataSetError
from host.study import report, study
from host.study.grid import DATA_SETS, SIZES, part, runs
from host.study.records import StudyError

FAILED, STOPPED = 2, 130
"""Exit statuses."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(
        prog="python -m host.study",
        description="Test accuracy over truncation interval k and block length n.",
    )
    commands = made.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train what is not there yet, then write the report")
    sizes = "; ".join(f"{name}: {size.text}" for name, size in SIZES.items())
    run.add_argument("--size", choices=SIZES, default="hour", help=sizes)
    run.add_argument(
        "--data", nargs="+", choices=DATA_SETS, default=DATA_SETS, metavar="NAME",
        help=f"data sets (default {' '.join(DATA_SETS)})",
    )  # fmt: skip
    run.add_argument("--data-dir", help="folder that holds NMNIST; default TLBPTT_DATA")
    run.add_argument(
        "--results", type=Path, metavar="FOLDER", help="default runs/study-<size>; goes on there"
    )
    run.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes")
    run.add_argument(
        "--part", default="1/1", metavar="I/N", help="this machine's share of the runs, as 2/4"
    )
    run.set_defaults(function=_run)
    told = commands.add_parser("report", help="gather results folders into tables and a picture")
    told.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    told.add_argument("--markdown", type=Path, help="default: study.md in the first folder")
    told.add_argument("--csv", type=Path, help="default: study.csv in the first folder")
    told.add_argument("--picture", type=Path, help="default: study.png in the first folder")
    told.set_defaults(function=_report, size=None)
    return made


def _run(options: argparse.Namespace) -> None:
    size = SIZES[options.size]
    if options.workers < 1:
        raise StudyError(f"--workers must be at least 1, not {options.workers}")
    folder = options.results or Path("runs") / f"study-{options.size}"
    chosen = part(runs(size, options.data), options.part)
    study.carry_out(folder, chosen, size, options.workers, options.data_dir)
    options.folders, options.markdown, options.csv, options.picture = [folder], None, None, None
    _report(options)


def _report(options: argparse.Namespace) -> None:
    first = options.folders[0]
    paths = [
        getattr(options, kind) or first / name
        for kind, name in (
            ("markdown", "study.md"), ("csv", "study.csv"), ("picture", "study.png"),
        )
    ]  # fmt: skip
    records = report.write(options.folders, *paths)
    print(f"{len(records)} runs in {', '.join(map(str, paths))}")
    if options.size:
        absent = report.missing(records, SIZES[options.size], options.data)
        if absent:
            print(f"{len(absent)} runs of this size are not in this folder (other parts?)")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        options.function(options)
    except (StudyError, DataSetError, ValueError, OSError) as error:
        print(f"host.study: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(
            "host.study: stopped; finished runs are kept, the same command goes on",
            file=sys.stderr,
        )
        return STOPPED
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
