"""The picture of a study: accuracy against cost, the Pareto front as a line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from host import presets
from host.explore.costs import QUANTITIES
from host.explore.results import Candidate, Results, varied
from host.plots import BLUE, GREY, RED, picture

DARK = "#333333"

COLOURS = (RED, "#d9a441", BLUE, DARK, "#2b8a6e", "#7a4fa3", "#a8642f", "#4aa3c7")
"""Of values of k, the longest first; beyond them they begin anew."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<")
"""Of values of n, the longest first."""

FADED = 0.35
"""Opacity of points that do not fit the board."""

PLACES = ((6, 5), (6, -11), (-6, 5), (-6, -11), (0, 9), (0, -15), (13, -3), (-13, -3))
"""Where a label may stand beside its point [points], the best first."""

FEW = 12
"""Points of which all are labelled: more of them would not tell whose a label is."""

LOG_RATIO = 8
"""Costs that differ by more have a logarithmic axis."""


def draw(path: Path, found: Results) -> None:
    """Draw accuracy over cost.

    Parameters
    ----------
    path : Path
        PNG to write.
    found : Results
        With a candidate at least.
    """
    from matplotlib.ticker import EngFormatter, LogLocator

    candidates = found.candidates
    ks = sorted({c.point.k for c in candidates}, reverse=True)
    ns = sorted({c.point.n for c in candidates}, reverse=True)
    held = found.settings["plan"]["validation"]
    several = any(len(candidate.results) > 1 for candidate in candidates)
    extra = [name for name in varied(found.results) if name in ("width", "rate")]
    with picture(path, (7.4, 4.8)) as figure:
        axes = figure.subplots()
        axes.grid(True)
        values = [found.value(candidate) for candidate in candidates]
        if max(values) > LOG_RATIO * min(values):
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.minorticks_off()
        axes.xaxis.set_major_formatter(EngFormatter())
        _front(axes, found)
        for candidate in reversed(candidates):
            colour = COLOURS[ks.index(candidate.point.k) % len(COLOURS)]
            marker = MARKERS[ns.index(candidate.point.n) % len(MARKERS)]
            _point(axes, candidate, found.value(candidate), colour, marker)
        axes.margins(x=0.09, y=0.12)
        axes.set(
            xlabel=QUANTITIES[found.cost],
            ylabel=("validation" if held else "test")
            + " accuracy [%]"
            + (", bars: lowest to highest seed" if several else ""),
            title=f"{found.settings['data']['name']}, float, T = {found.steps}\n"
            f"{presets.describe(found.network)}",
        )
        title = f"labels: {', '.join(['k', 'n', *extra])}"
        _legend(figure, candidates, ks, ns, found.steps).set_title(title, {"size": 8})
        _labels(figure, axes, found, extra)


def _front(axes: Any, found: Results) -> None:
    places = [found.value(candidate) for candidate in found.front]
    heights = [100 * candidate.accuracy for candidate in found.front]
    axes.plot(places, heights, color=GREY, linewidth=1.4, drawstyle="steps-post", zorder=1)


def _point(axes: Any, candidate: Candidate, value: float, colour: str, marker: str) -> None:
    alpha = FADED if candidate.costs.obstacles else 1.0
    random = candidate.point.classifier == "random"
    each = [100 * accuracy for accuracy in candidate.accuracies]
    axes.vlines(value, min(each), max(each), color=colour, linewidth=1, alpha=alpha / 2)
    axes.plot(
        value, 100 * candidate.accuracy, marker=marker, markersize=7, color=colour, alpha=alpha,
        markerfacecolor="white" if random else colour, markeredgewidth=1.4, linestyle="none",
    )  # fmt: skip


def _legend(
    figure: Any, candidates: Sequence[Candidate], ks: list[int], ns: list[int], steps: int
) -> Any:
    from matplotlib.lines import Line2D

    def entry(text: str, **style: Any) -> Line2D:
        known = {"marker": "o", "linestyle": "none", "color": GREY, "markersize": 7}
        return Line2D([], [], label=text, **{**known, **style})

    handles = [
        entry(f"k = {k}" + (" = T" if k == steps else ""), color=COLOURS[place % len(COLOURS)])
        for place, k in enumerate(ks)
    ]
    handles += [
        entry(f"n = {n}", marker=MARKERS[place % len(MARKERS)]) for place, n in enumerate(ns)
    ]
    if any(candidate.point.classifier == "random" for candidate in candidates):
        handles.append(entry("random classifiers", markerfacecolor="white", markeredgewidth=1.4))
    if any(candidate.costs.obstacles for candidate in candidates):
        handles.append(entry("does not fit the board", alpha=FADED))
    handles.append(entry("Pareto front", marker="", linestyle="-", linewidth=1.4))
    return figure.legend(handles=handles, loc="outside right center", fontsize=8)


def _labels(figure: Any, axes: Any, found: Results, extra: Sequence[str]) -> None:
    """Label the front, and the other points where they are few and there is room."""
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # where points stand is settled now
    renderer = figure.canvas.get_renderer()
    taken = [_box(axes, *ends) for ends in _drawn(found)]
    front = list(found.front)
    others = [candidate for candidate in found.candidates if candidate not in front]
    for candidate in [*front, *(others if len(found.candidates) <= FEW else ())]:
        text = f"{candidate.point.k}, {candidate.point.n}"
        text += "".join(f", {getattr(candidate.point, name):.2g}" for name in extra)
        label = _place(axes, found, candidate, text, taken, renderer)
        box = label.get_window_extent(renderer)
        if candidate not in front and not _free(box, taken, axes):
            label.remove()
        else:
            taken.append(box)


def _place(
    axes: Any, found: Results, candidate: Candidate, text: str, taken: Sequence[Any], renderer: Any
) -> Any:
    """Return a label at the first place that is free, or at the best one."""
    first = None
    for right, up in PLACES:
        label = axes.annotate(
            text, (found.value(candidate), 100 * candidate.accuracy), xytext=(right, up),
            textcoords="offset points", fontsize=7, color=DARK,
            ha="left" if right > 0 else "right" if right < 0 else "center",
        )  # fmt: skip
        if _free(label.get_window_extent(renderer), taken, axes):
            if first is not None:
                first.remove()
            return label
        if first is None:
            first = label
        else:
            label.remove()
    return first


End = tuple[float, float]
"""Cost, accuracy in %."""


def _drawn(found: Results) -> Iterator[tuple[End, End, float]]:
    """Give both ends and half the breadth [points] of what labels should not hide."""
    for candidate in found.candidates:
        value, each = found.value(candidate), candidate.accuracies
        middle = (value, 100 * candidate.accuracy)
        yield middle, middle, 4.0
        yield (value, 100 * min(each)), (value, 100 * max(each)), 1.0
    for one, two in pairwise(found.front):
        left, right = found.value(one), found.value(two)
        low, high = 100 * one.accuracy, 100 * two.accuracy
        yield (left, low), (right, low), 1.0
        yield (right, low), (right, high), 1.0


def _box(axes: Any, low: End, high: End, half: float) -> Any:
    from matplotlib.transforms import Bbox

    (x0, y0), (x1, y1) = axes.transData.transform((low, high))
    edge = half * axes.figure.dpi / 72
    return Bbox([[x0 - edge, y0 - edge], [x1 + edge, y1 + edge]])


def _free(box: Any, taken: Sequence[Any], axes: Any) -> bool:
    inside = axes.bbox
    wide = inside.x0 <= box.x0 and box.x1 <= inside.x1
    high = inside.y0 <= box.y0 and box.y1 <= inside.y1
    return wide and high and not any(box.overlaps(other) for other in taken)
