"""``cifar10dvs``: CIFAR10-DVS, images of CIFAR-10 moving before a 128x128 event camera.

Li et al. 2017, doi 10.3389/fnins.2017.00309. The folder has the original layout, a folder for each
class with 1,000 files ``<class>/cifar10_<class>_<number>.aedat`` (`host.datasets.aedat2` describes
them); any part of the recordings will do. tonic's copy is in AEDAT 4 and not read.

Rows of the camera are columns of the image, so x and y are exchanged, as other readers of the data
set do. Windows are counted from the first event of a recording.

Nobody has published a split: recordings whose number is a multiple of 10 are for test, 100 of each
class, the others for training.
"""

from __future__ import annotations

from pathlib import Path

from host.datasets.aedat2 import read_aedat2
from host.datasets.cifar10 import CLASS_NAMES
from host.datasets.class_folders import list_files, split_by_number
from host.datasets.content import Content, Request, Source
from host.datasets.data_set import DataSetError
from host.datasets.folders import find_folder
from host.datasets.frames import Events

SENSOR = 128
TRAIN_TOTAL, TEST_TOTAL = 9_000, 1_000


def read_events(path: Path) -> Events:
    """Return the events of a file, upright, from time 0 on."""
    events = read_aedat2(path)
    return Events(events.y, events.x, events.polarity, events.t_us - events.first_us)


def _is_complete(folder: Path) -> bool:
    return any((folder / name).is_dir() for name in CLASS_NAMES)


def open_cifar10dvs(request: Request) -> Content:
    """Open the folder; recordings are read one by one when asked for."""
    folder = find_folder(
        "cifar10dvs",
        request.data_dir,
        inner=("CIFAR10DVS", "CIFAR10-DVS", "cifar10dvs"),
        complete=_is_complete,
        expected="folders airplane ... truck with .aedat files (unpack the zip file of each class)",
    )
    files = list_files(folder, CLASS_NAMES, ".aedat")
    if not len(files):
        if len(list_files(folder, CLASS_NAMES, ".aedat4")):
            raise DataSetError(
                f"cifar10dvs: {folder} holds tonic's .aedat4 files, which are not read: take the "
                "original .aedat files, doi 10.6084/m9.figshare.4724671"
            )
        raise DataSetError(
            f"cifar10dvs: no recording in {folder}: expected <class>/cifar10_<class>_<number>.aedat"
        )
    train, test = split_by_number("cifar10dvs", folder, files)
    return Content(
        CLASS_NAMES,
        train.store(folder, request, read_events, TRAIN_TOTAL),
        test.store(folder, request, read_events, TEST_TOTAL),
    )


SOURCE = Source(
    name="cifar10dvs",
    title="CIFAR10-DVS, images of ten classes moving before an event camera, AEDAT 2.0 files",
    steps=100,
    window_us=5_000,
    size=32,
    sensor=SENSOR,
    open=open_cifar10dvs,
    from_folder=True,
)
