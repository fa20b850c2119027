import re

import numpy as np
import pytest

from host.datasets import DataSetError, load
from host.datasets.ncaltech101 import CLASS_NAMES

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, formats):
    return formats.ncaltech101(tmp_path / "Caltech101")


def test_classes_are_those_of_caltech101_without_faces():
    assert len(CLASS_NAMES) == len(set(CLASS_NAMES)) == 101
    assert list(CLASS_NAMES) == sorted(CLASS_NAMES)
    assert "Faces" not in CLASS_NAMES
    assert CLASS_NAMES[5] == "airplanes"


@pytest.mark.parametrize("where", ["the folder", "its parent"])
@pytest.mark.parametrize(("size", "factor"), [(48, 5), (60, 4), (32, 7)])
def test_frames_are_those_of_the_events(folder, formats, where, size, factor):
    data = load(
        "ncaltech101", data_dir=folder if where == "the folder" else folder.parent, size=size
    )
    assert data.summary() == (
        "ncaltech101: 4 training recordings, 2 test recordings, 101 classes, "
        f"60 frames of 5 ms, {size}x{size}x2"
    )
    assert data.test.labels.tolist() == [5, 100]
    sample = data.train[1]
    assert (sample.name, sample.label) == ("airplanes/image_0011.bin", 5)
    rows = [(x, y + 30, p, t) for x, y, p, t in formats.caltech_events(5, 11)]
    assert np.array_equal(sample.frames, formats.naive_frames(rows, 60, 5_000, size, factor, 240))


def test_at_the_default_edge_no_pixel_is_lost(tmp_path, formats):
    path = tmp_path / "Caltech101" / "ant" / "image_0001.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(formats.nmnist_bytes([(0, 0, 0, 0), (239, 179, 1, 299_999)]))
    (path.parent / "image_0010.bin").write_bytes(path.read_bytes())
    frames = load("ncaltech101", data_dir=tmp_path).train[0].frames
    assert np.argwhere(frames).tolist() == [[0, 6, 0, 0], [59, 41, 47, 1]]


# --- bad input --------------------------------------------------------------------------------


def test_no_folder_and_folder_of_something_else(tmp_path, no_environment):
    expected = "a folder for each class, such as airplanes/image_0001.bin, in "
    inner = "Caltech101 or N-Caltech101 or N-Caltech101/Caltech101 or NCALTECH101/Caltech101"
    with pytest.raises(DataSetError, match=re.escape(f"with {expected}it or in {inner} inside")):
        load("ncaltech101")
    with pytest.raises(DataSetError) as caught:
        load("ncaltech101", data_dir=tmp_path)
    assert str(caught.value) == (
        f"ncaltech101: nothing to load in {tmp_path}: expected {expected}this folder or in "
        f"{inner} inside it"
    )


def test_photographs_are_no_recordings(tmp_path):
    (tmp_path / "ant").mkdir()
    (tmp_path / "ant" / "image_0001.jpg").write_bytes(b"x")
    message = (
        f"ncaltech101: no recording in {tmp_path}: expected <class>/image_NNNN.bin of "
        "N-Caltech101, not the photographs of Caltech101"
    )
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("ncaltech101", data_dir=tmp_path)


def test_damaged_recordings(folder, formats):
    path = folder / "airplanes" / "image_0001.bin"
    content = path.read_bytes()
    path.write_bytes(content[:-1])
    with pytest.raises(DataSetError, match=re.escape(f"{path}: truncated at byte")):
        load("ncaltech101", data_dir=folder)
    path.write_bytes(content + formats.nmnist_bytes([(3, 180, 0, 0)]))
    message = (
        f"{path}: corrupt at byte {len(content)}: event at x = 3, y = 180 is outside the 240x180"
    )
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("ncaltech101", data_dir=folder).train[0]
