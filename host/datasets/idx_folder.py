"""Data sets of grey images in four idx files: images and labels of training and test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from host.datasets.content import Content, ImageRequest
from host.datasets.folders import find_folder
from host.datasets.images import ImageStore, read_pairs

_PARTS = ("images-idx3-ubyte", "labels-idx1-ubyte")


@dataclass(frozen=True)
class IdxFolder:
    """Where such a data set lies and what it holds.

    Parameters
    ----------
    name
        Name of the data set.
    inner
        Names its folder may have inside the folder given.
    starts
        How the names of the files for training and for test start, such as ``train`` and ``t10k``.
    totals
        Numbers of images of the two splits as published.
    class_names
        A name for each class.
    size
        Edge of the images [pixels].
    transposed
        Whether the files hold images column by column.
    """

    name: str
    inner: tuple[str, ...]
    starts: tuple[str, str]
    totals: tuple[int, int]
    class_names: tuple[str, ...]
    size: int
    transposed: bool = False

    def open(self, request: ImageRequest) -> Content:
        """Find the folder and read all images.

        Raises
        ------
        DataSetError
            If a file is missing or damaged.
        """
        names = [f"{start}-{part}" for start in self.starts for part in _PARTS]
        folder = find_folder(
            self.name,
            request.data_dir,
            inner=self.inner,
            complete=lambda path: all(_file(path, name) for name in names),
            expected=f"{_listed(names)}, each plain or with .gz",
        )
        train, test = (self._store(folder, request.steps, split) for split in (0, 1))
        return Content(self.class_names, train, test)

    def _store(self, folder: Path, steps: int, split: int) -> ImageStore:
        images, labels = (_file(folder, f"{self.starts[split]}-{part}") for part in _PARTS)
        assert images is not None
        assert labels is not None
        pixels, classified = read_pairs(images, labels, len(self.class_names), self.size)
        if self.transposed:
            pixels = np.ascontiguousarray(pixels.transpose(0, 2, 1, 3))
        kind = ("train", "test")[split]
        return ImageStore(pixels, classified, steps, kind, total=self.totals[split])


def _file(folder: Path, name: str) -> Path | None:
    """Return a file, plain or gzip, if it is there."""
    for ending in ("", ".gz"):
        path = folder / f"{name}{ending}"
        if path.is_file():
            return path
    return None


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"
