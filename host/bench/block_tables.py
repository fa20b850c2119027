"""Tables over block lengths: cycles by phase, lanes used, and how busy the walks are."""

from __future__ import annotations

import math
from collections.abc import Mapping

from golden.layout import place
from golden.network import Layer
from golden.walk_cycles import DRAIN, DRAIN_BACKWARD, FIRST_ROW
from host.bench.cycle_tables import BUSY, CLOCK, DEMANDED, OPS, pick, totals
from host.bench.measure import CONFIGS, Run
from host.bench.savings import SavingsCounters, sums, table

BESIDES, BESIDES_BACKWARD = FIRST_ROW + DRAIN, FIRST_ROW + 1 + DRAIN_BACKWARD
"""Cycles of a walk besides its operations; BACKWARD marks its end by one more."""

WALKED = ("FORWARD", "GRADIENT", "BACKWARD")


def phases(runs: Mapping[int, Run]) -> list[str]:
    """Return cycles per sample and lanes used, by phase and block length."""
    out = [f"{'phase':<10}" + "".join(f"{f'n = {n}: cycles':>18}{'lanes':>8}" for n in runs)]
    for op in (*OPS, None):
        line = f"{op or 'all':<10}"
        for run in runs.values():
            cycles, _, useful = totals(pick(run, op))
            used = f"{useful / (run.layout.config.lanes * cycles):.1%}" if cycles else "-"
            line += f"{cycles / run.samples:>18,.0f}{used:>8}"
        out.append(line)
    rates = "".join(f"{CLOCK * r.samples / r.core_cycles:>18,.0f}{'':>8}" for r in runs.values())
    return [*out, f"{'samples/s':<10}{rates}".rstrip() + "  at 100 MHz"]


def busy(runs: Mapping[int, Run]) -> list[str]:
    """Return the share of cycles that issue an operation, by walk, layer and block length.

    Demanded are the walks of `DEMANDED`, and BACKWARD of all layers but classifiers.
    """
    names = list(dict.fromkeys(x.name for run in runs.values() for x in _walked(run)))
    names.sort(key=lambda name: (name.startswith("classifier"), name[-1]))
    out = [f"{'':<22}" + "".join(f"{f'n = {n}':>9}" for n in runs)]
    for op in WALKED:
        for name in names:
            shares = []
            for run in runs.values():
                cycles, operations, _ = totals(pick(run, op, name))
                shares.append(operations / cycles if cycles else None)
            known = [share for share in shares if share is not None]
            if not known:
                continue
            cells = "".join(f"{'-' if x is None else f'{x:.1%}':>9}" for x in shares)
            inner = op == "BACKWARD" and not name.startswith("classifier")
            below = (inner or (op, name) in DEMANDED) and min(known) < BUSY
            low = "  BELOW the demanded 95 %" if below else ""
            out.append(f"{op:<10}{name:<12}{cells}{low}")
    return out


def _walked(run: Run) -> list[Layer]:
    return [layer for layer in run.layout.network.resolved if layer.has_weights]


def lost(runs: Mapping[int, Run]) -> list[str]:
    """Return where the cycles of BACKWARD go that issue no operation, per sample."""
    out = [
        f"{'BACKWARD':<12}{'n':>3}{'cycles':>9}{'operations':>12}{'null':>7}{'idle':>7}"
        f"{'scan and drain':>16}{'skipped':>9}{'walks':>7}"
    ]
    widths = (9, 12, 7, 7, 16, 9, 7)
    for n, run in runs.items():
        counted = run.predicted
        assert isinstance(counted, SavingsCounters)
        for layer in _walked(run):
            key = (layer.name, "BACKWARD")
            cycles, operations, _ = totals(pick(run, "BACKWARD", layer.name))
            if not cycles:
                continue
            null, gaps = counted.nulls.get(key, 0), counted.gaps.get(key, 0)
            skipped, walks = counted.skipped.get(key, 0), counted.runs.get(key, 0)
            rest = cycles - operations - gaps - skipped
            figures = (cycles, operations, null, gaps - null, rest, skipped, walks)
            cells = (f"{x / run.samples:>{w},.0f}" for x, w in zip(figures, widths, strict=True))
            out.append(f"{layer.name:<12}{n:>3}" + "".join(cells))
    return out


def needed(besides: int) -> int:
    """Return the operations with which a walk that takes `besides` cycles more is busy enough."""
    return math.ceil(BUSY * besides / (1 - BUSY))


def memory(runs: Mapping[int, Run]) -> list[str]:
    """Say which block lengths the default core holds, and what the others need."""
    out = []
    for n, run in runs.items():
        default = CONFIGS[run.layout.config.lanes]
        excess = place(run.layout.network, default, run.layout.interval).excess()
        out.append(f"n = {n}: " + ("; ".join(excess) if excess else "fits the default core"))
    return out


def report(runs: Mapping[int, Run], trained: int) -> str:
    """Return the section as text."""
    first = next(iter(runs.values()))
    config, wrong = first.layout.config, []
    for n, run in runs.items():
        wrong += [f"n = {n}: {line}" for line in run.differences()]
    lines = [
        f"{first.samples} recordings of N-MNIST, {first.steps // first.samples} frames each, "
        f"P = {config.lanes}, k = {first.layout.interval}, after {trained} recordings trained by "
        "golden",
        f"core with {config.error_words} words of errors and {config.mask_words} of masks, which "
        "no cycle depends on:",
        *(f"  {line}" for line in memory(runs)),
        "",
        "Cycles per sample, and useful lane operations / (P x cycles):",
        *phases(runs),
        "",
        "Cycles that issue an operation:",
        *busy(runs),
        f"A walk takes {BESIDES} cycles besides its operations, BACKWARD "
        f"{BESIDES_BACKWARD}: 95 % needs {needed(BESIDES)} operations in a walk, "
        f"{needed(BESIDES_BACKWARD)} in BACKWARD.",
        "",
        "Cycles of BACKWARD per sample (null: an event all of whose errors are zero; idle: rows "
        "without errors):",
        *lost(runs),
        "the cost model " + ("predicts every instruction exactly" if not wrong else "DIFFERS:"),
        *wrong,
    ]
    lines += [
        "",
        "Thousand lane operations per sample: of passes that skip nothing (dense), that skip "
        "silent events alone",
        "(events: inputs without a spike, in BACKWARD neurons without mask), words of zero errors "
        "alone (errors),",
        "and as built, which skip both; left: built / dense.",
    ]
    for n, run in runs.items():
        dense, built = sums(run)
        text = f"n = {n}: of {dense / 1e3:,.0f} thousand {built / 1e3:,.0f} are left, "
        lines += ["", text + f"{built / dense:.1%}", *table(run)]
    return "\n".join(lines)
