import re

import pytest

from host.datasets import DataSetError
from host.datasets.atis import check_size, parse_atis, read_atis

pytestmark = pytest.mark.unit


def test_five_bytes_are_an_event():
    content = bytes([33, 2, 0x81, 0x02, 0x03, 0, 33, 0x7F, 0xFF, 0xFF])
    events = parse_atis(content, "f", 34, 34)
    assert events.x.tolist() == [33, 0]
    assert events.y.tolist() == [2, 33]
    assert events.polarity.tolist() == [1, 0]
    assert events.t_us.tolist() == [0x010203, 0x7FFFFF]


def test_overflow_marks_add_to_the_time_and_are_no_events(formats):
    content = formats.nmnist_bytes([(1, 1, 0, 8000), (0, 240, 0, 0), (2, 2, 1, 5)])
    events = parse_atis(content, "f", 34, 34)
    assert events.t_us.tolist() == [8000, 8192 + 5]
    assert events.x.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ((239, 180, 0, 9), "event at x = 239, y = 180 is outside the 240x180 sensor"),
        ((240, 179, 0, 9), "event at x = 240, y = 179 is outside the 240x180 sensor"),
        ((239, 179, 0, 1), "time goes back from 5 to 1 us"),
    ],
)
def test_an_event_that_cannot_be(formats, event, message):
    content = formats.nmnist_bytes([(0, 0, 0, 5), event])
    with pytest.raises(DataSetError) as caught:
        parse_atis(content, "f", 240, 180)
    assert str(caught.value) == f"f: corrupt at byte 5: {message}"


def test_order_need_not_matter(formats):
    content = formats.nmnist_bytes([(0, 0, 0, 5), (239, 179, 1, 1)])
    assert parse_atis(content, "f", 240, 180, ordered=False).t_us.tolist() == [5, 1]


def test_a_cut_or_empty_file_is_refused_by_its_size(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(12))
    message = f"{path}: truncated at byte 10: 2 bytes are left of an event of 5 (the file has 12)"
    with pytest.raises(DataSetError, match=re.escape(message)):
        check_size(path, 12)
    with pytest.raises(DataSetError, match=re.escape(message)):
        read_atis(path, 34, 34)
    path.write_bytes(b"")
    with pytest.raises(DataSetError, match="the recording is empty"):
        check_size(path, 0)
    check_size(path, 10)
