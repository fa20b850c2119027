import re

import numpy as np
import pytest

from host.datasets import DataSetError, load

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, formats):
    return formats.cifar10dvs(tmp_path / "CIFAR10DVS")


@pytest.mark.parametrize("where", ["the folder", "its parent"])
def test_frames_are_those_of_the_events(folder, formats, where):
    data = load("cifar10dvs", data_dir=folder if where == "the folder" else folder.parent)
    assert data.summary() == (
        "cifar10dvs: 20 of 9,000 training recordings, 20 of 1,000 test recordings, 10 classes, "
        "100 frames of 5 ms, 32x32x2"
    )
    assert data.train.labels.tolist() == sorted([*range(10), *range(10)])
    assert data.test.names[6:8] == ("cat/cifar10_cat_0.aedat", "cat/cifar10_cat_10.aedat")
    sample = data.train[6]
    assert (sample.name, sample.label) == ("cat/cifar10_cat_9.aedat", 3)
    # The file holds the events of an upright picture as they leave the camera.
    rows = formats.random_events([3, 9], 500, 128, 600_000)
    expected = formats.naive_frames(rows, 100, 5_000, 32, 4, 128, origin=rows[0][3])
    assert np.array_equal(sample.frames, expected)


def test_the_split_does_not_depend_on_what_is_there(folder):
    (folder / "cat" / "cifar10_cat_0.aedat").unlink()
    data = load("cifar10dvs", data_dir=folder)
    assert [n for n in data.test.names if "cat" in n] == ["cat/cifar10_cat_10.aedat"]
    assert len(data.train) == 20


def test_the_cache_is_bounded(folder):
    data = load("cifar10dvs", data_dir=folder, cache_bytes=0)
    before = data.train[0].frames
    path = folder / data.train.names[0]
    path.write_bytes(path.read_bytes()[: -8 * 250])
    assert not np.array_equal(data.train[0].frames, before)


# --- bad input --------------------------------------------------------------------------------


def test_folder_of_something_else(tmp_path):
    with pytest.raises(DataSetError) as caught:
        load("cifar10dvs", data_dir=tmp_path)
    assert str(caught.value) == (
        f"cifar10dvs: nothing to load in {tmp_path}: expected folders airplane ... truck with "
        ".aedat files (unpack the zip file of each class), in this folder or in CIFAR10DVS or "
        "CIFAR10-DVS or cifar10dvs inside it"
    )


def test_tonics_copy_is_refused_with_a_remedy(folder):
    for path in folder.glob("*/*.aedat"):
        path.rename(path.with_suffix(".aedat4"))
    message = (
        f"cifar10dvs: {folder} holds tonic's .aedat4 files, which are not read: take the original "
        ".aedat files, doi 10.6084/m9.figshare.4724671"
    )
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("cifar10dvs", data_dir=folder)
    for path in folder.glob("*/*.aedat4"):
        path.unlink()
    message = f"no recording in {folder}: expected <class>/cifar10_<class>_<number>.aedat"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("cifar10dvs", data_dir=folder)


def test_a_cut_recording_is_named(folder):
    path = folder / "truck" / "cifar10_truck_9.aedat"
    content = path.read_bytes()[:-1]
    path.write_bytes(content)
    data = load("cifar10dvs", data_dir=folder)
    with pytest.raises(DataSetError) as caught:
        data.verify()
    assert str(caught.value) == (
        f"{path}: truncated at byte {len(content) - 7}: 7 bytes are left of an event of 8 "
        f"(the file has {len(content)})"
    )
