"""What place and route found: nextpnr's report (JSON) as clock, critical path and utilisation."""

import json
import re
from dataclasses import dataclass

CELL = re.compile(
    r"_(TRELLIS_FF|LUT4|CCU2C|PFUMX|L6MUX21|MULT18X18D|DP16KD|TRELLIS_DPR16X4|TRELLIS_RAMW)\b.*"
    r"|_(TRELLIS_FF|LUT4|CCU2C|PFUMX|L6MUX21|MULT18X18D|DP16KD|TRELLIS_DPR16X4)_.*|\$.*|(\.\d+)+$"
)
"""What yosys appends to the name of a signal when it maps what drives it."""

SOURCE = re.compile(r"(?:^|/)((?:hw|boards)/[\w/]+\.py):(\d+)")
"""A line of the gateware among the sources of a net."""

RESOURCES = {
    "TRELLIS_COMB": "LUT4",
    "TRELLIS_FF": "flip-flops",
    "DP16KD": "block RAM",
    "MULT18X18D": "multipliers",
    "EHXPLLL": "PLL",
}
"""Rows of the utilisation that are shown."""


class TimingError(RuntimeError):
    """The clock is slower than asked for; the message names the critical path."""


@dataclass(frozen=True)
class CriticalPath:
    """The slowest path of a clock.

    Attributes
    ----------
    start, end : str
        Signals that its registers hold, without the names that yosys appends.
    logic, routing : float
        Delay in cells, set-up included, and between them [ns].
    levels : int
        Cells between the registers.
    lines : tuple of str
        Lines of the gateware that it passes, in order.
    """

    start: str
    end: str
    logic: float
    routing: float
    levels: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Return the path in two lines."""
        text = (
            f"{self.start} -> {self.end}: {self.logic + self.routing:.2f} ns "
            f"({self.logic:.2f} logic, {self.routing:.2f} routing, {self.levels} cells)"
        )
        return text + (f"\n  through {', '.join(self.lines)}" if self.lines else "")


@dataclass(frozen=True)
class Routed:
    """Result of one seed.

    Attributes
    ----------
    seed : int
        Of the placer.
    clock, target : float
        What the slowest path allows and what is asked for [Hz].
    path : CriticalPath
        That path.
    used : dict
        Used and available cells by type.
    """

    seed: int
    clock: float
    target: float
    path: CriticalPath
    used: dict[str, tuple[int, int]]

    @property
    def slack(self) -> float:
        """Time left in a cycle, negative if the clock is too slow [ns]."""
        return 1e9 / self.target - 1e9 / self.clock

    def utilisation(self) -> str:
        """Return the shown rows in a line."""
        rows = ((name, self.used.get(cell, (0, 0))) for cell, name in RESOURCES.items())
        return ", ".join(f"{name} {used:,} of {all_:,}" for name, (used, all_) in rows if all_)

    def check(self) -> None:
        """Raise if the clock is too slow.

        Raises
        ------
        TimingError
            The slack is negative.
        """
        if self.slack < 0:
            raise TimingError(
                f"timing fails: {self.clock / 1e6:.1f} MHz of {self.target / 1e6:.1f} MHz, slack "
                f"{self.slack:.2f} ns (seed {self.seed}); no bitstream is written\n"
                f"critical path {self.path}\n"
                "try more seeds (--seeds 1,2,3) or a slower clock (--clock)"
            )


def signal_name(cell: str) -> str:
    """Return the signal that a cell was made from: ``core.walker.events`` and the like."""
    name = CELL.sub("", cell)
    return re.sub(r"^(accelerator\.)+", "", name)


def _domain(report: dict, target: float) -> str:
    """Return the clock that the accelerator runs on, the one with the most demanding constraint."""
    if not report["fmax"]:
        raise ValueError("the report of nextpnr has no clock")
    return min(
        report["fmax"], key=lambda name: abs(report["fmax"][name]["constraint"] - target / 1e6)
    )


def parse(text: str, target: float, seed: int) -> Routed:
    """Return the result in nextpnr's report.

    Parameters
    ----------
    text : str
        File that ``--report`` wrote.
    target : float
        Clock asked for [Hz].
    seed : int
        Of the run.

    Raises
    ------
    ValueError
        The report has no clock, or no path of it.
    """
    report = json.loads(text)
    name = _domain(report, target)
    edge = f"posedge {name}"
    paths = [p["path"] for p in report["critical_paths"] if p["from"] == p["to"] == edge]
    if not paths:
        raise ValueError(f"the report of nextpnr has no path of the clock {name!r}")
    steps = paths[0]
    routing = sum(step["delay"] for step in steps if step["type"] == "routing")
    logic = sum(step["delay"] for step in steps if step["type"] != "routing")
    lines: list[str] = []
    for step in steps:
        for source in step.get("sources", ()):
            if (match := SOURCE.search(source)) and f"{match[1]}:{match[2]}" not in lines:
                lines.append(f"{match[1]}:{match[2]}")
    path = CriticalPath(
        signal_name(steps[0]["from"]["cell"]),
        signal_name(steps[-1]["to"]["cell"]),
        logic,
        routing,
        sum(step["type"] == "logic" for step in steps),
        tuple(lines),
    )
    used = {cell: (row["used"], row["available"]) for cell, row in report["utilization"].items()}
    return Routed(seed, report["fmax"][name]["achieved"] * 1e6, target, path, used)
