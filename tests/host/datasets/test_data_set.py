import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.datasets.data_set import DataSet, Split, Store, balanced_rows
from host.datasets.frames import Framing

pytestmark = pytest.mark.unit

FRAMING = Framing(sensor=5, steps=3, window_us=1500, size=5)
SHAPE = (3, 5, 5, 2)


def picture(index):
    return (np.random.default_rng(index).random(SHAPE) < 0.3).astype(np.uint8)


class Counting:
    """Renders pictures and remembers which were asked for."""

    def __init__(self, together=1):
        self.calls = []
        self.together = together

    def __call__(self, index):
        self.calls.append(index)
        first = index - index % self.together
        return {other: picture(other) for other in range(first, first + self.together)}


def make_split(count=12, render=None, **options):
    labels = np.arange(count) % 3
    names = [f"r{index}" for index in range(count)]
    return Split(Store(FRAMING, names, labels, render or Counting(), **options))


def test_items_are_lazy_and_rendered_once():
    render = Counting()
    split = make_split(render=render)
    assert len(split) == 12
    assert render.calls == []
    for _ in range(3):
        sample = split[4]
        assert np.array_equal(sample.frames, picture(4))
        assert sample.frames.dtype == np.uint8
        assert (sample.label, sample.name) == (1, "r4")
    assert render.calls == [4]
    assert split[-1].name == "r11"
    assert [sample.name for sample in split] == [f"r{index}" for index in range(12)]
    assert render.calls == [4, 11, 0, 1, 2, 3, 5, 6, 7, 8, 9, 10]


def test_changing_frames_does_not_change_the_cache():
    split = make_split()
    for _ in range(3):
        frames = split[0].frames
        assert np.array_equal(frames, picture(0))
        frames[:] = 1


def test_recordings_made_together_are_all_kept():
    render = Counting(together=4)
    split = make_split(render=render)
    assert np.array_equal(split[6].frames, picture(6))
    for index in (4, 5, 7, 6):
        assert np.array_equal(split[index].frames, picture(index))
    assert render.calls == [6]


def test_cache_is_bounded():
    render = Counting()
    bits = (int(np.prod(SHAPE)) + 7) // 8
    split = make_split(render=render, cache_bytes=2 * bits + 1)
    for index in (0, 1, 2, 0, 1, 2):
        assert np.array_equal(split[index].frames, picture(index))
    assert render.calls == [0, 1, 2, 2]


def test_slices_and_subsets_share_the_cache():
    render = Counting()
    split = make_split(render=render)
    part = split[2:8:2]
    assert isinstance(part, Split)
    assert part.names == ("r2", "r4", "r6")
    assert part.labels.tolist() == [2, 1, 0]
    assert part.subset([2, 0]).names == ("r6", "r2")
    assert np.array_equal(part[1].frames, split[4].frames)
    assert render.calls == [4]


def test_labels_and_names_need_no_frames():
    render = Counting()
    split = make_split(render=render)
    assert split.labels.tolist() == [0, 1, 2] * 4
    assert split.limited(6).labels.tolist().count(1) == 2
    assert render.calls == []


@pytest.mark.parametrize("index", [12, -13])
def test_index_out_of_range(index):
    with pytest.raises(IndexError, match=rf"index must be in -12 \.\.\. 11, not {index}"):
        make_split()[index]


def test_store_refuses_wrong_shapes():
    with pytest.raises(ValueError, match="labels must have 2 elements, not 1"):
        Store(FRAMING, ["a", "b"], [0], Counting())
    wrong = np.zeros((3, 5, 4, 2), dtype=np.uint8)
    message = "frames of a must be uint8 of shape (3, 5, 5, 2), not uint8 of shape (3, 5, 4, 2)"
    with pytest.raises(ValueError, match=re.escape(message)):
        Split(Store(FRAMING, ["a"], [0], lambda index: {index: wrong}))[0]


def make_data(train, test):
    return DataSet("toy", ("a", "b", "c"), FRAMING.shape, 3, 1500, train, test)


def test_summary_states_the_size_of_subsets():
    data = make_data(make_split(total=60_000).limited(9), make_split(6))
    assert data.classes == 3
    assert data.summary() == (
        "toy: 9 of 60,000 training recordings (12 found), 6 test recordings, 3 classes, "
        "3 frames of 1.5 ms, 5x5x2"
    )
    whole = make_data(make_split(total=60_000), make_split(6).limited(3))
    assert "toy: 12 of 60,000 training recordings, 3 of 6 test recordings," in whole.summary()


def test_verify_loads_everything_once():
    renders = Counting(), Counting()
    data = make_data(make_split(5, renders[0]), make_split(3, renders[1]))
    seen = []
    data.verify(lambda done, total: seen.append((done, total)))
    assert seen == [(done, 8) for done in range(1, 9)]
    assert renders[0].calls == list(range(5))
    assert renders[1].calls == list(range(3))


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(1, 70), st.integers())
def test_balanced_rows_are_balanced(labels, limit, seed):
    rows = balanced_rows(labels, limit, seed)
    assert len(rows) == min(limit, len(labels))
    assert len(set(rows.tolist())) == len(rows)
    assert np.array_equal(rows, np.sort(rows))
    chosen = np.bincount(np.array(labels)[rows], minlength=6)
    present = np.bincount(labels, minlength=6)
    most = chosen.max()
    # A class has fewer than the others only if it has no more, apart from the last round.
    assert all(n >= most - 1 or n == p for n, p in zip(chosen, present, strict=True))
    if limit > 1:
        assert set(balanced_rows(labels, limit - 1, seed)) <= set(rows)


def test_balanced_rows_depend_on_the_seed_only():
    labels = np.arange(100) % 10
    assert np.array_equal(balanced_rows(labels, 20, 3), balanced_rows(labels, 20, 3))
    assert not np.array_equal(balanced_rows(labels, 20, 3), balanced_rows(labels, 20, 4))


def test_balanced_rows_refuse():
    with pytest.raises(ValueError, match="limit must be at least 1, not 0"):
        balanced_rows([0, 1], 0)
    with pytest.raises(TypeError, match=r"limit must be an integer, not 1\.5"):
        balanced_rows([0, 1], 1.5)
