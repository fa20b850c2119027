import re
import warnings
import zlib

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from host.datasets import load
from host.datasets.gestures import CLASS_NAMES

pytestmark = pytest.mark.unit

PAIRS = len(CLASS_NAMES) // 2


@pytest.fixture(scope="module")
def small():
    data = load("gestures", train_per_class=50, test_per_class=20)
    return tuple(
        (np.stack([sample.frames for sample in split]), split.labels)
        for split in (data.train, data.test)
    )


def motion_energy(frames):
    """How often an event is followed, a frame or two later, by one at each neighbour: 3x3 areas."""
    frames = frames.astype(np.float32)
    bottom, right = frames.shape[2] - 1, frames.shape[3] - 1
    rows, columns = (np.array_split(np.arange(edge - 1), 3) for edge in (bottom, right))
    features = []
    for lag in (1, 2):
        now, later = frames[:, :-lag, 1:-1, 1:-1], frames[:, lag:]
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                moved = later[:, :, 1 + dy : bottom + dy, 1 + dx : right + dx]
                both = (now * moved).sum(axis=(1, 4))
                features += [both[:, r][:, :, c].sum(axis=(1, 2)) for r in rows for c in columns]
    return np.stack(features, axis=1)


def summed(frames):
    return frames.sum(axis=1, dtype=np.int64).reshape(len(frames), -1)


def single(frames):
    return frames[:, frames.shape[1] // 2].reshape(len(frames), -1)


def shuffled(frames):
    rng = np.random.default_rng(0)
    return motion_energy(np.stack([recording[rng.permutation(20)] for recording in frames]))


def predictions(small, features):
    (train, train_labels), (test, _) = small
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(features(train), train_labels)
    return model.predict(features(test))


def test_motion_tells_the_class(small):
    accuracy = float((predictions(small, motion_energy) == small[1][1]).mean())
    assert accuracy > 0.9, f"test accuracy {accuracy:.3f}"


@pytest.mark.parametrize("features", [summed, single, shuffled])
def test_frames_without_their_order_do_not(small, features):
    accuracy = float((predictions(small, features) == small[1][1]).mean())
    assert accuracy < 0.5, f"test accuracy {accuracy:.3f}"


@pytest.mark.parametrize("pair", range(PAIRS))
def test_sums_of_a_motion_and_its_reversal_are_alike(small, pair):
    frames, labels = small[0]
    one, other = (summed(frames[labels == 2 * pair + way]).mean(axis=0) for way in (0, 1))
    spread = summed(frames[labels // 2 == pair]).std(axis=0).mean() * np.sqrt(2 / 50)
    assert np.abs(one - other).mean() < 1.5 * spread


def drift(frames):
    """Movement of events from frame to frame, (x, y), by the best of the nine neighbours."""
    features = motion_energy(frames[None])[0].reshape(2, 3, 3, 9).sum(axis=(0, 3))
    shift = np.array([-1, 0, 1])
    total = features.sum()
    return np.array([(features.sum(0) * shift).sum(), (features.sum(1) * shift).sum()]) / total


@pytest.mark.parametrize(
    ("name", "axis", "sign"), [("left", 0, -1), ("right", 0, 1), ("up", 1, -1), ("down", 1, 1)]
)
def test_translations_go_where_they_say(small, name, axis, sign):
    frames, labels = small[0]
    mean = np.mean([drift(f) for f in frames[labels == CLASS_NAMES.index(name)]], axis=0)
    assert sign * mean[axis] > 0.05
    assert abs(mean[1 - axis]) < 0.03


@pytest.mark.parametrize(
    ("name", "sign", "radial"),
    [("clockwise", 1, 0), ("anticlockwise", -1, 0), ("expand", 1, 1), ("contract", -1, 1)],
)
def test_rotations_and_zooms_go_where_they_say(small, name, sign, radial):
    frames, labels = small[0]
    mine = frames[labels == CLASS_NAMES.index(name)]
    top, bottom = (
        np.mean([drift(f[:, rows]) for f in mine], axis=0) for rows in (slice(0, 8), slice(8, 16))
    )
    # Clockwise to the eye: the upper half goes right. Expanding: the upper half goes up.
    assert sign * (top[0] if not radial else -top[1]) > 0.02
    assert sign * (-bottom[0] if not radial else bottom[1]) > 0.02


def test_sizes_are_options_and_classes_balanced():
    data = load("gestures", size=20, windows=12, train_per_class=3, test_per_class=2)
    assert (len(data.train), len(data.test)) == (24, 16)
    assert data.classes == 8
    assert np.bincount(data.train.labels).tolist() == [3] * 8
    assert data.train[0].frames.shape == (12, 20, 20, 2)
    assert (len(load("gestures").train), len(load("gestures").test)) == (2400, 400)


def test_fewer_recordings_are_the_first_of_more():
    few, many = (load("gestures", train_per_class=count, seed=3).train for count in (2, 5))
    assert few.labels.tolist() == many.labels[:16].tolist()
    assert np.array_equal(few[15].frames, many[15].frames)


def test_bits_are_pinned():
    # A change here changes every published result: it needs an entry in the change log.
    data = load("gestures")
    got = [zlib.crc32(data.train[index].frames.tobytes()) for index in (0, 400, 2399)]
    assert got == PINNED


PINNED = [9159955, 718687893, 2741901687]


def test_seeds_make_other_recordings():
    one, other = (load("gestures", seed=seed) for seed in (1, 2))
    assert not np.array_equal(one.train[0].frames, other.train[0].frames)
    assert not np.array_equal(one.train[0].frames, one.test[0].frames)


@pytest.mark.parametrize("option", ["train_per_class", "test_per_class"])
def test_refuses_no_recordings(option):
    with pytest.raises(ValueError, match=re.escape(f"{option} must be at least 1, not 0")):
        load("gestures", **{option: 0})
