"""``tinyesimagenet``: 200 classes of ES-ImageNet, photographs turned into events by software.

Lin et al. 2021, doi 10.3389/fnins.2021.726582. ES-ImageNet moves each photograph of ImageNet along
a path of eight steps and stores where it got brighter or darker. Any 200 of its 1,000 classes will
do, and any part of their recordings. Two layouts are read, each split by what there is for it:

- lists, as published: ``trainlabel.txt`` and ``vallabel.txt`` beside the folders ``train`` and
  ``val``, with the lines file, number of the class, height and width of the photograph. To choose
  classes keep their lines (``grep -E ' (0|5|12) [0-9]+ [0-9]+$'``); a file that is not there is
  passed over.
- folders: ``train/<class>/*.npz`` and ``val/<class>/*.npz``, without a list.

A file is an npz with the arrays ``pos`` (ON) and ``neg`` (OFF), unsigned bytes of shape (events, 3)
with the columns row, column and step 1 ... 8. The step is the number of the frame: there is no
time, and no window. A photograph, 254 pixels long, goes to the middle of a canvas of 256x256 if its
size is in a list and otherwise stays at the upper left; 4x4 pixels of the canvas are one of a frame
of 64x64.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets.class_folders import Files, list_files
from host.datasets.content import Content, Request, Source
from host.datasets.data_set import DataSetError
from host.datasets.folders import find_folder, read_bytes
from host.datasets.frames import Events

CANVAS = 256
STEPS = 8
CLASSES = 200

_LONGEST = 254
_SPLITS = ("train", "val")
Margins = tuple[int, int]


@dataclass(frozen=True)
class _Recording:
    """A file, the name of its class, and rows and columns between canvas and photograph."""

    path: Path
    class_name: str
    margins: Margins = (0, 0)


def read_events(path: Path, margins: Margins = (0, 0)) -> Events:
    """Return the events of a file; their time is the number of their frame.

    Parameters
    ----------
    path
        The file.
    margins
        Rows and columns to move all events by.

    Raises
    ------
    DataSetError
        If the file is damaged, lacks an array, or holds an event outside the canvas.
    """
    content = read_bytes(path)
    parts = {name: _array(content, path, name) for name in ("neg", "pos")}
    for name, part in parts.items():
        columns = (("row", CANVAS - 1), ("column", CANVAS - 1), ("step", STEPS))
        part[:, :2] += margins
        for column, (what, limit) in enumerate(columns):
            lowest = 1 if what == "step" else 0
            wrong = np.flatnonzero((part[:, column] < lowest) | (part[:, column] > limit))
            if len(wrong):
                first = wrong[0]
                raise DataSetError(
                    f"{path}: {name}: {what} of event {first} must be {lowest} ... {limit}, "
                    f"not {part[first, column]}"
                )
    polarity = np.repeat([0, 1], [len(part) for part in parts.values()])
    row, column, step = np.concatenate(list(parts.values())).T
    return Events(x=column, y=row, polarity=polarity, t_us=step - 1)


def _array(content: bytes, path: Path, name: str) -> NDArray[np.int64]:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            if not isinstance(stored, np.lib.npyio.NpzFile):
                raise ValueError("it is no archive of arrays")
            there = list(stored.files)
            array = stored[name] if name in there else None
    except Exception as error:  # zipfile, zlib and numpy each raise their own for damaged bytes
        raise DataSetError(
            f"{path}: damaged npz file of {len(content)} bytes ({type(error).__name__}: {error}): "
            "fetch it again"
        ) from error
    if array is None:
        raise DataSetError(
            f"{path}: array {name!r} is missing; the file holds {', '.join(there) or 'nothing'}"
        )
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "iu":
        raise DataSetError(
            f"{path}: {name} must be integers of shape (events, 3), not {array.dtype} of shape "
            f"{array.shape!r}"
        )
    return array.astype(np.int64)


def read_list(path: Path, folder: Path) -> list[_Recording]:
    """Return the recordings of a list that are in the folder.

    Parameters
    ----------
    path
        ``trainlabel.txt`` or ``vallabel.txt``.
    folder
        What its names are relative to.

    Raises
    ------
    DataSetError
        If a line is not a name and three numbers that make sense.
    """
    recordings = []
    for number, line in enumerate(read_bytes(path).decode("utf-8", "replace").splitlines(), 1):
        if not line.strip():
            continue
        name, *rest = line.split()
        if len(rest) != 3 or not all(part.isascii() and part.isdigit() for part in rest):
            raise DataSetError(
                f"{path}: line {number} must be 'file class height width', not {line!r}"
            )
        label, height, width = (int(part) for part in rest)
        if not (1 <= height <= _LONGEST and 1 <= width <= _LONGEST):
            raise DataSetError(
                f"{path}: height and width in line {number} must be 1 ... {_LONGEST}, "
                f"not {height} and {width}"
            )
        margins = (_LONGEST - height) // 2, (_LONGEST - width) // 2
        if (folder / name).is_file():
            recordings.append(_Recording(folder / name, f"class{label}", margins))
    return recordings


def _sorted(class_names: set[str]) -> list[str]:
    """Return names in order, class2 before class10."""
    return sorted(class_names, key=lambda name: (len(name), name))


def _find(folder: Path, split: str) -> list[_Recording]:
    where, listing = folder / split, folder / f"{split}label.txt"
    if listing.is_file():
        found = read_list(listing, where)
        if not found:
            raise DataSetError(
                f"tinyesimagenet: none of the files listed in {listing} is in {where}"
            )
        return found
    names = _sorted({entry.name for entry in where.iterdir() if entry.is_dir()})
    files = list_files(where, names, ".npz")
    if not len(files):
        raise DataSetError(
            f"tinyesimagenet: no recording in {where}: expected {split}/<class>/*.npz, or a list "
            f"{listing.name} beside {split}"
        )
    pairs = zip(files.paths, files.labels, strict=True)
    return [_Recording(path, names[label]) for path, label in pairs]


def open_tinyesimagenet(request: Request) -> Content:
    """Open the folder; recordings are read one by one when asked for."""
    folder = find_folder(
        "tinyesimagenet",
        request.data_dir,
        inner=("Tiny-ES-ImageNet", "tinyesimagenet", "ES-imagenet-0.18"),
        complete=lambda path: all((path / split).is_dir() for split in _SPLITS),
        expected="folders train and val with <class>/*.npz, or with lists trainlabel.txt and "
        "vallabel.txt beside them",
    )
    train, test = (_find(folder, split) for split in _SPLITS)
    class_names = _sorted({x.class_name for x in train})
    if len(class_names) > CLASSES:
        raise DataSetError(
            f"tinyesimagenet: {folder / 'train'} must hold at most {CLASSES} classes, not "
            f"{len(class_names)}: of ES-ImageNet keep the lists' lines, or the folders, of "
            f"{CLASSES}"
        )
    strange = _sorted({x.class_name for x in test} - set(class_names))
    if strange:
        raise DataSetError(
            f"tinyesimagenet: classes of {folder / 'val'} must be those of train, "
            f"not {', '.join(strange[:3])}{' ...' if len(strange) > 3 else ''}"
        )
    label_of = {name: label for label, name in enumerate(class_names)}
    margins = {x.path: x.margins for x in (*train, *test)}

    def files(found: list[_Recording]) -> Files:
        return Files(tuple(x.path for x in found), tuple(label_of[x.class_name] for x in found))

    def read(path: Path) -> Events:
        return read_events(path, margins[path])

    stores = (files(found).store(folder, request, read) for found in (train, test))
    return Content(tuple(class_names), *stores)


SOURCE = Source(
    name="tinyesimagenet",
    title="Tiny-ES-ImageNet, 200 classes of photographs turned into events, npz files",
    steps=STEPS,
    window_us=None,
    size=64,
    sensor=CANVAS,
    open=open_tinyesimagenet,
    from_folder=True,
)
