import re

import numpy as np
import pytest

from host.datasets import DataSetError, load
from host.datasets.tinyesimagenet import read_events

pytestmark = pytest.mark.unit


@pytest.fixture(params=["folders", "lists"])
def folder(request, tmp_path, formats):
    return formats.tinyesimagenet(tmp_path / "Tiny-ES-ImageNet", layout=request.param)


@pytest.mark.parametrize("parent", [False, True])
def test_frames_are_those_of_the_steps(folder, formats, parent):
    data = load("tinyesimagenet", data_dir=folder.parent if parent else folder)
    assert data.summary() == (
        "tinyesimagenet: 6 training recordings, 3 test recordings, 3 classes, 8 frames, 64x64x2"
    )
    assert data.window_us is None
    assert data.class_names == ("class2", "class9", "class10")
    assert data.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.test.labels.tolist() == [0, 1, 2]
    sample = data.train[3]
    assert (sample.name, sample.label) == ("train/class9/class9_2.npz", 1)
    # A list says how large the photograph was: 190 rows of 254, so 32 rows are above it.
    down = 32 if (folder / "trainlabel.txt").is_file() else 0
    expected = np.zeros((8, 64, 64, 2), np.uint8)
    for polarity, events in enumerate(formats.imagenet_events(9, 2)):
        for row, column, step in events.astype(int):
            expected[step - 1, (row + down) // 4, column // 4, polarity] = 1
    assert np.array_equal(sample.frames, expected)
    assert expected[..., 0].any()
    assert expected[..., 1].any()


def test_fewer_frames_and_pixels(folder):
    whole = load("tinyesimagenet", data_dir=folder)
    data = load("tinyesimagenet", data_dir=folder, windows=3, size=32)
    assert data.train[0].frames.shape == (3, 32, 32, 2)
    halves = whole.train[0].frames[:3].reshape(3, 32, 2, 32, 2, 2).max(axis=(2, 4))
    assert np.array_equal(data.train[0].frames, halves)


def test_there_is_no_window(folder):
    message = (
        "window_us (--window-ms) must be left out for 'tinyesimagenet', not 5000: its events carry "
        "the number of their frame"
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        load("tinyesimagenet", data_dir=folder, window_us=5000)


def test_a_list_chooses(tmp_path, formats):
    folder = formats.tinyesimagenet(tmp_path, layout="lists")
    path = folder / "trainlabel.txt"
    lines = [line for line in path.read_text().splitlines() if " 10 " not in line]
    path.write_text("\n".join([*lines, "", "class2/class2_77.npz 2 254 254"]))
    message = f"classes of {folder / 'val'} must be those of train, not class10"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("tinyesimagenet", data_dir=folder)
    path = folder / "vallabel.txt"
    path.write_text("".join(x + "\n" for x in path.read_text().splitlines() if " 10 " not in x))
    data = load("tinyesimagenet", data_dir=folder)
    assert (len(data.train), len(data.test), data.classes) == (4, 2, 2)


# --- bad input --------------------------------------------------------------------------------


def test_folder_of_something_else(tmp_path):
    with pytest.raises(DataSetError) as caught:
        load("tinyesimagenet", data_dir=tmp_path)
    assert str(caught.value) == (
        f"tinyesimagenet: nothing to load in {tmp_path}: expected folders train and val with "
        "<class>/*.npz, or with lists trainlabel.txt and vallabel.txt beside them, in this folder "
        "or in Tiny-ES-ImageNet or tinyesimagenet or ES-imagenet-0.18 inside it"
    )


def test_splits_without_recordings(tmp_path, formats):
    folder = formats.tinyesimagenet(tmp_path, layout="folders")
    for path in (folder / "val").glob("*/*"):
        path.unlink()
    message = (
        f"no recording in {folder / 'val'}: expected val/<class>/*.npz, or a list vallabel.txt "
        "beside val"
    )
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("tinyesimagenet", data_dir=folder)
    (folder / "vallabel.txt").write_text("a.npz 2 254 190\n")
    message = f"none of the files listed in {folder / 'vallabel.txt'} is in {folder / 'val'}"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("tinyesimagenet", data_dir=folder)


def test_too_many_classes(tmp_path, formats):
    folder = formats.tinyesimagenet(tmp_path, layout="folders")
    source = next((folder / "train").glob("*/*.npz")).read_bytes()
    for number in range(100, 298):
        (folder / "train" / f"class{number}").mkdir()
        (folder / "train" / f"class{number}" / "a.npz").write_bytes(source)
    message = (
        f"{folder / 'train'} must hold at most 200 classes, not 201: of ES-ImageNet keep the "
        "lists' lines, or the folders, of 200"
    )
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("tinyesimagenet", data_dir=folder)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a.npz 1 2", "line 2 must be 'file class height width', not 'a.npz 1 2'"),
        ("a.npz 1 -2 7", "line 2 must be 'file class height width', not 'a.npz 1 -2 7'"),
        ("a.npz 1 255 7", "height and width in line 2 must be 1 ... 254, not 255 and 7"),
        ("a.npz 1 254 0", "height and width in line 2 must be 1 ... 254, not 254 and 0"),
    ],
)
def test_a_list_that_makes_no_sense(tmp_path, formats, line, message):
    folder = formats.tinyesimagenet(tmp_path, layout="lists")
    path = folder / "vallabel.txt"
    path.write_text(f"ILSVRC2012_val_00000002.npz 2 190 254\n{line}\n")
    with pytest.raises(DataSetError) as caught:
        load("tinyesimagenet", data_dir=folder)
    assert str(caught.value) == f"{path}: {message}"


