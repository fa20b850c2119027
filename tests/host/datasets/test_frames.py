import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.datasets.frames import Events, Framing, default_downsample

pytestmark = pytest.mark.unit


def as_events(rows):
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    return Events(table[:, 0], table[:, 1], table[:, 2], table[:, 3])


def ones(frames):
    return {tuple(int(v) for v in place) for place in np.argwhere(frames)}


def test_frames_are_time_row_column_polarity():
    framing = Framing(sensor=4, steps=3, window_us=10, size=4)
    frames = framing.frames(as_events([(1, 2, 0, 0), (3, 0, 1, 25), (3, 0, 1, 29)]))
    assert frames.shape == (3, 4, 4, 2)
    assert frames.dtype == np.uint8
    assert frames.flags.c_contiguous
    assert ones(frames) == {(0, 2, 1, 0), (2, 0, 3, 1)}


def test_windows_are_half_open_and_counted_from_the_origin():
    framing = Framing(sensor=2, steps=2, window_us=10, size=2)
    rows = [(0, 0, 0, 99), (0, 1, 0, 100), (1, 0, 0, 109), (1, 1, 0, 110), (0, 0, 1, 120)]
    assert ones(framing.frames(as_events(rows), 100)) == {
        (0, 1, 0, 0),
        (0, 0, 1, 0),
        (1, 1, 1, 0),
    }


def test_crop_keeps_the_centre_34_to_28():
    framing = Framing(sensor=34, steps=1, window_us=10, size=28)
    rows = [(2, 10, 0, 0), (3, 10, 0, 0), (30, 10, 1, 0), (31, 10, 1, 0)]
    rows += [(10, 2, 0, 0), (10, 3, 0, 0), (10, 30, 1, 0), (10, 31, 1, 0)]
    assert ones(framing.frames(as_events(rows))) == {
        (0, 7, 0, 0),
        (0, 7, 27, 1),
        (0, 0, 7, 0),
        (0, 27, 7, 1),
    }


def test_downsampling_is_or_per_polarity():
    framing = Framing(sensor=128, steps=1, window_us=10, size=32, downsample=4)
    rows = [(0, 0, 0, 0), (3, 3, 0, 1), (4, 3, 1, 2), (127, 127, 1, 3)]
    assert ones(framing.frames(as_events(rows))) == {(0, 0, 0, 0), (0, 0, 1, 1), (0, 31, 31, 1)}


def test_no_events_make_empty_frames():
    framing = Framing(sensor=4, steps=3, window_us=10, size=2)
    assert not framing.frames(as_events([])).any()


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    sensor=st.integers(1, 12),
    downsample=st.integers(1, 4),
    steps=st.integers(1, 5),
    window=st.integers(1, 40),
    origin=st.integers(-20, 60),
    data=st.data(),
)
def test_frames_equal_their_definition(
    formats, seed, sensor, downsample, steps, window, origin, data
):
    downsample = min(downsample, sensor)
    size = data.draw(st.integers(1, sensor // downsample))
    rows = formats.random_events(seed, 40, sensor, 150)
    framing = Framing(sensor, steps, window, size, downsample)
    got = framing.frames(as_events(rows), origin)
    expected = formats.naive_frames(rows, steps, window, size, downsample, sensor, origin)
    assert np.array_equal(got, expected)
    order = np.random.default_rng(seed).permutation(len(rows))
    shuffled = as_events([rows[place] for place in order])
    assert np.array_equal(framing.frames(shuffled, origin), expected)


def test_unsigned_coordinates_do_not_wrap_at_the_crop():
    framing = Framing(sensor=34, steps=1, window_us=10, size=28)
    small = np.zeros(1, dtype=np.uint8)
    assert not framing.frames(Events(small, small, small, small)).any()


@pytest.mark.parametrize(
    ("sensor", "size", "factor"),
    [(34, 28, 1), (34, 17, 2), (128, 32, 4), (128, 48, 2), (34, 40, 1)],
)
def test_default_downsample_is_the_largest_that_fits(sensor, size, factor):
    assert default_downsample(sensor, size) == factor


@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("value", [-1, 34])
def test_event_outside_the_sensor(axis, value):
    framing = Framing(sensor=34, steps=1, window_us=10, size=28)
    row = (value, 0, 0, 0) if axis == "x" else (0, value, 0, 0)
    with pytest.raises(ValueError, match=rf"{axis} of an event must be 0 \.\.\. 33, not {value}"):
        framing.frames(as_events([row]))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"steps": 0}, ValueError, "steps must be at least 1, not 0"),
        ({"window_us": -5}, ValueError, "window_us must be at least 1, not -5"),
        ({"size": 2.5}, TypeError, "size must be an integer, not 2.5"),
        ({"downsample": True}, TypeError, "downsample must be an integer, not True"),
        ({"sensor": "34"}, TypeError, "sensor must be an integer, not '34'"),
        (
            {"size": 12, "downsample": 3},
            ValueError,
            "size * downsample must be at most the sensor's 34 pixels, not 12 * 3 = 36",
        ),
    ],
)
def test_framing_refuses(change, error, message):
    good = {"sensor": 34, "steps": 1, "window_us": 1, "size": 1, "downsample": 1}
    with pytest.raises(error, match=re.escape(message)):
        Framing(**{**good, **change})


def test_events_refuse_wrong_arrays():
    one, two = np.zeros(1, dtype=np.int64), np.zeros(2, dtype=np.int64)
    with pytest.raises(ValueError, match="y must have 1 elements, not 2"):
        Events(one, two, one, one)
    with pytest.raises(ValueError, match=r"t_us must be a flat array of integers, not float64 of"):
        Events(one, one, one, one.astype(float))
    with pytest.raises(ValueError, match=r"x must be a flat array of integers.*shape \(1, 1\)"):
        Events(one[None], one, one, one)
    with pytest.raises(ValueError, match="polarity must be 0 or 1, not 2"):
        Events(two, two, np.array([1, 2]), two)
