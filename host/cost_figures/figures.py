"""Pictures over k, a panel per data set, a line per n and kind of classifier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from golden.cost.comparison import compare
from golden.cost.paper import BATCH, figure_of_merit, paper_cost, relative
from golden.cost.tables import amount
from golden.cost.workloads import WORKLOADS, Workload
from golden.network import CLASSIFIERS, Network, lenet1_events
from host.cost_figures.measured import Cell, Measured
from host.plots import BLUE, GREY, RED, picture
from host.study.picture import COLOURS

DARK = "#333333"
"""Text, and lines of what has no colour of its own."""

BY_N = dict(zip((8, 4, 2, 1), (DARK, *COLOURS), strict=True))
"""Colour of a block length; LeNet's are the study's."""

NETWORKS = {"lenet1": "LeNet-1", "lenet2": "LeNet-2", "alexnet": "AlexNet"}
"""The paper's names."""

NAMES = {
    "memory_access": "memory access",
    "additions": "additions",
    "macs": "MACs",
    "memory": "memory by Eqs (9), (10)",
}
"""Quantities in words."""

Lines = dict[tuple[int, str], dict[int, float]]
"""Value over k by (n, classifier)."""


class Panel(NamedTuple):
    """One data set's lines, and points measured at k that other models' lines do not join."""

    work: Workload
    lines: Lines
    points: Lines
    title: str = ""


def title(work: Workload) -> str:
    """Return data set and network in words."""
    return f"{work.data}, {NETWORKS[work.network]}"


def changes(work: Workload, quantity: str) -> Lines:
    """Return a quantity in % of plain BP at k = T.

    Memory is that of the batch of the paper's measurements, and one line for both kinds of
    classifiers, which do not differ in it.
    """
    batch = work.memory_batch if quantity == "memory" else BATCH
    base = paper_cost(work.base, work.steps, work.steps, batch=batch)
    lines: Lines = {}
    for k, n, classifier in work.cells:
        if quantity == "memory" and classifier == "random":
            continue
        cost = paper_cost(work.build(n, classifier), k, work.steps, batch=batch)
        lines.setdefault((n, classifier), {})[k] = 100 * relative(cost, base)[quantity]
    return lines


def measured_lines(work: Workload, values: dict[Cell, float], scale: float) -> Lines:
    """Return what was measured on a data set, times `scale`."""
    lines: Lines = {}
    for cell in sorted(values):
        if cell.data == work.data:
            line = lines.setdefault((cell.n, cell.classifier), {})
            line[cell.k] = scale * values[cell]
    return lines


def base_cell(work: Workload) -> Cell:
    """Return plain BP at k = T."""
    return Cell(work.data, work.steps, work.ns[0], CLASSIFIERS[0])


def cost_panels(quantity: str, measured: Measured | None = None) -> list[Panel]:
    """Return the panels of a quantity of the cost model; memory with what was measured."""
    panels = []
    for work in WORKLOADS.values():
        points: Lines = {}
        if quantity == "memory" and measured is not None:
            base = measured.saved_bytes.get(base_cell(work))
            if base is not None:
                points = measured_lines(work, dict(measured.saved_bytes), 100 / base)
        panels.append(Panel(work, changes(work, quantity), points))
    return panels


def accuracy_panels(measured: Measured) -> list[Panel]:
    """Return the panels of data sets with measured accuracies."""
    found = [
        Panel(work, measured_lines(work, dict(measured.accuracy), 100), {})
        for work in WORKLOADS.values()
    ]
    return [panel for panel in found if panel.lines]


