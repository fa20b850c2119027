import re
from pathlib import Path

import pytest

from host.datasets import DataSetError
from host.datasets.class_folders import Files, list_files, recording_number, split_by_number

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path):
    for name in ("cat/a_10.x", "cat/a_9.x", "cat/notes.txt", "ant/b_1.x", "other/c_1.x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"12")
    return tmp_path


def test_files_are_listed_by_class_then_by_number(folder):
    files = list_files(folder, ("ant", "bee", "cat"), ".x")
    assert [path.relative_to(folder).as_posix() for path in files.paths] == [
        "ant/b_1.x", "cat/a_9.x", "cat/a_10.x",
    ]  # fmt: skip
    assert files.labels == (0, 2, 2)
    assert len(list_files(folder, ("bee",), ".x")) == 0


def test_sizes_are_handed_on(folder):
    seen = []
    list_files(folder, ("cat",), ".x", lambda path, size: seen.append((path.name, size)))
    assert seen == [("a_9.x", 2), ("a_10.x", 2)]


def numbered(*numbers):
    paths = tuple(Path(f"/d/c/image_{number:04d}.bin") for number in numbers)
    return Files(paths, tuple(range(len(paths))))


def test_every_tenth_is_for_test_whatever_is_there():
    train, test = split_by_number("d", Path("/d"), numbered(*range(31)))
    assert test.labels == (0, 10, 20, 30)
    assert train.labels == tuple(n for n in range(31) if n % 10)
    train, test = split_by_number("d", Path("/d"), numbered(11, 20, 19, 21))
    assert [path.name for path in test.paths] == ["image_0020.bin"]
    assert train.labels == (0, 2, 3)


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((1, 2), "no recording for test in /d: expected files whose number is a multiple of 10"),
        (
            (10, 20),
            "no recording for training in /d: expected files whose number is no multiple of 10",
        ),
    ],
)
def test_a_side_without_a_recording(numbers, message):
    with pytest.raises(DataSetError) as caught:
        split_by_number("d", Path("/d"), numbered(*numbers))
    assert str(caught.value) == f"d: {message}"


def test_a_name_without_a_number():
    assert recording_number(Path("cifar10_cat_12.aedat")) == 12
    message = (
        "/d/cat_a.bin: name must end in the recording's number and .bin, which decides between "
        "training and test, not 'cat_a.bin'"
    )
    with pytest.raises(DataSetError, match=re.escape(message)):
        recording_number(Path("/d/cat_a.bin"))
