import re
import shutil

import numpy as np
import pytest

from host.datasets import DataSetError, load
from host.datasets.nmnist import read_events

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, formats):
    return formats.nmnist(tmp_path / "NMNIST")


@pytest.mark.parametrize("where", ["the folder", "its parent"])
def test_frames_are_those_of_the_events(folder, formats, where):
    data = load("nmnist", data_dir=folder if where == "the folder" else folder.parent)
    assert data.summary() == (
        "nmnist: 20 of 60,000 training recordings, 10 of 10,000 test recordings, 10 classes, "
        "30 frames of 10 ms, 28x28x2"
    )
    assert data.train.labels.tolist() == sorted([*range(10), *range(10)])
    sample = data.train[7]
    assert (sample.name, sample.label) == ("Train/3/00002.bin", 3)
    rows = formats.random_events([True, 3, 1], 60, 34, 300_000)
    # Windows are counted from the recording's time 0, not from its first event.
    expected = formats.naive_frames(rows, 30, 10_000, 28, 1, 34)
    assert np.array_equal(sample.frames, expected)


def test_size_and_downsampling_are_options(folder, formats):
    rows = formats.random_events([True, 0, 0], 60, 34, 300_000)
    for size, downsample, factor in ((17, None, 2), (14, None, 2), (16, 1, 1), (34, None, 1)):
        data = load("nmnist", data_dir=folder, size=size, downsample=downsample, windows=7)
        expected = formats.naive_frames(rows, 7, 10_000, size, factor, 34)
        assert np.array_equal(data.train[0].frames, expected)
    with pytest.raises(ValueError, match=r"at most the sensor's 34 pixels, not 40 \* 1 = 40"):
        load("nmnist", data_dir=folder, size=40)


def test_limits_are_balanced(folder):
    data = load("nmnist", data_dir=folder, train_limit=10, test_limit=5)
    assert data.train.labels.tolist() == list(range(10))
    assert "10 of 60,000 training recordings (20 found)" in data.summary()


def test_a_digit_may_be_missing(folder):
    shutil.rmtree(folder / "Test" / "4")
    data = load("nmnist", data_dir=folder)
    assert sorted(data.test.labels.tolist()) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert data.classes == 10


def test_folder_of_the_environment(folder, monkeypatch):
    monkeypatch.setenv("TLBPTT_DATA", str(folder.parent))
    assert len(load("nmnist").train) == 20


# --- bad input --------------------------------------------------------------------------------


def test_missing_folder(tmp_path, no_environment, monkeypatch):
    missing = tmp_path / "nowhere"
    expected = (
        "expected folders Train and Test with <digit>/NNNNN.bin, in this folder or in NMNIST "
        "inside it"
    )
    with pytest.raises(DataSetError) as caught:
        load("nmnist", data_dir=missing)
    assert str(caught.value) == f"nmnist: folder {missing} does not exist: {expected}"
    monkeypatch.setenv("TLBPTT_DATA", str(missing))
    with pytest.raises(DataSetError, match=r"\(from the environment variable TLBPTT_DATA\) does"):
        load("nmnist")


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataSetError, match=re.escape(f"{tmp_path / 'file'} is not a folder")):
        load("nmnist", data_dir=tmp_path / "file")


@pytest.mark.parametrize("part", ["Train", "Test"])
def test_folder_without_a_split(folder, part):
    shutil.rmtree(folder / part)
    message = f"nmnist: nothing to load in {folder}: expected folders Train and Test"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("nmnist", data_dir=folder)


def test_split_without_recordings(folder):
    shutil.rmtree(folder / "Test")
    (folder / "Test" / "3").mkdir(parents=True)
    (folder / "Test" / "3" / "notes.txt").write_text("x")
    message = f"no recording in {folder / 'Test'}: expected Test/<digit>/NNNNN.bin"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("nmnist", data_dir=folder)


def test_truncated_recording_is_found_on_opening(folder):
    path = folder / "Train" / "6" / "00002.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(DataSetError) as caught:
        load("nmnist", data_dir=folder)
    assert str(caught.value) == (
        f"{path}: truncated at byte 295: 3 bytes are left of an event of 5 (the file has 298)"
    )


def test_empty_recording(folder):
    path = folder / "Test" / "6" / "00001.bin"
    path.write_bytes(b"")
    with pytest.raises(DataSetError, match=re.escape(f"{path}: the recording is empty (0 bytes)")):
        load("nmnist", data_dir=folder)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ((34, 0, 0, 300_000), "event at x = 34, y = 0 is outside the 34x34 sensor"),
        ((0, 255, 1, 300_000), "event at x = 0, y = 255 is outside the 34x34 sensor"),
        ((0, 0, 1, 0), "time goes back from {last} to 0 us"),
    ],
)
def test_corrupt_recording(folder, formats, event, message):
    path = folder / "Train" / "6" / "00001.bin"
    content = path.read_bytes()
    last = int(read_events(path).t_us[-1])
    path.write_bytes(content + formats.nmnist_bytes([event]))
    data = load("nmnist", data_dir=folder)
    expected = f"{path}: corrupt at byte {len(content)}: {message.format(last=last)}"
    with pytest.raises(DataSetError) as caught:
        data.verify()
    assert str(caught.value) == expected


def test_recording_that_cannot_be_read(folder):
    data = load("nmnist", data_dir=folder)
    path = folder / "Train" / "0" / "00001.bin"
    path.unlink()
    with pytest.raises(DataSetError, match=re.escape(f"{path}: cannot be read: No such file")):
        data.train[0]


# --- real recordings --------------------------------------------------------------------------


def test_real_recordings(real_data):
    data = load("nmnist", data_dir=real_data, train_limit=50, test_limit=20)
    data.verify()
    frames = np.stack([sample.frames for sample in data.train])
    assert frames.shape == (50, 30, 28, 28, 2)
    assert 0.04 < frames.mean() < 0.08  # 5.6 % over 700 recordings
    assert (frames.mean(axis=(0, 2, 3, 4)) > 0.005).all()


def test_our_reader_reads_what_tonics_does(real_data):
    io = pytest.importorskip("tonic.io")
    dtype = np.dtype([("x", int), ("y", int), ("t", int), ("p", int)])
    root = real_data / "NMNIST" if (real_data / "NMNIST").is_dir() else real_data
    for path in sorted(root.glob("T*/*/*.bin"))[::40]:
        ours, theirs = read_events(path), io.read_mnist_file(str(path), dtype=dtype)
        assert np.array_equal(ours.x, theirs["x"])
        assert np.array_equal(ours.y, theirs["y"])
        assert np.array_equal(ours.t_us, theirs["t"])
        assert np.array_equal(ours.polarity, theirs["p"])
