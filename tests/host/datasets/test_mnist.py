import gzip
import re

import numpy as np
import pytest

from host.datasets import DataSetError, load
from host.datasets.images import ImageStore
from host.datasets.preview import main

pytestmark = pytest.mark.unit

TRAIN, TEST = "train-images-idx3-ubyte", "t10k-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte"


@pytest.fixture
def folder(tmp_path, formats):
    return formats.mnist(tmp_path / "mnist")


@pytest.fixture
def real_images(data_dir):
    """Folder that holds the real MNIST; skips where there is none."""
    if not (data_dir / "mnist").is_dir():
        pytest.skip(f"TLBPTT_DATA names {data_dir}, which holds no mnist")
    return data_dir


@pytest.mark.parametrize("where", ["the folder", "its parent"])
@pytest.mark.parametrize("packed", [False, True])
def test_images_are_those_of_the_files(tmp_path, formats, where, packed):
    folder = formats.mnist(tmp_path / "mnist", packed=packed)
    data = load("mnist", data_dir=folder if where == "the folder" else tmp_path)
    assert data.summary() == (
        "mnist: 30 of 60,000 training images, 20 of 10,000 test images, 10 classes, "
        "each seen for 10 steps, 28x28x1"
    )
    assert (data.encoding, data.window_us, data.classes) == ("direct", None, 10)
    pixels, labels = formats.random_images(1, 30)
    assert data.train.labels.tolist() == labels.tolist()
    sample = data.train[7]
    assert (sample.name, sample.label) == ("train 7", labels[7])
    assert sample.frames.shape == (10, 28, 28, 1)
    assert sample.frames.dtype == np.uint8
    for step in range(10):
        assert np.array_equal(sample.frames[step, ..., 0], pixels[7])
    assert np.array_equal(data.test[3].frames[0, ..., 0], formats.random_images(0, 20)[0][3])


def test_an_image_takes_no_memory_per_step(folder):
    sample = load("mnist", data_dir=folder, windows=200).train[0]
    assert sample.frames.shape == (200, 28, 28, 1)
    assert sample.frames.strides[0] == 0
    assert not sample.frames.flags.writeable


def test_limits_are_balanced(folder):
    data = load("mnist", data_dir=folder, train_limit=10, test_limit=20)
    assert np.bincount(data.train.labels, minlength=10).tolist() == [1] * 10
    assert "10 of 60,000 training images (30 found)" in data.summary()


def test_folder_of_the_environment(folder, monkeypatch):
    monkeypatch.setenv("TLBPTT_DATA", str(folder.parent))
    assert len(load("mnist").train) == 30


# --- options of images ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"window_us": 10_000},
            "window_us (--window-ms) must be left out for the images of 'mnist', not 10000: "
            "an image is the same at every step",
        ),
        ({"downsample": 1}, "downsample (--downsample) must be left out for the images of 'mnist'"),
        ({"size": 14}, "size must be left out for the images of 'mnist' or 28, not 14"),
        ({"size": 0}, "size must be at least 1, not 0"),
        ({"windows": 0}, "windows must be at least 1, not 0"),
    ],
)
def test_refuses(folder, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        load("mnist", data_dir=folder, **options)


def test_their_own_size_may_be_named(folder):
    assert load("mnist", data_dir=folder, size=28).shape == (28, 28, 1)


def test_a_preview_shows_images(folder, tmp_path, capsys):
    path = tmp_path / "a.png"
    assert main(["mnist", "--data-dir", str(folder), "--output", str(path)]) == 0
    assert path.read_bytes().startswith(b"\x89PNG")
    assert main(["mnist", "--data-dir", str(folder), "--window-us", "5"]) == 2
    assert "window_us (--window-ms) must be left out" in capsys.readouterr().err


# --- bad input --------------------------------------------------------------------------------


def test_missing_folder_and_files(folder, tmp_path, no_environment):
    expected = (
        "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and "
        "t10k-labels-idx1-ubyte, each plain or with .gz, in "
    )
    with pytest.raises(DataSetError) as caught:
        load("mnist")
    assert str(caught.value) == (
        "mnist: no folder given: name a folder that holds it (data_dir, --data-dir or "
        f"TLBPTT_DATA), with {expected}it or in mnist or MNIST/raw inside it"
    )
    (folder / LABELS).unlink()
    with pytest.raises(DataSetError) as caught:
        load("mnist", data_dir=folder)
    assert str(caught.value) == (
        f"mnist: nothing to load in {folder}: expected {expected}this folder or in mnist or "
        "MNIST/raw inside it"
    )


def test_a_cut_file_is_named(folder):
    path = folder / TEST
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataSetError, match=re.escape(f"{path}: truncated at byte 15695: 20 x 28")):
        load("mnist", data_dir=folder)


