"""Pictures of a run folder: learning curve, spike raster, confusion matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golden.settings import intervals
from golden.trace import Trace
from golden.trainer import GoldenModel
from host.checkpoint import write_whole

MANY_CLASSES = 60
"""A confusion matrix of more classes has neither names nor numbers: they could not be read."""

BLUE, RED, GREY = "#1f5fa8", "#c23b22", "#8a8f98"
"""ON events and what is right are blue, OFF events and what is wrong red, the rest is grey."""

STYLE: dict[str, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": "#333333",
    "xtick.color": "#333333",
    "ytick.color": "#333333",
    "grid.color": "#e4e6ea",
    "axes.axisbelow": True,
    "legend.frameon": False,
    "savefig.dpi": 150,
}


@contextmanager
def picture(path: Path, size: tuple[float, float]) -> Iterator[Any]:
    """Give an empty figure and write it in the house style."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        write_whole(path, lambda file: figure.savefig(file, format="png"))


def learning_curve(path: Path, records: Sequence[dict[str, Any]], classes: int, title: str) -> None:
    """Draw training and test accuracy over the recordings trained.

    Parameters
    ----------
    path : Path
        PNG to write.
    records : sequence of dict
        Lines of ``metrics.jsonl``.
    classes : int
        For the line of chance.
    title : str
        What was trained.
    """
    training = [(r["samples"], 100 * r["train_accuracy"]) for r in records if _is(r, "training")]
    test = [(r["samples"], 100 * r["test_accuracy"]) for r in records if _is(r, "before", "epoch")]
    with picture(path, (6.4, 4.0)) as figure:
        axes = figure.subplots()
        axes.grid(True)
        axes.axhline(100 / classes, color=GREY, linestyle=":", linewidth=1)
        axes.annotate(
            "chance", (1, 100 / classes), xycoords=("axes fraction", "data"), ha="right",
            va="bottom", color=GREY,
        )  # fmt: skip
        halved = 0
        for record in records:
            if record["halvings"] > halved and _is(record, "training"):
                halved = record["halvings"]
                start = max(s for r in records if (s := r["samples"]) < record["samples"])
                axes.axvline(start, color=GREY, linestyle="--", linewidth=0.8)
                axes.annotate(
                    "rate halved", (start, 2), rotation=90, ha="right", va="bottom", color=GREY
                )
        if training:
            axes.plot(*zip(*training, strict=True), color=GREY, linewidth=1.2, label="training")
        if test:
            axes.plot(
                *zip(*test, strict=True), color=BLUE, linewidth=1.8, marker="o", markersize=4,
                label="test, without learning",
            )  # fmt: skip
            samples, accuracy = test[-1]
            axes.annotate(
                f"{accuracy:.1f} %", (samples, accuracy), xytext=(0, -14), ha="center",
                textcoords="offset points", color=BLUE, fontweight="bold",
            )  # fmt: skip
        axes.set(xlabel="recordings trained", ylabel="accuracy [%]", ylim=(0, 104), title=title)
        axes.margins(x=0.04)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 0.12))


def _is(record: dict[str, Any], *events: str) -> bool:
    return record["event"] in events


def spike_raster(
    path: Path,
    model: GoldenModel,
    frames: NDArray[Any],
    label: int,
    class_names: Sequence[str],
    window_us: int | None,
) -> None:
    """Draw every spike of one recording: events or image, then each layer, bottom to top.

    Parameters
    ----------
    path : Path
        PNG to write.
    model : GoldenModel
        The trained network; its states are overwritten, its weights are not.
    frames : NDArray
        The recording, shape (T, H, W, C).
    label : int
        Its class.
    class_names : sequence of str
        A name for each class.
    window_us : int
        Time of a frame [us]; None where time is counted in steps: for images, and for events
        that carry the number of their frame.
    """
    spikes, counts = _spikes(model, frames)
    network, answer = model.network, int(np.argmax(counts))
    layers = [layer for layer in network.resolved if layer is not network.resolved[-1]]
    heights = [2.2] + [1.6 if layer.neurons > 100 else 0.9 for layer in layers]
    heights.append(max(1.2, 0.15 * network.classes))
    window_ms = 1.0 if window_us is None else window_us / 1000
    unit = "step" if window_us is None else "time [ms]"
    thing = "image" if network.encoding == "direct" else "recording"
    steps = len(frames)
    with picture(path, (7.5, 0.72 * sum(heights) + 1)) as figure:
        panels = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        if network.encoding == "direct":
            _image(panels[0], frames[0])
        else:
            _events(panels[0], frames, window_ms)
        for axes, layer in zip(panels[1:], layers, strict=False):
            _bars(axes, spikes[layer.name], window_ms)
            rate = spikes[layer.name].mean()
            axes.set_ylabel(f"{layer.name}\n{layer.neurons:,} neurons\n{rate:.0%} fire")
        _answer(
            panels[-1], spikes[network.resolved[-1].name], counts, label, class_names, window_ms
        )
        for axes in panels:
            axes.yaxis.label.set(rotation=0, ha="right", va="center")
            for first, _ in intervals(steps, min(model.settings.interval, steps)):
                axes.axvline(first * window_ms, color=GREY, linewidth=0.6, zorder=0)
            axes.tick_params(axis="x", length=3 if axes is panels[-1] else 0)
        panels[-1].set(
            xlim=(0, steps * window_ms), xlabel=f"{unit}, a line starts an interval of k steps"
        )
        verdict = "right" if answer == label else "wrong"
        figure.suptitle(
            f"{network.name}: a test {thing} of class {class_names[label]!r}, "
            f"answer {class_names[answer]!r} ({verdict})",
            x=0.01, ha="left", fontsize=10,
        )  # fmt: skip


