"""Draw recordings of a data set as a picture: ``python -m host.datasets.preview digits``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets import SOURCES, DataSet, load


def paint(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return RGB of frames (..., 2): ON red, OFF blue, both violet, none white."""
    off, on = frames[..., 0] > 0, frames[..., 1] > 0
    red, blue = ~off | on, ~on | off
    colours: NDArray[np.float64] = np.stack([red, ~(on | off), blue], axis=-1).astype(np.float64)
    return colours


def draw(data: DataSet, path: Path, *, rows: int = 8, columns: int = 10) -> None:
    """Write a PNG: a recording of a class in each row, some of its frames from left to right.

    Parameters
    ----------
    data
        The data set; its test split is shown.
    path
        File to write.
    rows, columns
        How many recordings and how many frames of each, at most.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    first = {int(label): place for place, label in reversed(list(enumerate(data.test.labels)))}
    places = [first[label] for label in sorted(first)][:rows]
    steps = np.unique(np.linspace(0, data.steps - 1, min(columns, data.steps)).astype(int))
    figure = Figure(figsize=(1.1 * len(steps) + 1, 1.2 * len(places)))
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(places), len(steps), squeeze=False)
    for row, place in enumerate(places):
        sample = data.test[place]
        picture = paint(sample.frames)
        for column, step in enumerate(steps):
            axis = axes[row][column]
            axis.imshow(picture[step], interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            if row == 0:
                axis.set_title(f"{step * data.window_us / 1000:g} ms", fontsize=8)
        axes[row][0].set_ylabel(data.class_names[sample.label], fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=100)


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
