import gzip
import re

import numpy as np
import pytest

from host.datasets import DataSetError
from host.datasets.idx import parse_idx, read_idx

pytestmark = pytest.mark.unit

IMAGES = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)


def test_the_layout_is_read_byte_for_byte():
    content = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30, 40, 50, 255])
    assert parse_idx(content, "f", 3).tolist() == [[[10, 20, 30]], [[40, 50, 255]]]
    assert parse_idx(bytes([0, 0, 8, 1, 0, 0, 0, 2, 7, 9]), "f", 1).tolist() == [7, 9]


def test_sizes_are_big_endian():
    content = bytes([0, 0, 8, 1, 0, 0, 1, 2]) + bytes(258)
    assert parse_idx(content, "f", 1).shape == (258,)


@pytest.mark.parametrize("name", ["a.gz", "a"])
@pytest.mark.parametrize("packed", [False, True])
def test_gzip_is_seen_by_its_content(tmp_path, formats, name, packed):
    content = formats.idx_bytes(IMAGES)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if packed else content)
    assert np.array_equal(read_idx(path, 3), IMAGES)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            bytes([0, 0, 8, 1, 0, 0, 0, 0]),
            "corrupt at byte 0: an idx file of unsigned bytes in 3 dimensions starts with "
            "00 00 08 03, not 00 00 08 01",
        ),
        (b"\x00\x00\x0d\x03" + bytes(12), "starts with 00 00 08 03, not 00 00 0d 03"),
        (b"PK\x03\x04", "starts with 00 00 08 03, not 50 4b 03 04"),
        (b"\x00\x00", "starts with 00 00 08 03, not 00 00"),
        (
            bytes([0, 0, 8, 3, 0, 0, 0, 2, 0]),
            "truncated at byte 9: the header of 3 sizes has 16 bytes",
        ),
    ],
)
def test_a_header_that_is_wrong(content, message):
    with pytest.raises(DataSetError, match=re.escape(message)) as caught:
        parse_idx(content, "somewhere/f", 3)
    assert str(caught.value).startswith("somewhere/f: ")


def test_a_file_that_ends_early_or_late(formats):
    content = formats.idx_bytes(IMAGES)
    with pytest.raises(DataSetError) as caught:
        parse_idx(content[:-5], "f", 3)
    assert str(caught.value) == (
        "f: truncated at byte 35: 2 x 3 x 4 elements behind the header end at byte 40"
    )
    with pytest.raises(DataSetError) as caught:
        parse_idx(content + b"xyz", "f", 3)
    assert str(caught.value) == (
        "f: corrupt at byte 40: 2 x 3 x 4 elements end here, 3 more bytes follow"
    )


def test_sizes_that_no_memory_holds_are_no_allocation():
    with pytest.raises(DataSetError, match=r"end at byte 79228162458924105385300197391"):
        parse_idx(b"\x00\x00\x08\x03" + b"\xff" * 12, "f", 3)


@pytest.mark.parametrize("spoil", ["cut", "flip"])
def test_damaged_gzip(tmp_path, formats, spoil):
    packed = bytearray(gzip.compress(formats.idx_bytes(IMAGES)))
    if spoil == "cut":
        packed = packed[:-9]
    else:
        packed[-6] ^= 0xFF  # checksum
    path = tmp_path / "a.gz"
    path.write_bytes(packed)
    with pytest.raises(
        DataSetError, match=re.escape(f"{path}: damaged gzip file of {len(packed)}")
    ):
        read_idx(path, 3)


def test_missing_and_empty(tmp_path):
    with pytest.raises(DataSetError, match="cannot be read: No such file"):
        read_idx(tmp_path / "a", 3)
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(DataSetError, match="is empty"):
        read_idx(tmp_path / "a", 3)
