"""Tables of costs, as Markdown that is also readable as text."""

from __future__ import annotations

from collections.abc import Sequence

from golden.cost.comparison import Comparison
from golden.cost.paper import Cost, figure_of_merit, relative
from golden.cost.printed import Result, change

UNITS = ((1e12, " T"), (1e9, " G"), (1e6, " M"), (1e3, " k"))
"""Powers of ten by their letter."""

COST_HEADER = (
    "k", "n", "classifier", "reads", "writes", "additions", "MACs", "memory",
    "memory access [%]", "additions [%]", "MACs [%]", "memory [%]", "FoM",
)  # fmt: skip
"""Columns of `cost_row`."""


def amount(value: float | None) -> str:
    """Return a number with four digits and a letter for its size, for instance ``1.234 M``."""
    if value is None:
        return "–"
    for size, letter in UNITS:
        if abs(value) >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; columns but the first are aligned to the right."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = cells
        aligned = [first.ljust(widths[0])]
        aligned += [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        return f"| {' | '.join(aligned)} |"

    rule = [f":{'-' * (widths[0] - 1)}", *(f"{'-' * (width - 1)}:" for width in widths[1:])]
    return "\n".join([line(header), f"| {' | '.join(rule)} |", *map(line, rows)])


def check_table(results: Sequence[Result]) -> str:
    """Return the paper's printed changes beside ours."""
    rows = []
    for result in results:
        line = result.line
        paper = f"< {line.paper:g}" if line.below else f"{line.paper:+g}"
        if result.ours is None:
            rows.append((line.text, paper, "to be measured", "–", "–"))
            continue
        off = "–" if line.below else f"{result.ours - line.paper:+.2f}"
        ours = f"{result.ours:+.{line.digits}f}"
        rows.append((line.text, paper, ours, off, "pass" if result.agrees else "FAIL"))
    header = ("change", "paper [%]", "ours [%]", "difference [points]", "within 1 point")
    return table(header, rows)


def cost_row(
    k: int, n: str, classifier: str, cost: Cost, base: Cost, accuracy_loss: float = 0.0
) -> tuple[str, ...]:
    """Return the cells of one (k, n, classifier), absolute and against `base`."""
    values = (cost.reads, cost.writes, cost.additions, cost.macs, cost.memory)
    changes = (f"{change(ratio, 1):+.2f}" for ratio in relative(cost, base).values())
    merit = figure_of_merit(cost, base, accuracy_loss)
    return (str(k), n, classifier, *map(amount, values), *changes, f"{merit:.4f}")


def comparison_table(comparison: Comparison) -> str:
    """Return the paper's scheme beside the accelerator's."""
    rows = []
    for row in comparison.rows:
        name = f"{row.name} [{row.unit}]" if row.unit else row.name
        gain = "–" if row.gain is None else f"{row.gain:.3g} ×"
        rows.append((name, amount(row.bp), amount(row.paper), amount(row.accelerator), gain))
    header = ("per sample", "paper, BP at k = T", "paper, (k, n)", "accelerator, (k, n)", "less by")
    return table(header, rows)


def parts_lines(comparison: Comparison) -> list[str]:
    """Return what traffic, memory and cycles of the accelerator are made of, and if it fits."""
    ours = comparison.accelerator
    parts = (
        ("traffic by schedule [bit]", ours.schedule_traffic),
        ("traffic at the ports [bit]", ours.port_traffic),
        ("training memory [bit]", ours.memory),
        ("cycles", ours.cycles),
    )
    lines = []
    for name, values in parts:
        named = (f"{part} {amount(value)}" for part, value in values.items() if value)
        lines.append(f"{name}: {', '.join(named)}")
    share = ours.memory_bits / ours.inference_bits
    lines.append(f"training memory over what inference needs of it: {share:.2f}")
    if ours.obstacles:
        lines.append("fits no board: " + "; ".join(ours.obstacles))
    else:
        lines.append(
            "its bits leave room on the largest listed part; python -m boards report tells for each"
        )
    return lines
