"""The study's picture: accuracy over k, a line per n, a panel per data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from host.plots import BLUE, GREY, RED, picture
from host.study import table
from host.study.records import Record
from host.study.table import Cell, Kind

COLOURS = (RED, "#d9a441", BLUE)
"""From all hidden layers in one block to n = 1."""

MARKERS = {"float": "s", "to-zero": "^"}
"""Open markers of runs beside golden's."""

NAMES = {"float": "float twin", "to-zero": "decay to 0"}

BESIDE = 1.035
"""Lines of different n are set apart by this factor along k, so that none hides another."""


def draw(path: Path, records: Sequence[Record]) -> None:
    """Draw test accuracy over k.

    Parameters
    ----------
    path : Path
        PNG to write.
    records : sequence of dict
        Results.
    """
    names = table.data_sets(records)
    with picture(path, (0.8 + 4.6 * len(names), 4.8)) as figure:
        panels = figure.subplots(1, len(names), squeeze=False, sharey=True)[0]
        for axes, name in zip(panels, names, strict=True):
            shared = table.common(records, name)
            seeds = len({r["run"]["seed"] for r in records if r["run"]["data"] == name})
            axes.set_title(
                f"{name}: {shared['training recordings']:,} training recordings, "
                f"{shared['epochs']} epochs, {seeds} seeds"
            )
            _panel(axes, table.cells(records, name), shared)
        panels[0].set_ylabel("test accuracy [%], bars: lowest to highest seed")


def _panel(axes: Any, found: dict[Kind, Cell], shared: Record) -> None:
    ns = sorted({kind.n for kind in found}, reverse=True)
    ks = sorted({kind.k for kind in found})
    chance = 100 / shared["network"]["classes"]
    axes.grid(True)
    axes.axhline(chance, color=GREY, linestyle=":", linewidth=1)
    axes.annotate(
        "chance", (1, chance), xycoords=("axes fraction", "data"), ha="right", va="top", color=GREY
    )
    for number, n in enumerate(ns):
        colour = COLOURS[number + len(COLOURS) - len(ns)]
        aside = BESIDE ** (number - (len(ns) - 1) / 2)
        for classifier in ("trainable", "random"):
            kinds = [Kind("golden", k, n, classifier) for k in ks]
            _line(axes, {kind.k * aside: found[kind] for kind in kinds if kind in found},
                  n, classifier, colour)  # fmt: skip
            for kind in kinds:
                for model, marker in MARKERS.items():
                    other = found.get(kind._replace(model=model))
                    if other is not None:
                        axes.plot(kind.k * aside, 100 * other.mean, **_mark(marker, colour))
    for model, marker in MARKERS.items():
        if any(kind.model == model for kind in found):
            axes.plot([], [], **_mark(marker, "#333333"), label=NAMES[model])
    axes.set_xscale("log")
    axes.set_xticks(ks, [f"{k} = T" if k == shared["steps"] else str(k) for k in ks])
    axes.minorticks_off()
    axes.set(xlabel="truncation interval k [steps]", ylim=(0, 102))
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14), ncols=3, fontsize=8)


def _line(axes: Any, points: dict[float, Cell], n: int, classifier: str, colour: str) -> None:
    if not points:
        return
    random = classifier == "random"
    axes.plot(
        list(points), [100 * cell.mean for cell in points.values()], color=colour, marker="o",
        markersize=4, linewidth=1.6, linestyle="--" if random else "-",
        label=f"n = {n}" + (", random classifiers" if random else ""),
    )  # fmt: skip
    for place, cell in points.items():
        lowest, highest = 100 * min(cell.accuracies), 100 * max(cell.accuracies)
        axes.vlines(place, lowest, highest, color=colour, linewidth=1)


def _mark(marker: str, colour: str) -> dict[str, Any]:
    return {
        "marker": marker,
        "markersize": 8,
        "markerfacecolor": "none",
        "markeredgecolor": colour,
        "linestyle": "none",
    }
