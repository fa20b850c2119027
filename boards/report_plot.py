"""Pictures of the report and of the table: shares of a part, LUTs by unit, shares over P."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from boards import estimate
from boards.cells import UNITS, Figures
from boards.parts import Part
from boards.report import ROWS, Subject
from boards.table import Choice
from host.plots import BLUE, GREY, RED, picture

DARK = "#333333"

COLOURS = {"LUT": BLUE, "flip-flops": GREY, "block RAM": RED, "multipliers": DARK}
"""Of a resource, in `ROWS`."""


def _bars(axes, names: Sequence[str], series: dict[str, list[float]], written) -> None:
    """Draw groups of horizontal bars, the first name on top; `written` tells a value's text."""
    colours = dict(zip(("estimate", "yosys", "placed"), (BLUE, GREY, DARK), strict=True))
    height = 0.8 / len(series)
    for place, (label, values) in enumerate(series.items()):
        at = [row + (place - (len(series) - 1) / 2) * height for row in range(len(names))]
        axes.barh(at, values, height * 0.9, color=colours[label], label=label)
        for y, value in zip(at, values, strict=True):
            axes.annotate(
                written(value), (value, y), xytext=(3, 0), textcoords="offset points", va="center",
                fontsize=7, color=DARK, bbox={"color": "white", "pad": 0.5},
            )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.grid(True, axis="x")


def draw(path: Path, subject: Subject) -> None:
    """Draw the resources of a report: estimate, and what the tools found where there is a build.

    Parameters
    ----------
    path : Path
        PNG to write.
    subject : Subject
        What the report is about.
    """
    config, part, build = subject.layout.config, subject.part, subject.build
    expected = estimate.estimate(config, part)
    has = Figures(part.lut, 0, part.ff, part.ram, part.dsp)
    found = {"estimate": expected.total}
    units = {"estimate": [float(expected.units[unit].lut) for unit in UNITS]}
    if build and build.units:
        found["yosys"] = build.mapped
        units["yosys"] = [float(build.units[unit].lut) for unit in UNITS]
    if build and (placed := build.placed):
        found["placed"] = placed
    with picture(path, (8.6, 3.6)) as figure:
        shares, parts = figure.subplots(1, 2)
        series = {
            label: [100 * getattr(row, field) / getattr(has, field) for field in ROWS.values()]
            for label, row in found.items()
        }
        _bars(shares, list(ROWS), series, lambda value: f"{value:.0f} %")
        most = max(100.0, *map(max, series.values()))
        shares.axvline(100, color=RED, linestyle="--", linewidth=1)
        shares.set(
            xlabel=f"share of {part.name} [%]", xlim=(0, 1.15 * most),
            title=f"{subject.title or part.name}, P = {config.lanes}",
        )  # fmt: skip
        figure.legend(*shares.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        _bars(parts, UNITS, units, lambda value: f"{value:,.0f}")
        timing = build.timing() if build else ""
        parts.set(xlabel="LUTs of logic", title=timing or "no place and route")
        parts.margins(x=0.15)


def over_lanes(
    path: Path, choices: Sequence[Choice], parts: Mapping[Part, Sequence[str]], title: str
) -> None:
    """Draw the share of each part that a network takes, over P.

    Parameters
    ----------
    path : Path
        PNG to write.
    choices : sequence of Choice
        Of all parts, lanes and kinds of classifiers.
    parts : mapping of Part to names of boards
        One panel each.
    title : str
        What network it is.
    """
    styles = {"trainable": "-", "random": ":"}
    with picture(path, (8.6, 2.9 * -(-len(parts) // 2) + 0.4)) as figure:
        grid = figure.subplots(-(-len(parts) // 2), 2, squeeze=False, sharex=True, sharey=True)
        for axes, (part, boards) in zip(grid.flat, parts.items(), strict=False):
            own = [choice for choice in choices if choice.part == part]
            has = Figures(part.lut, 0, part.ff, part.ram, part.dsp)
            for name, field in ROWS.items():
                for classifier, style in styles.items():
                    rows = [choice for choice in own if choice.classifier == classifier]
                    values = [100 * getattr(r.needs, field) / getattr(has, field) for r in rows]
                    axes.plot(
                        [row.config.lanes for row in rows], values, color=COLOURS[name],
                        linestyle=style, marker="o", markersize=3, linewidth=1.5,
                        label=name if style == "-" else None,
                    )  # fmt: skip
            axes.axhline(100, color=RED, linestyle="--", linewidth=1)
            lanes = sorted({choice.config.lanes for choice in own})
            axes.set(xscale="log", yscale="log", title=f"{part.name}: {', '.join(boards)}")
            axes.set_xticks(lanes, [str(p) for p in lanes])
            axes.set_yticks([10, 30, 100, 300], ["10", "30", "100", "300"])
            axes.minorticks_off()
            axes.grid(True)
        for axes in grid[-1]:
            axes.set_xlabel("P")
        for axes in grid[:, 0]:
            axes.set_ylabel("share of the part [%]")
        for axes in list(grid.flat)[len(parts) :]:
            axes.set_visible(False)
        handles, labels = grid[0][0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4)
        figure.suptitle(
            f"{title}, trainable (solid) and random (dotted) classifiers", x=0.01, ha="left",
            fontsize=10,
        )  # fmt: skip
