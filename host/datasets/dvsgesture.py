"""``dvsgesture``: DvsGesture, eleven hand and arm gestures before a 128x128 event camera.

Amir et al. 2017, doi 10.1109/CVPR.2017.781. Two layouts are read, found by what the folder holds:

- IBM's original: ``trials_to_train.txt`` and ``trials_to_test.txt`` name AEDAT 3.1 files; beside
  each ``user.._... .aedat`` lies ``..._labels.csv`` with the lines class (1 ... 11), start and end
  of a trial [us]. A recording is the events of a trial, start <= t < end.
- tonic's: ``ibmGestureTrain/user.._.../<label>.npy`` and ``ibmGestureTest/...``; arrays with the
  columns x, y, polarity and time **in ms**, a file per trial, labels from 0.

Windows are counted from the first event of a trial in both. The order of events does not matter to
frames and is not checked. Any part of the recordings will do.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets.aedat import read_aedat
from host.datasets.content import Content, Request, Source
from host.datasets.data_set import DataSetError, Store
from host.datasets.folders import find_folder, read_bytes
from host.datasets.frames import Events, Framing

SENSOR = 128
CLASS_NAMES = (
    "hand clapping",
    "right hand wave",
    "left hand wave",
    "right arm clockwise",
    "right arm counter-clockwise",
    "left arm clockwise",
    "left arm counter-clockwise",
    "arm roll",
    "air drums",
    "air guitar",
    "other gestures",
)

_IBM_LISTS = ("trials_to_train.txt", "trials_to_test.txt")
_IBM_TOTALS = (1176, 288)  # trials of the 98 and 24 files listed
_TONIC_FOLDERS = ("ibmGestureTrain", "ibmGestureTest")
_TONIC_TOTALS = (1077, 264)  # a file per user, light and class


@dataclass(frozen=True)
class _Trial:
    """A line of a ``_labels.csv``."""

    path: Path
    number: int
    label: int
    start_us: int
    end_us: int


def read_labels(path: Path) -> list[tuple[int, int, int]]:
    """Return (label from 0, start [us], end [us]) of each line of a ``_labels.csv``.

    Raises
    ------
    DataSetError
        If the file is missing or a line is not three integers that make sense.
    """
    lines = read_bytes(path).decode("utf-8", "replace").splitlines()
    rows: list[tuple[int, int, int]] = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or (number == 1 and line.lstrip().startswith("class")):
            continue
        try:
            label, start, end = (int(part) for part in line.split(","))
        except ValueError as error:
            raise DataSetError(
                f"{path}: line {number} must be 'class,startTime_usec,endTime_usec', not {line!r}"
            ) from error
        if not 1 <= label <= len(CLASS_NAMES):
            raise DataSetError(
                f"{path}: class in line {number} must be 1 ... {len(CLASS_NAMES)}, not {label!r}"
            )
        if not 0 <= start < end:
            raise DataSetError(
                f"{path}: line {number} must start before it ends, not {start!r} ... {end!r}"
            )
        rows.append((label - 1, start, end))
    return rows


def read_npy_events(path: Path) -> Events:
    """Return the events of one of tonic's files, times converted from ms to us.

    Raises
    ------
    DataSetError
        If the file is cut, is no array of four columns, or holds an impossible event; the message
        names the byte.
    """
    content = read_bytes(path)
    stream = io.BytesIO(content)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        else:
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    except (ValueError, EOFError) as error:
        raise DataSetError(
            f"{path}: corrupt at byte {stream.tell()}: no npy header ({error})"
        ) from error
    start = stream.tell()
    if len(shape) != 2 or shape[1] != 4 or dtype.kind not in "iuf":
        raise DataSetError(
            f"{path}: corrupt at byte 0: events must be numbers of shape (N, 4), "
            f"not {dtype} of shape {shape!r}"
        )
    needed = shape[0] * 4 * dtype.itemsize
    if len(content) - start < needed:
        raise DataSetError(
            f"{path}: truncated at byte {len(content)}: the array needs {needed} bytes from byte "
            f"{start}, {len(content) - start} are left"
        )
    flat = np.frombuffer(content, dtype=dtype, count=shape[0] * 4, offset=start)
    rows = flat.reshape(4, -1).T if fortran else flat.reshape(-1, 4)
    stride = dtype.itemsize if fortran else 4 * dtype.itemsize
    limits = (("x", SENSOR - 1), ("y", SENSOR - 1), ("polarity", 1), ("time", 2**42))
    for column, (name, limit) in enumerate(limits):
        value = rows[:, column]
        wrong = ~((value >= 0) & (value <= limit))  # NaN is wrong too
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            column_start = column * (len(rows) if fortran else 1) * dtype.itemsize
            place = start + column_start + first * stride
            raise DataSetError(
                f"{path}: corrupt at byte {place}: {name} of event {first} must be 0 ... {limit}, "
                f"not {value[first].item()!r}"
            )
    t_us = np.rint(rows[:, 3].astype(np.float64) * 1000.0).astype(np.int64)
    x, y, polarity = (rows[:, column].astype(np.int64) for column in range(3))
    return Events(x, y, polarity, t_us)


def _tonic_store(folder: Path, split: int, request: Request) -> Store:
    where = folder / _TONIC_FOLDERS[split]
    paths = sorted(
        where.glob("user*/*.npy"), key=lambda path: (path.parent.name, len(path.name), path.name)
    )
    labels = []
    for path in paths:
        if not re.fullmatch(r"\d+", path.stem) or int(path.stem) >= len(CLASS_NAMES):
            raise DataSetError(
                f"{path}: name must be a label 0 ... {len(CLASS_NAMES) - 1} and .npy, "
                f"not {path.name!r}"
            )
        labels.append(int(path.stem))
    if not paths:
        raise DataSetError(f"dvsgesture: no recording in {where}: expected user.._.../<label>.npy")

    def render(index: int) -> dict[int, NDArray[np.uint8]]:
        events = read_npy_events(paths[index])
        return {index: request.framing.frames(events, events.first_us)}

    names = [path.relative_to(folder).as_posix() for path in paths]
    return Store(
        request.framing,
        names,
        labels,
        render,
        total=_TONIC_TOTALS[split],
        cache_bytes=request.cache_bytes,
    )


def _trial_frames(framing: Framing, events: Events, trial: _Trial) -> NDArray[np.uint8]:
    inside = (events.t_us >= trial.start_us) & (events.t_us < trial.end_us)
    if not inside.any():
        raise DataSetError(
            f"{trial.path}: no event in trial {trial.number}, "
            f"{trial.start_us} ... {trial.end_us} us, of its _labels.csv"
        )
    part = Events(events.x[inside], events.y[inside], events.polarity[inside], events.t_us[inside])
    return framing.frames(part, part.first_us)


def _ibm_store(folder: Path, split: int, request: Request) -> Store:
    listing = folder / _IBM_LISTS[split]
    trials: list[_Trial] = []
    for line in read_bytes(listing).decode("utf-8", "replace").splitlines():
        name = line.strip()
        path = folder / name
        if not name or not path.is_file():
            continue
        labels = path.with_name(f"{path.stem}_labels.csv")
        trials.extend(
            _Trial(path, number, *row) for number, row in enumerate(read_labels(labels), start=1)
        )
    if not trials:
        raise DataSetError(f"dvsgesture: none of the files listed in {listing} is in {folder}")

    def render(index: int) -> dict[int, NDArray[np.uint8]]:
        # All trials of a file are framed at once: parsing it is what costs.
        path = trials[index].path
        events = read_aedat(path, SENSOR)
        return {
            other: _trial_frames(request.framing, events, trial)
            for other, trial in enumerate(trials)
            if trial.path == path
        }

    return Store(
        request.framing,
        [f"{trial.path.name} trial {trial.number}" for trial in trials],
        [trial.label for trial in trials],
        render,
        total=_IBM_TOTALS[split],
        cache_bytes=request.cache_bytes,
    )


def _is_ibm(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _IBM_LISTS)


def _is_tonic(folder: Path) -> bool:
    return all((folder / name).is_dir() for name in _TONIC_FOLDERS)


def open_dvsgesture(request: Request) -> Content:
    """Open the folder; recordings are read when asked for."""
    folder = find_folder(
        "dvsgesture",
        request.data_dir,
        inner=("DVSGesture", "DvsGesture"),
        complete=lambda path: _is_ibm(path) or _is_tonic(path),
        expected=f"files {' and '.join(_IBM_LISTS)} (IBM's layout) or folders "
        f"{' and '.join(_TONIC_FOLDERS)} (tonic's)",
        tonic_class="DVSGesture",
    )
    store = _ibm_store if _is_ibm(folder) else _tonic_store
    return Content(CLASS_NAMES, store(folder, 0, request), store(folder, 1, request))


SOURCE = Source(
    name="dvsgesture",
    title="DvsGesture, IBM's AEDAT 3.1 files or tonic's npy files",
    steps=60,
    window_us=20_000,
    size=32,
    sensor=SENSOR,
    open=open_dvsgesture,
    from_folder=True,
)
