import re

import numpy as np
import pytest

from host.datasets import DataSetError, load

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path, formats):
    return formats.emnist(tmp_path / "EMNIST" / "raw")


@pytest.mark.parametrize("where", ["the folder", "the data folder"])
@pytest.mark.parametrize("packed", [False, True])
def test_images_are_upright(tmp_path, formats, where, packed):
    folder = formats.emnist(tmp_path / "EMNIST" / "raw", packed=packed)
    data = load("emnist", data_dir=folder if where == "the folder" else tmp_path)
    assert data.summary() == (
        "emnist: 94 of 112,800 training images, 47 of 18,800 test images, 47 classes, "
        "each seen for 20 steps, 28x28x1"
    )
    pixels, labels = formats.random_images(1, 94, classes=47)
    assert data.train.labels.tolist() == labels.tolist()
    sample = data.train[50]
    assert (sample.name, sample.label) == ("train 50", labels[50])
    for step in (0, 19):
        for row in range(28):
            for column in range(28):
                # The files hold column after column.
                assert sample.frames[step, row, column, 0] == pixels[50, column, row]
    assert data.train[0].frames.strides[0] == 0


def test_classes_have_the_published_names(folder):
    data = load("emnist", data_dir=folder)
    assert "".join(data.class_names) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
    assert data.classes == 47


def test_a_label_that_is_no_class(folder, formats):
    path = folder / "emnist-balanced-test-labels-idx1-ubyte"
    path.write_bytes(formats.idx_bytes(np.full(47, 47, np.uint8)))
    message = f"{path}: corrupt at byte 8: label 47 must be 0 to 46"
    with pytest.raises(DataSetError, match=re.escape(message)):
        load("emnist", data_dir=folder)


def test_missing_files(folder):
    (folder / "emnist-balanced-test-labels-idx1-ubyte").unlink()
    with pytest.raises(DataSetError) as caught:
        load("emnist", data_dir=folder)
    assert str(caught.value) == (
        f"emnist: nothing to load in {folder}: expected emnist-balanced-train-images-idx3-ubyte, "
        "emnist-balanced-train-labels-idx1-ubyte, emnist-balanced-test-images-idx3-ubyte and "
        "emnist-balanced-test-labels-idx1-ubyte, each plain or with .gz, in this folder or in "
        "emnist or EMNIST/raw or EMNIST or gzip inside it"
    )
