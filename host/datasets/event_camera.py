"""A model of an event camera: moving pictures in, ON and OFF events out.

Each pixel remembers the logarithm of the intensity at its last event and emits an event whenever
the present one differs by its threshold. What makes real cameras imperfect is modelled too: pixels
differ in their thresholds (a fixed pattern of the camera), start at an unknown phase between two
thresholds, and emit background events now and then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host.datasets.frames import Events, check_positive
from host.datasets.keyed_random import keyed_normal, keyed_uniform

_GRID = float(1 << 20)
"""Log intensities and thresholds are multiples of 1/_GRID: their sums are exact in float64."""

_FIXED_PATTERN, _PHASE, _NOISE = 1, 2, 3


@dataclass(frozen=True)
class EventCamera:
    """A square event camera.

    Parameters
    ----------
    size
        Edge of the sensor [pixels].
    threshold
        Mean contrast threshold [natural logarithm of intensity].
    mismatch
        Standard deviation of a pixel's threshold, relative to the mean.
    noise_hz
        Background events per pixel, both polarities together [1/s].
    seed
        Which camera: the fixed pattern of its thresholds.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    """

    size: int
    threshold: float = 0.25
    mismatch: float = 0.04
    noise_hz: float = 0.5
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        check_positive("size", self.size)
        if not self.threshold > 0:
            raise ValueError(f"threshold must be positive, not {self.threshold!r}")
        if not 0 <= self.mismatch <= 0.15:  # keyed_normal ends at 6: thresholds stay positive
            raise ValueError(f"mismatch must be 0 ... 0.15, not {self.mismatch!r}")
        if not self.noise_hz >= 0:
            raise ValueError(f"noise_hz must not be negative, not {self.noise_hz!r}")

    def thresholds(self) -> NDArray[np.float64]:
        """Return the thresholds of OFF and ON, shape (2, size, size)."""
        spread = keyed_normal(2 * self.size**2, self.seed, _FIXED_PATTERN)
        values = self.threshold * (1.0 + self.mismatch * spread)
        return (np.rint(values * _GRID) / _GRID).reshape(2, self.size, self.size)

    def record(self, intensity: NDArray[np.float64], step_us: int, *key: int) -> Events:
        """Record moving pictures.

        Parameters
        ----------
        intensity : (S + 1, size, size)
            Positive intensity at the times 0, step_us ... S * step_us; linear in its logarithm
            between them.
        step_us
            Time between two pictures [us].
        key
            Key of the recording's own random numbers (phase and background events).

        Returns
        -------
        events
            Sorted by time, 0 <= t < S * step_us.

        Raises
        ------
        ValueError
            If the shape does not fit the sensor or an intensity is not positive.
        """
        check_positive("step_us", step_us)
        if intensity.ndim != 3 or intensity.shape[1:] != (self.size, self.size):
            raise ValueError(
                f"intensity must have shape (S + 1, {self.size}, {self.size}), "
                f"not {intensity.shape!r}"
            )
        if len(intensity) < 2:
            raise ValueError(f"intensity must have at least 2 pictures, not {len(intensity)}")
        if not float(intensity.min()) > 0:
            raise ValueError(f"intensity must be positive, not {float(intensity.min())!r}")
        level = np.rint(np.log(intensity) * _GRID) / _GRID
        changes = self._changes(level, step_us, key)
        noise = self._noise(len(level) - 1, step_us, key)
        x, y, polarity, t_us = (np.concatenate(pair) for pair in zip(changes, noise, strict=True))
        order = np.lexsort((polarity, x, y, t_us))
        return Events(x[order], y[order], polarity[order], t_us[order])

    def _changes(
        self, level: NDArray[np.float64], step_us: int, key: tuple[int, ...]
    ) -> tuple[NDArray[np.int64], ...]:
        steps = len(level) - 1
        off, on = self.thresholds()
        phase = keyed_uniform(self.size**2, *key, _PHASE).reshape(self.size, self.size) - 0.5
        memory = level[0] + np.rint(phase * np.minimum(off, on) * _GRID) / _GRID
        before = np.empty((steps, self.size, self.size))
        count = np.empty((steps, self.size, self.size))
        for step in range(steps):
            difference = level[step + 1] - memory
            theta = np.where(difference > 0, on, off)
            number = np.trunc(difference / theta)
            before[step] = memory
            count[step] = number
            memory = memory + number * theta
        places = np.nonzero(count)
        signed = count[places]
        times = np.abs(signed).astype(np.int64)
        first = np.cumsum(times) - times
        nth = np.arange(int(times.sum())) - np.repeat(first, times) + 1
        at, y, x = (np.repeat(value, times) for value in places)
        polarity = np.repeat((signed > 0).astype(np.int64), times)
        theta = np.where(polarity == 1, on[y, x], -off[y, x])
        start, end = level[at, y, x], level[at + 1, y, x]
        crossing = before[at, y, x] + nth * theta
        part = (crossing - start) / np.where(end == start, 1.0, end - start)
        inside = np.clip(np.floor(part * step_us), 0, step_us - 1).astype(np.int64)
        return x, y, polarity, at * step_us + inside

    def _noise(
        self, steps: int, step_us: int, key: tuple[int, ...]
    ) -> tuple[NDArray[np.int64], ...]:
        duration_us = steps * step_us
        chance = self.noise_hz * step_us * 1e-6
        draws = keyed_uniform(steps * self.size**2, *key, _NOISE)
        (place,) = np.nonzero(draws < chance)
        # A draw below the chance is uniform below it: its upper half is ON, the rest of it time.
        rest = draws[place] / chance if chance else draws[place]
        polarity = (rest >= 0.5).astype(np.int64)
        inside = np.floor((2.0 * rest - polarity) * step_us).astype(np.int64)
        step, pixel = np.divmod(place, self.size**2)
        y, x = np.divmod(pixel, self.size)
        t_us = np.minimum(step * step_us + np.clip(inside, 0, step_us - 1), duration_us - 1)
        return x, y, polarity, t_us
