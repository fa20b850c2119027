"""``mnist``: handwritten digits as grey images, by direct encoding (LeCun, Cortes, Burges 1998).

The folder holds the four original idx files, plain or gzip: ``train-images-idx3-ubyte``,
``train-labels-idx1-ubyte``, ``t10k-images-idx3-ubyte``, ``t10k-labels-idx1-ubyte``. A file may hold
fewer images than the original.
"""

from __future__ import annotations

from pathlib import Path

from host.datasets.content import Content, ImageRequest, Source
from host.datasets.folders import find_folder
from host.datasets.images import ImageStore, read_pairs

SIZE = 28
CLASSES = 10
TRAIN_TOTAL, TEST_TOTAL = 60_000, 10_000

_SPLITS = ("train", "t10k")
_PARTS = ("images-idx3-ubyte", "labels-idx1-ubyte")


def _file(folder: Path, split: str, part: str) -> Path | None:
    """Return a file, plain or gzip, if it is there."""
    for ending in ("", ".gz"):
        path = folder / f"{split}-{part}{ending}"
        if path.is_file():
            return path
    return None


def _is_complete(folder: Path) -> bool:
    return all(_file(folder, split, part) for split in _SPLITS for part in _PARTS)


def open_mnist(request: ImageRequest) -> Content:
    """Open the folder and read all images."""
    folder = find_folder(
        "mnist",
        request.data_dir,
        inner=("mnist", "MNIST/raw"),
        complete=_is_complete,
        expected="train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
        "t10k-labels-idx1-ubyte, each plain or with .gz",
    )

    def store(split: str, kind: str, total: int) -> ImageStore:
        images, labels = (_file(folder, split, part) for part in _PARTS)
        assert images is not None
        assert labels is not None
        pixels, classified = read_pairs(images, labels, CLASSES, SIZE)
        return ImageStore(pixels, classified, request.steps, kind, total=total)

    return Content(
        tuple(str(digit) for digit in range(CLASSES)),
        store("train", "train", TRAIN_TOTAL),
        store("t10k", "test", TEST_TOTAL),
    )


SOURCE = Source(
    name="mnist",
    title="MNIST, handwritten digits as images, the four idx files",
    steps=10,
    window_us=None,
    size=SIZE,
    sensor=SIZE,
    open=open_mnist,
    from_folder=True,
    encoding="direct",
)
