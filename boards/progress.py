"""How far a run of nextpnr is, by its log."""

import re
from pathlib import Path

STAGES = (
    (re.compile(r"Info: +\d+ \| +\d+ +\d+ \| +\d+ +\d+ \| +(\d+)\|"), "routing, {} arcs left"),
    (re.compile(r"Info: Routing (\d+) arcs"), "routing, {} arcs left"),
    (re.compile(r"Info: +at iteration #(\d+): temp"), "refining the placement, pass {}"),
    (re.compile(r"Info: +at iteration #(\d+), type"), "placing, pass {}"),
    (re.compile(r"Info: +at initial placer iter (\d+)"), "placing, first pass {}"),
)
"""Lines of nextpnr 0.11's log, and what they say; the first is a row of router1's table."""

TAIL = 8192
"""Bytes of a log that are looked at."""


def stage(log: Path) -> str:
    """Return what nextpnr is doing, from the last line of its log that tells.

    Parameters
    ----------
    log : Path
        It does not exist before the run.
    """
    if not log.is_file():
        return "waiting"
    with open(log, "rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        lines = file.read().decode("utf-8", "replace").splitlines()
    for line in reversed(lines):
        for pattern, text in STAGES:
            if found := pattern.match(line):
                return text.format(f"{int(found[1]):,}")
    return "packing"