def test_labels_and_images_that_do_not_match(folder, formats):
    path = folder / LABELS
    path.write_bytes(formats.idx_bytes(np.zeros(29, np.uint8)))
    with pytest.raises(DataSetError) as caught:
        load("mnist", data_dir=folder)
    assert str(caught.value) == (
        f"{path}: corrupt at byte 4: {TRAIN} has 30 images, this file 29 labels"
    )


def test_a_label_that_is_no_class(folder, formats):
    labels = np.zeros(30, np.uint8)
    labels[5], labels[9] = 10, 200
    path = folder / LABELS
    path.write_bytes(formats.idx_bytes(labels))
    with pytest.raises(DataSetError) as caught:
        load("mnist", data_dir=folder)
    assert str(caught.value) == f"{path}: corrupt at byte 13: label 10 must be 0 to 9"


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((30, 28, 20), "corrupt at byte 8: images must have 28x28 pixels, not 28x20"),
        ((30, 28), "in 3 dimensions starts with 00 00 08 03, not 00 00 08 02"),
        ((0, 28, 28), "corrupt at byte 4: the file holds 0 images"),
    ],
)
def test_images_of_another_kind(folder, formats, shape, message):
    (folder / TRAIN).write_bytes(formats.idx_bytes(np.zeros(shape, np.uint8)))
    if not shape[0]:
        (folder / LABELS).write_bytes(formats.idx_bytes(np.zeros(0, np.uint8)))
    with pytest.raises(DataSetError, match=re.escape(f"{folder / TRAIN}: ")) as caught:
        load("mnist", data_dir=folder)
    assert message in str(caught.value)


def test_a_store_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match=r"images must be uint8 of shape .* not float64"):
        ImageStore(np.zeros((2, 3, 3, 1)), np.zeros(2, np.int64), 4, "train")
    with pytest.raises(ValueError, match="labels must have 2 elements, not 3"):
        ImageStore(np.zeros((2, 3, 3, 1), np.uint8), np.zeros(3, np.int64), 4, "train")


# --- the real files ---------------------------------------------------------------------------


def test_real_images(real_images):
    data = load("mnist", data_dir=real_images)
    assert data.summary() == (
        "mnist: 60,000 training images, 10,000 test images, 10 classes, each seen for 10 steps, "
        "28x28x1"
    )
    assert data.train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert np.bincount(data.test.labels).tolist() == [
        980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009,
    ]  # fmt: skip
    image = data.train[0].frames[0, ..., 0]
    assert (image[:5] == 0).all()  # digits are centred in a margin of 4 and more
    assert image[5, 12] == 3  # first pixel of the first image
    assert image[5, 23] == 127
    mean = np.mean([data.train[i].frames[0].mean() for i in range(500)])
    assert 31 < mean < 36  # 33.3 over all 60,000


def test_gzip_and_plain_are_the_same(real_images, tmp_path):
    packed = real_images / "mnist" / f"{TEST}.gz"
    if not packed.is_file():
        pytest.skip("the folder holds no packed file")
    from host.datasets.idx import read_idx

    plain = tmp_path / TEST
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    assert np.array_equal(read_idx(plain, 3), read_idx(packed, 3))