def _spikes(
    model: GoldenModel, frames: NDArray[Any]
) -> tuple[dict[str, NDArray[np.uint8]], NDArray[np.int64]]:
    """Return each layer's spikes, shape (T, neurons), and the output's counts."""
    trace = Trace()
    counts = np.zeros(model.network.classes, np.int64)
    parts: dict[str, list[NDArray[np.uint8]]] = {x.name: [] for x in model.network.resolved}
    cut = intervals(len(frames), min(model.settings.interval, len(frames)))
    for number, (first, length) in enumerate(cut):
        counts += model.run_interval(
            frames[first : first + length], 0, start=first == 0, learn=False, trace=trace
        )
        for name, part in parts.items():
            part.append(trace[number, name, "s"].reshape(length, -1))
    return {name: np.concatenate(part) for name, part in parts.items()}, counts


def _image(axes: Any, image: NDArray[Any]) -> None:
    """Draw the image in a panel without time."""
    inner = axes.inset_axes([0, 0, 1, 1])
    inner.imshow(image[..., 0] if image.shape[2] == 1 else image, cmap="gray_r", vmin=0, vmax=255)
    inner.set_axis_off()
    axes.set(yticks=[], ylabel=f"image\n{image.shape[0]}×{image.shape[1]}\nat every step")


def _events(axes: Any, frames: NDArray[Any], window_ms: float) -> None:
    steps, height, width, channels = frames.shape
    pixels = height * width
    for channel, (colour, name) in enumerate(((RED, "OFF"), (BLUE, "ON"))[:channels]):
        spikes = frames[..., channel].reshape(steps, pixels)
        _bars(axes, spikes, window_ms, colour, (0.05 + 0.45 * channel, 0.5 + 0.45 * channel))
        axes.plot([], [], color=colour, linewidth=3, label=name)
    axes.set_ylabel(f"events\n{height}×{width}\npixels")
    axes.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        borderaxespad=0.1,
        handlelength=0.8,
    )


def _bars(
    axes: Any,
    spikes: NDArray[Any],
    window_ms: float,
    colour: str = "#333333",
    span: tuple[float, float] = (0.05, 0.95),
) -> None:
    """Draw a bar as long as its step for each spike, shape (T, neurons)."""
    t, neuron = np.nonzero(spikes)
    neurons = spikes.shape[1]
    width = float(np.clip(90 / neurons, 0.4, 2.2))
    axes.hlines(
        neuron, (t + span[0]) * window_ms, (t + span[1]) * window_ms, color=colour, linewidth=width
    )
    margin = max(1.0, 0.02 * neurons)
    axes.set(ylim=(neurons - 1 + margin, -margin), yticks=[])


def _answer(
    axes: Any,
    spikes: NDArray[np.uint8],
    counts: NDArray[np.int64],
    label: int,
    class_names: Sequence[str],
    window_ms: float,
) -> None:
    answer = int(np.argmax(counts))
    for number in range(len(counts)):
        colour = BLUE if number == label else RED if number == answer else GREY
        t = np.nonzero(spikes[:, number])[0]
        axes.hlines(
            np.full(len(t), number),
            (t + 0.05) * window_ms,
            (t + 0.95) * window_ms,
            color=colour,
            linewidth=4,
        )
        axes.annotate(
            str(counts[number]), (1.01, number), xycoords=("axes fraction", "data"), va="center",
            color=colour, fontsize=7, annotation_clip=False,
        )  # fmt: skip
    axes.set(ylim=(len(counts) - 0.5, -0.5), ylabel="output\nspikes\nper class")
    axes.set_yticks(range(len(counts)), class_names, fontsize=7)
    axes.tick_params(axis="y", length=0)


def confusion_matrix(
    path: Path, confusion: NDArray[np.int64], class_names: Sequence[str], title: str
) -> None:
    """Draw how many test recordings of each class got which answer."""
    classes = len(confusion)
    many = classes > MANY_CLASSES
    edge = 2.2 + (0.06 if many else 0.36) * classes
    with picture(path, (edge, edge)) as figure:
        axes = figure.subplots()
        share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), number in np.ndenumerate(confusion):
            if number and not many:
                colour = "white" if share[row, column] > 0.5 else "#333333"
                axes.text(column, row, number, ha="center", va="center", color=colour, fontsize=8)
        axes.tick_params(length=0)
        axes.set(xlabel="answer", ylabel="class", title=title)
        for spine in axes.spines.values():
            spine.set_visible(False)
        if many:
            return
        long = max(map(len, class_names)) > 3
        axes.set_xticks(
            range(classes),
            class_names,
            rotation=45 if long else 0,
            ha="right" if long else "center",
        )
        axes.set_yticks(range(classes), class_names)
