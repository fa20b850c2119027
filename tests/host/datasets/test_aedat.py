import re

import numpy as np
import pytest

from host.datasets import DataSetError
from host.datasets.aedat import parse_aedat, read_aedat

pytestmark = pytest.mark.unit

EVENTS = [(1, 2, 0, 10), (127, 0, 1, 20), (0, 127, 1, 20)]


def rows(events):
    columns = (events.x, events.y, events.polarity, events.t_us)
    return [tuple(int(v) for v in row) for row in zip(*columns, strict=True)]


def test_packets_are_joined(formats, tmp_path):
    more = formats.random_events(3, 500, 128, 9_000)
    content = formats.aedat_header + b"".join(
        formats.polarity_packet(part) for part in (EVENTS, more[:1], [], more[1:])
    )
    path = tmp_path / "a.aedat"
    path.write_bytes(content)
    assert rows(read_aedat(path, 128)) == EVENTS + more


def test_invalid_events_unused_room_and_other_packets_are_left_out(formats):
    content = formats.aedat_header
    content += formats.polarity_packet([(5, 5, 1, 1, 0), (6, 6, 1, 2)], capacity=9)
    content += formats.polarity_packet([(500, 500, 1, 1)], kind=0)  # special events
    content += formats.polarity_packet([(7, 7, 0, 3), (999, 999, 0, 4, 0)])
    assert rows(parse_aedat(content, "f", 128)) == [(6, 6, 1, 2), (7, 7, 0, 3)]


def test_overflow_is_bit_31_of_the_time(formats):
    content = formats.aedat_header + formats.polarity_packet([(1, 1, 1, 5)], overflow=2)
    assert parse_aedat(content, "f", 128).t_us.tolist() == [(2 << 31) + 5]


def test_file_without_events(formats):
    assert len(parse_aedat(formats.aedat_header, "f", 128)) == 0


def test_speed_does_not_depend_on_the_number_of_events(formats):
    # 100,000 events in packets of 2,000: parsed as arrays, not one by one.
    part = formats.polarity_packet(formats.random_events(1, 2000, 128, 9_000))
    events = parse_aedat(formats.aedat_header + 50 * part, "f", 128)
    assert len(events) == 100_000
    assert np.array_equal(events.x[:2000], events.x[2000:4000])


@pytest.mark.parametrize("cut", [1, 27])
def test_cut_packet_header(formats, cut):
    content = formats.aedat_header + formats.polarity_packet(EVENTS)
    message = f"f: truncated at byte {len(content)}: {cut} bytes are left of a packet header of 28"
    with pytest.raises(DataSetError) as caught:
        parse_aedat(content + formats.polarity_packet(EVENTS)[:cut], "f", 128)
    assert str(caught.value) == message


def test_cut_packet(formats):
    content = formats.aedat_header + formats.polarity_packet(EVENTS)[:-3]
    start = len(formats.aedat_header)
    with pytest.raises(DataSetError) as caught:
        parse_aedat(content, "f", 128)
    assert str(caught.value) == (
        f"f: truncated at byte {len(content)}: the packet at byte {start} needs 24 bytes of "
        "events, 21 are left"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid": 4}, "packet header says 4 valid events of 3 in room for 3"),
        (
            {"size": 12},
            "polarity events must have 8 bytes with the time at 4, not 12 with the time at 4",
        ),
        (
            {"offset": 0},
            "polarity events must have 8 bytes with the time at 4, not 8 with the time at 0",
        ),
    ],
)
def test_packet_that_contradicts_itself(formats, options, message):
    good = formats.aedat_header + formats.polarity_packet(EVENTS)
    content = good + formats.polarity_packet(EVENTS, **options)
    with pytest.raises(DataSetError) as caught:
        parse_aedat(content, "f", 128)
    assert str(caught.value) == f"f: corrupt at byte {len(good)}: {message}"


def test_more_events_than_room(formats):
    packet = bytearray(formats.polarity_packet(EVENTS))
    packet[16] = 2
    with pytest.raises(DataSetError, match="says 3 valid events of 3 in room for 2"):
        parse_aedat(formats.aedat_header + bytes(packet), "f", 128)


def test_event_outside_the_sensor_names_its_byte(formats):
    first = formats.polarity_packet(EVENTS, capacity=5)
    second = formats.polarity_packet([(0, 0, 0, 1), (0, 0, 0, 2), (3, 128, 0, 3)])
    content = formats.aedat_header + first + second
    byte = len(formats.aedat_header) + len(first) + 28 + 16
    with pytest.raises(DataSetError) as caught:
        parse_aedat(content, "f", 128)
    assert str(caught.value) == (
        f"f: corrupt at byte {byte}: event at x = 3, y = 128 is outside the 128x128 sensor"
    )


def test_no_aedat_file():
    message = "f: corrupt at byte 0: an AEDAT 3 file starts with '#!AER-DAT3', not b'hello'"
    with pytest.raises(DataSetError, match=re.escape(message)):
        parse_aedat(b"hello", "f", 128)


@pytest.mark.parametrize("content", [b"#!AER-DAT3.1\r\n", b"#!AER-DAT3.1\r\n\x01\x00\n"])
def test_header_without_end(content):
    with pytest.raises(DataSetError, match="f: corrupt at byte 14: '#!END-HEADER' is missing"):
        parse_aedat(content, "f", 128)
