import sys
import warnings
import zlib

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from host.datasets import DataSetError, digits, load

pytestmark = pytest.mark.unit


def stack(split):
    return np.stack([sample.frames for sample in split])


def test_split_is_stratified_fixed_and_complete():
    labels = load_digits().target
    train, test = digits.split_rows(labels)
    assert (len(train), len(test)) == (1297, 500)
    assert sorted([*train, *test]) == list(range(1797))
    assert np.bincount(labels[test]).tolist() == [50] * 10
    for seed in (0, 5):
        data = load("digits", seed=seed)
        assert data.test.labels.tolist() == labels[test].tolist()
        assert data.train.names[0] == f"image {train[0]}"


def test_defaults():
    data = load("digits")
    assert data.summary() == (
        "digits: 1,297 training recordings, 500 test recordings, 10 classes, "
        "20 frames of 15 ms, 16x16x2"
    )
    sample = data.train[0]
    assert sample.frames.shape == (20, 16, 16, 2)
    assert set(np.unique(sample.frames)) == {0, 1}


def test_bits_are_pinned():
    # A change here changes every published result: it needs an entry in the change log.
    data = load("digits")
    got = [zlib.crc32(data.train[index].frames.tobytes()) for index in (0, 700, 1296)]
    assert got == PINNED


PINNED = [1533564532, 1726913134, 2405915298]


def test_a_recording_does_not_depend_on_those_before_it():
    forwards, backwards = load("digits"), load("digits")
    order = [3, 250, 9]
    one = {index: forwards.train[index].frames for index in order}
    for index in reversed(order):
        assert np.array_equal(backwards.train[index].frames, one[index])


def test_seed_changes_noise_and_camera_but_not_the_digit():
    one, other = (load("digits", seed=seed).train[5].frames for seed in (0, 1))
    different = float((one != other).mean())
    assert 0 < different < 0.1
    both = float((one & other).sum() / one.sum())
    assert both > 0.7


def test_path_is_a_closed_triangle_of_three_saccades():
    path = digits.saccades(np.linspace(0, 1, 301))
    assert np.abs(path[0] - path[-1]).max() < 1e-12
    steps = np.diff(path, axis=0)
    directions = [np.sign(np.round(steps[at], 9)).tolist() for at in (50, 150, 250)]
    assert directions == [[1, 1], [1, -1], [-1, 0]]
    assert np.linalg.norm(steps, axis=1).min() > 0  # never at rest: events in every window


def test_events_are_spread_over_all_windows():
    frames = stack(load("digits", test_limit=60).test)
    density = frames.mean(axis=(0, 2, 3, 4))
    assert 0.08 < density.mean() < 0.16
    assert density.min() > 0.02
    polarities = frames.mean(axis=(0, 1, 2, 3))
    assert abs(polarities[0] - polarities[1]) < 0.02


@pytest.mark.parametrize(("size", "windows", "window_us"), [(12, 10, 30_000), (24, 6, 7_001)])
def test_size_and_windows_are_options(size, windows, window_us):
    data = load("digits", size=size, windows=windows, window_us=window_us)
    frames = data.test[0].frames
    assert frames.shape == (windows, size, size, 2)
    assert frames.any(axis=(1, 2, 3)).all()


def test_a_linear_classifier_learns_them():
    data = load("digits", train_limit=600, test_limit=300)
    train, test = (stack(split).reshape(len(split), -1) for split in (data.train, data.test))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 30 iterations need not converge
        model = LogisticRegression(C=0.05, max_iter=30).fit(train, data.train.labels)
    accuracy = model.score(test, data.test.labels)
    assert accuracy > 0.9, f"test accuracy {accuracy:.3f}"


def test_says_when_scikit_learn_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(DataSetError, match="'digits' needs scikit-learn: pip install"):
        load("digits")
