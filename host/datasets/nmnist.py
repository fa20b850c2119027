"""``nmnist``: N-MNIST, handwritten digits shown to an event camera with three saccades.

Orchard et al. 2015, doi 10.3389/fnins.2015.00437. The folder has tonic's layout,
``Train/<digit>/NNNNN.bin`` and ``Test/<digit>/NNNNN.bin``; any part of the recordings will do.

A file is a list of events of five bytes: x, y, then polarity (1 bit, 1 = ON) and time in us (23
bits), big-endian. An event at y = 240 is none: it adds 2**13 us to the times that follow it.
Windows are counted from time 0 of the recording, when the first saccade starts.

This reader exists beside tonic's ``read_mnist_file`` because that one takes any bytes for events.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host.datasets.content import Content, Request, Source
from host.datasets.data_set import DataSetError, Store
from host.datasets.folders import find_folder, read_bytes
from host.datasets.frames import Events

SENSOR = 34
EVENT_BYTES = 5
TRAIN_TOTAL, TEST_TOTAL = 60_000, 10_000

_OVERFLOW_Y = 240
_OVERFLOW_US = 1 << 13


def parse_events(content: bytes, name: str) -> Events:
    """Return the events of a recording's bytes.

    Parameters
    ----------
    content
        The whole file.
    name
        Name of the file, for messages.

    Raises
    ------
    DataSetError
        If the content ends inside an event, an event lies outside the sensor, or time runs
        backwards; the message names the byte.
    """
    whole, rest = divmod(len(content), EVENT_BYTES)
    if rest:
        raise DataSetError(
            f"{name}: truncated at byte {whole * EVENT_BYTES}: {rest} bytes are left of an event "
            f"of {EVENT_BYTES} (the file has {len(content)})"
        )
    raw = np.frombuffer(content, dtype=np.uint8).reshape(whole, EVENT_BYTES).astype(np.int64)
    x, y = raw[:, 0], raw[:, 1]
    t_us = (raw[:, 2] & 0x7F) << 16 | raw[:, 3] << 8 | raw[:, 4]
    overflow = y == _OVERFLOW_Y
    t_us = t_us + np.cumsum(overflow) * _OVERFLOW_US
    real = np.flatnonzero(~overflow)
    x, y, polarity, t_us = x[real], y[real], raw[real, 2] >> 7, t_us[real]
    outside = np.flatnonzero((x >= SENSOR) | (y >= SENSOR))
    if len(outside):
        first = outside[0]
        raise DataSetError(
            f"{name}: corrupt at byte {real[first] * EVENT_BYTES}: event at x = {x[first]}, "
            f"y = {y[first]} is outside the {SENSOR}x{SENSOR} sensor"
        )
    backwards = np.flatnonzero(np.diff(t_us) < 0)
    if len(backwards):
        first = backwards[0] + 1
        raise DataSetError(
            f"{name}: corrupt at byte {real[first] * EVENT_BYTES}: time goes back from "
            f"{t_us[first - 1]} to {t_us[first]} us"
        )
    return Events(x, y, polarity, t_us)


def read_events(path: Path) -> Events:
    """Return the events of a file; errors name the file and the byte."""
    return parse_events(read_bytes(path), str(path))


def _is_complete(folder: Path) -> bool:
    return (folder / "Train").is_dir() and (folder / "Test").is_dir()


def _list(folder: Path, split: str) -> tuple[list[Path], list[int]]:
    """Return files and labels of a split, by digit and then by name; sizes are checked here.

    A cut file is so found before training starts, at the cost of a directory scan.
    """
    paths: list[Path] = []
    labels: list[int] = []
    for digit in range(10):
        where = folder / split / str(digit)
        if not where.is_dir():
            continue
        with os.scandir(where) as entries:
            files = sorted(
                (entry.name, entry.stat().st_size)
                for entry in entries
                if entry.name.endswith(".bin") and entry.is_file()
            )
        for name, size in files:
            if size == 0 or size % EVENT_BYTES:
                read_events(where / name)  # raises, with the reason
        paths.extend(where / name for name, _ in files)
        labels.extend([digit] * len(files))
    if not paths:
        raise DataSetError(
            f"nmnist: no recording in {folder / split}: expected {split}/<digit>/NNNNN.bin"
        )
    return paths, labels


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
    framing = request.framing

    def store(split: str, total: int) -> Store:
        paths, labels = _list(folder, split)

        def render(index: int) -> dict[int, NDArray[np.uint8]]:
            return {index: framing.frames(read_events(paths[index]))}

        names = [path.relative_to(folder).as_posix() for path in paths]
        return Store(framing, names, labels, render, total=total, cache_bytes=request.cache_bytes)

    return Content(
        tuple(str(digit) for digit in range(10)),
        store("Train", TRAIN_TOTAL),
        store("Test", TEST_TOTAL),
    )


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
