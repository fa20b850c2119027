"""Draw the cost model and, where they were measured, accuracy, memory and figure of merit."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from golden.cost.workloads import WORKLOADS
from host.cost_figures import figures
from host.cost_figures.measured import COLUMNS, MeasuredError, read

FAILED = 2
"""Exit status where nothing could be drawn."""


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(prog="python -m host.cost_figures", description=__doc__)
    made.add_argument(
        "--out", type=Path, default=Path("runs/cost"), metavar="FOLDER", help="default runs/cost"
    )
    made.add_argument(
        "--measured", type=Path, metavar="CSV",
        help=f"accuracy (0 to 1) and memory by cell, columns {', '.join(COLUMNS)}; without it "
        "there is no picture of accuracy and none of the figure of merit",
    )  # fmt: skip
    return made


def draw(out: Path, csv: Path | None) -> tuple[list[Path], list[str]]:
    """Draw what there is data for; return the files and what is absent."""
    measured = None if csv is None else read(csv)
    out.mkdir(parents=True, exist_ok=True)
    written, absent = [], []
    for quantity in ("memory_access", "additions", "memory"):
        written.append(out / f"{quantity}.png")
        panels = figures.cost_panels(quantity, measured)
        label = f"{figures.NAMES[quantity]}\n[% of plain BP at k = T]"
        figures.over_k(written[-1], panels, label, log=quantity == "memory")
    written.append(out / "macs.png")
    figures.macs(written[-1])
    written.append(out / "accelerator.png")
    figures.accelerator(written[-1])
    for name, label, find in (
        ("accuracy", "test accuracy [%]", figures.accuracy_panels),
        ("figure_of_merit", "figure of merit, less is better", figures.merit_panels),
    ):
        panels = [] if measured is None else find(measured)
        if panels:
            written.append(out / f"{name}.png")
            figures.over_k(written[-1], panels, label)
        there = {panel.work.data for panel in panels}
        absent += [f"{name} of {data}" for data in WORKLOADS if data not in there]
    return written, absent


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    options = parser().parse_args(arguments)
    try:
        written, absent = draw(options.out, options.measured)
    except (OSError, MeasuredError) as error:
        print(f"host.cost_figures: {error}", file=sys.stderr)
        return FAILED
    print("\n".join(map(str, written)))
    if absent:
        print(f"not measured, so not drawn: {', '.join(absent)}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