def merit_panels(measured: Measured) -> list[Panel]:
    """Return the panels of data sets with measured accuracies, plain BP at k = T among them.

    Memory is the measured one where all cells of the data set have it, else that of Eqs (9), (10).
    """
    panels = []
    for work in WORKLOADS.values():
        first = base_cell(work)
        cells = [cell for cell in sorted(measured.accuracy) if cell.data == work.data]
        if first not in cells:
            continue
        bytes_known = all(cell in measured.saved_bytes for cell in cells)
        base = paper_cost(work.base, work.steps, work.steps)
        lines: Lines = {}
        for cell in cells:
            cost = paper_cost(work.build(cell.n, cell.classifier), cell.k, work.steps)
            loss = measured.accuracy[first] - measured.accuracy[cell]
            ratio = (
                measured.saved_bytes[cell] / measured.saved_bytes[first] if bytes_known else None
            )
            merit = figure_of_merit(cost, base, loss, ratio)
            lines.setdefault((cell.n, cell.classifier), {})[cell.k] = merit
        which = "memory measured" if bytes_known else "memory by Eqs (9), (10)"
        panels.append(Panel(work, lines, {}, f"{title(work)}; {which}"))
    return panels


def over_k(path: Path, panels: Sequence[Panel], label: str, *, log: bool = False) -> None:
    """Draw panels in two columns, with one legend for all.

    Parameters
    ----------
    path : Path
        PNG to write.
    panels : sequence of Panel
        At least one.
    label : str
        Of the vertical axes.
    log : bool
        They are logarithmic, in %.
    """
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    with picture(path, (max(5.4, 3.8 * columns), 2.5 * rows + 0.5)) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, panel in zip(grid.flat, panels, strict=False):
            _panel(axes, panel)
            if log:
                axes.set_yscale("log")
                axes.set_yticks([1, 2, 5, 10, 20, 50, 100], [1, 2, 5, 10, 20, 50, 100])
                axes.minorticks_off()
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[:, 0]:
            axes.set_ylabel(label)
        _legend(figure, grid.flat[0], panels)


def _panel(axes: Any, panel: Panel) -> None:
    work = panel.work
    axes.grid(True)
    ks: set[int] = set(work.ks)
    for (n, classifier), line in panel.lines.items():
        places = sorted(line)
        ks.update(places)
        axes.plot(
            places, [line[k] for k in places], color=BY_N.get(n, GREY), marker="o", markersize=3.5,
            linewidth=1.5, linestyle="--" if classifier == "random" else "-",
            markerfacecolor="white" if classifier == "random" else None,
        )  # fmt: skip
    for (n, classifier), line in panel.points.items():
        axes.plot(
            list(line), list(line.values()), color=BY_N.get(n, GREY), linestyle="none",
            marker="D" if classifier == "random" else "s", markersize=7, fillstyle="none",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_xticks(sorted(ks), [f"{k} = T" if k == work.steps else str(k) for k in sorted(ks)])
    axes.minorticks_off()
    axes.set(
        xlabel="truncation interval k [steps]", title=panel.title or title(work),
        xlim=(work.steps**-0.06, work.steps**1.06),
    )  # fmt: skip


def _legend(figure: Any, axes: Any, panels: Sequence[Panel]) -> None:
    from matplotlib.lines import Line2D

    kinds = {kind for panel in panels for kind in (*panel.lines, *panel.points)}
    handles = [
        Line2D([], [], color=BY_N.get(n, GREY), linewidth=2, label=f"n = {n}")
        for n in sorted({n for n, _ in kinds}, reverse=True)
    ]
    for classifier, style in (("trainable", "-"), ("random", "--")):
        if any(kind[1] == classifier for kind in kinds):
            text = f"{classifier} classifiers"
            face = "white" if classifier == "random" else GREY
            handles.append(
                Line2D(
                    [], [], color=GREY, linestyle=style, marker="o", markersize=3.5,
                    markerfacecolor=face, label=text,
                )
            )  # fmt: skip
    if any(panel.points for panel in panels):
        handles.append(
            Line2D(
                [], [], color=GREY, linestyle="none", marker="s", markersize=7, fillstyle="none",
                label="measured",
            )
        )  # fmt: skip
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=8)


