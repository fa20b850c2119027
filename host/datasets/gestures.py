"""``gestures``: generated moving patterns whose class is in the motion alone.

A random scene of blobs and bars, some brighter and some darker than the background, moves in one of
eight ways before an event camera. Scenes of all classes are drawn from one distribution, which does
not change when contrast is inverted, and every motion is the time reversal of another class's.
Because a bright edge that goes left makes the events of a dark one that goes right, neither a
single frame nor the sum of all frames tells a motion from its reversal: without the order of frames
at best one in two is right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from host.datasets.content import Content, Request, Source
from host.datasets.data_set import Store
from host.datasets.event_camera import EventCamera
from host.datasets.frames import check_positive
from host.datasets.keyed_random import keyed_order, keyed_uniform

CLASS_NAMES = ("left", "right", "up", "down", "clockwise", "anticlockwise", "expand", "contract")

_SUBSTEPS = 4  # pictures per window
_SHAPES = 28  # on a scene of (2 * _REACH)**2; about seven are in view at any time
_REACH = 2.0  # half the edge of the scene; half the sensor's edge is 1
_TRAVEL = (1.2, 2.0)  # way of a translation during the recording, half edges
_TURN = (1.6, 2.8)  # angle of a rotation during the recording [rad]
_ZOOM = (0.8, 1.2)  # logarithm of the scale of an expansion during the recording
_CONTRAST = (0.8, 1.5)  # logarithm of a shape's intensity
_SCENE, _PARAMETERS, _CAMERA = 1, 2, 3


def _between(draw: NDArray[np.float64], bounds: tuple[float, float]) -> NDArray[np.float64]:
    return bounds[0] + draw * (bounds[1] - bounds[0])


def _scene(points: NDArray[np.float64], key: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the logarithm of the intensity of a random scene at points (..., 2)."""
    draw = keyed_uniform(7 * _SHAPES, *key, _SCENE).reshape(7, _SHAPES)
    centre = _between(draw[:2], (-_REACH, _REACH))
    angle = np.pi * draw[2]
    width = _between(draw[3], (0.10, 0.16))
    length = np.where(draw[4] < 0.5, width, width * _between(draw[5], (2.0, 4.0)))
    contrast = _between(np.abs(2.0 * draw[6] - 1.0), _CONTRAST) * np.where(draw[6] < 0.5, 1, -1)
    flat = points.reshape(-1, 2)
    level = np.zeros(len(flat))
    for shape in range(_SHAPES):
        dx = flat[:, 0] - centre[0, shape]
        dy = flat[:, 1] - centre[1, shape]
        near = np.flatnonzero(dx * dx + dy * dy < (4.0 * length[shape]) ** 2)
        dx, dy = dx[near], dy[near]
        cosine, sine = np.cos(angle[shape]), np.sin(angle[shape])
        along = (dx * cosine + dy * sine) / length[shape]
        across = (dy * cosine - dx * sine) / width[shape]
        level[near] += contrast[shape] * np.exp(-0.5 * (along * along + across * across))
    return level.reshape(points.shape[:-1])


def _view(label: int, size: int, pictures: int, key: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the points of the scene that the pixels see, shape (pictures, size, size, 2)."""
    speed, x, y, sway, phase = keyed_uniform(5, *key, _PARAMETERS)
    pixels = (np.arange(size) + 0.5) / (size / 2.0) - 1.0
    grid = np.stack(np.meshgrid(pixels, pixels), axis=-1)
    # Time runs from -1/2 to 1/2, so that a motion backwards is the same motion reversed. The speed
    # sways by up to 30 % in a sine whose phase is random.
    linear = np.linspace(-0.5, 0.5, pictures)
    depth, offset = 0.3 * sway / (2.0 * np.pi), 2.0 * np.pi * phase
    time = linear + depth * np.sin(2.0 * np.pi * linear + offset)
    way = time if label % 2 else -time
    kind = label // 2
    if kind < 2:
        shift = np.zeros((pictures, 1, 1, 2))
        # The view moves against the pattern: rows count downwards, so "up" is towards row 0.
        shift[..., kind] = (-way * float(_between(speed, _TRAVEL)))[:, None, None]
        # A slight drift across the direction, the same for both ways.
        shift[..., 1 - kind] = ((x - 0.5) * 0.4 * np.abs(time))[:, None, None]
        return grid + shift
    centre = (np.array([x, y]) - 0.5) * 0.4
    arm = grid - centre
    if kind == 2:
        # In rows that count downwards a positive angle is clockwise to the eye.
        angle = way * float(_between(speed, _TURN))
        cosine, sine = (f(angle)[:, None, None] for f in (np.cos, np.sin))
        turned = [
            cosine * arm[..., 0] - sine * arm[..., 1],
            sine * arm[..., 0] + cosine * arm[..., 1],
        ]
        return centre + np.stack(turned, axis=-1)
    scale = np.exp(way * float(_between(speed, _ZOOM)))
    return centre + scale[:, None, None, None] * arm


def open_gestures(
    request: Request, *, train_per_class: int = 300, test_per_class: int = 50
) -> Content:
    """Open the data set; recordings are generated one by one when asked for.

    Parameters
    ----------
    request
        Frames and seed.
    train_per_class, test_per_class
        Number of recordings of each class.
    """
    framing = request.framing
    camera = EventCamera(framing.sensor, noise_hz=1.0, seed=request.seed)
    step_us = max(1, framing.window_us // _SUBSTEPS)
    pictures = framing.steps * _SUBSTEPS + 1

    def store(split: int, per_class: int) -> Store:
        # A permutation of the classes after the other: fewer recordings are the first of more.
        rounds = [keyed_order(len(CLASS_NAMES), request.seed, split, i) for i in range(per_class)]
        labels = np.concatenate(rounds)

        def render(index: int) -> dict[int, NDArray[np.uint8]]:
            key = (request.seed, split, index)
            points = _view(int(labels[index]), framing.sensor, pictures, key)
            events = camera.record(np.exp(_scene(points, key)), step_us, *key, _CAMERA)
            return {index: framing.frames(events)}

        kind = ("train", "test")[split]
        names = [f"{kind} {index}" for index in range(len(labels))]
        return Store(framing, names, labels, render, cache_bytes=request.cache_bytes)

    return Content(
        CLASS_NAMES,
        store(0, check_positive("train_per_class", train_per_class)),
        store(1, check_positive("test_per_class", test_per_class)),
    )


SOURCE = Source(
    name="gestures",
    title="generated moving patterns: four directions, two rotations, expansion and contraction",
    steps=20,
    window_us=15_000,
    size=16,
    sensor=None,
    open=open_gestures,
    options=(("train_per_class", 300), ("test_per_class", 50)),
)
