"""``digits``: real handwritten digits, seen by an event camera that makes three saccades.

The 1,797 images of 8x8 pixels that come with scikit-learn (Alpaydin and Kaynak, Optical Recognition
of Handwritten Digits, UCI, 1998; no network needed) are shown to the camera model as N-MNIST's
images were to a real one: the view moves along a triangle, one side after the other. Over all
frames together the camera sees every edge under three directions of motion.

The recording fills the time that the frames cover: with fewer or shorter windows the eye moves
faster.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host.datasets.content import Content, Request, Source
from host.datasets.data_set import DataSetError, Store
from host.datasets.event_camera import EventCamera
from host.datasets.keyed_random import keyed_order

TEST_SIZE = 500
"""Images of the test split, 50 of each digit; the other 1,297 are for training."""

_CELLS = 8
_SUBSTEPS = 4  # pictures per window: an edge moves by less than half a pixel between two
_DARK = 0.15  # intensity of the background; ink is 1, so the contrast is ln(1.15 / 0.15) = 2.0
# Corners of the path in units of the sensor's edge, as N-MNIST's: (3.5, 7), (3.5, -7), (-7, 0)
# pixels of 34. The first corner puts the middle of the triangle in the middle of the sensor.
_SIDES = np.array([(3.5, 7.0), (3.5, -7.0), (-7.0, 0.0)]) / 34.0
_PITCH = 28.0 / 34.0 / _CELLS  # a cell of the image in units of the sensor's edge


def saccades(times: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the view is at times in 0 ... 1: (x, y) in units of the sensor's edge.

    Each side of the triangle takes a third of the time. The speed is a raised one, half of it
    constant and half a bell, so that there are events in every window.
    """
    side = np.minimum((times * 3).astype(np.int64), 2)
    part = times * 3 - side
    eased = 0.5 * part + 0.5 * part * part * (3.0 - 2.0 * part)
    corners = np.vstack([np.zeros(2), np.cumsum(_SIDES, axis=0)])
    middle = (corners.min(axis=0) + corners.max(axis=0)) / 2.0
    path: NDArray[np.float64] = corners[side] + eased[:, None] * _SIDES[side] - middle
    return path


def _spline(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cubic B-spline: the soft edge of a lens, and a sum of one over all cells."""
    far = np.maximum(2.0 - np.abs(distance), 0.0)
    near = np.maximum(1.0 - np.abs(distance), 0.0)
    weight: NDArray[np.float64] = (far**3 - 4.0 * near**3) / 6.0
    return weight


@dataclass(frozen=True, eq=False)
class _Projector:
    """Moving pictures of an 8x8 image; the weights of all positions are made once."""

    rows: NDArray[np.float64]
    columns: NDArray[np.float64]

    @classmethod
    def make(cls, size: int, steps: int) -> _Projector:
        times = np.arange(steps * _SUBSTEPS + 1) / (steps * _SUBSTEPS)
        pixels = (np.arange(size) + 0.5) / size - 0.5
        cells = np.arange(_CELLS) + 0.5 - _CELLS / 2.0
        path = saccades(times)
        x = (pixels[None, :] - path[:, 0, None]) / _PITCH
        y = (pixels[None, :] - path[:, 1, None]) / _PITCH
        return cls(
            rows=_spline(y[:, :, None] - cells),
            columns=_spline(x[:, :, None] - cells).transpose(0, 2, 1).copy(),
        )

    def show(self, image: NDArray[np.float64]) -> NDArray[np.float64]:
        return _DARK + self.rows @ (image / 16.0) @ self.columns


def _images() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    try:
        module = importlib.import_module("sklearn.datasets")
    except ImportError as error:
        raise DataSetError(
            "data set 'digits' needs scikit-learn: pip install scikit-learn"
        ) from error
    bunch = module.load_digits()
    return np.asarray(bunch.images, dtype=np.float64), np.asarray(bunch.target, dtype=np.int64)


def split_rows(labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows for training and for test: 50 of each digit, the same for every seed."""
    shuffled = keyed_order(len(labels), 0x6469676974)
    per_class = TEST_SIZE // 10
    test = np.concatenate([shuffled[labels[shuffled] == c][:per_class] for c in range(10)])
    return np.setdiff1d(np.arange(len(labels)), test), np.sort(test)


def open_digits(request: Request) -> Content:
    """Open the data set; the images are turned into events one by one when asked for."""
    framing = request.framing
    images, labels = _images()
    camera = EventCamera(framing.sensor, seed=request.seed)
    projector = _Projector.make(framing.sensor, framing.steps)
    # A window that _SUBSTEPS does not divide: the pictures end at most 3 us before it does.
    step_us = max(1, framing.window_us // _SUBSTEPS)

    def store(rows: NDArray[np.int64]) -> Store:
        def render(index: int) -> dict[int, NDArray[np.uint8]]:
            row = int(rows[index])
            events = camera.record(projector.show(images[row]), step_us, request.seed, row)
            return {index: framing.frames(events)}

        names = [f"image {row}" for row in rows]
        return Store(framing, names, labels[rows], render, cache_bytes=request.cache_bytes)

    train, test = split_rows(labels)
    return Content(tuple(str(c) for c in range(10)), store(train), store(test))


SOURCE = Source(
    name="digits",
    title="scikit-learn's handwritten digits through an event-camera model with saccades (offline)",
    steps=20,
    window_us=15_000,
    size=16,
    sensor=None,
    open=open_digits,
)
