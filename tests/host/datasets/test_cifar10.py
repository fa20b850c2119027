import pickle
import re

import numpy as np
import pytest

from host.datasets import DataSetError, load
from host.datasets.cifar10 import read_binary_batch, read_python_batch

pytestmark = pytest.mark.unit


@pytest.fixture(params=["python", "binary"])
def folder(request, tmp_path, formats):
    return formats.cifar10(tmp_path, version=request.param)


def test_images_are_those_of_the_files(folder, formats):
    for where in (folder, folder.parent):
        data = load("cifar10", data_dir=where)
        assert data.summary() == (
            "cifar10: 20 of 50,000 training images, 4 of 10,000 test images, 10 classes, "
            "each seen for 10 steps, 32x32x3"
        )
        assert (data.encoding, data.window_us) == ("direct", None)
        assert data.class_names[3] == "cat"
        # Image 9 is the second of the third batch: red, green and blue one after the other.
        planes, labels = formats.random_batch(3)
        sample = data.train[9]
        assert (sample.name, sample.label) == ("train 9", labels[1])
        for channel in range(3):
            plane = planes[1, 1024 * channel : 1024 * (channel + 1)].reshape(32, 32)
            for step in (0, 9):
                assert np.array_equal(sample.frames[step, :, :, channel], plane)
        assert data.test.labels.tolist() == list(formats.random_batch(6)[1])


@pytest.mark.parametrize("size", [24, 64])
def test_images_have_one_size(folder, size):
    message = f"size must be left out for the images of 'cifar10' or 32, not {size}"
    with pytest.raises(ValueError, match=message):
        load("cifar10", data_dir=folder, size=size)


def test_a_missing_batch(tmp_path, formats):
    folder = formats.cifar10(tmp_path, version="python")
    (folder / "data_batch_4").unlink()
    with pytest.raises(DataSetError) as caught:
        load("cifar10", data_dir=folder)
    assert str(caught.value) == (
        f"cifar10: nothing to load in {folder}: expected data_batch_1 ... data_batch_5 and "
        "test_batch, all six without an ending (Python version) or all with .bin (binary version), "
        "in this folder or in cifar-10-batches-py or cifar-10-batches-bin inside it"
    )


# --- the binary version -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            bytes(3073 + 9),
            "truncated at byte 3073: 9 bytes are left of a label and an image of 3073",
        ),
        (bytes(3073) + b"\x0a" + bytes(3072), "corrupt at byte 3073: label 10 must be 0 to 9"),
        (b"", "the recording is empty (0 bytes)"),
    ],
)
def test_a_damaged_binary_batch(tmp_path, content, message):
    path = tmp_path / "data_batch_1.bin"
    path.write_bytes(content)
    with pytest.raises(DataSetError) as caught:
        read_binary_batch(path)
    assert str(caught.value) == f"{path}: {message}"


# --- the Python version -----------------------------------------------------------------------


def message_of(path, content):
    path.write_bytes(content)
    with pytest.raises(DataSetError) as caught:
        read_python_batch(path)
    assert str(caught.value).startswith(f"{path}: ")
    return str(caught.value)[len(f"{path}: ") :]


@pytest.mark.parametrize("fortran", [False, True])
def test_arrays_of_either_order(tmp_path, formats, fortran):
    planes, labels = formats.random_batch(1)
    (tmp_path / "a").write_bytes(formats.python_batch(planes, labels, fortran=fortran))
    read, classes = read_python_batch(tmp_path / "a")
    assert np.array_equal(read, planes)
    assert classes.tolist() == list(labels)


@pytest.mark.parametrize(
    ("name", "opcodes"),
    [
        ("os.system", b"cos\nsystem\n(S'touch ran'\ntR."),
        ("posix.system", b"cposix\nsystem\n(S'touch ran'\ntR."),
        ("builtins.eval", b'cbuiltins\neval\n(S\'open("ran", "w")\'\ntR.'),
        ("numpy.fromfile", b"cnumpy\nfromfile\n(S'ran'\ntR."),
    ],
)
def test_nothing_that_a_file_names_is_run(tmp_path, monkeypatch, name, opcodes):
    monkeypatch.chdir(tmp_path)
    assert message_of(tmp_path / "a", opcodes) == (
        f"names {name}, which is refused: the original file needs "
        "numpy.core.multiarray._reconstruct, numpy.ndarray, numpy.dtype only"
    )
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("spoil", ["cut", "garbage", "persistent"])
def test_a_damaged_pickle(tmp_path, formats, spoil):
    content = formats.python_batch(*formats.random_batch(1))
    content = {"cut": content[:-5], "garbage": b"\xff" * 9, "persistent": b"P1\n."}[spoil]
    message = message_of(tmp_path / "a", content)
    assert message.startswith(f"damaged pickle of {len(content)} bytes (")
    assert message.endswith("): fetch it again")


def stored(**fields):
    return pickle.dumps({name.encode(): value for name, value in fields.items()}, protocol=4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps([1], protocol=2), "must hold a dictionary, not list"),
        (stored(labels=[1]), "field 'data' is missing"),
        (stored(data=b"x"), "field 'labels' is missing"),
        (stored(data=b"x", labels=[1]), "field 'data' must be an array, not bytes"),
    ],
)
def test_a_pickle_of_something_else(tmp_path, content, message):
    assert message_of(tmp_path / "a", content) == message


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": [1, 2, 3]}, "field 'labels' must be a list of 4 numbers, not 3"),
        ({"labels": 7}, "field 'labels' must be a list of 4 numbers, not int"),
        ({"labels": [1, 2, 10, 3]}, "label 2 must be 0 to 9, not 10"),
        ({"labels": [1, b"2", 1, 3]}, "label 1 must be 0 to 9, not b'2'"),
        ({"shape": (4, 3071)}, "field 'data' must have (4, 3071) bytes, not 12288"),
        ({"shape": (-4, -3072)}, "field 'data' must have (-4, -3072) bytes, not 12288"),
        ({"shape": (4, b"a")}, "field 'data' must have a shape of integers, not (4, b'a')"),
        ({"shape": (12288,)}, "field 'data' must have shape (images, 3072), not (12288,)"),
        ({"shape": (3072, 4)}, "field 'data' must have shape (images, 3072), not (3072, 4)"),
        ({"kind": b"f4"}, "field 'data' must be an array of unsigned bytes"),
    ],
)
def test_fields_that_do_not_fit(tmp_path, formats, changes, message):
    planes, labels = formats.random_batch(1)
    content = formats.python_batch(planes, **{"labels": labels, **changes})
    assert message_of(tmp_path / "a", content) == message


def test_an_array_without_a_state(tmp_path):
    content = b"\x80\x02}(U\x04datacnumpy\nndarray\n)RU\x06labels]u."
    message = "field 'data' must be an array of unsigned bytes"
    assert re.escape(message_of(tmp_path / "a", content)) == re.escape(message)
