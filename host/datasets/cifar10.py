"""``cifar10``: colour photographs of ten classes of things, by direct encoding (Krizhevsky 2009).

The folder holds one of the two original layouts, each of five batches for training and one for
test: the Python version, ``cifar-10-batches-py/data_batch_1`` ... ``test_batch``, or the binary
version, ``cifar-10-batches-bin/data_batch_1.bin`` ... ``test_batch.bin``. A batch may hold fewer
images than the original's 10,000.

An image is 3,072 bytes: 32x32 of red, of green, of blue. In a binary batch the label's byte comes
before it; a Python batch is a pickled dictionary with an array ``data`` and a list ``labels``,
which is read without running anything that the file names (`host.datasets.safe_pickle`).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets.content import Content, ImageRequest, Source
from host.datasets.data_set import DataSetError
from host.datasets.folders import find_folder, read_bytes
from host.datasets.images import ImageStore
from host.datasets.safe_pickle import StoredArray, read_pickle

SIZE, CHANNELS = 32, 3
CLASS_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
TRAIN_TOTAL, TEST_TOTAL = 50_000, 10_000

_IMAGE_BYTES = SIZE * SIZE * CHANNELS
_RECORD_BYTES = 1 + _IMAGE_BYTES
_TRAIN = tuple(f"data_batch_{number}" for number in range(1, 6))
_TEST = ("test_batch",)

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images, shape (number, 3072), and their labels."""


def read_binary_batch(path: Path) -> Batch:
    """Return images and labels of a batch of the binary version.

    Raises
    ------
    DataSetError
        If the file ends inside an image or a label is no class; the message names the byte.
    """
    content = read_bytes(path)
    whole, rest = divmod(len(content), _RECORD_BYTES)
    if rest:
        raise DataSetError(
            f"{path}: truncated at byte {len(content) - rest}: {rest} bytes are left of a label "
            f"and an image of {_RECORD_BYTES}"
        )
    records = np.frombuffer(content, np.uint8).reshape(whole, _RECORD_BYTES)
    labels = records[:, 0].astype(np.int64)
    wrong = np.flatnonzero(labels >= len(CLASS_NAMES))
    if len(wrong):
        first = wrong[0]
        raise DataSetError(
            f"{path}: corrupt at byte {first * _RECORD_BYTES}: label {labels[first]} must be "
            f"0 to {len(CLASS_NAMES) - 1}"
        )
    return records[:, 1:], labels


def read_python_batch(path: Path) -> Batch:
    """Return images and labels of a batch of the Python version.

    Raises
    ------
    DataSetError
        If the file is no such batch, is damaged, or names functions that it does not need.
    """
    batch = read_pickle(path)
    if not isinstance(batch, dict):
        raise DataSetError(f"{path}: must hold a dictionary, not {type(batch).__name__}")
    for field in (b"data", b"labels"):
        if field not in batch:
            raise DataSetError(f"{path}: field {field.decode()!r} is missing")
    data, labels = batch[b"data"], batch[b"labels"]
    if not isinstance(data, StoredArray):
        raise DataSetError(f"{path}: field 'data' must be an array, not {type(data).__name__}")
    images = data.bytes_array(f"{path}: field 'data'")
    if images.ndim != 2 or images.shape[1] != _IMAGE_BYTES or not len(images):
        raise DataSetError(
            f"{path}: field 'data' must have shape (images, {_IMAGE_BYTES}), not {images.shape!r}"
        )
    if not isinstance(labels, list) or len(labels) != len(images):
        number = len(labels) if isinstance(labels, list) else type(labels).__name__
        raise DataSetError(
            f"{path}: field 'labels' must be a list of {len(images)} numbers, not {number}"
        )
    for index, label in enumerate(labels):
        if type(label) is not int or not 0 <= label < len(CLASS_NAMES):
            raise DataSetError(
                f"{path}: label {index} must be 0 to {len(CLASS_NAMES) - 1}, not {label!r}"
            )
    return images, np.array(labels, dtype=np.int64)


def _is_complete(folder: Path, ending: str) -> bool:
    return all((folder / f"{name}{ending}").is_file() for name in (*_TRAIN, *_TEST))


def open_cifar10(request: ImageRequest) -> Content:
    """Open the folder and read all images."""
    folder = find_folder(
        "cifar10",
        request.data_dir,
        inner=("cifar-10-batches-py", "cifar-10-batches-bin"),
        complete=lambda path: _is_complete(path, "") or _is_complete(path, ".bin"),
        expected="data_batch_1 ... data_batch_5 and test_batch, all six without an ending (Python "
        "version) or all with .bin (binary version)",
    )
    pickled = _is_complete(folder, "")

    def store(names: tuple[str, ...], kind: str, total: int) -> ImageStore:
        if pickled:
            batches = [read_python_batch(folder / name) for name in names]
        else:
            batches = [read_binary_batch(folder / f"{name}.bin") for name in names]
        planes = np.concatenate([images for images, _ in batches])
        pixels = planes.reshape(-1, CHANNELS, SIZE, SIZE).transpose(0, 2, 3, 1)
        labels = np.concatenate([labels for _, labels in batches])
        return ImageStore(np.ascontiguousarray(pixels), labels, request.steps, kind, total=total)

    return Content(
        CLASS_NAMES, store(_TRAIN, "train", TRAIN_TOTAL), store(_TEST, "test", TEST_TOTAL)
    )


SOURCE = Source(
    name="cifar10",
    title="CIFAR-10, colour photographs of ten classes, Python or binary version",
    steps=10,
    window_us=None,
    size=SIZE,
    sensor=SIZE,
    open=open_cifar10,
    from_folder=True,
    encoding="direct",
)
