"""Events to binary frames: the one conversion that all data sets share.

A frame is the OR of all events of a window of time, per pixel and polarity. Frames are stored
channel-last, ``(T, H, W, C)``, with C = 2 and polarity 0 (OFF, darker) in channel 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POLARITIES = 2


@dataclass(frozen=True, eq=False)
class Events:
    """Events of an event camera, one array element each.

    Parameters
    ----------
    x, y
        Column and row of the pixel, from the upper left corner.
    polarity
        0 for OFF (darker), 1 for ON (brighter).
    t_us
        Time [us]. The conversion to frames does not need it sorted.

    Raises
    ------
    ValueError
        If the arrays are not flat, of one length and of integers, or a polarity is not 0 or 1.
    """

    x: NDArray[np.integer]
    y: NDArray[np.integer]
    polarity: NDArray[np.integer]
    t_us: NDArray[np.integer]

    def __post_init__(self) -> None:
        """Check lengths, kinds and polarities."""
        for field in ("x", "y", "polarity", "t_us"):
            value = getattr(self, field)
            if value.ndim != 1 or value.dtype.kind not in "iu":
                raise ValueError(
                    f"{field} must be a flat array of integers, not {value.dtype} "
                    f"of shape {value.shape!r}"
                )
            if len(value) != len(self.x):
                raise ValueError(f"{field} must have {len(self.x)} elements, not {len(value)}")
        if len(self) and (int(self.polarity.min()) < 0 or int(self.polarity.max()) > 1):
            wrong = self.polarity[(self.polarity < 0) | (self.polarity > 1)][0]
            raise ValueError(f"polarity must be 0 or 1, not {int(wrong)!r}")

    def __len__(self) -> int:
        """Return the number of events."""
        return len(self.x)

    @property
    def first_us(self) -> int:
        """Time of the earliest event [us], 0 if there is none."""
        return int(self.t_us.min()) if len(self) else 0


def check_positive(name: str, value: object) -> int:
    """Return ``value`` as int if it is an integer of at least 1, refuse it by name if not."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value!r}")
    return int(value)


def default_downsample(sensor: int, size: int) -> int:
    """Return the largest integer factor at which ``size`` pixels still fit the sensor's edge."""
    return max(1, sensor // size)


@dataclass(frozen=True)
class Framing:
    """How events become frames.

    The centre ``size * downsample`` pixels of each edge are kept (one pixel less at the left and
    top if the rest is odd), then squares of ``downsample`` pixels are joined by OR.

    Parameters
    ----------
    sensor
        Edge of the square sensor [pixels].
    steps
        Number of frames T.
    window_us
        Window of time of a frame [us].
    size
        Edge of the frames [pixels].
    downsample
        Sensor pixels per frame pixel along an edge.

    Raises
    ------
    TypeError
        If a value is not an integer.
    ValueError
        If a value is below 1 or the crop is larger than the sensor.
    """

    sensor: int
    steps: int
    window_us: int
    size: int
    downsample: int = 1

    def __post_init__(self) -> None:
        """Check every field."""
        for field in ("sensor", "steps", "window_us", "size", "downsample"):
            check_positive(field, getattr(self, field))
        if self.crop > self.sensor:
            raise ValueError(
                f"size * downsample must be at most the sensor's {self.sensor} pixels, "
                f"not {self.size} * {self.downsample} = {self.crop}"
            )

    @property
    def crop(self) -> int:
        """Edge of the part of the sensor that is kept [pixels]."""
        return self.size * self.downsample

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a frame: (H, W, C)."""
        return self.size, self.size, POLARITIES

    @property
    def duration_us(self) -> int:
        """Time that all frames cover [us]."""
        return self.steps * self.window_us

    def frames(self, events: Events, origin_us: int = 0) -> NDArray[np.uint8]:
        """Convert events to frames.

        Parameters
        ----------
        events
            Events in any order.
        origin_us
            Time at which the first window begins [us]; earlier events are left out, and so are
            those after the last window.

        Returns
        -------
        frames : (T, H, W, C) uint8
            Ones where at least one event fell, else zeros.

        Raises
        ------
        ValueError
            If an event lies outside the sensor.
        """
        result = np.zeros((self.steps, *self.shape), dtype=np.uint8)
        if not len(events):
            return result
        x = events.x.astype(np.int64)
        y = events.y.astype(np.int64)
        for name, value in (("x", x), ("y", y)):
            outside = (value < 0) | (value >= self.sensor)
            if outside.any():
                raise ValueError(
                    f"{name} of an event must be 0 ... {self.sensor - 1}, "
                    f"not {int(value[outside][0])!r}"
                )
        margin = (self.sensor - self.crop) // 2
        x -= margin
        y -= margin
        step = (events.t_us.astype(np.int64) - origin_us) // self.window_us
        keep = (step >= 0) & (step < self.steps)
        keep &= (x >= 0) & (x < self.crop) & (y >= 0) & (y < self.crop)
        x = x[keep] // self.downsample
        y = y[keep] // self.downsample
        result[step[keep], y, x, events.polarity[keep].astype(np.int64)] = 1
        return result
