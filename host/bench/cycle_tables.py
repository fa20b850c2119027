"""Tables of cycles and lane utilisation by phase and layer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from golden.walk_cycles import SCAN
from host.bench.measure import WALKS, Run

OPS = ("FORWARD", "POOL", "LIF", "LOSS", "ERROR", "GRADIENT", "BACKWARD", "UPDATE", "CLEAR")
"""Phases in the order in which an interval meets them, CLEAR last as it is rare."""

DEMANDED = (("FORWARD", "conv2"), ("GRADIENT", "conv2"), ("FORWARD", "fc3"), ("GRADIENT", "fc3"))
"""Walks that must issue an operation in `BUSY` of their cycles."""
BUSY = 0.95

OVERHEAD = 24
"""Cycles besides the scan that a layer may spend per step in any phase: the pipelines' length."""
EACH_STEP = (*WALKS, "LIF", "ERROR")

CLOCK = 100e6
"""[Hz]."""

PEERS = (
    ("Zhang et al., TCAS-II 2023", "Zynq-7010, on-chip training, MNIST", 4843),
    ("Huang et al., ICTA 2023", "VC707 at 115 MHz, on-chip training", 1183),
)
"""Published frames per second."""


def totals(entries: Iterable[dict[str, Any]]) -> tuple[int, int, int]:
    """Return cycles, operations and useful lanes of some entries of a profile."""
    chosen = list(entries)
    cycles, operations, lanes = (
        sum(entry[name] for entry in chosen) for name in ("cycles", "operations", "lanes")
    )
    return cycles, operations, lanes


def pick(run: Run, op: str | None = None, layer: str | None = None) -> list[dict[str, Any]]:
    """Return the entries of an operation, a layer, or both."""
    return [
        entry
        for entry in run.profile
        if entry["layer"] is not None
        and (op is None or entry["op"] == op)
        and (layer is None or entry["layer"] == layer)
    ]


def phases(run: Run) -> list[str]:
    """Return the table of phases."""
    lanes, whole = run.layout.config.lanes, run.core_cycles
    out = [f"{'phase':<10}{'cycles/sample':>14}{'share':>8}{'operations':>12}{'lanes used':>12}"]
    for op in (*OPS, None):
        cycles, operations, useful = totals(pick(run, op))
        out.append(
            f"{op or 'all':<10}{cycles / run.samples:>14,.0f}{cycles / whole:>8.1%}"
            f"{operations / run.samples:>12,.0f}{useful / (lanes * cycles):>12.1%}"
        )
    return out


def layers(run: Run) -> list[str]:
    """Return the table of lane utilisation and cycles by phase and layer."""
    lanes = run.layout.config.lanes
    names = [layer.name for layer in run.layout.network.resolved]
    columns = OPS[:-1]
    out = [f"{'':<13}" + "".join(f"{op:>16}" for op in columns)]
    for name in names:
        cells = []
        for op in columns:
            cycles, _, useful = totals(pick(run, op, name))
            if cycles:
                used = f"{useful / (lanes * cycles):.0%}"
                cells.append(f"{cycles / run.samples:>11,.0f}{used:>5}")
            else:
                cells.append(f"{'-':>16}")
        out.append(f"{name:<13}" + "".join(cells))
    return out


def busy(run: Run) -> list[str]:
    """Return operations per cycle of the walks that must be busy."""
    out = []
    for op, layer in DEMANDED:
        cycles, operations, _ = totals(pick(run, op, layer))
        fraction = operations / cycles
        verdict = "" if fraction >= BUSY else "  BELOW the demanded 95 %"
        out.append(f"{op:<9} {layer:<6} {fraction:.1%} of cycles issue an operation{verdict}")
    return out


def overheads(run: Run) -> list[str]:
    """Return the cycles per run of each phase that are no operation, beside the scan for events.

    Idle cycles between rows without errors, and null operations, depend on the data: they are the
    cost model's and listed apart.
    """
    out = [f"{'phase':<10}{'least':>7}{'most':>7}   besides: idle between rows, per sample"]
    for op in OPS:
        per_run, gaps = [], 0
        for entry in pick(run, op):
            key = (entry["layer"], op)
            started = run.predicted.runs.get(key, 0)
            if not started:
                continue
            idle = run.predicted.gaps.get(key, 0)
            work = run.layout.config.lanes * started if op == "LOSS" else entry["operations"]
            spent = entry["cycles"] - work - idle - run.predicted.skipped.get(key, 0)
            per_run.append(spent / started - SCAN * (op in WALKS))
            gaps += idle
        if not per_run:
            continue  # never met an error
        verdict = f"  ABOVE {OVERHEAD}" if max(per_run) > OVERHEAD and op in EACH_STEP else ""
        out.append(
            f"{op:<10}{min(per_run):>7.1f}{max(per_run):>7.1f}   {gaps / run.samples:,.0f}{verdict}"
        )
    return out


def idle_lanes(run: Run) -> list[str]:
    """Say which layers leave lanes idle, and why."""
    lanes, out = run.layout.config.lanes, []
    for placed in run.layout.layers:
        layer, channels = placed.layer, placed.layer.out_shape[2]
        if layer.kind == "pool":
            _, operations, useful = totals(pick(run, "POOL", layer.name))
            out.append(
                f"{layer.name}: an operation adds a word, of whose {lanes} lanes "
                f"{useful / max(1, operations):.1f} spike"
            )
        elif channels % lanes:
            walked = channels / (placed.map.groups * lanes)
            text = f"{layer.name}: {channels} channels in {placed.map.groups} x {lanes} lanes"
            text += f", so walks use {walked:.1%}"
            if placed.map.pack:
                together = 1 << placed.map.pack
                text += f"; passes take {together} positions a word and use {together * walked:.1%}"
            out.append(text)
    return out


def report(run: Run) -> str:
    """Return the section as text."""
    cycles = run.core_cycles / run.samples
    intervals = run.predicted.intervals
    wrong = run.differences()
    lines = [
        f"{run.samples} recordings of N-MNIST, {run.steps // run.samples} frames each, "
        f"P = {run.layout.config.lanes}, k = {run.layout.interval}, n = 1, from first weights",
        "",
        *phases(run),
        "",
        "Cycles per sample and lanes used (useful lane operations / (P x cycles)):",
        *layers(run),
        "",
        *busy(run),
        "",
        "Cycles of a phase per layer and step (UPDATE, LOSS, CLEAR: per interval) that are neither "
        f"operation nor scan (a walk scans {SCAN} cycles for its first event):",
        *overheads(run),
        "An ERROR straight after a BACKWARD waits for its last sums: the most, else the least.",
        "",
        "Lanes are idle in",
        *(f"  {line}" for line in idle_lanes(run)),
        "",
        f"cycles per interval {run.core_cycles / intervals:,.0f}, per sample {cycles:,.0f}",
        "the cost model " + ("predicts every instruction exactly" if not wrong else "DIFFERS:"),
        *wrong,
        f"at 100 MHz, which place and route has yet to prove: {CLOCK / cycles:,.0f} samples/s, "
        f"{CLOCK / cycles * run.steps / run.samples:,.0f} frames/s",
        *(f"  published: {who}, {what}: {rate:,} frames/s" for who, what, rate in PEERS),
        "  (their frames are whole images of other networks; a frame here is a step of 10 ms)",
    ]
    return "\n".join(lines)
