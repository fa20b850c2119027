import re

import numpy as np
import pytest

from host.datasets.event_camera import EventCamera

pytestmark = pytest.mark.unit

IDEAL = {"threshold": 0.25, "mismatch": 0.0, "noise_hz": 0.0}


def ramp(size, steps, change):
    """Pictures whose logarithm goes from 0 to `change`."""
    level = np.linspace(0.0, change, steps + 1)
    return np.exp(np.broadcast_to(level[:, None, None], (steps + 1, size, size)))


def test_no_change_no_event():
    assert len(EventCamera(4, **IDEAL).record(np.full((5, 4, 4), 0.7), 100)) == 0


@pytest.mark.parametrize(("change", "polarity"), [(1.0, 1), (-1.0, 0)])
def test_a_ramp_crosses_its_thresholds(change, polarity):
    events = EventCamera(6, **IDEAL).record(ramp(6, 8, change), 1000)
    assert set(events.polarity.tolist()) == {polarity}
    counts = np.zeros((6, 6), dtype=int)
    np.add.at(counts, (events.y, events.x), 1)
    # Four thresholds; the phase in which a pixel starts, +-1/2 threshold, adds or takes one.
    assert set(counts.ravel().tolist()) <= {3, 4}
    for y in range(6):
        for x in range(6):
            times = events.t_us[(events.x == x) & (events.y == y)]
            # 0.25 of 1.0 in 8000 us: an event every 2000 us, wherever the steps lie
            assert np.abs(np.diff(times) - 2000).max() <= 1


def test_a_fast_change_makes_several_events_in_one_step():
    events = EventCamera(1, **IDEAL).record(ramp(1, 1, 2.1), 1000)
    assert len(events) in (8, 9)
    assert len(set(events.t_us.tolist())) == len(events)
    assert events.t_us.max() < 1000


def test_there_and_back_makes_as_many_events_of_both_polarities():
    level = np.concatenate([np.linspace(0, 1, 9), np.linspace(1, 0, 9)[1:]])
    pictures = np.exp(np.broadcast_to(level[:, None, None], (17, 5, 5)))
    events = EventCamera(5, **IDEAL).record(pictures, 1000, 7)
    on, off = int((events.polarity == 1).sum()), int((events.polarity == 0).sum())
    assert 0 <= on - off <= 25  # the last threshold is not crossed again by every pixel
    assert events.t_us[events.polarity == 0].min() > events.t_us[events.polarity == 1].max()


def test_events_are_sorted_and_inside():
    camera = EventCamera(8, noise_hz=50.0)
    rng = np.random.default_rng(3)
    events = camera.record(np.exp(rng.normal(size=(12, 8, 8))), 777, 3)
    assert (np.diff(events.t_us) >= 0).all()
    assert events.t_us.min() >= 0
    assert events.t_us.max() < 11 * 777
    assert events.x.max() < 8
    assert events.y.max() < 8


def test_same_key_same_events_other_key_others():
    pictures = ramp(8, 6, 0.9)
    camera = EventCamera(8, noise_hz=20.0)
    one, same, other = (camera.record(pictures, 1000, key) for key in (1, 1, 2))
    assert np.array_equal(one.t_us, same.t_us)
    assert np.array_equal(one.x, same.x)
    assert not np.array_equal(one.t_us, other.t_us)


def test_mismatch_is_a_fixed_pattern_of_the_camera():
    camera = EventCamera(32, threshold=0.2, mismatch=0.05, seed=4)
    pattern = camera.thresholds()
    assert pattern.shape == (2, 32, 32)
    assert abs(pattern.mean() - 0.2) < 0.002
    assert abs(pattern.std() / 0.2 - 0.05) < 0.005
    assert np.array_equal(
        pattern, EventCamera(32, threshold=0.2, mismatch=0.05, seed=4).thresholds()
    )
    assert not np.array_equal(pattern, EventCamera(32, 0.2, 0.05, seed=5).thresholds())
    assert (EventCamera(64, mismatch=0.15).thresholds() > 0).all()


def test_background_events_come_at_their_rate():
    camera = EventCamera(16, noise_hz=2.0)
    events = camera.record(np.ones((1001, 16, 16)), 10_000, 5)
    expected = 16 * 16 * 2.0 * 10.0
    assert abs(len(events) - expected) < 5 * np.sqrt(expected)
    assert abs(int(events.polarity.sum()) - expected / 2) < 5 * np.sqrt(expected / 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"threshold": 0.0}, "threshold must be positive, not 0.0"),
        ({"threshold": float("nan")}, "threshold must be positive, not nan"),
        ({"mismatch": 0.2}, "mismatch must be 0 ... 0.15, not 0.2"),
        ({"noise_hz": -1.0}, "noise_hz must not be negative, not -1.0"),
    ],
)
def test_camera_refuses(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        EventCamera(**{"size": 4, **change})


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        (np.ones((3, 4, 5)), "intensity must have shape (S + 1, 4, 4), not (3, 4, 5)"),
        (np.ones((1, 4, 4)), "intensity must have at least 2 pictures, not 1"),
        (np.zeros((2, 4, 4)), "intensity must be positive, not 0.0"),
    ],
)
def test_record_refuses(pictures, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        EventCamera(4).record(pictures, 100)
    with pytest.raises(ValueError, match="step_us must be at least 1, not 0"):
        EventCamera(4).record(np.ones((2, 4, 4)), 0)