def macs(path: Path) -> None:
    """Draw the MACs of each n: they depend neither on k nor on the kind of classifier."""
    works = list(WORKLOADS.values())
    with picture(path, (8.4, 4.6)) as figure:
        grid = figure.subplots(2, 2)
        for axes, work in zip(grid.flat, works, strict=True):
            found = changes(work, "macs")
            values = [found[n, "trainable"][work.steps] for n in work.ns]
            bars = axes.barh(range(len(values)), values, color=[BY_N[n] for n in work.ns])
            axes.bar_label(bars, [f"{value:.3g} %" for value in values], padding=3, fontsize=8)
            names = [f"n = {n}" + (" (BP)" if n == work.ns[0] else "") for n in work.ns]
            axes.set_yticks(range(len(values)), names)
            axes.tick_params(axis="y", length=0)
            axes.invert_yaxis()
            axes.set(title=title(work), xlim=(0, 118))
        for axes in grid[1]:
            axes.set_xlabel("MACs [% of plain BP]")


BESIDE_ACCELERATOR: tuple[tuple[str, Callable[[], Network], int, int], ...] = (
    ("N-MNIST, LeNet-1 for events", lenet1_events, 10, 30),
    *(
        (title(work), (lambda work=work: work.build(work.chosen[1])), work.chosen[0], work.steps)
        for work in WORKLOADS.values()
        if work.encoding == "events"
    ),
)  # fmt: skip
"""Title, network, k and T of the panels of `accelerator`: event data at the paper's choice."""


def accelerator(path: Path) -> None:
    """Draw what a sample takes by the paper's scheme and on the accelerator."""
    with picture(path, (10.2, 3.6)) as figure:
        panels = figure.subplots(1, len(BESIDE_ACCELERATOR))
        for axes, (text, build, k, steps) in zip(panels, BESIDE_ACCELERATOR, strict=True):
            network = build()
            both = compare(network, k, steps)
            rows = [row for row in both.rows if row.paper is not None]
            for place, (name, colour) in enumerate(
                (("bp", GREY), ("paper", RED), ("accelerator", BLUE))
            ):
                axes.bar(
                    [number + 0.27 * (place - 1) for number in range(len(rows))],
                    [getattr(row, name) for row in rows], width=0.25, color=colour,
                )  # fmt: skip
            for number, row in enumerate(rows):
                assert row.bp is not None
                assert row.paper is not None
                highest = max(row.bp, row.paper, row.accelerator)
                axes.annotate(
                    f"{row.gain:.2g} ×", (number, highest), xytext=(0, 2), ha="center",
                    textcoords="offset points", va="bottom", color=BLUE, fontsize=8,
                )  # fmt: skip
            axes.set_yscale("log")
            axes.set_xticks(
                range(len(rows)),
                [
                    row.name.replace(" ", "\n") + (f"\n[{row.unit}]" if row.unit else "")
                    for row in rows
                ],
                fontsize=8,
            )
            lowest, highest = axes.get_ylim()
            axes.set_ylim(lowest, 1.6 * highest)
            room = f"{amount(both.accelerator.memory_bits)}bit"
            if both.accelerator.obstacles:
                room += ", fits no board"
            axes.set_title(f"{text}\n(k, n) = ({k}, {network.block_length}), {room}")
            axes.grid(True, axis="y")
            axes.tick_params(axis="x", length=0)
        panels[0].set_ylabel("per training sample")
        _bars_legend(figure)


def _bars_legend(figure: Any) -> None:
    from matplotlib.patches import Patch

    names = (
        (GREY, "paper, BP at k = T"), (RED, "paper, (k, n)"),
        (BLUE, "accelerator, (k, n); × less than the paper at (k, n)"),
    )  # fmt: skip
    figure.legend(
        handles=[Patch(color=colour, label=name) for colour, name in names],
        loc="outside lower center", ncols=3, fontsize=8,
    )  # fmt: skip
