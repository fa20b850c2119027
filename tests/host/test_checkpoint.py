"""Checkpoints: what is written comes back, what is damaged is refused by name."""

import json

import numpy as np
import pytest

from golden.formats import Formats
from golden.network import AvgPool, Conv, Dense, Network
from golden.settings import Settings
from host.checkpoint import Checkpoint, CheckpointError, Progress, load, save, write_whole

NETWORK = Network((6, 6, 2), (Conv(3, 3), AvgPool(2), Dense(5)), 4)


@pytest.fixture
def state():
    random = np.random.default_rng(1)
    formats = Formats()

    def codes(width):
        limit = 1 << (width - 1)
        return [random.integers(-limit, limit, x.weight_shape) for x in NETWORK.weighted]

    progress = Progress(
        epoch=2, position=7, samples=57, trained_intervals=114, totals={"cycles": 9}
    )
    return Checkpoint(
        NETWORK, formats, Settings(interval=3), codes(formats.weight), codes(formats.gradient),
        progress,
    )  # fmt: skip


def rewritten(path, change):
    """Change the arrays of a file."""
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)


def test_what_is_saved_comes_back(tmp_path, state):
    save(tmp_path / "w.npz", state)
    back = load(tmp_path / "w.npz")
    for name in ("network", "formats", "settings", "progress"):
        assert getattr(back, name) == getattr(state, name)
    for kind in ("weights", "momentum"):
        for got, expected in zip(getattr(back, kind), getattr(state, kind), strict=True):
            np.testing.assert_array_equal(got, expected)
            assert got.dtype == np.int64
    assert [path.name for path in tmp_path.iterdir()] == ["w.npz"]


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fails(file):
        file.write(b"half of the n")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_whole(path, fails)
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
    write_whole(path, lambda file: file.write(b"new"))
    assert path.read_bytes() == b"new"


@pytest.mark.parametrize("content", [b"", b"no zip at all", None])
def test_a_file_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "w.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"w\.npz cannot be read"):
        load(path)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.99])
def test_a_cut_file_is_refused(tmp_path, state, share):
    path = tmp_path / "w.npz"
    save(path, state)
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    with pytest.raises(CheckpointError, match=r"w\.npz cannot be read"):
        load(path)


def test_a_flipped_bit_is_refused(tmp_path, state):
    path = tmp_path / "w.npz"
    save(path, state)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 16
    path.write_bytes(data)
    with pytest.raises(CheckpointError):
        load(path)


def drop(name):
    return lambda arrays: arrays.pop(name)


def put(name, value):
    return lambda arrays: arrays.update({name: value})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (drop("description"), "description"),
        (drop("momentum/conv1"), "momentum/conv1 is missing"),
        (put("weights/fc2", np.zeros((3, 3), int)), r"weights/fc2 must hold integers of shape"),
        (put("weights/conv1", np.zeros((18, 3))), r"weights/conv1 must hold integers.*float64"),
        (put("weights/conv1", np.full((18, 3), 32768)), "must lie within 16 bits, not 32768 to"),
        (put("momentum/conv1", np.full((18, 3), -131073)), "within 18 bits, not -131073 to"),
        (put("description", np.array("[]")), "description"),
        (put("description", np.array(json.dumps({"version": 9}))), "version must be 1, not 9"),
        (put("description", np.array([object()])), "cannot be read"),
    ],
)
def test_wrong_contents_are_named(tmp_path, state, change, expected):
    path = tmp_path / "w.npz"
    save(path, state)
    rewritten(path, change)
    with pytest.raises(CheckpointError, match=expected):
        load(path)
