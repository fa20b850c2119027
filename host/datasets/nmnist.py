"""``nmnist``: N-MNIST, handwritten digits shown to an event camera with three saccades.

Orchard et al. 2015, doi 10.3389/fnins.2015.00437. The folder has tonic's layout,
``Train/<digit>/NNNNN.bin`` and ``Test/<digit>/NNNNN.bin`` (`host.datasets.atis` describes the
files); any part of the recordings will do. Windows are counted from time 0 of the recording, when
the first saccade starts.
"""

from __future__ import annotations

from pathlib import Path

from host.datasets.atis import check_size, read_atis
from host.datasets.class_folders import list_files
from host.datasets.content import Content, Request, Source
from host.datasets.data_set import DataSetError, Store
from host.datasets.folders import find_folder
from host.datasets.frames import Events

SENSOR = 34
CLASS_NAMES = tuple(str(digit) for digit in range(10))
TRAIN_TOTAL, TEST_TOTAL = 60_000, 10_000


def read_events(path: Path) -> Events:
    """Return the events of a file; errors name the file and the byte."""
    return read_atis(path, SENSOR, SENSOR)


def _is_complete(folder: Path) -> bool:
    return (folder / "Train").is_dir() and (folder / "Test").is_dir()


def open_nmnist(request: Request) -> Content:
    """Open the folder; recordings are read one by one when asked for."""
    folder = find_folder(
        "nmnist",
        request.data_dir,
        inner=("NMNIST",),
        complete=_is_complete,
        expected="folders Train and Test with <digit>/NNNNN.bin",
        tonic_class="NMNIST",
    )

    def store(split: str, total: int) -> Store:
        files = list_files(folder / split, CLASS_NAMES, ".bin", check_size)
        if not len(files):
            raise DataSetError(
                f"nmnist: no recording in {folder / split}: expected {split}/<digit>/NNNNN.bin"
            )
        return files.store(folder, request, read_events, total)

    return Content(CLASS_NAMES, store("Train", TRAIN_TOTAL), store("Test", TEST_TOTAL))


SOURCE = Source(
    name="nmnist",
    title="N-MNIST, a folder with Train and Test as tonic stores it",
    steps=30,
    window_us=10_000,
    size=28,
    sensor=SENSOR,
    open=open_nmnist,
    from_folder=True,
)