EVENT = np.array([[20, 30, 1], [239, 17, 8]], np.uint8)
DOWN, RIGHT, MORE = np.array([[1, 0, 0], [0, 18, 0], [0, 0, 1]])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pos": EVENT}, "array 'neg' is missing; the file holds pos"),
        ({"arr_0": EVENT}, "array 'neg' is missing; the file holds arr_0"),
        ({"pos": EVENT[0], "neg": EVENT}, "pos must be integers of shape (events, 3), not uint8 of "
         "shape (3,)"),
        ({"pos": EVENT, "neg": EVENT * 0.5}, "neg must be integers of shape (events, 3), not "
         "float64 of shape (2, 3)"),
        ({"pos": EVENT + MORE, "neg": EVENT}, "pos: step of event 1 must be 1 ... 8, not 9"),
        ({"pos": EVENT - MORE, "neg": EVENT}, "pos: step of event 0 must be 1 ... 8, not 0"),
        ({"pos": EVENT, "neg": EVENT + 17 * DOWN}, "neg: row of event 1 must be 0 ... 255, not "
         "256"),
        ({"pos": EVENT, "neg": EVENT - RIGHT}, "neg: column of event 1 must be 0 ... 255, not "
         "-1"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_fit(tmp_path, arrays, message):
    path = tmp_path / "a.npz"
    np.savez(path, **arrays)
    with pytest.raises(DataSetError) as caught:
        read_events(path)
    assert str(caught.value) == f"{path}: {message}"


def test_one_polarity_may_be_missing(tmp_path):
    np.savez(tmp_path / "a.npz", pos=EVENT, neg=EVENT[:0])
    events = read_events(tmp_path / "a.npz")
    assert events.polarity.tolist() == [1, 1]
    assert events.y.tolist() == [20, 239]
    assert events.x.tolist() == [30, 17]
    assert events.t_us.tolist() == [0, 7]


@pytest.mark.parametrize("spoil", ["cut", "flip", "other", "pickle"])
def test_a_damaged_file(tmp_path, spoil):
    path = tmp_path / "a.npz"
    if spoil == "pickle":
        np.savez(path, pos=np.array([None]), neg=EVENT)
    elif spoil == "other":
        with path.open("wb") as file:
            np.save(file, EVENT)
    else:
        np.savez_compressed(path, pos=EVENT, neg=EVENT)
        content = bytearray(path.read_bytes())
        content[60] ^= 0xFF
        path.write_bytes(content[:-30] if spoil == "cut" else content)
    with pytest.raises(DataSetError) as caught:
        read_events(path)
    size = len(path.read_bytes())
    assert str(caught.value).startswith(f"{path}: damaged npz file of {size} bytes (")
    assert str(caught.value).endswith("): fetch it again")
