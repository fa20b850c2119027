"""Draw recordings of a data set as a picture: ``python -m host.datasets.preview digits``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host.datasets import SOURCES, DataSet, load

Labels = NDArray[np.int64]
Pictures = list[NDArray[Any]]


def paint(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return RGB of frames (..., 2): ON red, OFF blue, both violet, none white."""
    off, on = frames[..., 0] > 0, frames[..., 1] > 0
    red, blue = ~off | on, ~on | off
    colours: NDArray[np.float64] = np.stack([red, ~(on | off), blue], axis=-1).astype(np.float64)
    return colours


def draw(data: DataSet, path: Path, *, rows: int = 8, columns: int = 10) -> None:
    """Write a PNG: a recording of a class in each row, some of its frames from left to right.

    Of images a row shows several of its class.

    Parameters
    ----------
    data
        The data set; its test split is shown.
    path
        File to write.
    rows, columns
        How many recordings and how many frames of each, at most; for images how many classes and
        how many images of each.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    labels = np.unique(data.test.labels)[:rows]
    pictures, titles = (_images if data.encoding == "direct" else _frames)(data, labels, columns)
    figure = Figure(figsize=(1.1 * columns + 1, 1.2 * len(labels)))
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(labels), max(map(len, pictures)), squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
    for label, line, row in zip(labels, axes, pictures, strict=True):
        for axis, picture in zip(line, row, strict=False):
            axis.imshow(picture, interpolation="nearest", cmap="gray_r", vmin=0, vmax=255)
        line[0].set_ylabel(data.class_names[label], fontsize=8)
    for axis, title in zip(axes[0], titles, strict=False):
        axis.set_title(title, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=100)


def _frames(data: DataSet, labels: Labels, columns: int) -> tuple[list[Pictures], list[str]]:
    """Return frames of each class's first recording, and their times or numbers."""
    steps = np.unique(np.linspace(0, data.steps - 1, min(columns, data.steps)).astype(int))
    places = [int(np.argmax(data.test.labels == label)) for label in labels]
    window_us = data.window_us
    titles = [
        f"frame {step}" if window_us is None else f"{step * window_us / 1000:g} ms"
        for step in steps
    ]
    return [list(paint(data.test[place].frames)[steps]) for place in places], titles


def _images(data: DataSet, labels: Labels, columns: int) -> tuple[list[Pictures], list[str]]:
    """Return each class's first images, one channel as grey."""
    rows = []
    for label in labels:
        places = np.flatnonzero(data.test.labels == label)[:columns]
        images = [data.test[int(place)].frames[0] for place in places]
        rows.append([image[..., 0] if image.shape[2] == 1 else image for image in images])
    return rows, []


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m host.datasets.preview", description=__doc__)
    parser.add_argument("dataset", choices=list(SOURCES))
    parser.add_argument("--data-dir", type=Path, help="folder of the recordings")
    parser.add_argument("--size", type=int, help="edge of the frames [pixels]")
    parser.add_argument("--windows", type=int, help="number of frames")
    parser.add_argument("--window-us", type=int, help="window of time of a frame [us]")
    parser.add_argument("--seed", type=int, default=0, help="seed of generated recordings")
    parser.add_argument("--output", type=Path, help="file to write (default: <dataset>.png)")
    options = parser.parse_args(arguments)
    output = options.output or Path(f"{options.dataset}.png")
    try:
        data = load(
            options.dataset,
            data_dir=options.data_dir,
            size=options.size,
            windows=options.windows,
            window_us=options.window_us,
            seed=options.seed,
        )
        draw(data, output)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(data.summary())
    print(f"wrote {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
